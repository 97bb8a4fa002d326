#include "apps/footman/secrets.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/time.hpp"
#include "runtime/post.hpp"
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

struct SecretReader::Call {
  std::optional<base::Result<base::Secret>> answer;
  runtime::Event answered;
};

// Where threads bring their answers, as long as somebody is there.
struct SecretReader::Home : std::enable_shared_from_this<Home> {
  std::mutex mutex;
  SecretReader* reader = nullptr;
  runtime::Executor executor;

  void bring(std::shared_ptr<Call> call, base::Result<base::Secret> answer) {
    const std::lock_guard lock(mutex);
    if (reader == nullptr) return;
    runtime::post(executor,
                  [self = shared_from_this(), call = std::move(call), answer = std::move(answer)]() mutable {
                    if (self->reader == nullptr) return;
                    --self->reader->running_;
                    self->reader->freed_.notify();
                    call->answer = std::move(answer);
                    call->answered.notify();
                  });
  }
};

SecretReader::SecretReader(runtime::Executor executor, runtime::Clock& clock, Read read, base::Duration limit)
    : clock_(clock), read_(std::move(read)), limit_(limit), home_(std::make_shared<Home>()) {
  home_->reader = this;
  home_->executor = std::move(executor);
}

SecretReader::~SecretReader() {
  const std::lock_guard lock(home_->mutex);
  home_->reader = nullptr;
  home_->executor = {};
}

bool SecretReader::start(const std::shared_ptr<Call>& call, const std::string& reference) {
  try {
    std::thread([home = home_, call, read = read_, reference]() mutable {
      auto answer = read(reference);
      home->bring(call, std::move(answer));
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  ++running_;
  return true;
}

runtime::Awaitable<base::Result<base::Secret>> SecretReader::read(std::string reference) {
  const auto late = base::fail(
      base::Errc::unavailable,
      fmt::format("the secret '{}' was not read within {}", reference, base::format_duration(limit_)));
  const auto until = clock_.steady() + limit_;
  while (running_ >= kMaxSecretReads)
    if (!co_await freed_.wait_for(clock_, until - clock_.steady())) co_return late;
  const auto call = std::make_shared<Call>();
  if (!start(call, reference))
    co_return base::fail(base::Errc::resource_exhausted,
                         fmt::format("the secret '{}': no thread can be had to read it", reference));
  if (!co_await call->answered.wait_for(clock_, until - clock_.steady())) co_return late;
  co_return std::move(*call->answer);
}

}  // namespace footman::app
