// What the fleet needs of the configuration. Built by the program from config/; a reload makes a new one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/budget.hpp"
#include "model/price.hpp"
#include "model/size.hpp"
#include "policy/provisioning_plan.hpp"
#include "ports/cloud_provider.hpp"

namespace footman::fleet {

using namespace footman::base;

// One agent template. The provider's own options are not here: the CloudProvider knows them by the template's
// name and freezes them (CloudProvider::freeze). Both together make the template's content; when it changes
// the template gets the next generation number and agents of the old one drain. Priority, limits, pool, size,
// price and launch deadline only steer new launches: they are not content. Agents keep the size and price
// that they were launched with.
struct Template {
  TemplateName name;
  CloudName cloud;
  std::vector<std::string> labels;
  bool is_default = false;  // takes items without a label
  int priority = 0;         // higher first among templates that fit
  model::AgentLimits limits;
  // What limits, budgets and costs count, unless the variant that is launched says otherwise.
  model::AgentSize size;
  model::Price price;
  std::uint32_t max_builds = 1;     // so many builds, then gone; 0: no limit
  Duration idle_timeout = 1min;     // for agents of more than one build
  bool keep_paid = false;           // idle ones also until the cloud's minimum billing time is over
  Duration max_age{0};              // 0: no limit; not for one-shot agents
  Duration launch_deadline = 5min;  // from the decision to the connection
  model::PoolRules pool;            // agents without work that are kept; empty: none
  ports::AgentEndpoint endpoint;    // how its agents reach the server
};

struct FleetConfig {
  std::vector<Template> templates;  // names are unique
  // Agents count that hold a resource, or will.
  model::AgentLimits limits;                             // of all clouds together, as those that follow
  std::map<CloudName, model::AgentLimits> cloud_limits;  // the provider has its own beside
  std::map<std::string, model::AgentLimits, std::less<>> label_limits;  // of agents that offer it
  std::map<ControllerName, model::AgentLimits> controller_limits;       // of agents for its work
  // Whose agents a controller gets; one that is not here: those of all templates. A pool is the first one's
  // that names its template, else the first controller's.
  std::map<ControllerName, std::set<TemplateName>> controller_templates;
  Duration orphan_timeout = 30min;  // told to every agent
  Duration reconcile_every = 3min;
};

}  // namespace footman::fleet
