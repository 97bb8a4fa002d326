#include "logs/stream_waits.hpp"

#include <algorithm>
#include <utility>

#include "logs/limits.hpp"

namespace footman::logs {

using base::Result;
using base::StreamId;
using ports::LogExtent;
using runtime::Awaitable;

// Keeps a stream's event for as long as somebody waits for it. The table owns the event, and with it the
// coroutines that wait: so when the table goes, they go, and must not touch it any more.
class StreamWaits::Pass {
 public:
  Pass(const std::shared_ptr<Table>& table, StreamId stream)
      : table_(table), stream_(stream), waiting_(&(*table)[stream]) {
    ++waiting_->count;
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;
  ~Pass() {
    const auto table = table_.lock();
    if (table && --waiting_->count == 0) table->erase(stream_);
  }
  runtime::Event& changed() { return waiting_->changed; }

 private:
  std::weak_ptr<Table> table_;
  StreamId stream_;
  Waiting* waiting_;
};

StreamWaits::StreamWaits(runtime::Clock& clock, Extent extent) : clock_(clock), extent_(std::move(extent)) {}

Awaitable<Result<LogExtent>> StreamWaits::wait_beyond(StreamId stream, std::uint64_t beyond,
                                                      base::Duration limit) {
  limit = std::min<base::Duration>(limit, kMaxWait);
  const auto start = clock_.steady();
  Pass pass(waiting_, stream);
  while (true) {
    auto extent = extent_(stream);
    const auto left = limit - (clock_.steady() - start);
    if (!extent || extent->bytes > beyond || extent->finished || stopping_ || left.count() <= 0)
      co_return extent;
    co_await pass.changed().wait_for(clock_, left);
  }
}

void StreamWaits::wake(StreamId stream) {
  if (const auto it = waiting_->find(stream); it != waiting_->end()) it->second.changed.notify();
}

void StreamWaits::stop() {
  stopping_ = true;
  for (auto& [stream, waiting] : *waiting_) waiting.changed.notify();
}

}  // namespace footman::logs
