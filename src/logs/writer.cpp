#include "logs/writer.hpp"

#include <utility>

#include "logs/limits.hpp"
#include "runtime/post.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;
using base::Result;
using base::Status;
using base::StreamId;
using ports::LogExtent;
using runtime::Awaitable;

// Keeps a stream's event for as long as somebody waits for it.
class Writer::WaitingPass {
 public:
  WaitingPass(Writer& writer, StreamId stream) : writer_(writer), stream_(stream) {
    auto& waiting = writer_.waiting_[stream];
    if (!waiting) waiting = std::make_shared<Waiting>();
    waiting_ = waiting;
    ++waiting_->count;
  }
  WaitingPass(const WaitingPass&) = delete;
  WaitingPass& operator=(const WaitingPass&) = delete;
  ~WaitingPass() {
    if (--waiting_->count == 0) writer_.waiting_.erase(stream_);
  }
  runtime::Event& changed() { return waiting_->changed; }

 private:
  Writer& writer_;
  StreamId stream_;
  std::shared_ptr<Waiting> waiting_;
};

Writer::Writer(Disk& disk, const Layout& layout, runtime::Clock& clock, base::Logger log,
               OnFinished on_finished)
    : files_(disk, layout, std::move(log)),
      clock_(clock),
      on_finished_(std::move(on_finished)),
      thread_("log writer") {}

Writer::~Writer() {
  runtime::post(executor(), [this] {
    stopping_ = true;
    for (auto& [stream, waiting] : waiting_) waiting->changed.notify();
  });
  thread_.join();
}

Awaitable<Result<std::uint64_t>> Writer::append(StreamId stream, std::uint64_t offset, std::string bytes,
                                                std::vector<ports::TimeMark> marks) {
  auto call = std::make_shared<Call>();
  call->stream = stream;
  call->offset = offset;
  call->bytes = std::move(bytes);
  call->marks = std::move(marks);
  co_return co_await commit(std::move(call));
}

Awaitable<Status> Writer::finish(StreamId stream) {
  auto call = std::make_shared<Call>();
  call->stream = stream;
  call->is_finish = true;
  const auto done = co_await commit(std::move(call));
  if (!done) co_return std::unexpected(done.error());
  co_return Status();
}

Awaitable<Result<std::uint64_t>> Writer::commit(CallPtr call) {
  calls_.push_back(call);
  if (!std::exchange(scheduled_, true)) runtime::post(executor(), [this] { run_batch(); });
  while (!call->done) co_await call->changed.wait();
  co_return std::move(call->result);
}

std::vector<Writer::CallPtr> Writer::take_batch() {
  std::vector<CallPtr> batch;
  std::size_t bytes = 0;
  while (!calls_.empty() && batch.size() < kMaxBatchCalls &&
         (batch.empty() || bytes + calls_.front()->bytes.size() <= kMaxBatchBytes)) {
    bytes += calls_.front()->bytes.size();
    batch.push_back(std::move(calls_.front()));
    calls_.pop_front();
  }
  return batch;
}

void Writer::write(Call& call) {
  if (!call.is_finish) {
    call.result = files_.append(call.stream, call.offset, call.bytes, call.marks);
  } else if (const auto raw = files_.finish(call.stream); raw) {
    call.to_compress = *raw;
  } else {
    call.result = std::unexpected(raw.error());
  }
}

// What arrives while this blocks is queued on the executor; so it is in calls_ before the next batch is
// taken.
void Writer::run_batch() {
  const auto batch = take_batch();
  for (const auto& call : batch) write(*call);
  const auto failed = files_.commit();
  for (const auto& call : batch) {
    if (const auto it = failed.find(call->stream); it != failed.end() && call->result)
      call->result = std::unexpected(it->second);
    call->done = true;
    call->changed.notify();
    wake(call->stream);
    if (call->to_compress && call->result) on_finished_(call->stream);
  }
  scheduled_ = !calls_.empty();
  if (scheduled_) runtime::post(executor(), [this] { run_batch(); });
}

void Writer::wake(StreamId stream) {
  if (const auto it = waiting_.find(stream); it != waiting_.end()) it->second->changed.notify();
}

Awaitable<Result<LogExtent>> Writer::extent(StreamId stream) { co_return files_.extent(stream); }

Awaitable<Result<LogExtent>> Writer::wait_beyond(StreamId stream, std::uint64_t beyond,
                                                 base::Duration limit) {
  const auto end = clock_.steady() + limit;
  WaitingPass pass(*this, stream);
  while (true) {
    auto extent = files_.extent(stream);
    const auto left = end - clock_.steady();
    if (!extent || extent->bytes > beyond || extent->finished || stopping_ || left.count() <= 0)
      co_return extent;
    co_await pass.changed().wait_for(clock_, left);
  }
}

Awaitable<Status> Writer::remove(StreamId stream) {
  auto removed = files_.remove(stream);
  wake(stream);
  co_return removed;
}

Awaitable<Status> Writer::install_archive(StreamId stream, int source) {
  co_return files_.install_archive(stream, source);
}

Awaitable<void> Writer::stop_waiting() {
  stopping_ = true;
  for (auto& [stream, waiting] : waiting_) waiting->changed.notify();
  co_return;
}

}  // namespace footman::logs
