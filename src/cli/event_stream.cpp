#include "cli/event_stream.hpp"

#include <boost/json/parse.hpp>

#include "cli/follow.hpp"
#include "net/sse.hpp"

namespace footman::cli {
namespace {

std::optional<ServerEvent> event_of(const net::SseEvent& event) {
  if (event.event != "reset" && event.event != "change") return std::nullopt;  // of a newer server
  boost::system::error_code error;
  auto data = json::parse(event.data, error);
  if (error) return std::nullopt;
  return ServerEvent{event.event == "reset", std::move(data)};
}

// True when on_event wants no more.
Awaitable<Result<bool>> read_events_once(Session& session, const Query& query, std::string& last_id,
                                         const std::function<bool(const ServerEvent&)>& on_event,
                                         Patience& patience) {
  net::Headers headers;
  headers.set("Accept", "text/event-stream");
  if (!last_id.empty()) headers.set("Last-Event-ID", last_id);
  FOOTMAN_CO_TRY(const auto body, co_await session.client.open("/events", query, std::move(headers)));
  net::SseParser parser;
  while (true) {
    FOOTMAN_CO_TRY(const auto bytes, co_await body->read(kLogPieceBytes));
    patience.reset();
    if (bytes.empty()) co_return false;
    FOOTMAN_CO_TRY(const auto events, parser.feed(bytes));
    for (const auto& event : events) {
      if (!event.id.empty()) last_id = event.id;
      const auto parsed = event_of(event);
      if (parsed && !on_event(*parsed)) co_return true;
    }
  }
}

}  // namespace

Awaitable<Status> follow_events(Session& session, Query query,
                                std::function<bool(const ServerEvent&)> on_event) {
  Patience patience(session.clock, kReconnectFor);
  std::string last_id;
  bool was_connected = false;
  while (true) {
    const auto read = co_await read_events_once(session, query, last_id, on_event, patience);
    if (read && *read) co_return Status();
    was_connected = was_connected || read || !last_id.empty();
    if (!was_connected) co_return std::unexpected(read.error());  // not there to begin with
    const auto error =
        read ? Error{Errc::io, session.client.url() + " ended the stream", {}, {}} : read.error();
    FOOTMAN_CO_TRY_STATUS(co_await patience.wait_after(error));
  }
}

}  // namespace footman::cli
