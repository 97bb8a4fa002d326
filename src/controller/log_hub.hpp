// Log bytes on their way from the agents to the LogStore, on the net executor. One chain of appends per
// stream, in order; what comes in while one is under way goes into the next, so that a fast log makes few,
// large appends.
//
// Memory. What waits for the disk is bounded by what agents were told they may send (grant_window()), frame
// by frame merged into one piece of bytes and a bounded number of time marks per stream. Connections are read
// all the time, whatever waits, so heartbeats pass however full the disk is.
//
// Errors of the LogStore. No space and a broken disk are tried again and told as full storage; `unavailable`
// is tried again; any other one cannot pass and ends the session of that stream's agent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "controller/session_port.hpp"
#include "protocol/log_window.hpp"
#include "protocol/messages.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::controller {

class LogHub {
 public:
  // Called after bytes became durable (or a duplicate came), while `connection` has the stream.
  using OnDurable = std::function<void(ConnectionId connection, StreamId stream, std::uint64_t durable)>;

  // The LogStore refuses what the agent sends: only a new connection, which asks the disk again, can help.
  using OnBroken = std::function<void(ConnectionId connection, std::string why)>;

  LogHub(HubParts parts, OnDurable on_durable, OnBroken on_broken);

  // Once per connection, before its streams are attached: the unacknowledged log bytes that it may have of
  // each (it writes one at a time). A share of what is left of kMaxPendingLogBytes, which comes back with
  // detach().
  std::uint64_t grant_window(ConnectionId connection);

  // The stream's data comes from this connection from now on, from no other. `limit_bytes`: what Assign says.
  // A stream that has no byte yet, and may have none before start():
  void attach_new(StreamId stream, ConnectionId connection, std::uint64_t limit_bytes);
  // Its build was started at that time, nothing of it is older.
  void start(StreamId stream, ConnectionId connection, Instant started);
  // The durable offset; nothing when the stream is being closed: its end is decided, more data would be
  // dropped. `started`: not set: it is not.
  runtime::Awaitable<Result<std::optional<std::uint64_t>>> attach(StreamId stream, ConnectionId connection,
                                                                  std::uint64_t limit_bytes, Instant started);
  void detach(ConnectionId connection);

  // Data of a stream that the connection does not have is dropped. Errors: bytes before start(), gap, overrun
  // of the window or of the log's limit (nothing is taken).
  Status take(ConnectionId connection, protocol::LogData data);
  // The connection says that the log is complete, and `end` bytes long. False: it lost the stream before.
  // Error: it has sent more or less than that.
  runtime::Awaitable<Result<bool>> wait_durable(StreamId stream, std::uint64_t end, ConnectionId connection);
  // Takes the stream from its connection, waits for the append under way, appends the note on a line of its
  // own (once, however often this is called) and finishes the stream. Returns its size. Tries until it works
  // or cannot: then the log stays as it is.
  runtime::Awaitable<std::uint64_t> close(StreamId stream, std::string note);

  // Waits for the appends under way. Nothing is taken any more.
  runtime::Awaitable<void> stop();
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Batch {
    std::uint64_t offset = 0;
    std::string bytes;
    std::vector<ports::TimeMark> marks;
  };

  struct Stream {
    explicit Stream(std::uint64_t durable) : receiver(durable, 0, 0) {}
    protocol::LogReceiver receiver;
    ConnectionId connection = 0;
    Batch pending;
    Instant started;      // not set: it is not
    Instant last_mark;    // not set: none was taken
    bool is_new = false;  // the LogStore does not know of it yet
    bool appending = false;
    bool failing = false;
    bool closing = false;
    runtime::Event changed;
  };
  using StreamPtr = std::shared_ptr<Stream>;

  StreamPtr find(StreamId id) const;
  void set_source(Stream& stream, ConnectionId connection, std::uint64_t limit_bytes);
  void add(Stream& stream, protocol::LogData data) const;
  runtime::Awaitable<bool> begin(StreamId id, StreamPtr stream);
  runtime::Awaitable<void> append_all(StreamId id, StreamPtr stream);
  runtime::Awaitable<bool> append(StreamId id, StreamPtr stream, Batch batch);
  bool note_trouble(StreamId id, Stream& stream, const base::Error& error);
  runtime::Awaitable<Result<std::uint64_t>> extent_of(StreamId id);
  runtime::Awaitable<bool> ends_with_note(StreamId id, std::uint64_t size, std::string note);
  runtime::Awaitable<Result<std::uint64_t>> append_note(StreamId id, std::string note);
  runtime::Awaitable<Result<std::uint64_t>> end_log(StreamId id, std::string note);
  template <class Call>
  auto until_done(StreamId id, Call call) -> decltype(call());
  void acknowledge(StreamId id, Stream& stream);
  void set_failing(StreamId id, Stream& stream, const base::Error* error);
  void forget_if_idle(StreamId id, const StreamPtr& stream);

  HubParts parts_;
  OnDurable on_durable_;
  OnBroken on_broken_;
  base::Counter& bytes_total_;
  std::unordered_map<StreamId, StreamPtr> streams_;
  std::unordered_map<ConnectionId, std::uint64_t> windows_;
  std::uint64_t granted_ = 0;  // the sum of windows_
  std::size_t failing_ = 0;
  bool stopping_ = false;
  runtime::Scope scope_;
};

}  // namespace footman::controller
