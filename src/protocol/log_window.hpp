// Offsets of one log stream on both sides. Only numbers: where the bytes lie is the caller's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "protocol/messages.hpp"

namespace footman::protocol {

struct LogRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// The agent's side: [first_unacknowledged, end) is kept, [first_unacknowledged, next) is under way.
//
//   acknowledged   first_unacknowledged      next              end      first_unacknowledged + capacity
//   ───────────────|─────── under way ───────|── not sent yet ─|─ room ─|
//                  |────────── at most window_bytes ──────────|
class LogSender {
 public:
  // `capacity_bytes`: how many unacknowledged bytes may exist (memory and spool); room() is 0 when it is
  // reached and the build's output has to block.
  LogSender(std::uint64_t start, std::uint64_t window_bytes, std::uint64_t capacity_bytes);

  std::uint64_t first_unacknowledged() const { return acknowledged_; }
  std::uint64_t next() const { return next_; }
  std::uint64_t end() const { return end_; }

  std::uint64_t room() const;       // bytes that may be produced now
  void append(std::uint64_t size);  // they were; at most room()
  LogRange sendable(
      std::uint64_t max) const;   // what to send next, size 0 when the window is full or all is sent
  void sent(std::uint64_t size);  // they were; at most what sendable() said

  // LogAck. Returns how many bytes became free; an old one frees 0. Error: more than was ever sent.
  base::Result<std::uint64_t> acknowledge(std::uint64_t durable_offset);
  // A new connection: the server has everything before `durable_offset`, send again from there. Returns how
  // many bytes became free. Errors: the server lost bytes it had acknowledged, or claims some that do not
  // exist.
  base::Result<std::uint64_t> rewind(std::uint64_t durable_offset);
  void set_window(std::uint64_t window_bytes) { window_ = window_bytes; }

 private:
  std::uint64_t acknowledged_;
  std::uint64_t next_;
  std::uint64_t highest_sent_;
  std::uint64_t end_;
  std::uint64_t window_;
  std::uint64_t capacity_;
};

// What to take of a LogData: the bytes [skip, skip + take).
struct LogSlice {
  std::size_t skip = 0;
  std::size_t take = 0;
};

// The server's side: [durable, received) is on its way to the disk.
class LogReceiver {
 public:
  // After a start both are what the disk holds. `most_bytes`: of the whole stream.
  LogReceiver(std::uint64_t durable_offset, std::uint64_t window_bytes, std::uint64_t most_bytes);

  std::uint64_t durable() const { return durable_; }
  std::uint64_t received() const { return received_; }

  // Duplicates give take 0, a partial overlap is trimmed. Errors: a gap (corrupt), more than the window or
  // the whole stream may have (resource_exhausted); nothing is changed then.
  base::Result<LogSlice> accept(std::uint64_t offset, std::size_t size);
  void set_durable(std::uint64_t offset);  // the disk confirmed; at most received()
  void forget_undurable();                 // the write failed: the bytes are to come again
  // A new connection brings its own window; what was received within an older one stays.
  void set_limits(std::uint64_t window_bytes, std::uint64_t most_bytes);
  // The offset to put in a LogAck, once per advance; also after a duplicate, because its sender missed an
  // answer.
  std::optional<std::uint64_t> take_ack();

 private:
  std::uint64_t durable_;
  std::uint64_t received_;
  std::uint64_t window_;
  std::uint64_t most_;
  bool ack_due_ = false;
};

// Removes the first bytes, for a partial overlap. The time of the first byte that stays is kept.
void trim_front(LogData& data, std::size_t count);

}  // namespace footman::protocol
