// SHA-256, HMAC, hex, base64 and the constant-time compare. Over OpenSSL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::base {

std::string sha256(std::string_view bytes);                               // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view message);  // 32 raw bytes
std::string to_hex(std::string_view bytes);                               // lower case
Result<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);
bool equal_constant_time(std::string_view a, std::string_view b);  // false at once when sizes differ

}  // namespace footman::base
