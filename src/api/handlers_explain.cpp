// "Why does it wait, what happened to it": what several parts know, put together.
#include <fmt/format.h>

#include "api/build_views.hpp"
#include "api/context.hpp"
#include "api/query.hpp"
#include "api/respond.hpp"
#include "model/look_again.hpp"

namespace footman::api {
namespace {

std::string expectation_of(const ports::WaitReason& reason, Instant now) {
  if (!reason.expected_at.is_set()) return {};
  return reason.expected_at > now
             ? fmt::format(" Expected in {}.", base::format_duration(reason.expected_at - now))
             : " It takes longer than usual.";
}

// The builds before and after it, where one was lost with its agent.
std::string chain_of(const model::Build& build) {
  std::string text;
  if (!build.retry_of.empty())
    text +=
        fmt::format(" It runs in place of build {}, which was lost with its agent.", build.retry_of.str());
  if (!build.retried_by.empty()) text += fmt::format(" It is run again as build {}.", build.retried_by.str());
  return text;
}

std::string wait_of(const ports::WaitReason& reason, Instant now) {
  auto again = model::describe_look_again(reason.look_again, reason.look_again_on, now);
  if (!again.empty()) again.insert(0, reason.text.ends_with('.') ? " " : ". ");
  return fmt::format("It waits: {}{}{}", reason.text, expectation_of(reason, now), again);
}

std::string sentence_of(const controller::BuildExplanation& told, Instant now) {
  const auto& build = told.build;
  if (build.state == model::BuildState::finished) {
    const auto result = model::to_string(build.result);
    return build.reason.empty() ? fmt::format("It ended with {}.", result)
                                : fmt::format("It ended with {}: {}", result, build.reason);
  }
  if (build.state == model::BuildState::running && !told.assignments.empty())
    return fmt::format("It runs on agent {}.", told.assignments.back().agent.str());
  if (told.queue) return wait_of(told.queue->reason, now);
  return "It is being handed over.";
}

std::string sentence_of(const fleet::AgentView& view) {
  const auto& agent = view.agent;
  if (agent.end_reason != model::EndReason::none)
    return model::describe_end(agent.end_reason, agent.end_detail);
  if (agent.state == model::AgentState::online && view.kept_ready)
    return fmt::format("It is online and {}; the pool of its template keeps it ready.",
                       model::to_string(view.observation.activity));
  if (agent.state == model::AgentState::online)
    return fmt::format("It is online and {}.", model::to_string(view.observation.activity));
  return fmt::format("It is {}.", model::to_string(agent.state));
}

}  // namespace

Awaitable<Reply> explain_build(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  FOOTMAN_CO_TRY(const auto story, co_await tell_build(context.stories(), BuildId(id)));
  const auto& told = story.told;
  auto sentence = sentence_of(told, context.now());
  const auto chain = chain_of(told.build);
  if (!chain.empty() && !sentence.ends_with('.')) sentence += '.';
  json::object body{{"sentence", utf8(sentence + chain)}};
  auto build = to_json(told.build, told.queue,
                       told.assignments.empty() ? AgentId() : told.assignments.back().agent, context.now());
  build["cost"] = to_json(story.cost);
  body["build"] = std::move(build);
  body["considered"] = to_array(story.considered);
  json::array attempts;
  for (const auto& one : told.assignments)
    attempts.push_back(to_json(one, attempts.size() + 1, told.streams));
  body["attempts"] = std::move(attempts);
  body["steps"] = to_array(told.steps);
  if (story.agent) {
    FOOTMAN_CO_TRY(body["agent"], co_await describe_agent(context, *story.agent));
  }
  body["timeline"] = to_array(told.timeline);
  co_return json_response(200, body);
}

Awaitable<Reply> explain_agent(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto story, co_await tell_agent(context.stories(), AgentId(call.params[0])));
  auto agent = agent_to_json(context, story.agent);
  agent["cost"] = to_json(story.cost);
  agent["launch"] = launch_to_json(story.agent.agent);
  json::object body{{"sentence", utf8(sentence_of(story.agent))}, {"agent", std::move(agent)}};
  json::array builds;
  for (const auto& one : story.work) builds.push_back(work_to_json(one));
  body["builds"] = std::move(builds);
  body["timeline"] = to_array(story.timeline);
  co_return json_response(200, body);
}

}  // namespace footman::api
