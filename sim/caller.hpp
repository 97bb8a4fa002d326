// Calls to the server's API by somebody outside it, through a network that loses answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/wait.hpp"
#include "sim/loop.hpp"
#include "sim/server.hpp"

namespace footman::sim {

// What is asked of a server that is up; runs on its control executor, unless it dies before.
template <class R>
using Act = std::function<runtime::Awaitable<R>(ServerNode&)>;

// Its owner keeps it, and the clock, until no call runs any more.
class Caller {
 public:
  Caller(SimLoop& loop, ServerNode& server, runtime::Clock& clock, Dice dice, double lost_answers)
      : loop_(loop), server_(server), clock_(clock), dice_(dice), lost_answers_(lost_answers) {}

  // From now on no answer is lost.
  void calm_down() { lost_answers_ = 0; }

  // R: a Result. One try, with some patience; what was asked for may have happened all the same.
  template <class R>
  runtime::Awaitable<R> call(Act<R> act);
  // Until there is an answer that will not change.
  template <class R>
  runtime::Awaitable<R> insist(Act<R> act);

 private:
  static constexpr Duration kPatience = 20s;  // for one answer
  template <class R>
  struct Pending {
    std::optional<R> result;
    runtime::Event done;
  };
  static bool may_change(base::Errc code) {
    using enum base::Errc;
    return code == unavailable || code == timeout || code == io || code == resource_exhausted ||
           code == cancelled;
  }

  SimLoop& loop_;
  ServerNode& server_;
  runtime::Clock& clock_;
  Dice dice_;
  double lost_answers_;
};

template <class R>
runtime::Awaitable<R> Caller::call(Act<R> act) {
  const auto pending = std::make_shared<Pending<R>>();
  const auto answer = [this, pending](R result) {
    if (dice_.chance(lost_answers_)) return;
    loop_.after(dice_.jitter(Duration(2ms)), [pending, moved = std::move(result)]() mutable {
      pending->result = std::move(moved);
      pending->done.notify();
    });
  };
  loop_.after(dice_.jitter(Duration(2ms)), [this, answer, moved = std::move(act)] {
    if (server_.up())
      server_.serve<R>(moved, answer);
    else
      answer(base::fail(base::Errc::unavailable, "connection refused"));
  });
  const auto until = clock_.steady() + kPatience;
  while (!pending->result && clock_.steady() < until)
    (void)co_await pending->done.wait_for(clock_, until - clock_.steady());
  if (!pending->result) co_return base::fail(base::Errc::timeout, "no answer");
  co_return std::move(*pending->result);
}

template <class R>
runtime::Awaitable<R> Caller::insist(Act<R> act) {
  while (true) {
    auto result = co_await call<R>(act);
    if (result || !may_change(result.error().code)) co_return result;
    co_await runtime::sleep_for(clock_, dice_.jitter(Duration(2s)));
  }
}

}  // namespace footman::sim
