// Bodies of requests as the model's values. Shape, types and what the schema says are checked here; rules of
// the model (names, label expressions, sizes of scripts) by whoever takes the value.
#pragma once

#include <string>
#include <string_view>

#include "api/auth.hpp"
#include "base/result.hpp"
#include "controller/views.hpp"
#include "model/work.hpp"

namespace footman::api {

inline constexpr std::size_t kMaxCauseBytes = 256;  // the caller's words
inline constexpr std::size_t kMaxReasonBytes = 512;
inline constexpr std::size_t kMaxBackupPathBytes = 4095;

// `with_path`: "path" is a required field; else it is not a field.
Result<model::Job> parse_job(std::string_view body, bool with_path);
// cause: the caller's words only; no idempotency key.
Result<controller::SubmitRequest> parse_submit(std::string_view body);
// {"reason"?}; an empty body is one without.
Result<std::string> parse_reason(std::string_view body);
struct TokenRequest {
  std::string name;
  Access access = Access::admin;
};
Result<TokenRequest> parse_token(std::string_view body);
// Absolute, without "." and ".." and empty parts.
Result<std::string> parse_backup(std::string_view body);

}  // namespace footman::api
