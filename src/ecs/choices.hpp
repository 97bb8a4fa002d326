// The forms in which the task of a template can be launched: its capacities with its sizes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ecs/options.hpp"
#include "model/price.hpp"
#include "model/size.hpp"

namespace footman::ecs {

struct Choice {
  Capacity capacity;
  TaskSize size;
  CpuArchitecture architecture;
};

// All capacities with all sizes and architectures, the template's own first: before a dearer capacity is
// tried, the other sizes of the cheaper one are, and of each size all architectures. Never empty.
std::vector<Choice> list_choices(const TemplateOptions& options);

// What it differs in from the others: "FARGATE_SPOT, 1024 CPU units, 2048 MiB"; empty: it is the only one.
std::string name_of(const TemplateOptions& options, const Choice& choice);

// What one task takes: its own size, rounded as Fargate sells it, else what its containers ask for. 0: they
// do not say.
model::AgentSize find_agent_size(const TemplateOptions& options, const Choice& choice);

// What an agent of one choice is counted and priced as.
struct Offer {
  model::AgentSize size;
  std::optional<model::Price> price;  // not set: that of the template
  bool operator==(const Offer&) const = default;
};

}  // namespace footman::ecs
