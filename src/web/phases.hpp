// The course of a build as a few phases on one axis: waiting, launching, the steps, the agent's end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/views.hpp"
#include "model/agent.hpp"
#include "web/words.hpp"

namespace footman::web {

struct Phase {
  std::string name;
  Instant from;
  Instant to;  // not set: it goes on
  Tone tone = Tone::plain;
  bool operator==(const Phase&) const = default;
};

// Of a step that runs, or of how it ended; an end that nobody saw is not a good one.
Tone tone_of(const model::StepRecord& step);

// `agent`: the one it is with, was with, or that is on its way to it.
std::vector<Phase> phases_of(const controller::BuildExplanation& told,
                             const std::optional<model::Agent>& agent);

Markup draw_phases(const std::vector<Phase>& phases, Instant now);

}  // namespace footman::web
