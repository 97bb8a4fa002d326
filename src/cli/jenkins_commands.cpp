// jenkins list|show|detach
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/context.hpp"
#include "cli/groups.hpp"

namespace footman::cli {
namespace {

const Argument kJenkins{"NAME", "its name as in footman.yaml"};

std::string target_of_jenkins(const Arguments& arguments) {
  return "/jenkins/" + net::percent_encode(arguments.text("NAME"));
}

std::string state_of_jenkins(const json::value& one) {
  if (flag_of(one, "detached")) return "detached";
  const auto reach = text_of(one, "reach");
  return reach == "well" ? "reached" : reach;
}

Awaitable<Result<int>> list_jenkins(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto answer, co_await session.client.get("/jenkins"));
  if (session.json) {
    session.out().write(pretty(answer));
    co_return exit_ok;
  }
  Table table({"NAME", "URL", "STATE", "WAITING", "NODES", "VIOLATIONS", "TROUBLE"});
  for (const auto& one : list_of(answer, "jenkins"))
    table.add({text_of(one, "name"), text_of(one, "url"), state_of_jenkins(one), number_text(one, "items"),
               number_text(one, "nodes"), number_text(one, "violations"), text_of(one, "trouble")});
  if (table.empty())
    session.err().line("no Jenkins is configured: see docs/jenkins.md");
  else
    table.print(session.out());
  co_return exit_ok;
}

// Why it waits: the fleet's word where it is to get an agent.
std::string why_of_item(const json::value& item) {
  auto text = text_of(item, "text");
  return text.empty() ? text_of(part_of(item, "reason"), "text") : text;
}

void print_jenkins_items(Session& session, const json::value& answer) {
  Table table({"BUILD", "STATE", "LABEL", "WAITS", "WHY"});
  for (const auto& item : list_of(answer, "items"))
    table.add({text_of(item, "title"), text_of(item, "verdict"),
               part_of(item, "label").is_string() ? text_of(item, "label") : "?",
               format_duration(std::max(session.clock.now() - time_of(item, "since_at"), Duration(0))),
               why_of_item(item)});
  if (table.empty()) return session.out().line("nothing waits there");
  session.out().write("\n");
  table.print(session.out());
}

void print_jenkins_nodes(Session& session, const json::value& answer) {
  Table table({"NODE", "STATE", "CONNECTED", "BUILD", "MADE", "NOTE"});
  for (const auto& node : list_of(answer, "nodes"))
    table.add({text_of(node, "name"), text_of(node, "state"), flag_of(node, "connected") ? "yes" : "no",
               text_of(node, "work"), show_time(time_of(node, "created_at")), text_of(node, "note")});
  if (table.empty()) return;
  session.out().write("\n");
  table.print(session.out());
}

Awaitable<Result<int>> show_jenkins(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto answer, co_await session.client.get(target_of_jenkins(arguments)));
  if (session.json) {
    session.out().write(pretty(answer));
    co_return exit_ok;
  }
  auto& out = session.out();
  const auto& one = part_of(answer, "jenkins");
  Facts facts;
  facts.add("Jenkins", text_of(one, "name"));
  facts.add("URL", text_of(one, "url"));
  facts.add("State", fmt::format("{} since {}", state_of_jenkins(one), show_time(time_of(one, "since_at"))));
  facts.add("Trouble", text_of(one, "trouble"));
  facts.print(out);
  print_jenkins_items(session, answer);
  print_jenkins_nodes(session, answer);
  for (const auto& text : list_of(answer, "violations"))
    if (text.is_string()) out.line(clean("violation: " + std::string(text.as_string())));
  co_return exit_ok;
}

Awaitable<Result<int>> detach_jenkins(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto answer,
                 co_await session.client.post(target_of_jenkins(arguments) + "/detach", json::object()));
  if (session.json)
    session.out().write(pretty(answer));
  else
    session.out().line(
        fmt::format("{} placeholders removed; no agent is launched for '{}' any more until the "
                    "server is started anew",
                    number_text(answer, "removed"), clean(arguments.text("NAME"))));
  co_return exit_ok;
}

}  // namespace

Command jenkins_commands() {
  Command group;
  group.name = "jenkins";
  group.summary = "look at each Jenkins that gets agents";
  group.description =
      "A Jenkins that is already there, in the section 'jenkins' of footman.yaml; docs/jenkins.md.";
  group.examples = {{"footman jenkins list", ""}, {"footman jenkins show ci", "what waits there, and why"}};
  group.commands = {
      {"list",
       "each Jenkins, and whether it is reached",
       "WAITING: items of its queue, whoever is to run them. VIOLATIONS: builds that came to a node which\n"
       "should have had no more.",
       {{"footman jenkins list", ""}},
       {},
       {},
       {},
       {},
       list_jenkins},
      {"show",
       "what waits there, and the nodes of agents",
       "",
       {{"footman jenkins show ci", ""},
        {"footman explain footman-here-x7k2m9q4", "one node, also after it is gone"}},
       {},
       {kJenkins},
       {},
       {},
       show_jenkins},
      {"detach",
       "remove the placeholders, and launch nothing for it",
       "Until the server is started anew; take it out of footman.yaml before.\n"
       "Agents at work finish, idle ones end, and pools keep none ready for it.",
       {{"footman jenkins detach ci", ""}},
       {},
       {kJenkins},
       {},
       {},
       detach_jenkins}};
  return group;
}

}  // namespace footman::cli
