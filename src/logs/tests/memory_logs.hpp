// A log store in memory, for simulations and tests: deterministic, on the executor of its callers, no
// threads. What is kept is apart from who keeps it: MemoryLogs is the disk and survives a crash,
// MemoryLogStore is the process.
//
// An append is written first and durable later: after the time that a sync takes, or one turn of the
// executor. So a process that dies in between leaves bytes that it did not acknowledge, which its successor
// takes over; when the machine dies, lose_undurable() is what happens to them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "logs/stream_waits.hpp"
#include "ports/log_store.hpp"
#include "runtime/clock.hpp"

namespace footman::logs {

struct MemoryLogs {
  struct Stream {
    std::string bytes;
    std::uint64_t durable = 0;
    std::vector<ports::TimeMark> marks;
    bool finished = false;
  };
  std::map<base::StreamId, Stream> streams;
  bool full = false;                   // no space left
  std::optional<base::Error> trouble;  // what every append, extent and finish ends with
  // Told of every byte that becomes durable.
  std::function<void(base::StreamId, std::uint64_t offset, std::string_view bytes)> on_durable;

  void make_durable(base::StreamId stream, std::uint64_t end);
  // Each stream keeps what is durable and some, all or nothing of the rest: `pick` gives a number from 0 to
  // `most`.
  void lose_undurable(const std::function<std::uint64_t(std::uint64_t most)>& pick);
};

class MemoryLogStore : public ports::LogStore {
 public:
  // How long a call takes; empty: one turn.
  using CallTime = std::function<base::Duration()>;

  // Logs and clock must outlive the store. Destroying it drops the coroutines that wait in it: a crash. Those
  // that the executor or the clock has in hand must be dropped or have ended before.
  MemoryLogStore(MemoryLogs& logs, runtime::Clock& clock, CallTime call_time = {});

  // A disk that has stopped: between hold() and release() nothing becomes durable.
  void hold() { held_ = true; }
  void release();
  std::uint64_t appends() const { return appends_; }  // calls so far

  runtime::Awaitable<base::Status> begin(base::StreamId stream) override;
  runtime::Awaitable<base::Result<std::uint64_t>> append(base::StreamId stream, std::uint64_t offset,
                                                         std::string bytes,
                                                         std::vector<ports::TimeMark> marks) override;
  runtime::Awaitable<base::Result<ports::LogExtent>> extent(base::StreamId stream) override;
  runtime::Awaitable<base::Result<std::string>> read(base::StreamId stream, std::uint64_t offset,
                                                     std::size_t max) override;
  runtime::Awaitable<base::Result<std::vector<ports::TimeMark>>> marks(base::StreamId stream,
                                                                       std::uint64_t from,
                                                                       std::uint64_t to) override;
  runtime::Awaitable<base::Result<ports::LogExtent>> wait_beyond(base::StreamId stream, std::uint64_t beyond,
                                                                 base::Duration limit) override;
  runtime::Awaitable<base::Status> finish(base::StreamId stream) override;
  runtime::Awaitable<base::Status> remove(base::StreamId stream) override;

 private:
  // Nothing for an unknown stream. What an earlier process left is durable from now on.
  MemoryLogs::Stream* find(base::StreamId stream);
  ports::LogExtent extent_now(base::StreamId stream);
  base::Status write(base::StreamId stream, std::uint64_t offset, std::string bytes,
                     std::vector<ports::TimeMark> marks);
  runtime::Awaitable<void> take_time();
  runtime::Awaitable<void> sync();

  MemoryLogs& logs_;
  runtime::Clock& clock_;
  CallTime call_time_;
  std::unordered_set<base::StreamId> opened_;
  bool held_ = false;
  runtime::Event released_;
  std::uint64_t appends_ = 0;
  StreamWaits waits_;
};

}  // namespace footman::logs
