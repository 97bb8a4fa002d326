#include "cli/interrupt.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <csignal>

#include "cli/follow.hpp"

namespace footman::cli {

Awaitable<void> cancel_build(Session* session, std::int64_t build, std::string reason) {
  Patience patience(session->clock, kReconnectFor);
  while (true) {
    const auto answer = co_await session->client.post(fmt::format("/builds/{}/cancel", build),
                                                      json::object{{"reason", reason}});
    if (answer) co_return;
    if (!co_await patience.wait_after(answer.error())) {
      session->err().line(fmt::format("footman: build {} could not be cancelled: {}", build,
                                      clean(describe(answer.error()))));
      co_return;
    }
  }
}

CancelOnInterrupt::CancelOnInterrupt(Session& session, bool on)
    : session_(session), scope_(session.executor, {}) {
  if (on)
    signals_.emplace(session.executor, std::initializer_list<int>{SIGINT, SIGTERM},
                     [this](int) { on_signal(); });
}

void CancelOnInterrupt::build_is(std::int64_t build) {
  build_ = build;
  if (interrupted_) send_cancel();
}

void CancelOnInterrupt::on_signal() {
  signals_.reset();  // the next one does what it does by default
  interrupted_ = true;
  session_.err().line("\nfootman: cancelling the build; once more leaves at once");
  if (build_) send_cancel();
}

void CancelOnInterrupt::send_cancel() {
  scope_.spawn("cancel", cancel_build(&session_, *build_, "interrupted by its user"));
}

Awaitable<void> CancelOnInterrupt::join() {
  scope_.cancel();
  co_await scope_.join();
}

}  // namespace footman::cli
