// Keys that stand twice in one object of a JSON text: parsers take one of the two without a word.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace footman::base {

struct DoubleKey {
  std::string key;     // as it is written, without the quotes
  std::size_t at = 0;  // of the second one
};

// The first one. `text` is JSON, which a parser has read. A key is taken as it is written: one with escapes
// is another one than the same without.
std::optional<DoubleKey> find_double_key(std::string_view text);

}  // namespace footman::base
