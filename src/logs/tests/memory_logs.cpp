#include "logs/tests/memory_logs.hpp"

#include <algorithm>
#include <utility>

#include "logs/limits.hpp"
#include "logs/rules.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;
using base::Result;
using base::Status;
using base::StreamId;
using ports::LogExtent;
using ports::TimeMark;
using runtime::Awaitable;

void MemoryLogs::make_durable(StreamId id, std::uint64_t end) {
  auto& stream = streams.at(id);
  end = std::min<std::uint64_t>(end, stream.bytes.size());
  if (end <= stream.durable) return;
  const auto from = std::exchange(stream.durable, end);
  if (on_durable) on_durable(id, from, std::string_view(stream.bytes).substr(from, end - from));
}

void MemoryLogs::lose_undurable(const std::function<std::uint64_t(std::uint64_t most)>& pick) {
  for (auto& [id, stream] : streams) {
    const auto end = stream.durable + pick(stream.bytes.size() - stream.durable);
    stream.bytes.resize(end);
    stream.marks = marks_of_bytes(std::move(stream.marks), 0, end);
    make_durable(id, end);
  }
}

MemoryLogStore::MemoryLogStore(MemoryLogs& logs, runtime::Clock& clock, CallTime call_time)
    : logs_(logs),
      clock_(clock),
      call_time_(std::move(call_time)),
      waits_(clock, [this](StreamId stream) { return extent_now(stream); }) {}

void MemoryLogStore::release() {
  held_ = false;
  released_.notify();
}

MemoryLogs::Stream* MemoryLogStore::find(StreamId id) {
  const auto it = logs_.streams.find(id);
  if (it == logs_.streams.end()) return nullptr;
  if (opened_.insert(id).second) logs_.make_durable(id, it->second.bytes.size());
  return &it->second;
}

LogExtent MemoryLogStore::extent_now(StreamId id) {
  const auto* stream = find(id);
  return stream == nullptr ? LogExtent{} : LogExtent{stream->durable, stream->finished};
}

Awaitable<void> MemoryLogStore::take_time() {
  if (call_time_)
    co_await runtime::sleep_for(clock_, call_time_());
  else
    co_await runtime::next_turn();
}

Awaitable<void> MemoryLogStore::sync() {
  co_await take_time();
  while (held_) co_await released_.wait();
}

Status MemoryLogStore::write(StreamId id, std::uint64_t offset, std::string bytes,
                             std::vector<TimeMark> marks) {
  const auto* old = find(id);
  const std::uint64_t size = old == nullptr ? 0 : old->bytes.size();
  FOOTMAN_TRY(const auto known, plan_append(id, old != nullptr && old->finished, size, offset, bytes.size()));
  if (known == bytes.size()) return {};
  if (logs_.full) return fail(Errc::resource_exhausted, "no space left");
  if (logs_.trouble) return std::unexpected(*logs_.trouble);
  opened_.insert(id);
  auto& stream = logs_.streams[id];
  stream.bytes.append(bytes, known);
  std::ranges::move(marks_of_bytes(std::move(marks), size, stream.bytes.size()),
                    std::back_inserter(stream.marks));
  return {};
}

Awaitable<Status> MemoryLogStore::begin(StreamId id) {
  FOOTMAN_CO_TRY_STATUS(check_stream_id(id));
  co_await take_time();
  logs_.streams.erase(id);
  opened_.erase(id);
  co_return Status();
}

Awaitable<Result<std::uint64_t>> MemoryLogStore::append(StreamId id, std::uint64_t offset, std::string bytes,
                                                        std::vector<TimeMark> marks) {
  ++appends_;
  const auto end = offset + bytes.size();
  FOOTMAN_CO_TRY_STATUS(check_append(id, bytes.size(), marks.size()));
  FOOTMAN_CO_TRY_STATUS(write(id, offset, std::move(bytes), std::move(marks)));
  co_await sync();
  const auto* stream = find(id);
  if (stream == nullptr) co_return 0;
  logs_.make_durable(id, end);
  waits_.wake(id);
  co_return stream->durable;
}

Awaitable<Result<LogExtent>> MemoryLogStore::extent(StreamId id) {
  co_await take_time();
  if (logs_.trouble) co_return std::unexpected(*logs_.trouble);
  co_return extent_now(id);
}

Awaitable<Result<std::string>> MemoryLogStore::read(StreamId id, std::uint64_t offset, std::size_t max) {
  co_await take_time();
  const auto* stream = find(id);
  if (stream == nullptr || offset >= stream->durable) co_return std::string();
  co_return stream->bytes.substr(offset,
                                 std::min<std::uint64_t>({max, stream->durable - offset, kMaxReadBytes}));
}

Awaitable<Result<std::vector<TimeMark>>> MemoryLogStore::marks(StreamId id, std::uint64_t from,
                                                               std::uint64_t to) {
  co_await take_time();
  const auto* stream = find(id);
  if (stream == nullptr) co_return std::vector<TimeMark>();
  MarkPicker picker(from, to, stream->durable);
  for (const auto& mark : stream->marks) picker.add(mark);
  co_return picker.take();
}

Awaitable<Result<LogExtent>> MemoryLogStore::wait_beyond(StreamId id, std::uint64_t beyond,
                                                         base::Duration limit) {
  return waits_.wait_beyond(id, beyond, limit);
}

Awaitable<Status> MemoryLogStore::finish(StreamId id) {
  FOOTMAN_CO_TRY_STATUS(check_stream_id(id));
  co_await sync();
  if (logs_.trouble) co_return std::unexpected(*logs_.trouble);
  (void)find(id);
  opened_.insert(id);
  auto& stream = logs_.streams[id];
  logs_.make_durable(id, stream.bytes.size());
  stream.finished = true;
  waits_.wake(id);
  co_return Status();
}

Awaitable<Status> MemoryLogStore::remove(StreamId id) {
  co_await take_time();
  logs_.streams.erase(id);
  opened_.erase(id);
  waits_.wake(id);
  co_return Status();
}

}  // namespace footman::logs
