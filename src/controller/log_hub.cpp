#include "controller/log_hub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/until_stored.hpp"

namespace footman::controller {

using base::Errc;
using runtime::Awaitable;
using store::kRetryFirst;
using store::kRetryMost;

namespace {
constexpr std::size_t kMaxNoteBytes = 4096;
}

LogHub::LogHub(HubParts parts, OnDurable on_durable, OnBroken on_broken)
    : parts_(std::move(parts)),
      on_durable_(std::move(on_durable)),
      on_broken_(std::move(on_broken)),
      bytes_total_(
          parts_.metrics.counter("footman_log_bytes_total", "Log bytes from agents that are on disk")),
      scope_(parts_.net, parts_.log) {}

LogHub::StreamPtr LogHub::find(StreamId id) const {
  const auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second;
}

std::uint64_t LogHub::grant_window(ConnectionId connection) {
  const auto left = kMaxPendingLogBytes - std::min(kMaxPendingLogBytes, granted_);
  const auto most = std::min(parts_.config.log_window_bytes, kMaxAppendBytes);
  const auto window = std::min(most, std::max(left / kPartOfPending, kLeastLogWindowBytes));
  const auto [it, is_new] = windows_.try_emplace(connection, window);
  if (is_new) granted_ += window;
  return it->second;
}

void LogHub::set_source(Stream& stream, ConnectionId connection, std::uint64_t limit_bytes) {
  const auto window = windows_.find(connection);
  const auto most = limit_bytes == 0 ? protocol::kMaxOffset : limit_bytes + protocol::kLogLimitSlackBytes;
  stream.receiver.set_limits(window == windows_.end() ? 0 : window->second, most);
  stream.connection = connection;
  stream.changed.notify();
}

void LogHub::attach_new(StreamId id, ConnectionId connection, std::uint64_t limit_bytes) {
  auto& stream = streams_[id];
  const bool is_new = !stream;
  if (is_new) stream = std::make_shared<Stream>(0);
  set_source(*stream, connection, limit_bytes);
  if (!is_new || stopping_) return;
  stream->is_new = stream->appending = true;
  scope_.spawn("append log " + id.str(), append_all(id, stream));
}

void LogHub::start(StreamId id, ConnectionId connection, Instant started) {
  if (const auto stream = find(id); stream && stream->connection == connection) stream->started = started;
}

Awaitable<Result<std::optional<std::uint64_t>>> LogHub::attach(StreamId id, ConnectionId connection,
                                                               std::uint64_t limit_bytes, Instant started) {
  if (!find(id)) {
    const auto extent = co_await parts_.log_store.extent(id);
    if (!extent) co_return std::unexpected(extent.error());
    // Another connection of the agent may have been quicker.
    if (!find(id)) streams_[id] = std::make_shared<Stream>(extent->bytes);
  }
  const auto stream = find(id);
  if (stream->closing) co_return std::nullopt;
  if (started.is_set()) stream->started = started;
  set_source(*stream, connection, limit_bytes);
  co_return stream->receiver.durable();
}

void LogHub::detach(ConnectionId connection) {
  if (const auto window = windows_.extract(connection)) granted_ -= window.mapped();
  std::vector<std::pair<StreamId, StreamPtr>> idle;
  for (auto& [id, stream] : streams_) {
    if (stream->connection != connection) continue;
    stream->connection = 0;
    stream->changed.notify();
    idle.emplace_back(id, stream);
  }
  for (auto& [id, stream] : idle) forget_if_idle(id, stream);
}

void LogHub::forget_if_idle(StreamId id, const StreamPtr& stream) {
  if (stream->connection != 0 || stream->appending || stream->closing) return;
  const auto it = streams_.find(id);
  if (it != streams_.end() && it->second == stream) streams_.erase(it);
}

Status LogHub::take(ConnectionId connection, protocol::LogData data) {
  const auto stream = find(data.stream);
  if (stopping_ || !stream || stream->connection != connection) return {};
  if (!stream->started.is_set())
    return base::fail(Errc::corrupt, "it sent log bytes before the build was started");
  FOOTMAN_TRY(const auto slice, stream->receiver.accept(data.offset, data.bytes.size()));
  if (slice.take == 0) {
    acknowledge(data.stream, *stream);
    return {};
  }
  if (slice.skip > 0) protocol::trim_front(data, slice.skip);
  const auto id = data.stream;
  add(*stream, std::move(data));
  if (!std::exchange(stream->appending, true)) scope_.spawn("append log " + id.str(), append_all(id, stream));
  return {};
}

// Whatever the frames are like, what waits is one string and few marks: one that says the same time as the
// last one says nothing, and when they are too many every second one goes. None is from before the start of
// the build, nor from the future.
void LogHub::add(Stream& stream, protocol::LogData data) const {
  auto& batch = stream.pending;
  const auto now = parts_.clock.now();
  const auto from = std::min(stream.started, now);
  for (const auto& mark : data.marks) {
    const auto at = std::clamp(mark.at, from, now);
    if (at == stream.last_mark) continue;
    stream.last_mark = at;
    batch.marks.push_back({data.offset + mark.delta, at});
    if (batch.marks.size() < kMaxPendingMarks) continue;
    for (std::size_t i = 0; i < batch.marks.size() / 2; ++i) batch.marks[i] = batch.marks[2 * i];
    batch.marks.resize(batch.marks.size() / 2);
  }
  if (batch.bytes.empty()) {
    batch.offset = data.offset;
    batch.bytes = std::move(data.bytes);
  } else {
    batch.bytes += data.bytes;
  }
}

Awaitable<void> LogHub::append_all(StreamId id, StreamPtr stream) {
  while (stream->is_new || !stream->pending.bytes.empty()) {
    if (stream->is_new ? co_await begin(id, stream)
                       : co_await append(id, stream, std::exchange(stream->pending, {})))
      continue;
    // Given up: the agent still has the bytes and sends them again when it comes back.
    stream->pending = {};
    stream->last_mark = {};
    stream->receiver.forget_undurable();
  }
  set_failing(id, *stream, nullptr);
  stream->appending = false;
  stream->changed.notify();
  forget_if_idle(id, stream);
}

// False: given up, as its connection went.
Awaitable<bool> LogHub::begin(StreamId id, StreamPtr stream) {
  auto pause = kRetryFirst;
  while (true) {
    const bool last_try = stopping_ || stream->connection == 0;
    const auto begun = co_await parts_.log_store.begin(id);
    const bool again = !begun && note_trouble(id, *stream, begun.error()) && !last_try;
    stream->is_new = again;
    if (!again) co_return begun.has_value();
    co_await stream->changed.wait_for(parts_.clock, pause);
    pause = std::min(pause * 2, kRetryMost);
  }
}

Awaitable<bool> LogHub::append(StreamId id, StreamPtr stream, Batch batch) {
  auto pause = kRetryFirst;
  while (true) {
    const bool last_try = stopping_ || stream->connection == 0;
    auto bytes = last_try ? std::move(batch.bytes) : batch.bytes;
    const auto size = bytes.size();
    const auto durable = co_await parts_.log_store.append(id, batch.offset, std::move(bytes), batch.marks);
    if (durable) {
      bytes_total_.add(size);
      set_failing(id, *stream, nullptr);
      // A finished or longer stream answers with its own size: never more than what was received.
      stream->receiver.set_durable(std::min(*durable, stream->receiver.received()));
      acknowledge(id, *stream);
      stream->changed.notify();
      co_return true;
    }
    if (!note_trouble(id, *stream, durable.error()) || last_try) co_return false;
    co_await stream->changed.wait_for(parts_.clock, pause);  // at once when the connection goes
    pause = std::min(pause * 2, kRetryMost);
  }
}

// False: trying again cannot help. The agent is told so, and comes back: what its build loses when that goes
// on is decided where breaches are counted.
bool LogHub::note_trouble(StreamId id, Stream& stream, const base::Error& error) {
  if (store::is_storage_trouble(error.code)) set_failing(id, stream, &error);
  if (store::may_pass(error.code)) return true;
  parts_.log.warning("log data refused", {{"stream", id}, {"error", base::describe(error)}});
  if (const auto connection = std::exchange(stream.connection, 0); connection != 0)
    on_broken_(connection, error.message);
  return false;
}

void LogHub::acknowledge(StreamId id, Stream& stream) {
  const auto offset = stream.receiver.take_ack();
  if (!offset || stream.connection == 0) return;
  parts_.crash_points.hit("log:before-ack");
  on_durable_(stream.connection, id, *offset);
}

void LogHub::set_failing(StreamId id, Stream& stream, const base::Error* error) {
  const bool failing = error != nullptr;
  if (stream.failing == failing) return;
  stream.failing = failing;
  failing ? ++failing_ : --failing_;
  if (failing)
    parts_.log.error("log cannot be written, trying again",
                     {{"stream", id}, {"error", base::describe(*error)}});
  else
    parts_.log.info("log can be written again", {{"stream", id}});
  parts_.set_log_storage_full(failing_ > 0);
}

Awaitable<Result<bool>> LogHub::wait_durable(StreamId id, std::uint64_t end, ConnectionId connection) {
  const auto stream = find(id);
  if (!stream) co_return false;
  if (stream->connection == connection && !stopping_ && stream->receiver.received() != end)
    co_return base::fail(Errc::corrupt, fmt::format("it reported a log of {} bytes, and had sent {}", end,
                                                    stream->receiver.received()));
  while (stream->connection == connection && !stopping_) {
    if (stream->receiver.durable() >= end) co_return true;
    co_await stream->changed.wait();
  }
  co_return false;
}

// As long as trying again can help.
template <class Call>
auto LogHub::until_done(StreamId id, Call call) -> decltype(call()) {
  co_return co_await store::until_stored(
      parts_.clock, std::move(call), [this, id](const base::Error& error, Duration) {
        parts_.log.error("log cannot be ended, trying again",
                         {{"stream", id}, {"error", base::describe(error)}});
      });
}

Awaitable<Result<std::uint64_t>> LogHub::extent_of(StreamId id) {
  const auto extent = co_await until_done(id, [&] { return parts_.log_store.extent(id); });
  if (!extent) co_return std::unexpected(extent.error());
  co_return extent->bytes;
}

Awaitable<bool> LogHub::ends_with_note(StreamId id, std::uint64_t size, std::string note) {
  if (size < note.size()) co_return false;
  const auto tail = co_await parts_.log_store.read(id, size - note.size(), note.size());
  co_return tail && *tail == note;
}

Awaitable<Result<std::uint64_t>> LogHub::append_note(StreamId id, std::string note) {
  note = note.substr(0, kMaxNoteBytes) + "\n";
  FOOTMAN_CO_TRY(const auto size, co_await extent_of(id));
  if (co_await ends_with_note(id, size, note)) co_return size;
  if (size > 0) {
    const auto last = co_await parts_.log_store.read(id, size - 1, 1);
    if (last && *last != "\n") note.insert(0, "\n");
  }
  const std::vector<ports::TimeMark> marks{{size, parts_.clock.now()}};
  auto durable = co_await until_done(id, [&] { return parts_.log_store.append(id, size, note, marks); });
  if (!durable && durable.error().code == Errc::conflict) co_return size;  // finished before
  co_return durable;
}

Awaitable<Result<std::uint64_t>> LogHub::end_log(StreamId id, std::string note) {
  FOOTMAN_CO_TRY(const auto size,
                 note.empty() ? co_await extent_of(id) : co_await append_note(id, std::move(note)));
  const auto finished = co_await until_done(id, [&] { return parts_.log_store.finish(id); });
  if (!finished && finished.error().code != Errc::not_found) co_return std::unexpected(finished.error());
  co_return size;  // not_found: nothing was ever written
}

Awaitable<std::uint64_t> LogHub::close(StreamId id, std::string note) {
  auto stream = find(id);
  if (!stream) {
    stream = std::make_shared<Stream>(0);
    streams_[id] = stream;
  }
  stream->closing = true;
  stream->connection = 0;
  stream->changed.notify();
  while (stream->appending) co_await stream->changed.wait();
  const auto size = co_await end_log(id, std::move(note));
  if (!size)
    parts_.log.error("log cannot be ended, it stays as it is",
                     {{"stream", id}, {"error", base::describe(size.error())}});
  const auto it = streams_.find(id);
  if (it != streams_.end() && it->second == stream) streams_.erase(it);
  co_return size.value_or(stream->receiver.durable());
}

Awaitable<void> LogHub::stop() {
  stopping_ = true;
  for (auto& [id, stream] : streams_) stream->changed.notify();
  co_await scope_.join();
}

}  // namespace footman::controller
