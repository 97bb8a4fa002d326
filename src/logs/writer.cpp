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

Writer::Writer(Disk& disk, const Layout& layout, runtime::Clock& clock, base::Logger log,
               OnFinished on_finished)
    : clock_(clock),
      files_(disk, layout, std::move(log)),
      on_finished_(std::move(on_finished)),
      waits_(clock, [this](StreamId stream) { return files_.extent(stream); }),
      thread_("log writer") {}

Writer::~Writer() {
  runtime::post(executor(), [this] { waits_.stop(); });
  thread_.join();
}

Awaitable<Result<bool>> Writer::begin(StreamId stream) { co_return files_.begin(stream, clock_.now()); }

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
    call.bytes = std::string();  // the caller may be slow to come for its answer
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
    waits_.wake(call->stream);
    if (call->to_compress && call->result) on_finished_(call->stream);
  }
  scheduled_ = !calls_.empty();
  if (scheduled_) runtime::post(executor(), [this] { run_batch(); });
}

Awaitable<Result<LogExtent>> Writer::extent(StreamId stream) { co_return files_.extent(stream); }

Awaitable<Result<LogExtent>> Writer::wait_beyond(StreamId stream, std::uint64_t beyond,
                                                 base::Duration limit) {
  return waits_.wait_beyond(stream, beyond, limit);
}

Awaitable<Status> Writer::remove(StreamId stream) {
  while (!calls_.empty()) run_batch();  // they came before
  auto removed = files_.remove(stream);
  waits_.wake(stream);
  co_return removed;
}

Awaitable<Status> Writer::install_archive(StreamId stream, int source) {
  co_return files_.install_archive(stream, source);
}

Awaitable<void> Writer::stop_waiting() {
  waits_.stop();
  co_return;
}

}  // namespace footman::logs
