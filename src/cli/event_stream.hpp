// The server's event stream, followed over broken connections.
#pragma once

#include <functional>

#include "cli/context.hpp"

namespace footman::cli {

struct ServerEvent {
  bool reset = false;  // fetch what you show again: "new", "restarted", "missed"
  json::value data;
};

// Calls `on_event` for every event until it answers false. Ends with an error when the server is away for
// longer than kReconnectFor, or says no.
Awaitable<Status> follow_events(Session& session, Query query,
                                std::function<bool(const ServerEvent&)> on_event);

}  // namespace footman::cli
