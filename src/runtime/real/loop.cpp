#include "runtime/real/loop.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/check.hpp"

namespace footman::runtime::real {

struct Loop::Impl {
  asio::io_context io{1};
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

Executor Loop::executor() const { return impl_->io.get_executor(); }

void Loop::run_until(const bool& done) {
  impl_->io.restart();
  while (!done) FOOTMAN_CHECK(impl_->io.run_one() != 0, "a coroutine waits for something that never comes");
}

struct Signals::State {
  explicit State(const Executor& executor) : set(executor) {}
  asio::signal_set set;
  std::function<void(int)> call;

  static void wait(const std::shared_ptr<State>& self) {
    self->set.async_wait([weak = std::weak_ptr(self)](const boost::system::error_code& error, int signal) {
      const auto state = weak.lock();
      if (error || !state) return;
      wait(state);
      const auto call = state->call;  // it may destroy the Signals
      call(signal);
    });
  }
};

Signals::Signals(Executor executor, std::initializer_list<int> signals, std::function<void(int)> call)
    : state_(std::make_shared<State>(executor)) {
  state_->call = std::move(call);
  for (const int signal : signals) state_->set.add(signal);
  State::wait(state_);
}

Signals::~Signals() = default;

}  // namespace footman::runtime::real
