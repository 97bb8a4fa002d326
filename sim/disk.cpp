#include "sim/disk.hpp"

#include <algorithm>

#include "runtime/wait.hpp"

namespace footman::sim {

using base::Errc;
using base::Result;
using base::StreamId;
using ports::LogExtent;
using ports::TimeMark;
using runtime::Awaitable;

// --- what survives

void SimDisk::crash() {
  for (auto& [id, stream] : streams_) {
    const auto kept = dice_.between(stream.durable, stream.written.size());
    stream.written.resize(kept);
    sync(id, kept);
    std::erase_if(stream.marks, [kept](const TimeMark& mark) { return mark.offset >= kept; });
  }
}

void SimDisk::sync(StreamId id, std::uint64_t end) {
  auto& stream = streams_[id];
  end = std::min<std::uint64_t>(end, stream.written.size());
  if (end <= stream.durable) return;
  const auto from = std::exchange(stream.durable, end);
  if (on_durable) on_durable(id, from, std::string_view(stream.written).substr(from, end - from));
}

std::uint64_t SimDisk::durable_bytes(StreamId stream) const {
  const auto it = streams_.find(stream);
  return it == streams_.end() ? 0 : it->second.durable;
}

std::string_view SimDisk::durable(StreamId stream) const {
  const auto it = streams_.find(stream);
  return it == streams_.end() ? std::string_view()
                              : std::string_view(it->second.written).substr(0, it->second.durable);
}

// --- one life's store on it

Awaitable<Result<std::uint64_t>> SimLogStore::append(StreamId id, std::uint64_t offset, std::string bytes,
                                                     std::vector<TimeMark> marks) {
  if (disk_.full_) co_return base::fail(Errc::resource_exhausted, "no space left for build logs");
  auto& stream = disk_.streams_[id];
  if (stream.finished) co_return base::fail(Errc::conflict, "the log is finished");
  if (offset > stream.written.size()) co_return base::fail(Errc::conflict, "a gap in the log");
  const auto known = std::min<std::uint64_t>(stream.written.size() - offset, bytes.size());
  stream.written.append(bytes, known, std::string::npos);
  stream.marks.insert(stream.marks.end(), marks.begin(), marks.end());
  const auto end = std::max<std::uint64_t>(offset + bytes.size(), stream.durable);
  co_await runtime::sleep_for(clock_, sync_time());
  disk_.sync(id, end);
  co_return disk_.streams_[id].durable;
}

Awaitable<Result<LogExtent>> SimLogStore::extent(StreamId id) {
  co_await runtime::sleep_for(clock_, sync_time());
  const auto it = disk_.streams_.find(id);
  if (it == disk_.streams_.end()) co_return LogExtent{};
  co_return LogExtent{it->second.durable, it->second.finished};
}

Awaitable<Result<std::string>> SimLogStore::read(StreamId id, std::uint64_t offset, std::size_t max) {
  co_await runtime::sleep_for(clock_, sync_time());
  const auto all = disk_.durable(id);
  co_return std::string(offset < all.size() ? all.substr(offset, max) : std::string_view());
}

Awaitable<Result<std::vector<TimeMark>>> SimLogStore::marks(StreamId id, std::uint64_t from,
                                                            std::uint64_t to) {
  co_await runtime::sleep_for(clock_, sync_time());
  std::vector<TimeMark> found;
  for (const auto& mark : disk_.streams_[id].marks) {
    if (mark.offset >= to) break;
    if (mark.offset < from) found.clear();
    found.push_back(mark);
  }
  co_return found;
}

Awaitable<Result<LogExtent>> SimLogStore::wait_beyond(StreamId id, std::uint64_t beyond,
                                                      base::Duration limit) {
  constexpr base::Duration kLook{10'000};
  const auto until = clock_.steady() + limit;
  while (true) {
    auto now = co_await extent(id);
    if (!now || now->bytes > beyond || now->finished || clock_.steady() >= until) co_return now;
    co_await runtime::sleep_for(clock_, kLook);
  }
}

Awaitable<base::Status> SimLogStore::finish(StreamId id) {
  if (disk_.full_) co_return base::fail(Errc::resource_exhausted, "no space left for build logs");
  co_await runtime::sleep_for(clock_, sync_time());
  disk_.streams_[id].finished = true;
  co_return base::Status();
}

Awaitable<base::Status> SimLogStore::remove(StreamId id) {
  co_await runtime::sleep_for(clock_, sync_time());
  disk_.streams_.erase(id);
  co_return base::Status();
}

}  // namespace footman::sim
