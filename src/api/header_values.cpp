#include "api/header_values.hpp"

#include <algorithm>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::api {
namespace {

using base::equal_ignoring_case;
using base::is_digit;
using base::trim;

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, is_digit);  // "" too: "localhost:"
}

bool is_ipv6_text(std::string_view text) {
  return std::ranges::count(text, ':') >= 2 &&
         text.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

}  // namespace

std::optional<HostName> parse_host(std::string_view header) {
  if (header.empty() || header.size() > kMaxHostBytes + 8) return std::nullopt;
  HostName host;
  std::string_view rest;
  if (header.starts_with('[')) {
    const auto end = header.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host.text = header.substr(1, end - 1);
    rest = header.substr(end + 1);
  } else {
    const auto end = std::min(header.find(':'), header.size());
    host.text = header.substr(0, end);
    rest = header.substr(end);
  }
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
  std::ranges::transform(host.text, host.text.begin(), base::to_lower);
  if (host.text.ends_with('.')) host.text.pop_back();
  if (host.text.empty()) return std::nullopt;
  host.is_address = header.starts_with('[') ? is_ipv6_text(host.text) : base::is_ipv4(host.text);
  if (header.starts_with('[') && !host.is_address) return std::nullopt;
  return host;
}

bool is_same_host(std::string_view configured, std::string_view parsed) {
  if (configured.ends_with('.')) configured.remove_suffix(1);
  return equal_ignoring_case(configured, parsed);
}

std::string_view find_cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto end = std::min(header.find(';'), header.size());
    const auto part = trim(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name) return part.substr(equals + 1);
  }
  return {};
}

base::Result<base::Secret> parse_authorization(std::string_view header) {
  const auto space = std::min(header.find(' '), header.size());
  const auto scheme = header.substr(0, space);
  const auto value = trim(header.substr(space));
  if (equal_ignoring_case(scheme, "Bearer")) return base::Secret(std::string(value));
  if (!equal_ignoring_case(scheme, "Basic"))
    return base::fail(base::Errc::unauthenticated, "the Authorization header is neither Bearer nor Basic");
  auto decoded = base::from_base64(value);
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return base::fail(base::Errc::unauthenticated, "the Basic credentials are not base64 of user:token");
  base::Secret token(decoded->substr(colon + 1));
  base::wipe(*decoded);
  return token;
}

}  // namespace footman::api
