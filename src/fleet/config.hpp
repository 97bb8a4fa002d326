// What the fleet needs of the configuration. Built by the program from config/; a reload makes a new one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "ports/cloud_provider.hpp"

namespace footman::fleet {

using namespace footman::base;

// One agent template. The provider's own options are not here: the CloudProvider knows them by the template's
// name and freezes them (CloudProvider::freeze). Both together make the template's content; when it changes
// the template gets the next generation number and agents of the old one drain. Priority, cap and launch
// deadline only steer new launches: they are not content.
struct Template {
  TemplateName name;
  CloudName cloud;
  std::vector<std::string> labels;
  bool is_default = false;          // takes items without a label
  int priority = 0;                 // higher first among templates that fit
  std::uint32_t cap = 0;            // agents that may hold a resource; 0: no limit
  bool one_shot = true;             // one build, then gone
  Duration idle_timeout = 1min;     // for agents that are not one-shot
  Duration max_age{0};              // 0: no limit; not for one-shot agents
  Duration launch_deadline = 5min;  // from the decision to the connection
  ports::AgentEndpoint endpoint;    // how its agents reach the server
};

struct FleetConfig {
  std::vector<Template> templates;                // names are unique
  std::map<CloudName, std::uint32_t> cloud_caps;  // 0 or absent: no limit but the provider's own
  std::uint32_t max_agents = 0;                   // over all clouds; 0: no limit
  Duration orphan_timeout = 30min;                // told to every agent
  Duration reconcile_every = 3min;
};

// Limits that the parts of the fleet share; what concerns one file alone stands at its top.
inline constexpr Duration kCallTimeout = 60s;  // one call to a cloud or controller that never answers
inline constexpr Duration kTerminateFirstPause = 500ms;  // between terminate calls, doubled up to the next
inline constexpr Duration kTerminateLongestPause = 1min;
inline constexpr Duration kLaunchFirstPause =
    200ms;  // same request, same token, while the outcome is unknown
inline constexpr Duration kLaunchLongestPause = 30s;
inline constexpr std::size_t kLaunchesAtOnce =
    256;  // of one cloud, not answered yet; the rest waits for the next look
inline constexpr std::size_t kTerminationsAtOnce = 256;
inline constexpr std::size_t kOrphansPerRound = 50;   // of one cloud, ended between two periodic rounds
inline constexpr std::size_t kLookUpsPerRound = 100;  // of resources that a list does not show
inline constexpr Duration kGoneGrace = 2s;  // for what a connected agent had sent before its resource ended
inline constexpr Duration kObserveFirstPause = 1s;  // after a failed observe(), doubled up to reconcile_every
// The cost of a plan and of a list grows with what they look at. The pause after one does too, so that they
// take a bounded share of the thread however many events come: nothing to speak of for a hundred agents, 80
// ms for 10,000 agents and 10,000 items.
inline constexpr Duration kPlanPausePerThing = 4us;
inline constexpr Duration kObservePausePerThing = 20us;
inline constexpr Duration kShortestPause = 1ms;       // below this there is none
inline constexpr std::size_t kEndedAgentsKept = 200;  // in memory, for views; the rows stay in the store

}  // namespace footman::fleet
