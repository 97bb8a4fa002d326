#include "virtual_time/loop.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>

#include "base/check.hpp"

namespace footman::virtual_time {

namespace {
constexpr std::int64_t kEpochUs = 1'764'000'000LL * 1'000'000LL;  // of the wall clocks
}  // namespace

// --- lanes

Lane::Lane(SimLoop& loop, Life& life, std::string name, bool urgent)
    : loop_(loop), life_(life), name_(std::move(name)), urgent_(urgent), number_(++loop.lanes_made_) {}

void Lane::push(Task task) {
  if (gone_) return;  // destroys it
  tasks_.push_back(std::move(task));
  if (!listed_ && life_.running() && !life_.paused_) loop_.list(*this);
}

bool Lane::is_current() const { return running() && loop_.current_ == this; }
bool Lane::runs_inline() const { return !gone_ && (life_.stopped_ || is_current()); }
bool Lane::running() const { return !gone_ && life_.running(); }

// --- lives

Life::Life(SimLoop& loop, std::string name)
    : loop_(loop), name_(std::move(name)), number_(++loop.lives_made_) {}

Life::~Life() {
  stop();
  destroy();
}

runtime::Executor Life::add_lane(const std::string& name, bool urgent) {
  lanes_.push_back(std::make_shared<Lane>(loop_, *this, name, urgent));
  return LaneExecutor(lanes_.back());
}

void Life::condemn() {
  condemned_ = true;
  loop_.has_condemned_ = true;
}

void Life::pause(bool on) {
  if (!running()) return;
  paused_ = on;
  for (const auto& lane : lanes_) {
    if (on && lane->listed_) loop_.unlist(*lane);
    if (!on && !lane->listed_ && !lane->tasks_.empty()) loop_.list(*lane);
  }
}

void Life::stop() {
  if (std::exchange(stopped_, true)) return;
  for (const auto& lane : lanes_)
    if (lane->listed_) loop_.unlist(*lane);
  loop_.drop_timers(*this);
}

void Life::destroy() {
  FOOTMAN_CHECK(stopped_, "stopped before it is destroyed");
  bool more = true;
  while (more) {  // what is destroyed may post more
    more = false;
    for (const auto& lane : lanes_) {
      auto tasks = std::exchange(lane->tasks_, {});
      more = more || !tasks.empty();
      while (!tasks.empty()) tasks.pop_front();
    }
  }
  for (const auto& lane : lanes_) lane->gone_ = true;
}

// --- the loop

class SimLoop::Cancel final : public runtime::Timer {
 public:
  explicit Cancel(std::weak_ptr<Timed> timed) : timed_(std::move(timed)) {}
  ~Cancel() override {
    // Taken out first: what the call holds may own this timer.
    if (const auto timed = timed_.lock()) const auto call = std::exchange(timed->call, {});
  }

 private:
  std::weak_ptr<Timed> timed_;
};

SimLoop::SimLoop(std::uint64_t seed, Trace& trace, Duration step_cost)
    : trace_(trace),
      dice_(seed, "loop"),
      step_cost_(step_cost),
      world_(std::make_unique<Life>(*this, "world")) {
  world_lane_ = world_->add_lane("world").target<LaneExecutor>()->lane();
}

SimLoop::~SimLoop() {
  world_->stop();
  world_->destroy();
}

void SimLoop::list(Lane& lane) {
  lane.listed_ = true;
  (lane.urgent_ ? urgent_ : ready_).push_back(&lane);
}

void SimLoop::unlist(Lane& lane) {
  auto& all = lane.urgent_ ? urgent_ : ready_;
  const auto it = std::ranges::find(all, &lane);
  *it = all.back();
  all.pop_back();
  lane.listed_ = false;
}

bool SimLoop::step(Duration until) {
  if (urgent_.empty() && ready_.empty()) {
    while (!timers_.empty() && !timers_.begin()->second->call) timers_.erase(timers_.begin());
    if (timers_.empty() || timers_.begin()->first > until) return false;
    now_ = std::max(now_, timers_.begin()->first);
  }
  release_timers(now_);
  if (!urgent_.empty()) {
    run_one(*urgent_.front());
  } else if (!ready_.empty()) {
    run_one(*ready_[dice_.below(ready_.size())]);
    now_ += step_cost_;
  }
  return true;
}

void SimLoop::settle_urgent() {
  while (!urgent_.empty()) run_one(*urgent_.front());
}

void SimLoop::run_one(Lane& lane) {
  ++steps_;
  trace_.mix(lane.number_ ^ (static_cast<std::uint64_t>(now_.count()) << 8));
  auto task = std::move(lane.tasks_.front());
  lane.tasks_.pop_front();
  if (lane.tasks_.empty()) unlist(lane);
  auto* const outer = std::exchange(current_, &lane);
  try {
    task();
  } catch (const boost::system::system_error&) {
    // A crash point throws what a cancelled wait throws: see ServerNode.
    if (!lane.life().condemned()) throw;
  }
  task = nullptr;
  current_ = outer;
}

void SimLoop::release_timers(Duration at) {
  if (timers_.empty() || timers_.begin()->first > at) return;
  std::vector<std::shared_ptr<Timed>> due;
  while (!timers_.empty() && timers_.begin()->first <= at) {
    const auto instant = timers_.begin()->first;
    std::vector<std::shared_ptr<Timed>> together;
    while (!timers_.empty() && timers_.begin()->first == instant) {
      if (timers_.begin()->second->call) together.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    dice_.shuffle(together);
    due.insert(due.end(), together.begin(), together.end());
  }
  for (auto& timed : due) {
    auto* lane = timed->lane.get();
    lane->push([timed = std::move(timed)] {
      if (const auto call = std::exchange(timed->call, {})) call();
    });
  }
}

void SimLoop::drop_timers(const Life& life) {
  std::vector<std::shared_ptr<Timed>> dropped;
  for (auto it = timers_.begin(); it != timers_.end();) {
    if (&it->second->lane->life() == &life) {
      dropped.push_back(std::move(it->second));
      it = timers_.erase(it);
    } else {
      ++it;
    }
  }
  // Goes to the lane, to be destroyed with what else waits there: after the node's objects.
  for (auto& timed : dropped) {
    auto* lane = timed->lane.get();
    lane->push([timed = std::move(timed)] {});
  }
}

void SimLoop::after(Duration delay, Task call) {
  auto shared = std::make_shared<Task>(std::move(call));
  timers_.emplace(now_ + std::max(delay, Duration(0)),
                  std::make_shared<Timed>(Timed{world_lane_, [shared] { (*shared)(); }}));
}

std::unique_ptr<runtime::Timer> SimLoop::call_after(const runtime::Executor& executor, Duration delay,
                                                    std::function<void()> call) {
  const auto* target = executor.target<LaneExecutor>();
  FOOTMAN_CHECK(target != nullptr, "an executor of the simulation");
  auto timed = std::make_shared<Timed>(Timed{target->lane(), std::move(call)});
  std::weak_ptr<Timed> weak = timed;
  if (target->lane()->running())
    timers_.emplace(now_ + std::max(delay, Duration(0)), std::move(timed));
  else
    target->lane()->push([timed] {});
  return std::make_unique<Cancel>(std::move(weak));
}

NodeClock::NodeClock(SimLoop& loop, Instant wall)
    : loop_(loop), wall_offset_(wall.us - kEpochUs - loop.now().count()) {}

Instant NodeClock::now() const { return {kEpochUs + (loop_.now() + wall_offset_).count()}; }

}  // namespace footman::virtual_time
