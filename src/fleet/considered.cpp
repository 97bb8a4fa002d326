#include "fleet/considered.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fleet/limits.hpp"

namespace footman::fleet {
namespace {

Consideration of_agent(const model::Agent& agent, const ports::WaitReason& reason) {
  return {agent.template_name, agent.cloud, reason.code, reason.text, {}, reason.expected_at};
}

bool is_told(const std::vector<Consideration>& all, const TemplateName& name) {
  return std::ranges::find(all, name, &Consideration::template_name) != all.end();
}

}  // namespace

std::vector<Consideration> list_answers(const std::vector<policy::Tried>& tried, std::size_t most) {
  std::vector<Consideration> all;
  all.reserve(std::min(tried.size(), most));
  for (const auto& one : tried) {
    if (all.size() == most) break;
    all.push_back({one.template_name,
                   one.cloud,
                   std::string(to_string(one.reason)),
                   one.text,
                   one.look_again,
                   {},
                   one.look_again_on});
  }
  return all;
}

std::vector<Consideration> consider_own(const model::Agent& agent,
                                        const std::vector<Consideration>& not_these,
                                        const ports::WaitReason& reason,
                                        const std::vector<const policy::Template*>& fitting) {
  auto all = not_these;
  all.push_back(of_agent(agent, reason));
  const auto text = fmt::format("Template '{}' was chosen before it.", agent.template_name.str());
  for (const auto* t : fitting)
    if (all.size() <= kConsideredKept && !is_told(all, t->name))
      all.push_back({t->name, t->cloud, "not_asked", text, {}, {}});
  return all;
}

std::vector<Consideration> consider_other(const model::Agent& agent, const ports::WaitReason& reason,
                                          const std::vector<const policy::Template*>& fitting) {
  std::vector<Consideration> all;
  const auto text = fmt::format("Agent {} was there already: nothing had to be launched.", agent.id.str());
  for (const auto* t : fitting) {
    if (all.size() == kConsideredKept) break;
    all.push_back(t->name == agent.template_name
                      ? of_agent(agent, reason)
                      : Consideration{t->name, t->cloud, "not_needed", text, {}, {}});
  }
  // It is one of too many, or does not fit any more as it is configured now.
  if (!is_told(all, agent.template_name)) all.push_back(of_agent(agent, reason));
  return all;
}

}  // namespace footman::fleet
