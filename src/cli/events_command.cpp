// events
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "cli/context.hpp"
#include "cli/event_stream.hpp"
#include "cli/groups.hpp"

namespace footman::cli {
namespace {

std::string sentence_of(const Output& out, const json::value& change) {
  const auto state = text_of(change, "state");
  const auto parent = text_of(change, "parent");
  return fmt::format("{}  {:<10}  {}{}  {}", styled(out, Style::dim, show_time(time_of(change, "at"))),
                     clean(text_of(change, "kind")), clean(text_of(change, "id")),
                     parent.empty() ? "" : " of build " + clean(parent),
                     styled(out, style_of(state), clean(state)));
}

Awaitable<Result<int>> events(Session& session, const Arguments& arguments) {
  Query query;
  if (arguments.has("kinds")) query.emplace_back("kinds", arguments.text("kinds"));
  if (arguments.has("build")) query.emplace_back("build", arguments.text("build"));
  if (arguments.has("agent")) query.emplace_back("agent", arguments.text("agent"));
  auto left = arguments.number("count").value_or(0);
  const bool counted = left > 0;
  const auto on_event = [&](const ServerEvent& event) {
    if (event.reset) {
      const auto reason = text_of(event.data, "reason");
      if (session.json) {
        session.out().line(fmt::format(R"({{"event":"reset","data":{}}})", one_line(event.data)));
      } else if (reason != "new") {
        session.err().line(fmt::format("footman: events were missed ({})", clean(reason)));
      }
      return true;
    }
    if (session.json) {
      session.out().line(fmt::format(R"({{"event":"change","data":{}}})", one_line(event.data)));
    } else {
      session.out().line(sentence_of(session.out(), event.data));
    }
    return !counted || --left > 0;
  };
  FOOTMAN_CO_TRY_STATUS(co_await follow_events(session, std::move(query), on_event));
  co_return exit_ok;
}

}  // namespace

Command events_command() {
  return {"events",
          "every change as it happens",
          "Follows the server's event stream until interrupted, over broken connections and restarts of the "
          "server.",
          {{"footman events", "everything"},
           {"footman events --kinds build,agent", "of builds and agents only"},
           {"footman events --build 17 --json", "of one build, one JSON object a line"}},
          {{"kinds", 'k', Value::text, "KINDS",
            "only of these, separated by commas: agent, build, cloud, config, job, log, plan, pool, "
            "queue_item, step"},
           {"build", 'b', Value::number, "ID", "only of this build"},
           {"agent", 'a', Value::text, "AGENT", "only of this agent"},
           {"count", 'n', Value::number, "N", "leave after that many changes"}},
          {},
          {},
          {},
          events};
}

}  // namespace footman::cli
