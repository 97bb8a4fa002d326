#include "api/story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace footman::api {

using base::AgentId;
using base::BuildId;
using base::Errc;
using base::Result;
using runtime::Awaitable;

namespace {

// Of the names of nodes before the agent's id: so many letters has the `prefix` of a Jenkins at most.
constexpr std::size_t kMostPrefix = 40;

Awaitable<Result<fleet::AgentView>> find_by_id(StorySources from, AgentId id) {
  auto agent = co_await from.store.get_agent(id);
  if (auto live = from.fleet.find_agent(id)) {
    if (agent) live->agent.frozen_request = std::move(agent->frozen_request);
    co_return std::move(*live);
  }
  if (agent) co_return view_of(from, std::move(*agent));
  co_return std::unexpected(std::move(agent).error());
}

}  // namespace

fleet::AgentView view_of(StorySources from, model::Agent agent) {
  fleet::AgentView view;
  if (agent.controller == from.controller.name()) view.observation = from.controller.observe_agent(agent.id);
  view.agent = std::move(agent);
  return view;
}

Awaitable<Result<fleet::AgentView>> find_agent(StorySources from, AgentId id) {
  const auto& name = id.str();
  // Its section, which knows the prefix, may be gone or have another one by now. No id is the end of another
  // one: what follows the cloud's name in it is drawn.
  for (std::size_t prefix = 0; prefix <= kMostPrefix && prefix < name.size(); ++prefix) {
    auto found = co_await find_by_id(from, AgentId(name.substr(prefix)));
    if (found || found.error().code != Errc::not_found) co_return found;
  }
  co_return std::unexpected(from.fleet.unknown_agent(id));
}

Awaitable<base::Status> say_if_ended(StorySources from, AgentId id, base::Status done) {
  if (done || done.error().code != Errc::not_found) co_return done;
  const auto view = co_await find_agent(from, id);
  if (!view || view->agent.state != model::AgentState::terminated) co_return done;
  co_return base::fail(Errc::not_found, fmt::format("Agent {} has ended, at {}. {}", id.str(),
                                                    base::format_rfc3339(view->agent.ended),
                                                    model::sentence(view->agent.end_reason)));
}

Awaitable<Result<BuildStory>> tell_build(StorySources from, BuildId id) {
  BuildStory story;
  FOOTMAN_CO_TRY(story.told, co_await from.controller.explain_build(id));
  FOOTMAN_CO_TRY(story.cost, co_await tell_build_cost(from, story.told.build));
  const auto& queue = story.told.queue;
  if (queue) {
    story.agent_id = queue->reason.agent;
    if (auto item = from.fleet.explain(from.controller.name(), queue->item.id.str()))
      story.considered = std::move(item->considered);
  }
  if (story.agent_id.empty() && !story.told.assignments.empty())
    story.agent_id = story.told.assignments.back().agent;
  if (story.agent_id.empty()) co_return story;
  // An agent of another time may be forgotten by now: the build's own story is told all the same.
  if (auto view = co_await find_agent(from, story.agent_id)) story.agent = std::move(*view);
  FOOTMAN_CO_TRY(auto lines, co_await from.store.list_timeline("agent:" + story.agent_id.str()));
  story.told.timeline = controller::make_story(story.told, std::move(lines),
                                               !story.agent || story.agent->agent.max_builds == 1);
  co_return story;
}

Awaitable<Result<AgentStory>> tell_agent(StorySources from, AgentId id) {
  AgentStory story;
  FOOTMAN_CO_TRY(story.agent, co_await find_agent(from, std::move(id)));
  id = story.agent.agent.id;
  FOOTMAN_CO_TRY(story.cost, co_await tell_agent_cost(from, story.agent.agent));
  FOOTMAN_CO_TRY(story.work, co_await from.store.list_assignments_of_agent(id));
  FOOTMAN_CO_TRY(story.timeline, co_await from.store.list_timeline("agent:" + id.str()));
  std::ranges::stable_sort(story.timeline, {}, &model::TimelineEntry::at);
  co_return story;
}

}  // namespace footman::api
