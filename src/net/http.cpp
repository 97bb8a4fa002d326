#include "net/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/number.hpp"
#include "net/text.hpp"

namespace footman::net {

void Headers::set(std::string_view name, std::string value) {
  const auto same = [name](const auto& field) { return equal_ignoring_case(field.first, name); };
  const auto first = std::ranges::find_if(fields_, same);
  if (first == fields_.end()) return add(std::string(name), std::move(value));
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::string_view Headers::value_or(std::string_view name, std::string_view fallback) const {
  return find(name).value_or(fallback);
}

std::optional<std::string_view> HttpRequest::find_query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

namespace {

bool is_unreserved(char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

base::Result<std::uint16_t> default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  if (scheme == "tcp") return 50000;
  return base::fail(base::Errc::invalid_argument, fmt::format("unknown scheme \"{}\"", scheme), {},
                    "Use http, https, ws, wss or tcp.");
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

base::Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return base::fail(base::Errc::invalid_argument, "a % is not followed by two hexadecimal digits");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string format_http_date(base::Instant instant) {
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(instant.us)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()], unsigned(date.day()),
                     kMonths[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

base::Result<base::Instant> parse_http_date(std::string_view text) {
  using Number = std::uint32_t;
  const auto bad = base::fail(base::Errc::invalid_argument, "not a date of HTTP", {},
                              "Write it like Sun, 06 Nov 1994 08:49:37 GMT.");
  constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != kForm.size()) return bad;
  const auto number = [&](std::size_t at, std::size_t size) {
    return base::find_number<Number>(text.substr(at, size));
  };
  const auto day = number(5, 2);
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto year = number(12, 4);
  const auto hours = number(17, 2);
  const auto minutes = number(20, 2);
  const auto seconds = number(23, 2);
  if (!day || month == kMonths.end() || !year || !hours || !minutes || !seconds) return bad;
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1), std::chrono::day(*day));
  if (!date.ok() || *hours > 23 || *minutes > 59 || *seconds > 60) return bad;
  const auto time = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hours) +
                    std::chrono::minutes(*minutes) + std::chrono::seconds(std::min<Number>(*seconds, 59));
  const base::Instant instant{std::chrono::duration_cast<base::Duration>(time).count()};
  // What is between the numbers, and the day of the week.
  auto again = format_http_date(instant);
  if (*seconds == 60) again.replace(23, 2, "60");
  if (again != text) return bad;
  return instant;
}

std::string Url::str() const { return fmt::format("{}://{}{}", scheme, authority(), path); }

std::string Url::authority() const {
  const auto standard = default_port(scheme);
  const bool bracketed = host.find(':') != std::string::npos;
  const auto name = bracketed ? "[" + host + "]" : host;
  return standard && *standard == port ? name : fmt::format("{}:{}", name, port);
}

namespace {

base::Result<std::string> take_host(std::string_view& authority, std::string_view whole) {
  const auto bad = [&](std::string_view why) {
    return base::fail(base::Errc::invalid_argument, fmt::format("\"{}\" is not a URL: {}", whole, why));
  };
  std::string host;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad("the ] of the IPv6 address is missing");
    host = std::string(authority.substr(1, end - 1));
    authority.remove_prefix(end + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
      return bad("no such IPv6 address");
    if (host.find(':') == std::string::npos) return bad("brackets stand around IPv6 addresses only");
  } else {
    const auto end = std::min(authority.find(':'), authority.size());
    host = std::string(authority.substr(0, end));
    authority.remove_prefix(end);
    const auto odd = [](char c) { return !is_alnum(c) && c != '-' && c != '.' && c != '_'; };
    if (std::ranges::any_of(host, odd)) return bad("the host has a character that may not stand there");
    std::ranges::transform(host, host.begin(), to_lower);
  }
  if (host.empty()) return bad("the host is missing");
  if (host.size() > 253) return bad("the host is too long");
  return host;
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return base::fail(base::Errc::invalid_argument,
                      fmt::format("\"{}\" is not a URL: {}", text.substr(0, 200), why), {},
                      "Write it like https://host:8443/path.");
  };
  constexpr std::size_t kMaxUrlBytes = 8 * 1024;
  if (text.size() > kMaxUrlBytes) return bad("it is too long");
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) {
    return bad("it has a space or a character that is not ASCII");
  }
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad("the scheme is missing");
  Url url;
  url.scheme = std::string(text.substr(0, colon));
  std::ranges::transform(url.scheme, url.scheme.begin(), to_lower);
  FOOTMAN_TRY(url.port, default_port(url.scheme));
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = std::min(rest.find_first_of("/?"), rest.size());
  auto authority = rest.substr(0, slash);
  url.path = std::string(rest.substr(slash));
  if (!url.path.starts_with('/')) url.path.insert(0, 1, '/');
  if (authority.find('@') != std::string_view::npos) {
    return base::fail(base::Errc::invalid_argument,
                      "a URL with a user name or password in it is not accepted");
  }
  FOOTMAN_TRY(url.host, take_host(authority, text.substr(0, 200)));
  if (authority.empty()) return url;
  authority.remove_prefix(1);
  url.port = base::find_number<std::uint16_t>(authority).value_or(0);
  if (url.port == 0) return bad("the port is a number from 1 to 65535");
  return url;
}

}  // namespace footman::net
