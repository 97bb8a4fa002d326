// UTF-8 from outside, as browsers decode it: one U+FFFD for each longest prefix of a character that is not
// one.
#pragma once

#include <cstddef>
#include <string_view>

namespace footman::web {

struct DecodedChar {
  char32_t code = 0;      // U+FFFD for bytes that are no character
  std::size_t bytes = 0;  // taken
  bool valid = true;
  bool cut = false;  // the text ended inside what may still become a character
};

// The first character of a text that is not empty.
DecodedChar decode_utf8(std::string_view text);

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace footman::web
