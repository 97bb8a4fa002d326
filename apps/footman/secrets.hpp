// References to secrets ("file:/run/x", "env:NAME") turned into their values, when a build is handed to its
// agent. Errors name the reference, never a value.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/real/limited_calls.hpp"

namespace footman::app {

inline constexpr std::size_t kMaxSecretBytes = 100 * 1024;  // as the value of a variable may be

// Blocking. A file's last line end does not belong to the value. What is not a regular file is refused:
// nobody waits for a FIFO that no one writes to.
base::Result<base::Secret> resolve_secret(const std::string& reference);

inline constexpr base::Duration kSecretLimit = std::chrono::seconds(10);
inline constexpr std::size_t kMaxSecretReads = 16;  // at once; more wait, within their limit

// Reads secrets for the coroutines of one executor, where all calls are made. Nobody waits longer than the
// limit; then the call ends with `unavailable`.
class SecretReader {
 public:
  using Read = std::function<base::Result<base::Secret>(const std::string& reference)>;
  SecretReader(runtime::Executor executor, runtime::Clock& clock, Read read = &resolve_secret,
               base::Duration limit = kSecretLimit);

  runtime::Awaitable<base::Result<base::Secret>> read(std::string reference);

 private:
  Read read_;
  runtime::real::LimitedCalls<base::Result<base::Secret>> calls_;
};

}  // namespace footman::app
