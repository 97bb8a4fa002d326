#include "apps/footman/secrets.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "runtime/real/files.hpp"

namespace footman::app {

base::Result<base::Secret> resolve_secret(const std::string& reference) {
  const auto colon = reference.find(':');
  const auto kind = reference.substr(0, colon);
  const auto rest = colon == std::string::npos ? "" : reference.substr(colon + 1);
  if (kind == "env") {
    const char* value = std::getenv(rest.c_str());
    if (value == nullptr)
      return base::fail(base::Errc::not_found,
                        fmt::format("the secret '{}' is not in the server's environment", reference));
    return base::Secret(value);
  }
  if (kind == "file") {
    auto bytes = runtime::real::read_file(rest, kMaxSecretBytes);
    if (!bytes)
      return base::fail(bytes.error().code,
                        fmt::format("the secret '{}': {}", reference, bytes.error().message));
    if (bytes->ends_with('\n')) bytes->pop_back();
    base::Secret value(std::move(*bytes));
    if (value.expose().find('\0') != std::string_view::npos)
      return base::fail(base::Errc::invalid_argument,
                        fmt::format("the secret '{}' holds a zero byte and cannot be a variable", reference));
    return value;
  }
  return base::fail(base::Errc::invalid_argument,
                    fmt::format("the secret '{}' is not file:… or env:…", reference));
}

SecretReader::SecretReader(runtime::Executor executor, runtime::Clock& clock, Read read, base::Duration limit)
    : read_(std::move(read)), calls_(std::move(executor), clock, limit, kMaxSecretReads) {}

runtime::Awaitable<base::Result<base::Secret>> SecretReader::read(std::string reference) {
  auto answer = co_await calls_.call([read = read_, reference] { return read(reference); });
  if (answer) co_return std::move(*answer);
  co_return base::fail(answer.error().code,
                       fmt::format("the secret '{}' {}", reference, answer.error().message));
}

}  // namespace footman::app
