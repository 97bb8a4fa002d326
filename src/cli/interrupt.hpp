// Ctrl-C while a build is watched: the first one cancels the build, the second one ends the program at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/context.hpp"
#include "runtime/real/loop.hpp"
#include "runtime/scope.hpp"

namespace footman::cli {

// Until the server has heard it, or is away for too long, which is said.
Awaitable<void> cancel_build(Session* session, std::int64_t build, std::string reason);

// The session outlives it. Everything on the session's executor.
class CancelOnInterrupt {
 public:
  CancelOnInterrupt(Session& session, bool on);
  // Known from now on; cancelled at once when the interrupt came before.
  void build_is(std::int64_t build);
  bool interrupted() const { return interrupted_; }
  // Ends what is still being sent. Call when the build is finished or given up.
  Awaitable<void> join();

 private:
  void on_signal();
  void send_cancel();

  Session& session_;
  runtime::Scope scope_;
  std::optional<runtime::real::Signals> signals_;
  std::optional<std::int64_t> build_;
  bool interrupted_ = false;
};

}  // namespace footman::cli
