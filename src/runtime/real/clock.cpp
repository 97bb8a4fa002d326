#include "runtime/real/clock.hpp"

#include <boost/asio/steady_timer.hpp>

namespace footman::runtime::real {
namespace {

class AsioTimer final : public Timer {
 public:
  AsioTimer(const Executor& executor, base::Duration delay, std::function<void()> call)
      : timer_(executor, delay) {
    timer_.async_wait(
        [alive = std::weak_ptr<int>(alive_), call = std::move(call)](boost::system::error_code error) {
          if (!error && !alive.expired()) call();
        });
  }

 private:
  std::shared_ptr<int> alive_ =
      std::make_shared<int>(0);  // a call that is already queued sees that the timer is gone
  asio::steady_timer timer_;
};

class RealClock final : public Clock {
 public:
  base::Instant now() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<base::Duration>(since).count()};
  }
  base::Duration steady() const override {
    return std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch());
  }
  std::unique_ptr<Timer> call_after(Executor executor, base::Duration delay,
                                    std::function<void()> call) override {
    return std::make_unique<AsioTimer>(executor, delay, std::move(call));
  }
};

}  // namespace

std::unique_ptr<Clock> make_clock() { return std::make_unique<RealClock>(); }

}  // namespace footman::runtime::real
