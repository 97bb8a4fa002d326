#include "net/http_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/address.hpp"
#include "net/text.hpp"

namespace footman::net {
namespace {

constexpr std::size_t kMaxMethodBytes = 16;
constexpr std::size_t kMaxQueryFields = 200;
constexpr std::size_t kMaxChunkOverhead = 16 * 1024;  // extensions and trailers of one body
constexpr std::size_t kMaxChunkDigits = 15;

std::unexpected<HttpProblem> problem(int status, std::string message) {
  return std::unexpected(HttpProblem{status, std::move(message)});
}

bool is_token_char(char c) { return is_alnum(c) || (c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr); }
bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }
bool is_value_char(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); }

// The next line without its CRLF. The head ends with an empty line, so there always is one.
std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find("\r\n"), rest.size());
  const auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 2, rest.size()));
  return line;
}

HttpParsed<Headers> parse_fields(std::string_view rest, const HttpHeadLimits& limits) {
  Headers headers;
  while (true) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') return problem(400, "a folded header line");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return problem(400, "a header line without a colon");
    const auto name = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (!is_token(name)) return problem(400, "a header name with a character that may not stand there");
    if (!std::ranges::all_of(value, is_value_char)) {
      return problem(400, fmt::format("the header {} has a control character", name));
    }
    if (headers.all().size() >= limits.header_count) {
      return problem(431, fmt::format("more than {} headers", limits.header_count));
    }
    headers.add(std::string(name), std::string(value));
  }
  if (!rest.empty()) return problem(400, "an empty line inside the head");
  return headers;
}

// The header's only value. Given twice is an error: two parsers could take different ones.
HttpParsed<std::optional<std::string_view>> single(const Headers& headers, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : headers.all()) {
    if (!equal_ignoring_case(key, name)) continue;
    if (found) return problem(400, fmt::format("the header {} is given twice", name));
    found = value;
  }
  return found;
}

HttpParsed<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit))
    return problem(400, "Content-Length is not a number");
  if (text.size() > 18) return problem(413, "Content-Length is too large");
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

bool wants_keep_alive(const Headers& headers, bool http_1_0) {
  bool close = false;
  bool keep = false;
  for (const auto& [key, value] : headers.all()) {
    if (!equal_ignoring_case(key, "connection")) continue;
    close = close || has_token(value, "close");
    keep = keep || has_token(value, "keep-alive");
  }
  return !close && (!http_1_0 || keep);
}

HttpParsed<HttpFraming> parse_framing(const Headers& headers, bool http_1_0) {
  HttpFraming framing;
  framing.keep_alive = wants_keep_alive(headers, http_1_0);
  auto length = single(headers, "Content-Length");
  if (!length) return std::unexpected(length.error());
  auto coding = single(headers, "Transfer-Encoding");
  if (!coding) return std::unexpected(coding.error());
  if (*length && *coding) return problem(400, "both Content-Length and Transfer-Encoding");
  if (*length) {
    auto value = parse_length(**length);
    if (!value) return std::unexpected(value.error());
    framing.length = *value;
  }
  if (*coding) {
    if (http_1_0) return problem(400, "Transfer-Encoding in HTTP/1.0");
    if (!equal_ignoring_case(**coding, "chunked"))
      return problem(501, "a Transfer-Encoding other than chunked");
    framing.chunked = true;
  }
  return framing;
}

// "HTTP/1.1": true for 1.0.
HttpParsed<bool> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return false;
  if (text == "HTTP/1.0") return true;
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
                      is_digit(text[7]);
  if (shaped) return problem(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  return problem(400, "the request line does not end with HTTP/1.1");
}

bool is_known_method(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    if (method == known) return true;
  }
  return false;
}

HttpParsed<void> parse_request_line(std::string_view line, const HttpHeadLimits& limits, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return problem(400, "the request line has not three parts");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(method)) return problem(400, "the method is not a word");
  if (target.size() > limits.target_bytes) {
    return problem(414, fmt::format("the target is longer than {} bytes", limits.target_bytes));
  }
  if (target.empty() || std::ranges::any_of(target, [](char c) { return c <= ' ' || c > '~' || c == '#'; })) {
    return problem(400, "the target has a character that may not stand there");
  }
  const auto old = parse_version(line.substr(last + 1));
  if (!old) return std::unexpected(old.error());
  if (!is_known_method(method))
    return problem(501, fmt::format("the method {} is not known", method.substr(0, kMaxMethodBytes)));
  head.http_1_0 = *old;
  head.request.method = std::string(method);
  head.request.target = std::string(target);
  return {};
}

// "ci.example.com", "10.0.0.1:8080", "[::1]:": what Host may say, which names a host in every case.
bool is_authority(std::string_view text) {
  const bool is_bracketed = text.starts_with('[');
  const auto end = is_bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  const auto port = text.substr(is_bracketed ? end + 1 : end);
  const bool has_port = port.empty() || (port.front() == ':' && port.size() <= 6 &&
                                         std::ranges::all_of(port.substr(1), is_digit));
  const auto good = [](char c) { return is_alnum(c) || (c != 0 && std::strchr("-._~%", c) != nullptr); };
  return has_port && (is_bracketed ? base::is_ipv6(text.substr(1, end - 1))
                                   : end > 0 && std::ranges::all_of(text.substr(0, end), good));
}

HttpParsed<void> check_host(const RequestHead& head) {
  const auto host = single(head.request.headers, "Host");
  if (!host) return std::unexpected(host.error());
  if (!*host) {
    if (head.http_1_0) return {};
    return problem(400, "the header Host is missing");
  }
  if (!is_authority(**host)) return problem(400, "the header Host is not a host");
  return {};
}

// The absolute form, which is for proxies, is taken as its parts: its host counts, and what Host says does
// not (RFC 9112, 3.2.2).
HttpParsed<void> take_absolute_form(HttpRequest& request) {
  constexpr std::string_view kMark = "://";
  const auto mark = request.target.find(kMark);
  const auto scheme = std::string_view(request.target).substr(0, std::min(mark, request.target.size()));
  if (mark == std::string::npos ||
      !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https")))
    return {};
  const auto begin = mark + kMark.size();
  const auto end = std::min(request.target.find_first_of("/?", begin), request.target.size());
  auto authority = request.target.substr(begin, end - begin);
  if (!is_authority(authority)) return problem(400, "the target is a URL without a good host");
  request.headers.set("Host", std::move(authority));
  request.target.erase(0, end);
  if (!request.target.starts_with('/')) request.target.insert(0, "/");
  return {};
}

HttpParsed<void> check_expect(RequestHead& head) {
  const auto expect = single(head.request.headers, "Expect");
  if (!expect) return std::unexpected(expect.error());
  if (!*expect) return {};
  if (!equal_ignoring_case(**expect, "100-continue"))
    return problem(417, "an expectation other than 100-continue");
  head.expect_continue = !head.http_1_0;
  return {};
}

}  // namespace

std::optional<std::size_t> find_head_end(std::string_view bytes, std::size_t from) {
  const auto at = bytes.find("\r\n\r\n", from > 3 ? from - 3 : 0);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

std::optional<HttpProblem> check_partial_head(std::string_view bytes, std::size_t from,
                                              const HttpHeadLimits& limits) {
  for (auto at = bytes.find_first_of(std::string_view("\n\0", 2), from); at != std::string_view::npos;
       at = bytes.find_first_of(std::string_view("\n\0", 2), at + 1)) {
    if (bytes[at] == '\0' || at == 0 || bytes[at - 1] != '\r') {
      return HttpProblem{400, "a line that does not end with CR LF, or a zero byte"};
    }
  }
  const auto method = bytes.substr(0, std::min(bytes.find(' '), bytes.size()));
  if (method.size() > kMaxMethodBytes || !std::ranges::all_of(method, is_token_char)) {
    if (method != "\r") return HttpProblem{400, "this is not HTTP"};
  }
  if (bytes.size() > limits.target_bytes + 64 && bytes.find('\r') > limits.target_bytes + 64) {
    return HttpProblem{414, fmt::format("the target is longer than {} bytes", limits.target_bytes)};
  }
  if (bytes.size() > limits.header_bytes) {
    return HttpProblem{431, fmt::format("the headers are longer than {} bytes", limits.header_bytes)};
  }
  return std::nullopt;
}

HttpParsed<RequestHead> parse_request_head(std::string_view head, const HttpHeadLimits& limits) {
  if (head.size() > limits.header_bytes) {
    return problem(431, fmt::format("the headers are longer than {} bytes", limits.header_bytes));
  }
  RequestHead out;
  auto rest = head;
  const auto line = take_line(rest);
  if (auto good = parse_request_line(line, limits, out); !good) return std::unexpected(good.error());
  auto fields = parse_fields(rest, limits);
  if (!fields) return std::unexpected(fields.error());
  out.request.headers = std::move(*fields);
  if (auto good = check_host(out); !good) return std::unexpected(good.error());
  if (auto good = take_absolute_form(out.request); !good) return std::unexpected(good.error());
  if (auto good = check_expect(out); !good) return std::unexpected(good.error());
  auto framing = parse_framing(out.request.headers, out.http_1_0);
  if (!framing) return std::unexpected(framing.error());
  out.framing = *framing;
  if (auto good = split_target(out.request); !good) return problem(400, good.error().message);
  return out;
}

HttpParsed<ResponseHead> parse_response_head(std::string_view head, const HttpHeadLimits& limits) {
  if (head.size() > limits.header_bytes) return problem(502, "the answer's headers are too long");
  ResponseHead out;
  auto rest = head;
  const auto line = take_line(rest);
  const bool shaped = line.size() >= 12 && line.starts_with("HTTP/1.") && is_digit(line[7]) &&
                      line[8] == ' ' && is_digit(line[9]) && is_digit(line[10]) && is_digit(line[11]) &&
                      (line.size() == 12 || line[12] == ' ');
  if (!shaped) return problem(502, "the answer is not HTTP/1.1");
  out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (out.status < 100) return problem(502, "the answer has no status");
  auto fields = parse_fields(rest, limits);
  if (!fields) return problem(502, fields.error().message);
  out.headers = std::move(*fields);
  auto framing = parse_framing(out.headers, line[7] == '0');
  if (!framing) return problem(502, framing.error().message);
  out.framing = *framing;
  return out;
}

base::Result<void> split_target(HttpRequest& request) {
  const std::string_view target = request.target;
  if (!target.starts_with('/') && !(target == "*" && request.method == "OPTIONS")) {
    return base::fail(base::Errc::invalid_argument, "the target does not begin with /");
  }
  const auto question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  std::string kept;  // "%2F" becomes "%252F", so that decoding gives "%2F"
  for (std::size_t i = 0; i < path.size(); ++i) {
    kept += path[i];
    if (path[i] == '%' && i + 2 < path.size() && path[i + 1] == '2' && to_lower(path[i + 2]) == 'f')
      kept += "25";
  }
  FOOTMAN_TRY(request.path, percent_decode(kept));
  if (request.path.find('\0') != std::string::npos) {
    return base::fail(base::Errc::invalid_argument, "the target has a zero byte");
  }
  auto rest = target.substr(std::min(question + 1, target.size()));
  std::string_view part;
  while (take_part(rest, '&', part)) {
    if (part.empty()) continue;
    if (request.query.size() >= kMaxQueryFields) {
      return base::fail(base::Errc::invalid_argument,
                        fmt::format("more than {} query fields", kMaxQueryFields));
    }
    std::string field(part);
    std::ranges::replace(field, '+', ' ');
    const auto equals = std::min(field.find('='), field.size());
    FOOTMAN_TRY(auto name, percent_decode(std::string_view(field).substr(0, equals)));
    FOOTMAN_TRY(auto value,
                percent_decode(std::string_view(field).substr(std::min(equals + 1, field.size()))));
    request.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

HttpParsed<void> ChunkedDecoder::take(char c) {
  const auto expect = [&](char wanted, State next) -> HttpParsed<void> {
    if (c != wanted) return problem(400, "a chunk does not end with CR LF");
    state_ = next;
    return {};
  };
  const auto skip_to_cr = [&](State next) -> HttpParsed<void> {
    if (c == '\r') {
      state_ = next;
      return {};
    }
    if (!is_value_char(c)) return problem(400, "a control character in a chunk's extension or trailer");
    if (++overhead_ > kMaxChunkOverhead)
      return problem(431, "extensions and trailers of the chunks are too long");
    return {};
  };
  switch (state_) {
    case State::size:
      if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > kMaxChunkDigits) return problem(413, "a chunk is too large");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return {};
      }
      if (digits_ == 0) return problem(400, "a chunk without a size");
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (c == ';') {
        state_ = State::extension;
      } else {
        return problem(400, "a chunk's size is not a hexadecimal number");
      }
      return {};
    case State::extension:
      return skip_to_cr(State::size_lf);
    case State::size_lf:
      return expect('\n', left_ == 0 ? State::trailer : State::data);
    case State::data_cr:
      return expect('\r', State::data_lf);
    case State::data_lf:
      digits_ = 0;
      return expect('\n', State::size);
    case State::trailer:
      if (c == '\r') {
        state_ = State::end_lf;
        return {};
      }
      state_ = State::trailer_line;
      return skip_to_cr(State::trailer_lf);
    case State::trailer_line:
      return skip_to_cr(State::trailer_lf);
    case State::trailer_lf:
      return expect('\n', State::trailer);
    case State::end_lf:
      return expect('\n', State::done);
    case State::data:
    case State::done:
      break;
  }
  return {};
}

HttpParsed<ChunkedDecoder::Step> ChunkedDecoder::decode(char* bytes, std::size_t size) {
  Step step;
  while (step.used < size && state_ != State::done) {
    if (state_ != State::data) {
      if (auto good = take(bytes[step.used]); !good) return std::unexpected(good.error());
      ++step.used;
      continue;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - step.used));
    if (step.data != step.used) std::memmove(bytes + step.data, bytes + step.used, count);
    step.used += count;
    step.data += count;
    left_ -= count;
    if (left_ == 0) state_ = State::data_cr;
  }
  return step;
}

}  // namespace footman::net
