// The log of one build on its way to the server: masked, limited, numbered, kept until acknowledged.
// One coroutine writes; the session sends. Everything on the agent's executor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/masker.hpp"
#include "agent/spool.hpp"
#include "base/result.hpp"
#include "protocol/limits.hpp"
#include "protocol/log_window.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::agent {

inline constexpr std::size_t kMaxMarks = 8192;       // kept per build; beyond, every second one goes
inline constexpr base::Duration kMarkEvery{10'000};  // marks are at least so far apart

struct BuildLogConfig {
  base::StreamId stream;
  std::uint64_t start = 0;        // number of the first byte
  std::uint64_t limit_bytes = 0;  // of the whole log; 0: none
  std::uint64_t window_bytes = protocol::kDefaultLogWindowBytes;
  SpoolLimits spool;
  OpenSpoolFile open_spool;
};

class BuildLog {
 public:
  // `wake` is called when there is something to send.
  BuildLog(BuildLogConfig config, const std::vector<base::Secret>& masks, runtime::Clock& clock,
           std::function<void()> wake);

  // --- the build's side

  // Returns when all bytes have their numbers; waits for room until then. Drops them after close().
  runtime::Awaitable<void> write(std::string bytes);
  // What was held back because it might have begun a secret.
  runtime::Awaitable<void> flush();
  // A line of the agent itself, on a line of its own: "[footman] text".
  runtime::Awaitable<void> note(std::string text);
  // Nobody wants the log any more: writers return at once.
  void close();

  std::uint64_t end() const { return sender_.end(); }
  bool truncated() const { return truncated_; }
  std::string take_complaint() { return spool_.take_complaint(); }

  // --- the session's side

  std::uint64_t first_unacknowledged() const { return sender_.first_unacknowledged(); }
  bool all_sent() const { return sender_.next() == sender_.end(); }
  // Appends the frame of the next LogData with at most `max_bytes` of log; false when there is nothing to
  // send or the window is full.
  bool append_frame(std::string& out, std::size_t max_bytes, bool with_marks);
  base::Status acknowledge(std::uint64_t durable_offset);
  // A new connection: sends again from `durable_offset` on.
  base::Status rewind(std::uint64_t durable_offset, std::uint64_t window_bytes);

 private:
  struct Mark {
    std::uint64_t offset = 0;
    base::Instant at;
  };

  runtime::Awaitable<void> put(std::string bytes);
  runtime::Awaitable<void> put_numbered(std::string bytes);
  void mark();
  std::vector<protocol::TimeMark> marks_of(std::uint64_t offset, std::size_t size) const;
  void after_release();

  base::StreamId stream_;
  runtime::Clock& clock_;
  std::function<void()> wake_;
  Masker masker_;
  Spool spool_;
  protocol::LogSender sender_;
  std::uint64_t left_;  // bytes until the limit
  bool limited_;
  bool truncated_ = false;
  bool at_line_start_ = true;
  bool closed_ = false;
  runtime::Event room_;
  std::deque<Mark> marks_;  // the first one covers first_unacknowledged
  base::Duration mark_every_ = kMarkEvery;
  base::Duration marked_at_{0};
};

}  // namespace footman::agent
