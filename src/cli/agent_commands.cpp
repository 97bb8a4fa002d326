// queue, agent list|show|drain|terminate, cloud list|pause|resume|test, reconcile
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/context.hpp"
#include "cli/costs.hpp"
#include "cli/explain.hpp"
#include "cli/groups.hpp"
#include "model/work.hpp"

namespace footman::cli {
namespace {

const Argument kAgent{"AGENT", "an agent's id such as local-k3v9q2m7"};
const Argument kCloud{"CLOUD", "a cloud's name as in footman.yaml"};

std::string target_of_agent(const std::string& id) { return "/agents/" + net::percent_encode(id); }

std::string since(const Session& session, Instant instant) {
  if (!instant.is_set()) return {};
  const auto passed = session.clock.now() - instant;
  return format_duration(passed);
}

// --- queue

Awaitable<Result<int>> queue(Session& session, const Arguments& arguments) {
  const auto limit = arguments.number("limit").value_or(100);
  FOOTMAN_CO_TRY(const auto items, co_await session.client.list("/queue", "items", {}, limit));
  if (session.json) {
    session.out().write(pretty(items));
    co_return exit_ok;
  }
  Table table({"BUILD", "TITLE", "STATE", "LABEL", "WAITS", "WHY"});
  for (const auto& item : list_of(items, "items")) {
    table.add({number_text(item, "build"), text_of(item, "title"), text_of(item, "state"),
               text_of(item, "label"), since(session, time_of(item, "since_at")),
               describe_wait(part_of(item, "reason"), session.clock.now())});
  }
  if (table.empty()) {
    session.err().line("nothing waits");
  } else {
    table.print(session.out());
  }
  const auto total = number_of(items, "total").value_or(0);
  if (total > static_cast<std::int64_t>(table.size())) {
    session.err().line(fmt::format("{} of {}: --limit N", table.size(), total));
  }
  co_return exit_ok;
}

// --- agent

std::string work_of(const json::value& agent) {
  if (const auto build = number_text(agent, "build"); !build.empty()) return "runs build " + build;
  auto end = text_of(part_of(agent, "end"), "text");
  if (!end.empty()) return end;
  const auto activity = text_of(agent, "activity");
  // Keys of another controller's items tell people nothing.
  const auto controller = text_of(agent, "controller");
  const bool is_own = controller.empty() || controller == model::kBuiltInController;
  const auto promised = text_of(agent, "promised_to");
  const auto item = !is_own ? std::string() : promised.empty() ? text_of(agent, "for_item") : promised;
  return item.empty() || activity == "idle" ? activity : "for queue item " + item;
}

Awaitable<Result<int>> list_agents(Session& session, const Arguments& arguments) {
  Query query;
  if (arguments.has("ended")) query.emplace_back("ended", "true");
  const auto limit = arguments.number("limit").value_or(100);
  FOOTMAN_CO_TRY(const auto agents,
                 co_await session.client.list("/agents", "agents", std::move(query), limit));
  if (session.json) {
    session.out().write(pretty(agents));
    co_return exit_ok;
  }
  Table table({"AGENT", "STATE", "CLOUD", "TEMPLATE", "LABELS", "SINCE", "WORK"});
  for (const auto& agent : list_of(agents, "agents")) {
    table.add({text_of(agent, "id"), text_of(agent, "state"), text_of(agent, "cloud"),
               text_of(agent, "template"), words_of(agent, "labels"), show_time(time_of(agent, "planned_at")),
               work_of(agent)});
  }
  if (table.empty()) {
    session.err().line(arguments.has("ended")
                           ? "no agents"
                           : "no agents now: they are launched when a build waits (--ended: all)");
  } else {
    table.print(session.out());
  }
  if (!text_of(agents, "next").empty()) session.err().line("there are more: --limit N");
  co_return exit_ok;
}

Awaitable<Result<int>> show_agent(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto agent, co_await session.client.get(target_of_agent(arguments.text("AGENT"))));
  if (session.json) {
    session.out().write(pretty(agent));
  } else {
    agent_facts(agent).print(session.out());
  }
  co_return exit_ok;
}

Awaitable<Result<int>> change(Session& session, const Arguments& arguments, std::string verb,
                              json::object body) {
  const auto id = arguments.text("AGENT");
  FOOTMAN_CO_TRY(const auto agent, co_await session.client.post(
                                       fmt::format("{}/{}", target_of_agent(id), verb), std::move(body)));
  if (session.json) {
    session.out().write(pretty(agent));
  } else {
    session.out().line(
        fmt::format("agent {} is {}", clean(text_of(agent, "id")), clean(text_of(agent, "state"))));
  }
  co_return exit_ok;
}

Awaitable<Result<int>> drain(Session& session, const Arguments& arguments) {
  co_return co_await change(session, arguments, "drain", {});
}

Awaitable<Result<int>> terminate(Session& session, const Arguments& arguments) {
  json::object body;
  if (arguments.has("reason")) body["reason"] = arguments.text("reason");
  co_return co_await change(session, arguments, "terminate", std::move(body));
}

// --- cloud

std::string cap_text(std::int64_t have, const json::value& object) {
  const auto cap = number_of(object, "cap").value_or(0);
  return cap == 0 ? std::to_string(have) : fmt::format("{}/{}", have, cap);
}

// A template's; "ready" goes without saying.
std::string breaker_state(const json::value& one) {
  const auto state = text_of(part_of(one, "breaker"), "state");
  return state == "closed" ? "" : state;
}

// What holds a template up, and which of its variants are left out for now.
std::string trouble_of(const json::value& one) {
  auto text = text_of(one, "trouble");
  for (const auto& variant : list_of(one, "variants")) {
    const auto until = time_of(variant, "rests_until");
    if (!until.is_set()) continue;
    text += fmt::format("{}{} rests until {}: {}", text.empty() ? "" : "; ", text_of(variant, "name"),
                        show_time(until), text_of(variant, "reason"));
  }
  return text;
}

std::string kept_text(std::int64_t max_builds) {
  if (max_builds == 1) return "";
  return max_builds == 0 ? "yes" : fmt::format("{} builds", max_builds);
}

// Of all agents of a template.
std::string idle_text(const json::value& one) {
  const auto idle = millis_of(one, "idle_ms").value_or(Duration(0));
  return idle < 1s ? "" : format_duration(idle);
}

Awaitable<Result<int>> list_clouds(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto clouds, co_await session.client.get("/clouds"));
  if (session.json) {
    session.out().write(pretty(clouds));
    co_return exit_ok;
  }
  Table table({"CLOUD", "TEMPLATE", "AGENTS", "LABELS", "DEFAULT", "KEPT", "IDLE TIME", "STATE", "TROUBLE"});
  for (const auto& cloud : list_of(clouds, "clouds")) {
    const auto count = [&](const char* field) { return number_of(cloud, field).value_or(0); };
    const auto agents = count("starting") + count("online") + count("ending");
    const auto paused = text_of(cloud, "paused");
    const auto* state = !paused.empty() ? "paused" : flag_of(cloud, "healthy") ? "healthy" : "trouble";
    std::string trouble;
    for (const auto& part :
         {paused.empty() ? paused : "paused " + paused, text_of(cloud, "trouble"), text_of(cloud, "warning")})
      if (!part.empty()) trouble += (trouble.empty() ? "" : "; ") + part;
    table.add(
        {text_of(cloud, "name"), "", cap_text(agents, cloud), "", "", "", "", state, std::move(trouble)});
    for (const auto& one : list_of(cloud, "templates")) {
      table.add({"", text_of(one, "name"), cap_text(number_of(one, "holding").value_or(0), one),
                 words_of(one, "labels"), flag_of(one, "default") ? "yes" : "",
                 kept_text(number_of(one, "max_builds").value_or(1)), idle_text(one), breaker_state(one),
                 trouble_of(one)});
    }
  }
  table.print(session.out());
  co_return exit_ok;
}

Awaitable<Result<int>> change_cloud(Session& session, const Arguments& arguments, std::string verb,
                                    json::object body) {
  const auto name = arguments.text("CLOUD");
  FOOTMAN_CO_TRY(const auto cloud,
                 co_await session.client.post(fmt::format("/clouds/{}/{}", net::percent_encode(name), verb),
                                              std::move(body)));
  if (session.json) {
    session.out().write(pretty(cloud));
  } else {
    const auto paused = text_of(cloud, "paused");
    session.out().line(paused.empty() ? fmt::format("cloud {} launches agents", clean(name))
                                      : fmt::format("cloud {} is paused {}", clean(name), clean(paused)));
  }
  co_return exit_ok;
}

Awaitable<Result<int>> pause(Session& session, const Arguments& arguments) {
  json::object body;
  if (arguments.has("reason")) body["reason"] = arguments.text("reason");
  co_return co_await change_cloud(session, arguments, "pause", std::move(body));
}

Awaitable<Result<int>> resume(Session& session, const Arguments& arguments) {
  co_return co_await change_cloud(session, arguments, "resume", {});
}

// --- reconcile

void show_reconcile(const Session& session, const json::value& reconcile) {
  Table table({"VERDICT", "AGENT", "CLOUD", "HANDLE", "WHAT"});
  for (const auto& one : list_of(reconcile, "findings"))
    table.add({text_of(one, "verdict"), text_of(one, "agent"), text_of(one, "cloud"), text_of(one, "handle"),
               text_of(one, "text")});
  if (!table.empty()) table.print(session.out());
  const auto at = time_of(reconcile, "at");
  session.err().line(at.is_set() ? fmt::format("{} agents agree, {} findings, compared {} ago",
                                               number_of(reconcile, "matched").value_or(0), table.size(),
                                               since(session, at))
                                 : "nothing has been compared yet");
  const auto& held = part_of(reconcile, "held");
  const auto builds = number_of(reconcile, "held_builds").value_or(0);
  if (held.is_object())
    session.err().line(
        fmt::format("{} of {} agents that live in the clouds have no record and are not ended: {}",
                    number_of(held, "would_end").value_or(0), number_of(held, "seen").value_or(0),
                    clean(text_of(held, "text"))));
  if (builds > 0)
    session.err().line(
        fmt::format("{} that waited in this database may have run since, and {} (footman queue): "
                    "cancel what must not run again",
                    counted(builds, "build"), builds == 1 ? "waits" : "wait"));
  const auto unheard = std::ranges::count_if(list_of(reconcile, "findings"), [](const json::value& one) {
    return flag_of(one, "held") && text_of(one, "verdict") == "must_end";
  });
  if (unheard > 0)
    session.err().line(
        fmt::format("{} of this database {} not come to it, may be at work all the same, and {} not ended",
                    counted(unheard, "agent"), unheard == 1 ? "has" : "have", unheard == 1 ? "is" : "are"));
  const bool ends = held.is_object() || unheard > 0;
  if (ends || builds > 0)
    session.err().line(fmt::format(
        "to {}{}{}: footman reconcile --apply (if this server is a copy, stop it instead)",
        ends ? "end them" : "", ends && builds > 0 ? " and " : "", builds > 0 ? "let the others run" : ""));
}

Awaitable<Result<int>> reconcile(Session& session, const Arguments& arguments) {
  const bool apply = arguments.has("apply");
  auto answer = apply ? co_await session.client.post("/reconcile/apply", {})
                      : co_await session.client.get("/reconcile");
  if (!answer) co_return std::unexpected(std::move(answer).error());
  const auto& found = *answer;
  if (session.json) {
    session.out().write(pretty(found));
    co_return exit_ok;
  }
  if (!apply) {
    show_reconcile(session, found);
    co_return exit_ok;
  }
  const auto count = number_of(found, "applied").value_or(0);
  const auto builds = number_of(found, "released_builds").value_or(0);
  if (count > 0)
    session.out().line(fmt::format("{} {} ended now, or once the lease of {} over", counted(count, "agent"),
                                   count == 1 ? "is" : "are",
                                   count == 1 ? "its session is" : "their sessions is"));
  if (builds > 0) session.out().line(counted(builds, "build") + " may run now");
  if (count == 0 && builds == 0) session.out().line("nothing waits for this");
  co_return exit_ok;
}

// "team/app #17, 2m10s, $0.004, from …"
std::string work_text(const json::value& work) {
  auto text = text_of(work, "title");
  if (text.empty()) text = fmt::format("{} {}", text_of(work, "job"), number_text(work, "build"));
  const auto lasted = millis_of(work, "lasted_ms");
  text += lasted ? ", " + format_duration(*lasted) : ", runs";
  if (number_of(work, "micro_usd").value_or(0) > 0) text += ", " + money_text(work, "micro_usd");
  if (const auto at = time_of(work, "started_at"); at.is_set()) text += ", from " + show_exact_time(at);
  return text;
}

// What is free says nothing of money.
std::string price_text(const json::value& agent) {
  if (number_of(agent, "micro_usd_per_hour").value_or(0) == 0) return {};
  return money_text(agent, "micro_usd_per_hour") + "/h";
}

}  // namespace

Facts agent_facts(const json::value& agent, bool has_end) {
  const auto time = [&](const char* field) {
    const auto at = time_of(agent, field);
    return at.is_set() ? show_exact_time(at) : std::string();
  };
  const auto& host = part_of(agent, "host");
  Facts facts;
  facts.add("Agent", text_of(agent, "id"));
  facts.add("State", text_of(agent, "state"));
  const auto activity = text_of(agent, "activity");
  facts.add("Activity", activity == "unknown" ? "" : activity);
  facts.add("Cloud", text_of(agent, "cloud"));
  facts.add("Template", text_of(agent, "template"));
  facts.add("Labels", words_of(agent, "labels"));
  facts.add("Price", price_text(agent));
  facts.add("Cost",
            number_of(agent, "micro_usd_per_hour").value_or(0) == 0 ? "" : cost_text(part_of(agent, "cost")));
  facts.add("Runs build", number_text(agent, "build"));
  if (const auto& work = part_of(agent, "work"); work.is_array())
    for (const auto& one : work.get_array()) facts.add("Had build", work_text(one));
  const auto& launch = part_of(agent, "launch");
  const auto node = text_of(launch, "node");
  if (!node.empty()) facts.add("Jenkins", text_of(agent, "controller"));
  facts.add("Node", node);
  facts.add("Launched for", text_of(launch, "work"));
  facts.add("Launched for queue item", node.empty() ? text_of(agent, "for_item") : "");
  facts.add("Promised to queue item", node.empty() ? text_of(agent, "promised_to") : "");
  facts.add("Launch reason", text_of(launch, "reason"));
  facts.add("Handle", text_of(agent, "handle"));
  facts.add("Planned", time("planned_at"));
  facts.add("Launched", time("launched_at"));
  facts.add("Connected", time("connected_at"));
  facts.add("Ended", time("ended_at"));
  const auto end = text_of(part_of(agent, "end"), "text");
  const auto detail = text_of(part_of(agent, "end"), "detail");
  // The details mostly are the sentence with what it was decided on.
  const bool is_in_detail = !end.empty() && detail.starts_with(end.substr(0, end.size() - 1));
  if (has_end) facts.add("End", is_in_detail ? detail : end);
  if (has_end) facts.add("Detail", is_in_detail ? "" : detail);
  facts.add("Death", text_of(part_of(agent, "death"), "text"));
  facts.add("Trouble", text_of(agent, "trouble"));
  if (host.is_object()) {
    facts.add("Host", fmt::format("{} ({} {}, {} CPUs, {})", text_of(host, "hostname"), text_of(host, "os"),
                                  text_of(host, "arch"), number_text(host, "cpus"),
                                  format_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(
                                      number_of(host, "memory_bytes").value_or(0), 0)))));
    facts.add("Peer", text_of(host, "peer"));
    facts.add("Version", text_of(host, "agent_version"));
  }
  return facts;
}

Command queue_command() {
  return {"queue",
          "what waits, and why",
          "",
          {{"footman queue", "in the order of submission"}, {"footman queue --json | jq .total", "how many"}},
          {{"limit", 'n', Value::number, "N", "at most this many (100)"}},
          {},
          {},
          {},
          queue};
}

Command agent_commands() {
  return {"agent",
          "list, show, drain and end agents",
          "",
          {{"footman agent list", "those that are there now"}},
          {},
          {},
          {
              {"list",
               "agents, newest first",
               "",
               {{"footman agent list --ended", "also those that have ended"}},
               {{"ended", 'a', Value::none, "", "also agents that have ended"},
                {"limit", 'n', Value::number, "N", "at most this many (100)"}},
               {},
               {},
               {},
               list_agents},
              {"show",
               "an agent, also one that has ended",
               "",
               {{"footman agent show local-k3v9q2m7", ""}},
               {},
               {kAgent},
               {},
               {},
               show_agent},
              {"drain",
               "let an agent finish its build and end it",
               "",
               {{"footman agent drain local-k3v9q2m7", ""}},
               {},
               {kAgent},
               {},
               {},
               drain},
              {"terminate",
               "end an agent now",
               "A build that runs on it fails with the reason; work that has not started goes back to the "
               "queue.\n"
               "Of one that ends already, and whose cloud is not configured any more, the record is closed: "
               "that\n"
               "is your word that nothing of it is left.",
               {{"footman agent terminate local-k3v9q2m7 --reason 'disk is broken'", ""}},
               {{"reason", 0, Value::text, "TEXT", "shown with the build and the agent"}},
               {kAgent},
               {},
               {},
               terminate},
          }};
}

Command cloud_commands() {
  return {
      "cloud",
      "list, pause, resume, test and discover clouds",
      "",
      {{"footman cloud list", "with their agents and their troubles"}},
      {},
      {},
      {{"list",
        "clouds, templates, agents and troubles",
        "",
        {{"footman cloud list", ""}},
        {},
        {},
        {},
        {},
        list_clouds},
       {"pause",
        "launch no agents in a cloud until it is resumed",
        "Its agents go on, and idle ones take work. Lasts over restarts of the server.",
        {{"footman cloud pause here --reason 'the disk is being changed'", ""}},
        {{"reason", 0, Value::text, "TEXT", "shown with the builds that wait for it"}},
        {kCloud},
        {},
        {},
        pause},
       {"resume",
        "launch agents in a cloud again",
        "Templates that are held after failures have one agent tried at once, also where the cloud was not "
        "paused.",
        {{"footman cloud resume here", ""}},
        {},
        {kCloud},
        {},
        {},
        resume},
       cloud_test_command(),
       cloud_discover_command()}};
}

Command reconcile_command() {
  return {"reconcile",
          "what the comparison of the records with the clouds has found",
          "After a start, agents without a record are only reported when they are many, or when the\n"
          "database may not be the one that the last run left. --apply ends them. In a database that was\n"
          "put back or copied what waited may have run since: --apply lets such builds run.",
          {{"footman reconcile", "look first"},
           {"footman reconcile --apply", "end what waits for it, and let builds run"}},
          {{"apply", 0, Value::none, "", "end the agents, and let the builds run, that are held back"}},
          {},
          {},
          {},
          reconcile};
}

}  // namespace footman::cli
