// Whether a cloud of the configuration can launch agents, and safely: what the configuration says against
// what AWS says. Pure: asking is cloud/ecs/surveyor.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ecs/survey.hpp"
#include "model/finding.hpp"

namespace footman::ecs {

// More than this between two clocks is told.
inline constexpr Duration kClockTold = 30s;
// Subnets with fewer free addresses are told.
inline constexpr std::uint32_t kFewAddresses = 8;

// Where the agents of a template connect to.
struct AgentTarget {
  std::string host;
  std::uint16_t port = 0;
  Texts addresses;      // the host's, as this machine finds them
  std::string trouble;  // why there are none
  bool operator==(const AgentTarget&) const = default;
};

struct Examined {
  CloudOptions cloud;        // with its region
  NamedTemplates templates;  // completed by `existing`
  Existing existing = {};
  std::map<TemplateName, AgentTarget> targets;
  std::uint32_t most_agents = 0;  // of the cloud; 0: no limit
};

// In the order in which they are best mended; `place` of each stays empty. Without a caller nothing else is
// judged.
std::vector<model::Finding> examine(const Examined& examined, const Survey& survey);

}  // namespace footman::ecs
