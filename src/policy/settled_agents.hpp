// Agents that a plan only counts: those that hold a resource, with nothing to decide about them. Inside the
// module.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/agent_facts.hpp"
#include "policy/oldest_first.hpp"

namespace footman::policy {

struct SettledKind {
  CloudName cloud;
  TemplateName template_name;
  std::uint64_t generation = 0;
  std::vector<std::string> labels;
  bool under_way = false;  // its launch is not answered yet
  bool is_default = false;
  ControllerName controller;
  model::AgentSize size;
  model::Money per_hour;
  Duration least_billed{0};
  PoolWork work = PoolWork::none;
  auto operator<=>(const SettledKind&) const = default;
};

// All of one kind.
struct SettledAgents : SettledKind {
  std::uint32_t count = 0;
  std::uint32_t staying = 0;  // of all these
  AgentsByAge may_drain;      // likewise
  AgentsByAge draining;
};

}  // namespace footman::policy
