// A clock that stands still until it is told to move, for tests.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <memory>
#include <utility>

#include "runtime/clock.hpp"

namespace footman::runtime {

class ManualClock final : public Clock {
 public:
  base::Instant now() const override { return {1'000'000'000'000 + (at_ + wall_ahead_).count()}; }
  base::Duration steady() const override { return at_; }
  std::unique_ptr<Timer> call_after(Executor executor, base::Duration delay,
                                    std::function<void()> call) override {
    auto alive = std::make_shared<int>(0);
    timers_.emplace(at_ + std::max(delay, base::Duration(0)),
                    Entry{std::move(executor), std::move(call), alive});
    return std::make_unique<HeldTimer>(std::move(alive));
  }

  // Moves to the next timer up to `until` and posts its call; false: there is none.
  bool step(base::Duration until) {
    while (!timers_.empty() && timers_.begin()->second.alive.expired()) timers_.erase(timers_.begin());
    if (timers_.empty() || timers_.begin()->first > until) return false;
    at_ = std::max(at_, timers_.begin()->first);
    auto entry = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    asio::post(entry.executor, [alive = entry.alive, call = std::move(entry.call)] {
      if (!alive.expired()) call();
    });
    return true;
  }
  void set(base::Duration at) { at_ = at; }
  // Somebody sets the clock on the wall.
  void set_wall(base::Duration by) { wall_ahead_ += by; }
  void drop_all() { timers_.clear(); }

 private:
  class HeldTimer final : public Timer {
   public:
    explicit HeldTimer(std::shared_ptr<int> alive) : alive_(std::move(alive)) {}

   private:
    std::shared_ptr<int> alive_;
  };
  struct Entry {
    Executor executor;
    std::function<void()> call;
    std::weak_ptr<int> alive;
  };
  base::Duration at_ = std::chrono::hours(1);
  base::Duration wall_ahead_{0};
  std::multimap<base::Duration, Entry> timers_;
};

}  // namespace footman::runtime
