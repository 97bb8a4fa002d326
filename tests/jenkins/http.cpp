#include "tests/jenkins/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ranges>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::fake_jenkins {

namespace {

std::string decode_percent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto byte = base::from_hex(base::lower_case(text.substr(i + 1, 2)));
      if (byte && byte->size() == 1) {
        decoded += *byte;
        i += 2;
        continue;
      }
    }
    decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
  }
  return decoded;
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& header) { return base::equal_ignoring_case(header.first, name); });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

Target parse_target(std::string_view target) {
  Target parsed;
  const auto mark = std::min(target.find('?'), target.size());
  parsed.raw_path = target.substr(0, mark);
  parsed.ends_with_slash = parsed.raw_path.ends_with('/');
  for (const auto part : std::views::split(std::string_view(parsed.raw_path), '/')) {
    const std::string_view segment(part.begin(), part.end());
    if (!segment.empty()) parsed.segments.push_back(decode_percent(segment, false));
  }
  if (mark < target.size()) parsed.query = parse_form(target.substr(mark + 1));
  return parsed;
}

Fields parse_form(std::string_view text) {
  Fields fields;
  for (const auto part : std::views::split(text, '&')) {
    const std::string_view pair(part.begin(), part.end());
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    fields.emplace_back(decode_percent(pair.substr(0, equals), true),
                        decode_percent(pair.substr(std::min(equals + 1, pair.size())), true));
  }
  return fields;
}

std::optional<std::string> find_field(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
  if (found == fields.end()) return std::nullopt;
  return found->second;
}

std::string encode_segment(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (base::is_alnum_or("-_.~!$'()*,:=@&+", c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string format_date(base::Instant instant) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::seconds> time{std::chrono::seconds(instant.us / 1'000'000)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = (time - day).count();
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::optional<Credentials> parse_basic(std::string_view header) {
  constexpr std::string_view kScheme = "Basic ";
  if (!header.starts_with(kScheme)) return std::nullopt;
  const auto plain = base::from_base64(header.substr(kScheme.size()));
  if (!plain) return std::nullopt;
  const auto colon = plain->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{plain->substr(0, colon), plain->substr(colon + 1)};
}

}  // namespace footman::fake_jenkins
