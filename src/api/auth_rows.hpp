// Tokens and browser sessions as they are kept in the store's settings. For use inside api only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/auth.hpp"

namespace footman::api {

struct TokenRow {
  std::string name;
  std::string hash;  // hex SHA-256
  Access access = Access::admin;
  Instant created;
  bool operator==(const TokenRow&) const = default;
};
// Good for as long as its token is.
struct SessionRow {
  std::string hash;        // of the cookie's value
  std::string token_hash;  // of the token it was opened with
  Instant expires;
  bool operator==(const SessionRow&) const = default;
};

std::string format_tokens(const std::vector<TokenRow>& rows);
std::string format_sessions(const std::vector<SessionRow>& rows);
// corrupt.
Result<std::vector<TokenRow>> parse_tokens(std::string_view text);
Result<std::vector<SessionRow>> parse_sessions(std::string_view text);

}  // namespace footman::api
