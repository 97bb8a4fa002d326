#include "policy/agent_verdict.hpp"

#include <fmt/format.h>

#include "policy/agent_facts.hpp"
#include "policy/look.hpp"

namespace footman::policy {

using model::AgentActivity;
using model::AgentState;
using model::EndReason;

namespace {

Termination end(const Agent& agent, EndReason reason, const std::string& inputs = {}) {
  return {agent.id, reason, tell_end(reason, inputs)};
}

// The controller's word for it, when it has one.
Termination end_or(const Agent& agent, EndReason reason) {
  return end(agent, agent.end_reason == EndReason::none ? reason : agent.end_reason);
}

// Its builds are done.
Termination end_spent(const Agent& agent) {
  return end(agent, model::spent_reason(agent.max_builds),
             agent.max_builds == 1 ? "" : fmt::format("{} of {}", agent.builds_done, agent.max_builds));
}

std::optional<Termination> find_end_of_idle(const Agent& agent, Instant now) {
  if (agent.state == AgentState::draining)
    return Termination{agent.id, EndReason::drained, "It was drained and has no work left."};
  if (model::is_spent(agent.max_builds, agent.builds_done)) return end_spent(agent);
  if (const auto at = end_of_age(agent); at.is_set() && now >= at)
    return end(agent, EndReason::max_age,
               fmt::format("connected for {}, of {}", format_duration(now - agent.connected),
                           format_duration(agent.max_age)));
  return std::nullopt;
}

// One that was let in has a session, though that may have broken before it was ready: its controller's lease
// decides.
Instant deadline_of(const Agent& agent) {
  return agent.connected.is_set() ? Instant() : agent.launch_deadline;
}

std::optional<Termination> find_end_of_expected(const Agent& agent, Instant now) {
  if (agent.state == AgentState::draining) return end(agent, EndReason::drained);
  if (deadline_of(agent).is_set() && now >= agent.launch_deadline)
    return end(agent, EndReason::launch_deadline);
  return std::nullopt;
}

AgentVerdict judge_working(const Agent& agent, bool is_current) {
  AgentVerdict verdict;
  if (agent.state != AgentState::draining && !is_current)
    verdict.drain = Drain{agent.id, EndReason::template_changed, describe_change(agent)};
  return verdict;
}

// An agent of an old generation that is free is not wasted when its item still waits; else the plan ends it.
AgentVerdict judge_serving(const Agent& agent, bool is_current, Instant now) {
  AgentVerdict verdict;
  switch (agent.activity) {
    case AgentActivity::lost:
      verdict.end = end_or(agent, EndReason::session_lost);
      break;
    case AgentActivity::done:
      verdict.end =
          model::is_spent(agent.max_builds, agent.builds_done) && agent.end_reason == EndReason::none
              ? end_spent(agent)
              : end_or(agent, model::spent_reason(agent.max_builds));
      break;
    case AgentActivity::disconnected:
      // It comes back, or is lost when its lease ends; until then another one for its item would be one too
      // many.
      verdict.is_free = !agent.working && agent.state != AgentState::draining;
      return verdict.is_free ? verdict : judge_working(agent, is_current);
    case AgentActivity::busy:
      return judge_working(agent, is_current);
    case AgentActivity::idle:
      verdict.end = find_end_of_idle(agent, now);
      verdict.is_free = !verdict.end;
      break;
    case AgentActivity::unknown:
    case AgentActivity::expected:
      verdict.end = find_end_of_expected(agent, now);
      verdict.is_free = !verdict.end;
      if (verdict.is_free) verdict.look_again = deadline_of(agent);
      break;
  }
  return verdict;
}

// Whatever is decided about it, the item that it was launched for may come to it still: before its row says
// that it drains or ends, and before its controller has confirmed that it gets no work any more. Another
// agent for the same item would be one too many until then.
bool may_get_own(const Agent& agent) {
  if (agent.for_item.empty() || has_work(agent) || !model::may_hold_resource(agent.state)) return false;
  if (model::is_serving(agent.state)) return true;
  const bool is_cut_off = agent.is_barred || agent.activity == AgentActivity::unknown ||
                          agent.activity == AgentActivity::lost || agent.activity == AgentActivity::done;
  return !is_cut_off;
}

}  // namespace

AgentVerdict judge_agent(const Agent& agent, bool is_current, Instant now) {
  AgentVerdict verdict;
  if (model::is_serving(agent.state) && agent.is_leaving) {
    verdict.is_free = verdict.only_own = true;
    return verdict;
  }
  if (model::is_serving(agent.state) || agent.state == AgentState::draining)
    verdict = judge_serving(agent, is_current, now);
  if (!verdict.is_free && may_get_own(agent)) verdict.is_free = verdict.only_own = true;
  if (agent.is_unheard && verdict.is_free) verdict.only_own = true;
  verdict.is_quiet = !verdict.is_free && !verdict.end && !verdict.drain && !is_ending(agent);
  return verdict;
}

std::string tell_end(EndReason reason, const std::string& inputs) {
  std::string text(sentence(reason));
  if (inputs.empty()) return text;
  text.pop_back();
  return fmt::format("{} ({}).", text, inputs);
}

std::string describe_idle(const Agent& agent, Instant now) {
  const auto idle = format_duration(now - agent.idle_since);
  if (agent.paid_until > agent.idle_since + agent.idle_timeout)
    return fmt::format("It was idle, and the time that is paid for is over (idle for {}, paid for until {}).",
                       idle, format_rfc3339(agent.paid_until));
  return tell_end(EndReason::idle_too_long,
                  fmt::format("idle for {}, of {}", idle, format_duration(agent.idle_timeout)));
}

std::string describe_change(const Agent& agent) {
  return tell_end(EndReason::template_changed,
                  fmt::format("it was launched with generation {} of template '{}'", agent.generation,
                              agent.template_name.str()));
}

std::string describe_surplus(const Agent& agent) {
  if (agent.for_item.empty())
    return tell_end(EndReason::surplus,
                    fmt::format("it was launched for a pool, which wants no more agents of template '{}'",
                                agent.template_name.str()));
  return tell_end(EndReason::surplus,
                  fmt::format("item {} of controller '{}' does not any more, and no other one that waits "
                              "lacks an agent that it fits",
                              agent.for_item, agent.controller.str()));
}

Instant next_change(const Agent& agent, Instant now) {
  Instant next;
  for (const auto at : {agent.launch_deadline, end_of_age(agent)})
    if (at > now) look_no_later(next, at);
  return next;
}

}  // namespace footman::policy
