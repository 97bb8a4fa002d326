// The log of a build: whole, a range of it, or followed until its end.
#include <fmt/format.h>

#include <limits>

#include "api/context.hpp"
#include "api/log_text.hpp"
#include "api/query.hpp"
#include "api/respond.hpp"
#include "api/streams.hpp"
#include "runtime/scope.hpp"

namespace footman::api {
namespace {

struct LogRequest {
  std::shared_ptr<const net::HttpRequest> request;
  BuildId build;
  std::size_t attempt = 0;  // 0: the last one
  std::optional<std::uint64_t> offset;
  std::optional<ByteRange> range;
  bool follow = false;
  bool timestamps = false;
};

struct LogPlace {
  StreamId stream;
  std::size_t attempt = 0;
};

Result<LogRequest> read_request(const Call& call) {
  FOOTMAN_TRY(const auto id, parse_id(call.params[0], "id"));
  Errors errors;
  Query query(*call.request, errors);
  LogRequest wanted;
  wanted.request = call.request;
  wanted.build = BuildId(id);
  wanted.attempt = static_cast<std::size_t>(
      query.number("attempt", 1, std::numeric_limits<std::int64_t>::max()).value_or(0));
  if (const auto offset = query.number("offset", 0, std::numeric_limits<std::int64_t>::max()))
    wanted.offset = static_cast<std::uint64_t>(*offset);
  wanted.follow = query.flag("follow");
  wanted.timestamps = query.flag("timestamps");
  query.done();
  if (const auto range = call.request->headers.find("Range")) wanted.range = parse_range(*range);
  if (wanted.range && (wanted.offset || wanted.follow))
    errors.add("a range of bytes cannot be combined with offset or follow", "Range");
  if (wanted.timestamps && (wanted.range || wanted.offset.value_or(0) > 0))
    errors.add("time stamps cannot be combined with a range or an offset", "timestamps");
  FOOTMAN_TRY_STATUS(errors.status());
  return wanted;
}

std::optional<LogPlace> find_place(const std::vector<model::Assignment>& assignments, std::size_t attempt) {
  const auto number = attempt == 0 ? assignments.size() : attempt;
  if (number == 0 || number > assignments.size()) return std::nullopt;
  return LogPlace{assignments[number - 1].stream, number};
}

template <class T>
Awaitable<Result<T>> on_net(Context* context, Awaitable<Result<T>> question) {
  co_return co_await runtime::run_on(context->parts.net, std::move(question));
}

// --- sending

struct Piece {
  LogPlace place;
  Span span;
};

// False: the client is gone.
Awaitable<bool> send_piece(Context* context, Piece piece, LineStamper* stamper,
                           std::shared_ptr<net::BodyWriter> writer) {
  auto& logs = context->parts.log_store;
  auto [first, end] = piece.span;
  while (first < end) {
    const auto most = std::min<std::uint64_t>(kLogChunkBytes, end - first);
    auto bytes = co_await on_net(context, logs.read(piece.place.stream, first, most));
    if (!bytes) break_off(bytes.error());
    if (bytes->empty()) break_off(Error{Errc::corrupt, "the log is shorter than it was", {}, {}});
    const auto next = first + bytes->size();
    if (stamper != nullptr) {
      const auto marks = co_await on_net(context, logs.marks(piece.place.stream, first, next));
      if (!marks) break_off(marks.error());
      *bytes = stamper->stamp(*bytes, first, *marks);
    }
    const auto sent = co_await writer->write(std::move(*bytes));
    if (!sent) co_return false;
    first = next;
  }
  co_return true;
}

Awaitable<void> send_span(Context* context, Piece piece, bool timestamps,
                          std::shared_ptr<net::BodyWriter> writer) {
  LineStamper stamper;
  (void)co_await send_piece(context, piece, timestamps ? &stamper : nullptr, std::move(writer));
}

// --- following

// Until the build may have changed.
Awaitable<void> wait_for_change(Context* context, BuildId build, std::uint64_t after) {
  auto& changes = context->parts.changes;
  auto& clock = context->parts.clock;
  const auto until = clock.steady() + kFollowLookAgain;
  while (clock.steady() < until) {
    const auto batch = changes.read_after(after);
    if (batch.lost) co_return;
    for (const auto& change : batch.values)
      if (change.kind == "build" && change.id == build.str()) co_return;
    after = batch.last;
    co_await changes.wait_after(clock, after, until - clock.steady());
  }
}

// The log of the attempt that has started; empty: the build ended without one. An attempt that has not
// started may still be taken back, and another one's log be the build's.
Awaitable<std::optional<LogPlace>> wait_for_place(Context* context, LogRequest wanted) {
  while (still_allowed(*context, wanted.request)) {
    const auto after = context->parts.changes.last();
    const auto build = co_await context->parts.store.get_build(wanted.build);
    if (!build) break_off(build.error());
    const auto assignments = co_await context->parts.store.list_assignments(wanted.build);
    if (!assignments) break_off(assignments.error());
    const auto place = find_place(*assignments, wanted.attempt);
    const bool settled = wanted.attempt != 0 || build->state != model::BuildState::queued;
    if (place && settled) co_return place;
    if (build->state == model::BuildState::finished) co_return std::nullopt;
    co_await wait_for_change(context, wanted.build, after);
  }
  co_return std::nullopt;
}

Awaitable<bool> is_finished(Context* context, BuildId id) {
  const auto build = co_await context->parts.store.get_build(id);
  if (!build) break_off(build.error());
  co_return build->state == model::BuildState::finished;
}

Awaitable<void> follow_log(Context* context, LogRequest wanted, std::shared_ptr<net::BodyWriter> writer) {
  const Counted open(context->followed_logs);
  const auto place = co_await wait_for_place(context, wanted);
  if (!place) co_return;
  LineStamper stamper;
  auto offset = wanted.offset.value_or(0);
  bool over = co_await is_finished(context, wanted.build);  // nothing is added any more
  while (still_allowed(*context, wanted.request)) {
    const auto wait = over ? Duration(0) : kFollowLookAgain;
    const auto extent =
        co_await on_net(context, context->parts.log_store.wait_beyond(place->stream, offset, wait));
    if (!extent) break_off(extent.error());
    if (extent->bytes > offset) {
      const bool sent = co_await send_piece(context, Piece{*place, {offset, extent->bytes}},
                                            wanted.timestamps ? &stamper : nullptr, writer);
      if (!sent) co_return;
      offset = extent->bytes;
    } else if (extent->finished || over) {
      co_return;
    } else {
      // A log that retention has removed is never finished. What came before the build's end is read once
      // more.
      over = co_await is_finished(context, wanted.build);
    }
  }
}

// --- the answer

net::HttpResponse make_answer(const std::optional<LogPlace>& place, std::uint64_t bytes, bool finished) {
  auto response = text_response("text/plain; charset=utf-8", {});
  auto& headers = response.headers;
  headers.add("Content-Security-Policy",
              "default-src 'none'; sandbox");  // whatever a build prints is harmless
  headers.add("Accept-Ranges", "bytes");
  if (place) headers.add("Footman-Log-Attempt", std::to_string(place->attempt));
  headers.add("Footman-Log-Bytes", std::to_string(bytes));
  headers.add("Footman-Log-Finished", finished ? "true" : "false");
  return response;
}

net::HttpResponse make_unsatisfiable(std::uint64_t total) {
  auto response =
      error_response(416, "range_not_satisfiable",
                     Error{Errc::invalid_argument, fmt::format("the log has {} bytes", total), {}, {}});
  response.headers.add("Content-Range", fmt::format("bytes */{}", total));
  return response;
}

// Small logs are answered at once, so that they have a length.
Awaitable<Reply> answer_span(Context& context, LogRequest wanted, Piece piece, net::HttpResponse response) {
  auto* parts = &context;
  if (piece.span.end - piece.span.first > kLogChunkBytes || wanted.timestamps) {
    response.stream = [parts, piece, stamps = wanted.timestamps](std::shared_ptr<net::BodyWriter> writer) {
      return send_span(parts, piece, stamps, std::move(writer));
    };
    co_return response;
  }
  auto [first, end] = piece.span;
  while (first < end) {
    FOOTMAN_CO_TRY(const auto bytes, co_await on_net(parts, context.parts.log_store.read(
                                                                piece.place.stream, first, end - first)));
    if (bytes.empty()) co_return fail(Errc::unavailable, "the log was removed while it was read");
    response.body += bytes;
    first += bytes.size();
  }
  co_return response;
}

}  // namespace

Awaitable<Reply> get_log(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto wanted, read_request(call));
  auto& store = context.parts.store;
  FOOTMAN_CO_TRY(const auto build, co_await store.get_build(wanted.build));
  FOOTMAN_CO_TRY(const auto assignments, co_await store.list_assignments(wanted.build));
  const auto place = find_place(assignments, wanted.attempt);
  const bool is_over = build.state == model::BuildState::finished;
  if (wanted.attempt > 0 && !place && (is_over || !wanted.follow))
    co_return fail(Errc::not_found, fmt::format("the build has {} attempts", assignments.size()), "attempt");
  ports::LogExtent extent;
  if (place) {
    FOOTMAN_CO_TRY(extent, co_await on_net(&context, context.parts.log_store.extent(place->stream)));
  }
  auto response = make_answer(place, extent.bytes, extent.finished || is_over);
  if (wanted.follow) {
    FOOTMAN_CO_TRY_STATUS(check_room(context.followed_logs, kMaxFollowedLogs, "followed logs"));
    response.headers.add("X-Accel-Buffering", "no");  // for nginx: pass it on as it comes
    response.stream = [parts = &context, wanted](std::shared_ptr<net::BodyWriter> writer) {
      return follow_log(parts, wanted, std::move(writer));
    };
    co_return response;
  }
  Span span{wanted.offset.value_or(0), extent.bytes};
  if (span.first > span.end) co_return make_unsatisfiable(extent.bytes);
  if (wanted.range) {
    const auto found = find_span(*wanted.range, extent.bytes);
    if (!found) co_return make_unsatisfiable(extent.bytes);
    span = *found;
    response.status = 206;
    response.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", span.first, span.end - 1, extent.bytes));
  }
  co_return co_await answer_span(context, std::move(wanted), Piece{place.value_or(LogPlace{}), span},
                                 std::move(response));
}

}  // namespace footman::api
