// What happened to a build or an agent, put together from those who know a part of it: for the API's answers
// and the pages alike. Control executor. Errors: not_found, and the store's.
#pragma once

#include <optional>
#include <vector>

#include "controller/controller.hpp"
#include "fleet/fleet.hpp"
#include "store/store.hpp"

namespace footman::api {

struct StorySources {  // outlive the question
  controller::Controller& controller;
  fleet::Fleet& fleet;
  store::Store& store;
  base::Instant now;
};

struct ShownCost {
  model::Cost cost;
  bool is_final = false;  // false: so far
};

struct BuildStory {
  controller::BuildExplanation told;      // its timeline with the agent's
  base::AgentId agent_id;                 // that it is with, was with, or that is on its way; empty: none
  std::optional<fleet::AgentView> agent;  // absent also when it is of another time and forgotten
  std::vector<fleet::Consideration> considered;
  ShownCost cost;  // of all its attempts; an agent that is there for this build alone counts as a whole
};

struct AgentStory {
  fleet::AgentView agent;
  ShownCost cost;
  std::vector<model::Assignment> work;         // oldest first
  std::vector<model::TimelineEntry> timeline;  // oldest first
};

runtime::Awaitable<base::Result<BuildStory>> tell_build(StorySources from, base::BuildId id);
runtime::Awaitable<base::Result<AgentStory>> tell_agent(StorySources from, base::AgentId id);

// As in the stories.
runtime::Awaitable<base::Result<ShownCost>> tell_agent_cost(StorySources from, model::Agent agent);
runtime::Awaitable<base::Result<ShownCost>> tell_build_cost(StorySources from, model::Build build);

// Live, recently ended, or from the store. The name of its node in a Jenkins, whatever prefix that has, is as
// good as its id.
runtime::Awaitable<base::Result<fleet::AgentView>> find_agent(StorySources from, base::AgentId id);
// `done`, of a call about this agent; where that has ended, not_found says so, and when.
runtime::Awaitable<base::Status> say_if_ended(StorySources from, base::AgentId id, base::Status done);
// An agent as the store has it, with what its controller sees of it.
fleet::AgentView view_of(StorySources from, model::Agent agent);

}  // namespace footman::api
