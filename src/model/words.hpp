// Enumerators and their stable words, in one table per enum: to_string and find_ cannot disagree.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/check.hpp"

namespace footman::model {

template <class Enum>
struct Word {
  Enum value;
  std::string_view text;
};

template <class Enum, std::size_t N>
std::string_view get_word(const Word<Enum> (&table)[N], Enum value) {
  for (const auto& word : table)
    if (word.value == value) return word.text;
  base::check_failed(__FILE__, __LINE__, "value in table", "an enumerator without a word");
}

template <class Enum, std::size_t N>
std::optional<Enum> find_value(const Word<Enum> (&table)[N], std::string_view text) {
  for (const auto& word : table)
    if (word.text == text) return word.value;
  return std::nullopt;
}

}  // namespace footman::model
