// The server's disk as far as build logs go: what survives a crash (SimDisk), and the LogStore that one life
// of the server has on it (SimLogStore). A crash in the middle of an append leaves some of its bytes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ports/log_store.hpp"
#include "runtime/clock.hpp"
#include "sim/dice.hpp"

namespace footman::sim {

class SimDisk {
 public:
  explicit SimDisk(Dice dice) : dice_(dice) {}

  // The server has died: of what was written and not synced, any part may be there.
  void crash();
  void set_full(bool on) { full_ = on; }
  std::uint64_t durable_bytes(base::StreamId stream) const;
  std::string_view durable(base::StreamId stream) const;

  // Told of every byte that becomes durable: (stream, offset, bytes).
  std::function<void(base::StreamId, std::uint64_t, std::string_view)> on_durable;

 private:
  friend class SimLogStore;
  struct Stream {
    std::string written;
    std::uint64_t durable = 0;
    std::vector<ports::TimeMark> marks;
    bool finished = false;
  };
  void sync(base::StreamId id, std::uint64_t end);

  Dice dice_;
  bool full_ = false;
  std::map<base::StreamId, Stream> streams_;
};

class SimLogStore : public ports::LogStore {
 public:
  SimLogStore(SimDisk& disk, runtime::Clock& clock) : disk_(disk), clock_(clock) {}

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

 protected:
  base::Duration sync_time() { return disk_.dice_.jitter(base::Duration(150)); }
  SimDisk& disk_;
  runtime::Clock& clock_;
};

}  // namespace footman::sim
