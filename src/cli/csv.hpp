// Comma-separated values, as RFC 4180 has them.
#pragma once

#include <string>

namespace footman::cli {

inline std::string csv_field(std::string text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  for (std::size_t at = 0; (at = text.find('"', at)) != text.npos; at += 2) text.insert(at, 1, '"');
  return '"' + text + '"';
}

}  // namespace footman::cli
