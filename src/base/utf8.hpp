// UTF-8 in texts from outside: no overlong forms, no surrogates, nothing above U+10FFFF. What is not UTF-8 is
// shown as browsers do it: one U+FFFD for each longest prefix of a character that is not one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace footman::base {

struct DecodedChar {
  char32_t code = 0;      // U+FFFD for bytes that are no character
  std::size_t bytes = 0;  // taken
  bool valid = true;
  bool cut = false;  // the text ended inside what may still become a character
};

// The first character of a text that is not empty.
DecodedChar decode_utf8(std::string_view text);

bool is_utf8(std::string_view text);
// The longest start of the text that has at most `max` bytes and does not end inside a character.
std::string_view cut_utf8(std::string_view text, std::size_t max);
std::string replace_invalid_utf8(std::string_view text);

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace footman::base
