// "Why does it wait, what happened to it": what several parts know, put together.
#include <fmt/format.h>

#include <algorithm>

#include "api/build_views.hpp"
#include "api/context.hpp"
#include "api/query.hpp"
#include "api/respond.hpp"

namespace footman::api {
namespace {

std::string sentence_of(const controller::BuildExplanation& told) {
  const auto& build = told.build;
  if (build.state == model::BuildState::finished) {
    const auto result = model::to_string(build.result);
    return build.reason.empty() ? fmt::format("It ended with {}.", result)
                                : fmt::format("It ended with {}: {}", result, build.reason);
  }
  if (build.state == model::BuildState::running && !told.assignments.empty())
    return fmt::format("It runs on agent {}.", told.assignments.back().agent.str());
  if (told.queue) return fmt::format("It waits: {}", told.queue->reason.text);
  return "It is being handed over.";
}

std::string sentence_of(const fleet::AgentView& view) {
  const auto& agent = view.agent;
  if (agent.end_reason != model::EndReason::none) {
    const auto why = model::sentence(agent.end_reason);
    return agent.end_detail.empty() || agent.end_detail == why ? std::string(why)
                                                               : fmt::format("{} {}", why, agent.end_detail);
  }
  if (agent.state == model::AgentState::online)
    return fmt::format("It is online and {}.", model::to_string(view.observation.activity));
  return fmt::format("It is {}.", model::to_string(agent.state));
}

// The agent that a build is with, was with, or waits for.
AgentId agent_of(const controller::BuildExplanation& told) {
  if (told.queue && !told.queue->reason.agent.empty()) return told.queue->reason.agent;
  return told.assignments.empty() ? AgentId() : told.assignments.back().agent;
}

json::array considered_for(const Context& context, const controller::BuildExplanation& told) {
  if (!told.queue) return {};
  const auto item = context.parts.fleet.explain(context.parts.controller.name(), told.queue->item.id.str());
  return item ? to_array(item->considered) : json::array();
}

}  // namespace

Awaitable<Reply> explain_build(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  FOOTMAN_CO_TRY(auto told, co_await context.parts.controller.explain_build(BuildId(id)));
  const auto agent = agent_of(told);
  json::object body{{"sentence", utf8(sentence_of(told))}};
  body["build"] =
      to_json(told.build, told.queue, told.assignments.empty() ? AgentId() : told.assignments.back().agent,
              context.now());
  body["considered"] = considered_for(context, told);
  json::array attempts;
  for (const auto& one : told.assignments)
    attempts.push_back(to_json(one, attempts.size() + 1, told.streams));
  body["attempts"] = std::move(attempts);
  body["steps"] = to_array(told.steps);
  if (!agent.empty()) {
    // An agent of another time may be forgotten by now: the build's own story is told all the same.
    const auto view = co_await find_agent(context, agent);
    if (view) body["agent"] = agent_to_json(context, *view);
    auto lines = co_await context.parts.store.list_timeline("agent:" + agent.str());
    if (!lines) co_return std::unexpected(std::move(lines).error());
    told.timeline = controller::make_story(told, std::move(*lines), !view || view->agent.one_shot);
  }
  body["timeline"] = to_array(told.timeline);
  co_return json_response(200, body);
}

Awaitable<Reply> explain_agent(Context& context, Call call) {
  const AgentId id(call.params[0]);
  FOOTMAN_CO_TRY(const auto view, co_await find_agent(context, id));
  FOOTMAN_CO_TRY(const auto work, co_await context.parts.store.list_assignments_of_agent(id));
  FOOTMAN_CO_TRY(auto timeline, co_await context.parts.store.list_timeline("agent:" + id.str()));
  std::ranges::stable_sort(timeline, {}, &model::TimelineEntry::at);
  json::object body{{"sentence", utf8(sentence_of(view))}, {"agent", agent_to_json(context, view)}};
  json::array builds;
  for (const auto& one : work) builds.push_back(work_to_json(one));
  body["builds"] = std::move(builds);
  body["timeline"] = to_array(timeline);
  co_return json_response(200, body);
}

}  // namespace footman::api
