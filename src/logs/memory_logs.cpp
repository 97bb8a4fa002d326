#include "logs/memory_logs.hpp"

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

void MemoryLogs::lose_undurable(runtime::Rng& rng) {
  for (auto& [id, stream] : streams) {
    const auto extra = stream.bytes.size() - stream.durable;
    stream.bytes.resize(stream.durable + rng.next() % (extra + 1));
    stream.marks = marks_of_bytes(std::move(stream.marks), 0, stream.bytes.size());
  }
}

MemoryLogStore::MemoryLogStore(MemoryLogs& logs, runtime::Clock& clock)
    : logs_(logs), waits_(clock, [this](StreamId stream) { return extent_now(stream); }) {}

void MemoryLogStore::release() {
  held_ = false;
  released_.notify();
}

MemoryLogs::Stream* MemoryLogStore::find(StreamId id) {
  const auto it = logs_.streams.find(id);
  if (it == logs_.streams.end()) return nullptr;
  if (opened_.insert(id).second) it->second.durable = it->second.bytes.size();
  return &it->second;
}

LogExtent MemoryLogStore::extent_now(StreamId id) {
  const auto* stream = find(id);
  return stream == nullptr ? LogExtent{} : LogExtent{stream->durable, stream->finished};
}

Awaitable<void> MemoryLogStore::sync() {
  co_await runtime::next_turn();
  while (held_) co_await released_.wait();
}

Status MemoryLogStore::write(StreamId id, std::uint64_t offset, std::string bytes,
                             std::vector<TimeMark> marks) {
  const auto* old = find(id);
  const std::uint64_t size = old == nullptr ? 0 : old->bytes.size();
  FOOTMAN_TRY(const auto known, plan_append(id, old != nullptr && old->finished, size, offset, bytes.size()));
  if (known == bytes.size()) return {};
  if (logs_.full) return fail(Errc::resource_exhausted, "no space left");
  opened_.insert(id);
  auto& stream = logs_.streams[id];
  stream.bytes.append(bytes, known);
  std::ranges::move(marks_of_bytes(std::move(marks), size, stream.bytes.size()),
                    std::back_inserter(stream.marks));
  return {};
}

Awaitable<Result<std::uint64_t>> MemoryLogStore::append(StreamId id, std::uint64_t offset, std::string bytes,
                                                        std::vector<TimeMark> marks) {
  ++appends_;
  const auto end = offset + bytes.size();
  FOOTMAN_CO_TRY_STATUS(check_append(id, bytes.size(), marks.size()));
  FOOTMAN_CO_TRY_STATUS(write(id, offset, std::move(bytes), std::move(marks)));
  co_await sync();
  auto* stream = find(id);
  if (stream == nullptr) co_return 0;
  stream->durable = std::max(stream->durable, std::min<std::uint64_t>(end, stream->bytes.size()));
  waits_.wake(id);
  co_return stream->durable;
}

Awaitable<Result<LogExtent>> MemoryLogStore::extent(StreamId id) {
  co_await runtime::next_turn();
  co_return extent_now(id);
}

Awaitable<Result<std::string>> MemoryLogStore::read(StreamId id, std::uint64_t offset, std::size_t max) {
  co_await runtime::next_turn();
  const auto* stream = find(id);
  if (stream == nullptr || offset >= stream->durable) co_return std::string();
  co_return stream->bytes.substr(offset,
                                 std::min<std::uint64_t>({max, stream->durable - offset, kMaxReadBytes}));
}

Awaitable<Result<std::vector<TimeMark>>> MemoryLogStore::marks(StreamId id, std::uint64_t from,
                                                               std::uint64_t to) {
  co_await runtime::next_turn();
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
  (void)find(id);
  opened_.insert(id);
  auto& stream = logs_.streams[id];
  stream.durable = stream.bytes.size();
  stream.finished = true;
  waits_.wake(id);
  co_return Status();
}

Awaitable<Status> MemoryLogStore::remove(StreamId id) {
  co_await runtime::next_turn();
  logs_.streams.erase(id);
  opened_.erase(id);
  waits_.wake(id);
  co_return Status();
}

}  // namespace footman::logs
