#include "runtime/scope.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <list>

#include "runtime/wait.hpp"

namespace footman::runtime {

struct Scope::State : std::enable_shared_from_this<Scope::State> {
  State(Executor e, base::Logger l, OnFailure f)
      : executor(std::move(e)), log(std::move(l)), on_failure(std::move(f)) {}

  Executor executor;
  base::Logger log;
  OnFailure on_failure;
  bool cancelled = false;
  struct Running {
    std::string name;
    asio::cancellation_signal signal;
  };
  std::list<Running> running;
  Event ended;

  void on_end(std::list<Running>::iterator it, std::exception_ptr error) {
    const std::string name = std::move(it->name);
    if (cancelled) {
      // A cancellation from outside the executor is on its way to the signal: it must find it alive.
      auto ending = std::make_shared<std::list<Running>>();
      ending->splice(ending->end(), running, it);
      asio::post(executor, [ending] {});
    } else {
      running.erase(it);
    }
    ended.notify();
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      if (is_cancellation(exception)) return;
      report(name, exception.what());
    } catch (...) {
      report(name, "unknown exception");
    }
  }

  void report(const std::string& name, const std::string& what) {
    log.error("coroutine failed", {{"coroutine", name}, {"error", what}});
    if (on_failure) return on_failure(name, what);
    std::fprintf(stderr, "footman: %s failed: %s\n", name.c_str(), what.c_str());
    std::abort();
  }
};

Scope::Scope(Executor executor, base::Logger log, OnFailure on_failure)
    : state_(std::make_shared<State>(std::move(executor), std::move(log), std::move(on_failure))) {}

Scope::~Scope() { cancel(); }

const Executor& Scope::executor() const { return state_->executor; }
std::size_t Scope::running() const { return state_->running.size(); }

void Scope::spawn(std::string name, Awaitable<void> coroutine) {
  if (state_->cancelled) return;
  auto it = state_->running.emplace(state_->running.end());
  it->name = std::move(name);
  auto done = [state = state_, it](std::exception_ptr error) { state->on_end(it, error); };
  asio::co_spawn(state_->executor, std::move(coroutine),
                 asio::bind_cancellation_slot(it->signal.slot(), std::move(done)));
}

void Scope::cancel() {
  state_->cancelled = true;
  // emit() can end coroutines at once and change the list, so walk a snapshot of what still exists.
  auto state = state_;
  std::vector<State::Running*> snapshot;
  for (auto& one : state->running) snapshot.push_back(&one);
  for (auto* one : snapshot) {
    for (auto& live : state->running)
      if (&live == one) {
        live.signal.emit(asio::cancellation_type::all);
        break;
      }
  }
}

Awaitable<void> Scope::join() {
  auto state = state_;
  while (!state->running.empty()) co_await state->ended.wait();
}

// co_spawn alone would hand the other thread a bare pointer into this coroutine, which may be gone by the
// time a cancellation arrives there.
Awaitable<void> run_on(Executor executor, Awaitable<void> coroutine) {
  auto signal = std::make_shared<asio::cancellation_signal>();
  auto slot = (co_await asio::this_coro::cancellation_state).slot();
  if (slot.is_connected()) {
    slot.assign([signal, executor](asio::cancellation_type type) {
      asio::dispatch(executor, [signal, type] { signal->emit(type); });
    });
  }
  co_await asio::co_spawn(executor, std::move(coroutine),
                          asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable));
}

}  // namespace footman::runtime
