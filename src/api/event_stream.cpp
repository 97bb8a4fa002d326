// Server-sent events: every change of state, resumable.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/query.hpp"
#include "api/respond.hpp"
#include "api/streams.hpp"
#include "base/number.hpp"
#include "model/nearest.hpp"
#include "net/sse.hpp"

namespace footman::api {
namespace {

const std::vector<std::string> kKinds = {"agent", "build", "cloud", "config",     "job",
                                         "log",   "plan",  "pool",  "queue_item", "step"};

struct EventFilter {
  std::vector<std::string> kinds;  // empty: all
  std::string build;
  std::string agent;

  bool takes(const model::Change& change) const {
    if (!kinds.empty() && std::ranges::find(kinds, change.kind) == kinds.end()) return false;
    if (build.empty() && agent.empty()) return true;
    if (change.kind == "plan") return !kinds.empty();  // asked for: it decides on what waits, each build, too
    const bool is_build =
        !build.empty() && (change.parent == build || (change.kind == "build" && change.id == build));
    return is_build || (!agent.empty() && change.kind == "agent" && change.id == agent);
  }
};

struct EventRequest {
  std::shared_ptr<const net::HttpRequest> request;
  EventFilter filter;
  std::uint64_t after = 0;
  std::string reset;  // why the client must look at everything again; empty: it need not
};

std::vector<std::string> split_kinds(std::string_view text, Errors& errors) {
  std::vector<std::string> kinds;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    kinds.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (std::ranges::find(kKinds, kinds.back()) != kKinds.end()) continue;
    const auto nearest = model::find_nearest(kinds.back(), kKinds);
    errors.add("there are no changes of this kind", "kinds",
               nearest ? fmt::format("Did you mean \"{}\"?", *nearest)
                       : fmt::format("Kinds are: {}.", fmt::join(kKinds, ", ")));
    break;
  }
  return kinds;
}

// "RUN-SEQUENCE" of this run.
std::optional<std::uint64_t> find_position(const Context& context, std::string_view id) {
  if (id.size() <= context.run.size() || !id.starts_with(context.run) || id[context.run.size()] != '-')
    return std::nullopt;
  id.remove_prefix(context.run.size() + 1);
  const auto position = base::find_number<std::uint64_t>(id);
  if (!position || *position > context.parts.changes.last()) return std::nullopt;
  return position;
}

Result<EventRequest> read_request(const Context& context, const Call& call) {
  Errors errors;
  Query query(*call.request, errors);
  EventRequest wanted;
  wanted.request = call.request;
  wanted.filter.kinds = split_kinds(query.text("kinds").value_or(""), errors);
  if (const auto build = query.number("build", 1, std::numeric_limits<std::int64_t>::max()))
    wanted.filter.build = std::to_string(*build);
  wanted.filter.agent = query.text("agent").value_or("");
  query.done();
  FOOTMAN_TRY_STATUS(errors.status());
  wanted.after = context.parts.changes.last();
  const auto last_id = call.request->headers.find("Last-Event-ID");
  if (!last_id || last_id->empty()) {
    wanted.reset = "new";
  } else if (const auto position = find_position(context, *last_id)) {
    wanted.after = *position;
  } else {
    wanted.reset = "restarted";
  }
  return wanted;
}

std::string event_id(const Context& context, std::uint64_t position) {
  return fmt::format("{}-{}", context.run, position);
}

std::string format_reset(const Context& context, std::string_view reason, std::uint64_t position) {
  return net::format_sse({event_id(context, position), "reset", to_text({{"reason", reason}})});
}

class EventSender {
 public:
  EventSender(Context* context, EventRequest wanted, std::shared_ptr<net::BodyWriter> writer)
      : context_(context), wanted_(std::move(wanted)), writer_(std::move(writer)) {}

  Awaitable<void> run() {
    const Counted open(context_->event_streams);
    auto& changes = context_->parts.changes;
    auto& clock = context_->parts.clock;
    last_sent_ = last_checked_ = clock.steady();
    if (!wanted_.reset.empty() && !co_await send(format_reset(*context_, wanted_.reset, wanted_.after)))
      co_return;
    while (co_await send_news() && check_access()) {
      const auto quiet = clock.steady() - last_sent_;
      if (quiet < kEventKeepAlive)
        co_await changes.wait_after(clock, wanted_.after, kEventKeepAlive - quiet);
      else if (!co_await send(net::format_sse_comment("")))
        co_return;
    }
  }

 private:
  // Now and then, however busy the stream is.
  bool check_access() {
    const auto now = context_->parts.clock.steady();
    if (now - last_checked_ < kEventKeepAlive) return true;
    last_checked_ = now;
    return still_allowed(*context_, wanted_.request);
  }

  // False: the client is gone.
  Awaitable<bool> send(std::string text) {
    last_sent_ = context_->parts.clock.steady();
    const auto sent = co_await writer_->write(std::move(text));
    co_return sent.has_value();
  }

  Awaitable<bool> send_news() {
    auto batch = context_->parts.changes.read_after(wanted_.after);
    auto position = batch.last - batch.values.size();
    wanted_.after = batch.last;
    if (batch.lost) co_return co_await send(format_reset(*context_, "missed", batch.last));
    std::string text;
    std::size_t count = 0;
    for (auto& change : batch.values) {
      change.sequence = ++position;
      if (!wanted_.filter.takes(change)) continue;
      text += net::format_sse({event_id(*context_, position), "change", to_text(to_json(change))});
      if (++count % kMaxEventBatch == 0 && !co_await send(std::exchange(text, {}))) co_return false;
    }
    co_return text.empty() || co_await send(std::move(text));
  }

  Context* context_;
  EventRequest wanted_;
  std::shared_ptr<net::BodyWriter> writer_;
  Duration last_sent_{};
  Duration last_checked_{};
};

Awaitable<void> send_events(Context* context, EventRequest wanted, std::shared_ptr<net::BodyWriter> writer) {
  EventSender sender(context, std::move(wanted), std::move(writer));
  co_await sender.run();
}

}  // namespace

Awaitable<Reply> stream_events(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto wanted, read_request(context, call));
  FOOTMAN_CO_TRY_STATUS(check_room(context.event_streams, kMaxEventStreams, "event streams"));
  auto response = text_response("text/event-stream", {});
  response.headers.add("X-Accel-Buffering", "no");  // for nginx: pass it on as it comes
  response.stream = [parts = &context, wanted = std::move(wanted)](std::shared_ptr<net::BodyWriter> writer) {
    return send_events(parts, wanted, std::move(writer));
  };
  co_return response;
}

}  // namespace footman::api
