#include "base/utf8.hpp"

namespace footman::base {
namespace {

struct Lead {
  std::size_t size = 0;  // 0: no character begins so
  unsigned char low = 0x80;
  unsigned char high =
      0xbf;  // of the second byte: keeps overlong forms, surrogates and too large numbers out
};

Lead lead_of(unsigned char first) {
  if (first >= 0xc2 && first <= 0xdf) return {2};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {3};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  if (first >= 0xf1 && first <= 0xf3) return {4};
  return {};
}

}  // namespace

DecodedChar decode_utf8(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const auto lead = lead_of(first);
  if (lead.size == 0) return {0xfffd, 1, false};
  char32_t code = first & (0xffU >> (lead.size + 1));
  for (std::size_t i = 1; i < lead.size; ++i) {
    if (i == text.size()) return {0xfffd, i, false, true};
    const auto next = static_cast<unsigned char>(text[i]);
    const bool fits = i == 1 ? next >= lead.low && next <= lead.high : (next & 0xc0U) == 0x80;
    if (!fits) return {0xfffd, i, false};
    code = (code << 6U) | (next & 0x3fU);
  }
  return {code, lead.size};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto next = decode_utf8(text);
    if (!next.valid) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::string_view cut_utf8(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  const auto is_inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80;
  };
  auto end = max;
  while (end > 0 && max - end < 3 && is_inside(end)) --end;
  return text.substr(0, is_inside(end) ? max : end);  // what is no character is cut anywhere
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto next = decode_utf8(text);
    out += next.valid ? text.substr(0, next.bytes) : kReplacement;
    text.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace footman::base
