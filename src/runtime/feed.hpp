// A feed of recent values for any number of readers of one executor. Bounded: a reader that falls too far
// behind is told so and starts again from a fresh view of the world.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "runtime/wait.hpp"

namespace footman::runtime {

template <class T>
class Feed {
 public:
  explicit Feed(std::size_t keep) : keep_(keep) {}

  // The sequence number of the value: 1, 2, 3 …
  std::uint64_t publish(T value) {
    values_.push_back(std::move(value));
    ++last_;
    if (values_.size() > keep_) values_.pop_front();
    for (auto* event : readers_) event->notify();
    return last_;
  }
  std::uint64_t last() const { return last_; }

  struct Batch {
    std::uint64_t last = 0;  // give this as `after` next time
    bool lost = false;       // values between `after` and the first one here are gone
    std::vector<T> values;
  };
  Batch read_after(std::uint64_t after) const {
    Batch batch{last_, false, {}};
    if (after >= last_) return batch;
    const std::uint64_t first = last_ - values_.size() + 1;
    batch.lost = after + 1 < first;
    const std::uint64_t from = batch.lost ? first : after + 1;
    batch.values.assign(values_.begin() + static_cast<std::ptrdiff_t>(from - first), values_.end());
    return batch;
  }

  // Waits until there is something after `after` or the limit has passed. The feed must outlive the wait.
  Awaitable<void> wait_after(Clock& clock, std::uint64_t after, base::Duration limit) {
    if (after < last_) co_return;
    Event event;
    Subscription subscription(readers_, &event);
    co_await event.wait_for(clock, limit);
  }

 private:
  struct Subscription {
    Subscription(std::list<Event*>& list, Event* event) : list_(list), it_(list.insert(list.end(), event)) {}
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { list_.erase(it_); }
    std::list<Event*>& list_;
    std::list<Event*>::iterator it_;
  };

  std::size_t keep_;
  std::uint64_t last_ = 0;
  std::deque<T> values_;
  std::list<Event*> readers_;
};

}  // namespace footman::runtime
