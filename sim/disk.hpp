// The server's disk as far as build logs go: what survives a crash (SimDisk), and the LogStore that one life
// of the server has on it (SimLogStore). A crash in the middle of an append leaves some of its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "logs/tests/memory_logs.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"
#include "sim/loop.hpp"

namespace footman::sim {

class SimDisk {
 public:
  explicit SimDisk(Dice dice);
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // The server has died: of what was written and not synced, any part may be there.
  void crash();
  void set_full(bool on) { logs_.full = on; }
  bool is_full() const { return logs_.full; }
  std::uint64_t durable_bytes(base::StreamId stream) const { return durable(stream).size(); }
  std::string_view durable(base::StreamId stream) const;

  // Told of every byte that becomes durable: (stream, offset, bytes).
  std::function<void(base::StreamId, std::uint64_t, std::string_view)> on_durable;

 private:
  friend class SimLogStore;
  Dice dice_;
  logs::MemoryLogs logs_;
};

class SimLogStore : public logs::MemoryLogStore {
 public:
  SimLogStore(SimDisk& disk, runtime::Clock& clock)
      : MemoryLogStore(disk.logs_, clock, [&disk] { return sync_time(disk); }), disk_(disk), clock_(clock) {}

  // A full disk refuses this too: stricter than most.
  runtime::Awaitable<base::Status> finish(base::StreamId stream) override;

 protected:
  base::Duration sync_time() { return sync_time(disk_); }
  SimDisk& disk_;
  runtime::Clock& clock_;

 private:
  static base::Duration sync_time(SimDisk& disk) { return disk.dice_.jitter(base::Duration(150)); }
};

}  // namespace footman::sim
