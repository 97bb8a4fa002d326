#include "net/head_io.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::net {

runtime::Awaitable<base::Result<ResponseHead>> read_response_head(runtime::ByteStream* stream,
                                                                  std::string* rest, std::size_t max_bytes) {
  std::size_t looked_at = 0;
  while (true) {
    if (const auto end = find_head_end(*rest, looked_at)) {
      auto head = parse_response_head(std::string_view(*rest).substr(0, *end), {8192, max_bytes, 200});
      if (!head) co_return base::fail(base::Errc::corrupt, head.error().message);
      rest->erase(0, *end);
      looked_at = 0;
      if (head->status >= 200 || head->status == 101) co_return std::move(*head);
      continue;
    }
    if (rest->size() > max_bytes)
      co_return base::fail(base::Errc::corrupt, "the answer's headers are too long");
    if (!std::string_view("HTTP/1.").starts_with(std::string_view(*rest).substr(0, 7))) {
      co_return base::fail(base::Errc::corrupt, "the answer is not HTTP/1.1");
    }
    looked_at = rest->size();
    auto more = co_await stream->read(4096);
    if (!more) co_return std::unexpected(more.error());
    if (more->empty()) co_return base::fail(base::Errc::io, "the connection ended before the answer");
    *rest += *more;
  }
}

bool is_clean(const Headers& headers) {
  return std::ranges::all_of(headers.all(), [](const auto& field) {
    const auto control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; };
    return !field.first.empty() && field.first.find_first_of(": ") == std::string::npos &&
           std::ranges::none_of(field.first, control) && std::ranges::none_of(field.second, control);
  });
}

bool is_clean_target(std::string_view target) {
  return std::ranges::none_of(target, [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f; });
}

std::string words_of_body(std::string_view body) {
  constexpr std::size_t kMaxWords = 300;
  constexpr std::string_view kKey = "\"message\":\"";
  if (const auto at = body.find(kKey); at != std::string_view::npos) {
    body.remove_prefix(at + kKey.size());
    body = body.substr(0, body.find('"'));
  } else {
    body = body.substr(0, body.find_first_of("\r\n"));
  }
  std::string words(body.substr(0, kMaxWords));
  std::ranges::replace_if(words, [](char c) { return c < ' ' || c > '~'; }, '?');
  return words;
}

}  // namespace footman::net
