// What is to be decided about one agent when nothing but itself is looked at: whether it may take work, and
// whether it has to be ended or drained. Pure. Inside the module.
#pragma once

#include <optional>
#include <string>

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

struct AgentVerdict {
  bool is_free = false;  // it may take an item
  bool only_own =
      false;  // and that is the one that it was launched for, until it is settled that it gets none
  std::optional<Termination> end;
  std::optional<Drain> drain;
  bool is_quiet = false;  // it may not take one, and nothing has to be done about it
  Instant look_again;     // not set: at the next event
};

// is_current: its template is still as it was when the agent was launched.
AgentVerdict judge_agent(const Agent& agent, bool is_current, Instant now);
// When that may change by itself; not set: never.
Instant next_change(const Agent& agent, Instant now);

// The sentence of the reason with what it was decided on; inputs: empty, there is nothing to add.
std::string tell_end(model::EndReason reason, const std::string& inputs);
// Why one that was idle for too long ends.
std::string describe_idle(const Agent& agent, Instant now);
std::string describe_surplus(const Agent& agent);
std::string describe_change(const Agent& agent);  // of its template

}  // namespace footman::policy
