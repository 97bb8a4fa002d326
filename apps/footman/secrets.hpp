// References to secrets ("file:/run/x", "env:NAME") turned into their values, when a build is handed to its
// agent. Errors name the reference, never a value.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::app {

inline constexpr std::size_t kMaxSecretBytes = 100 * 1024;  // as the value of a variable may be

// Blocking. A file's last line end does not belong to the value. What is not a regular file is refused:
// nobody waits for a FIFO that no one writes to.
base::Result<base::Secret> resolve_secret(const std::string& reference);

inline constexpr base::Duration kSecretLimit = std::chrono::seconds(10);
inline constexpr std::size_t kMaxSecretReads = 16;  // at once; more wait, within their limit

// Reads secrets for the coroutines of one executor, where all calls are made. Each is read on a thread of its
// own: a file may stand on a disk of the network that does not answer any more. Then the call ends with
// `unavailable` at the limit, and neither other calls nor the end of the program wait for that thread.
class SecretReader {
 public:
  using Read = std::function<base::Result<base::Secret>(const std::string& reference)>;
  SecretReader(runtime::Executor executor, runtime::Clock& clock, Read read = &resolve_secret,
               base::Duration limit = kSecretLimit);
  SecretReader(const SecretReader&) = delete;
  SecretReader& operator=(const SecretReader&) = delete;
  ~SecretReader();  // no call may be under way

  runtime::Awaitable<base::Result<base::Secret>> read(std::string reference);

 private:
  struct Call;
  struct Home;
  bool start(const std::shared_ptr<Call>& call, const std::string& reference);

  runtime::Clock& clock_;
  Read read_;
  base::Duration limit_;
  std::size_t running_ = 0;
  runtime::Event freed_;
  std::shared_ptr<Home> home_;
};

}  // namespace footman::app
