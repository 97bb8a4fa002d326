#include "controller/log_hub.hpp"

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

void LogHub::attach_new(StreamId id, ConnectionId connection) {
  auto& stream = streams_[id];
  const bool is_new = !stream;
  if (is_new) stream = std::make_shared<Stream>(0, parts_.config.log_window_bytes);
  stream->connection = connection;
  stream->changed.notify();
  if (!is_new || stopping_) return;
  stream->is_new = stream->appending = true;
  scope_.spawn("append log " + id.str(), append_all(id, stream));
}

Awaitable<Result<std::optional<std::uint64_t>>> LogHub::attach(StreamId id, ConnectionId connection) {
  if (!find(id)) {
    const auto extent = co_await parts_.log_store.extent(id);
    if (!extent) co_return std::unexpected(extent.error());
    // Another connection of the agent may have been quicker.
    if (!find(id)) streams_[id] = std::make_shared<Stream>(extent->bytes, parts_.config.log_window_bytes);
  }
  const auto stream = find(id);
  if (stream->closing) co_return std::nullopt;
  stream->connection = connection;
  stream->changed.notify();
  co_return stream->receiver.durable();
}

void LogHub::detach(ConnectionId connection) {
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
  FOOTMAN_TRY(const auto slice, stream->receiver.accept(data.offset, data.bytes.size()));
  if (slice.take == 0) {
    acknowledge(data.stream, *stream);
    return {};
  }
  if (slice.skip > 0) protocol::trim_front(data, slice.skip);
  const auto id = data.stream;
  stream->pending_bytes += data.bytes.size();
  stream->pending.push_back(std::move(data));
  if (!std::exchange(stream->appending, true)) scope_.spawn("append log " + id.str(), append_all(id, stream));
  return {};
}

LogHub::Batch LogHub::take_batch(Stream& stream) {
  Batch batch;
  batch.offset = stream.pending.front().offset;
  std::size_t count = 0;
  std::size_t size = 0;
  while (count < stream.pending.size() &&
         (count == 0 || size + stream.pending[count].bytes.size() <= kMaxAppendBytes))
    size += stream.pending[count++].bytes.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto& data = stream.pending[i];
    for (const auto& mark : data.marks) batch.marks.push_back({data.offset + mark.delta, mark.at});
    if (i == 0) {
      batch.bytes = std::move(data.bytes);
      if (count > 1) batch.bytes.reserve(size);
    } else {
      batch.bytes += data.bytes;
    }
  }
  stream.pending.erase(stream.pending.begin(), stream.pending.begin() + static_cast<std::ptrdiff_t>(count));
  stream.pending_bytes -= size;
  return batch;
}

Awaitable<void> LogHub::append_all(StreamId id, StreamPtr stream) {
  while (stream->is_new || !stream->pending.empty()) {
    if (stream->is_new ? co_await begin(id, stream) : co_await append(id, stream, take_batch(*stream)))
      continue;
    // Given up: the agent still has the bytes and sends them again when it comes back.
    stream->pending.clear();
    stream->pending_bytes = 0;
    stream->receiver.forget_undurable();
  }
  set_failing(id, *stream, nullptr);
  stream->pending.shrink_to_fit();
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
    stream->is_new = !begun && !last_try;
    if (!stream->is_new) co_return begun.has_value();
    set_failing(id, *stream, &begun.error());
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
    if (durable.error().code == Errc::conflict) {
      parts_.log.warning("log data refused", {{"stream", id}, {"error", base::describe(durable.error())}});
      if (const auto connection = std::exchange(stream->connection, 0); connection != 0)
        on_broken_(connection, durable.error().message);
      co_return false;
    }
    set_failing(id, *stream, &durable.error());
    if (last_try) co_return false;
    co_await stream->changed.wait_for(parts_.clock, pause);  // at once when the connection goes
    pause = std::min(pause * 2, kRetryMost);
  }
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

Awaitable<bool> LogHub::wait_durable(StreamId id, std::uint64_t end, ConnectionId connection) {
  const auto stream = find(id);
  if (!stream) co_return false;
  while (stream->connection == connection && !stopping_) {
    if (stream->receiver.durable() >= end) co_return true;
    co_await stream->changed.wait();
  }
  co_return false;
}

Awaitable<std::uint64_t> LogHub::extent_of(StreamId id) {
  auto pause = kRetryFirst;
  while (true) {
    const auto extent = co_await parts_.log_store.extent(id);
    if (extent) co_return extent->bytes;
    parts_.log.error("log cannot be read, trying again",
                     {{"stream", id}, {"error", base::describe(extent.error())}});
    co_await runtime::sleep_for(parts_.clock, pause);
    pause = std::min(pause * 2, kRetryMost);
  }
}

Awaitable<bool> LogHub::ends_with_note(StreamId id, std::uint64_t size, std::string note) {
  if (size < note.size()) co_return false;
  const auto tail = co_await parts_.log_store.read(id, size - note.size(), note.size());
  co_return tail && *tail == note;
}

Awaitable<std::uint64_t> LogHub::append_note(StreamId id, std::string note) {
  auto pause = kRetryFirst;
  note = note.substr(0, kMaxNoteBytes) + "\n";
  while (true) {
    const auto size = co_await extent_of(id);
    if (co_await ends_with_note(id, size, note)) co_return size;
    std::string line = note;
    if (size > 0) {
      const auto last = co_await parts_.log_store.read(id, size - 1, 1);
      if (last && *last != "\n") line.insert(0, "\n");
    }
    std::vector<ports::TimeMark> marks;
    marks.push_back({size, parts_.clock.now()});
    const auto durable = co_await parts_.log_store.append(id, size, std::move(line), std::move(marks));
    if (durable) co_return *durable;
    if (durable.error().code == Errc::conflict) co_return size;  // finished before
    parts_.log.error("log cannot be written, trying again",
                     {{"stream", id}, {"error", base::describe(durable.error())}});
    co_await runtime::sleep_for(parts_.clock, pause);
    pause = std::min(pause * 2, kRetryMost);
  }
}

Awaitable<std::uint64_t> LogHub::close(StreamId id, std::string note) {
  auto stream = find(id);
  if (!stream) {
    stream = std::make_shared<Stream>(0, 0);
    streams_[id] = stream;
  }
  stream->closing = true;
  stream->connection = 0;
  stream->changed.notify();
  while (stream->appending) co_await stream->changed.wait();
  const auto size = note.empty() ? co_await extent_of(id) : co_await append_note(id, std::move(note));
  auto pause = kRetryFirst;
  while (true) {
    const auto finished = co_await parts_.log_store.finish(id);
    if (finished || finished.error().code == Errc::not_found) break;  // nothing was ever written
    parts_.log.error("log cannot be finished, trying again",
                     {{"stream", id}, {"error", base::describe(finished.error())}});
    co_await runtime::sleep_for(parts_.clock, pause);
    pause = std::min(pause * 2, kRetryMost);
  }
  const auto it = streams_.find(id);
  if (it != streams_.end() && it->second == stream) streams_.erase(it);
  co_return size;
}

Awaitable<void> LogHub::stop() {
  stopping_ = true;
  for (auto& [id, stream] : streams_) stream->changed.notify();
  co_await scope_.join();
}

}  // namespace footman::controller
