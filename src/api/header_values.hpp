// The Host, Cookie and Authorization headers, parsed. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace footman::api {

inline constexpr std::size_t kMaxHostBytes = 253;

struct HostName {
  std::string text;         // lower case, without port and final dot; IPv6 without brackets
  bool is_address = false;  // IPv4 or IPv6: it cannot be made to resolve to anything else
};
std::optional<HostName> parse_host(std::string_view header);
// A configured name and a parsed one.
bool is_same_host(std::string_view configured, std::string_view parsed);

// "" when there is no such cookie.
std::string_view find_cookie_value(std::string_view header, std::string_view name);

// The token of "Bearer TOKEN" or "Basic base64(user:TOKEN)". unauthenticated.
base::Result<base::Secret> parse_authorization(std::string_view header);

}  // namespace footman::api
