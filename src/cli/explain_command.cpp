// explain BUILD|AGENT
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/build_ref.hpp"
#include "cli/context.hpp"
#include "cli/explain.hpp"
#include "cli/groups.hpp"
#include "model/look_again.hpp"

namespace footman::cli {
namespace {

void print_heading(Output& out, std::string_view text) {
  out.write("\n");
  out.line(styled(out, Style::bold, text));
}

void print_considered(Output& out, const json::value& explanation, Instant now) {
  const auto& all = list_of(explanation, "considered");
  if (all.empty()) return;
  print_heading(out, "What the templates say");
  Table table({"CLOUD", "TEMPLATE", "ANSWER"});
  for (const auto& one : all)
    table.add({text_of(one, "cloud"), text_of(one, "template"), describe_wait(one, now)});
  table.print(out);
}

void print_attempts(Output& out, const json::value& explanation, const char* field) {
  const auto& all = list_of(explanation, field);
  if (all.empty()) return;
  const bool of_agent = std::string_view(field) == "builds";
  print_heading(out, of_agent ? "Builds it was given" : "Agents it was given to");
  // Only a build counts its attempts.
  std::vector<std::string> head = {of_agent ? "BUILD" : "AGENT", "STATE", "OFFERED", "WHY"};
  if (!of_agent) head.insert(head.begin() + 1, "ATTEMPT");
  Table table(std::move(head));
  for (const auto& one : all) {
    std::vector<std::string> row = {of_agent ? number_text(one, "build") : text_of(one, "agent"),
                                    text_of(one, "state"), show_time(time_of(one, "offered_at")),
                                    text_of(one, "reason")};
    if (!of_agent) row.insert(row.begin() + 1, number_text(one, "attempt"));
    table.add(std::move(row));
  }
  table.print(out);
}

std::string end_of_step(const json::value& step) {
  if (flag_of(step, "out_of_memory")) return "out of memory";
  if (const auto signal = number_of(step, "signal"); signal && *signal != 0)
    return fmt::format("signal {}", *signal);
  if (const auto status = number_of(step, "exit_status")) return fmt::format("exit status {}", *status);
  return text_of(step, "finished_at").empty() ? "running" : "not known";
}

void print_steps(Output& out, const json::value& explanation) {
  const auto& all = list_of(explanation, "steps");
  if (all.empty()) return;
  print_heading(out, "Steps");
  Table table({"STEP", "END", "TOOK", "CPU", "PEAK MEMORY"});
  for (const auto& step : all) {
    const auto name = text_of(step, "name");
    const std::string_view none = text_of(step, "finished_at").empty() ? "" : "not known";
    const auto took = millis_of(step, "wall_time_ms");
    const auto cpu = millis_of(step, "cpu_time_ms");
    const auto memory = number_of(step, "peak_memory_bytes");
    table.add({name.empty() ? fmt::format("step {}", number_of(step, "index").value_or(0) + 1) : name,
               end_of_step(step), took ? format_duration(*took) : "",
               cpu ? format_duration(*cpu) : std::string(none),
               memory ? format_bytes(static_cast<std::uint64_t>(*memory)) : std::string(none)});
  }
  table.print(out);
}

void print_build(Output& out, const json::value& explanation, Instant now) {
  const auto& build = part_of(explanation, "build");
  const auto result = text_of(build, "result");
  const auto state = result.empty() ? text_of(build, "state") : result;
  out.line(fmt::format("build {} ({}): {}", number_text(build, "id"), clean(text_of(build, "title")),
                       styled(out, style_of(state), clean(state))));
  out.line(clean(text_of(explanation, "sentence")));
  print_considered(out, explanation, now);
  print_attempts(out, explanation, "attempts");
  print_steps(out, explanation);
  if (const auto& agent = part_of(explanation, "agent"); agent.is_object()) {
    print_heading(out, "Agent");
    agent_facts(agent).print(out);
  }
  print_timeline(out, explanation);
}

void print_agent(Output& out, const json::value& explanation) {
  const auto& agent = part_of(explanation, "agent");
  const auto state = text_of(agent, "state");
  out.line(
      fmt::format("agent {}: {}", clean(text_of(agent, "id")), styled(out, style_of(state), clean(state))));
  out.line(clean(text_of(explanation, "sentence")));
  out.write("\n");
  agent_facts(agent, false).print(out);
  print_attempts(out, explanation, "builds");
  print_timeline(out, explanation);
}

Awaitable<Result<int>> explain(Session& session, const Arguments& arguments) {
  const auto what = arguments.text("BUILD_OR_AGENT");
  const bool is_build = is_build_ref(what);
  if (!is_build && what.contains('/')) {
    co_return fail(Errc::invalid_argument, fmt::format("\"{}\" is neither a build nor an agent", what), {},
                   "Give a build such as 17 or team/app#3, an agent's id such as local-k3v9q2m7, or its node "
                   "in a Jenkins");
  }
  std::string target = fmt::format("/agents/{}/explain", net::percent_encode(what));
  if (is_build) {
    FOOTMAN_CO_TRY(const auto id, co_await find_build(session, what));
    target = fmt::format("/builds/{}/explain", id);
  }
  FOOTMAN_CO_TRY(const auto explanation, co_await session.client.get(target));
  if (session.json) {
    session.out().write(pretty(explanation));
  } else if (is_build) {
    print_build(session.out(), explanation, session.clock.now());
  } else {
    print_agent(session.out(), explanation);
  }
  co_return exit_ok;
}

}  // namespace

std::string describe_wait(const json::value& why, Instant now) {
  auto text = text_of(why, "text");
  const auto add = [&](const std::string& sentence) {
    text += fmt::format("{} {}", text.ends_with('.') ? "" : ".", sentence);
  };
  const auto again =
      model::describe_look_again(time_of(why, "look_again_at"), text_of(why, "look_again_on"), now);
  if (!again.empty()) add(again);
  if (const auto expected = time_of(why, "expected_at"); expected > now)
    add(fmt::format("Expected in {}.", format_duration(expected - now)));
  return text;
}

void print_timeline(Output& out, const json::value& explanation) {
  const auto& entries = list_of(explanation, "timeline");
  if (entries.empty()) return;
  const auto first = time_of(entries.front(), "at");
  print_heading(out, fmt::format("Timeline from {}", show_time(first)));
  std::vector<std::string> passed;
  passed.reserve(entries.size());
  std::size_t widest = 0;
  for (const auto& entry : entries) {
    passed.push_back("+" + format_duration(time_of(entry, "at") - first));
    widest = std::max(widest, passed.back().size());
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    out.line(fmt::format("  {:>{}}  {}", passed[i], widest, clean(text_of(entries[i], "text"))));
  }
}

Command explain_command() {
  return {"explain",
          "why a build waits, or what happened to a build or an agent",
          "Tells everything the server knows, with the timeline: also of agents that are gone.",
          {{"footman explain 17", "a build"},
           {"footman explain team/app#3", "a build of a job"},
           {"footman explain local-k3v9q2m7", "an agent"},
           {"footman explain footman-local-k3v9q2m7",
            "its node in a Jenkins, as the log of a build there names it"}},
          {},
          {{"BUILD_OR_AGENT", "a build (17 or team/app#3), an agent's id, or its node in a Jenkins"}},
          {},
          {},
          explain};
}

}  // namespace footman::cli
