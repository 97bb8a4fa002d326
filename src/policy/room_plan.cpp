#include "policy/room_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/agent_facts.hpp"
#include "policy/agent_verdict.hpp"
#include "policy/look.hpp"
#include "policy/usage.hpp"

namespace footman::policy {
namespace {

using model::AgentState;
using model::EndReason;

constexpr std::uint32_t kMostRoomAtOnce = 50;  // places for items with the same label; then the next plan
constexpr std::size_t kMostNamed = 3;          // agents that make room

// What is lacking still.
class Shortage {
 public:
  explicit Shortage(const RoomWish& wish) : wish_(wish) {
    for (const auto& lack : wish.lacks) left_.push_back(lack.amount);
  }
  bool is_met() const {
    return std::ranges::all_of(left_, [](auto amount) { return amount <= 0; });
  }
  bool is_helped_by(const Agent& agent) const {
    for (std::size_t i = 0; i < left_.size(); ++i)
      if (left_[i] > 0 && RoomWish::relief(wish_.lacks[i], agent) > 0) return true;
    return false;
  }
  // False: its end would not help.
  bool take(const Agent& agent) {
    if (!is_helped_by(agent)) return false;
    for (std::size_t i = 0; i < left_.size(); ++i) left_[i] -= RoomWish::relief(wish_.lacks[i], agent);
    return true;
  }

 private:
  const RoomWish& wish_;
  std::vector<std::int64_t> left_;
};

std::string describe(const Occupants::Room& room) {
  auto all = room.draining;
  all.insert(all.end(), room.to_drain.begin(), room.to_drain.end());
  std::string names;
  for (std::size_t i = 0; i < std::min(all.size(), kMostNamed); ++i)
    names += fmt::format("{}{}", i == 0 ? "" : ", ", all[i]->id.str());
  if (all.size() > kMostNamed) names += fmt::format(" and {} more", all.size() - kMostNamed);
  return all.size() == 1 ? fmt::format("agent {} makes room", names)
                         : fmt::format("agents {} make room", names);
}

}  // namespace

// --- wishes

std::int64_t RoomWish::relief(const Lack& lack, const Agent& agent) {
  const auto member = member_of(agent);
  return is_member(member, limit_of(lack.reason)->scope, lack.of) ? amount_of(lack.reason, member.needs) : 0;
}

// --- idle agents

std::int64_t RoomFinder::relief_of_all(const RoomWish::Lack& lack) {
  const auto [known, fresh] = relief_.try_emplace({lack.reason, lack.of}, 0);
  if (fresh)
    for (const auto* agents : {&leaving_, &idle_})
      for (const Agent* agent : *agents) known->second += RoomWish::relief(lack, *agent);
  return known->second;
}

std::optional<std::vector<const Agent*>> RoomFinder::find(const RoomWish& wish) {
  if (std::ranges::any_of(wish.lacks, [&](const auto& lack) { return relief_of_all(lack) < lack.amount; }))
    return std::nullopt;
  Shortage shortage(wish);
  for (const Agent* agent : leaving_) (void)shortage.take(*agent);
  std::vector<const Agent*> to_end;
  for (const Agent* agent : idle_)
    if (shortage.take(*agent)) to_end.push_back(agent);
  return shortage.is_met() ? std::optional(std::move(to_end)) : std::nullopt;
}

void RoomFinder::end(const std::vector<const Agent*>& agents) {
  leaving_.insert(leaving_.end(), agents.begin(), agents.end());
  std::erase_if(idle_, [&](const Agent* agent) { return std::ranges::count(agents, agent) > 0; });
}

// --- agents at work

void Occupants::add(const Agent& agent) {
  if (stays(agent)) staying_.insert(&agent);
  if (may_drain(agent)) may_drain_.insert(&agent);
  if (drains(agent) && !is_ending(agent)) add_draining(agent);
}

void Occupants::add_draining(const Agent& agent) { draining_.insert(&agent); }

void Occupants::add(const SettledAgents& agents) {
  if (agents.staying > 0) settled_.push_back(&agents);
  if (!agents.may_drain.empty()) all_that_may_drain_.push_back(&agents.may_drain);
  if (!agents.draining.empty()) all_draining_.push_back(&agents.draining);
}

bool Occupants::any_drains() const {
  return !may_drain_.empty() || !draining_.empty() || all_that_may_drain_.size() + all_draining_.size() > 2;
}

bool Occupants::any_stays_for(const ItemClass& kind) const {
  const auto serves = [&](const auto* one) {
    return one->controller == kind.controller && model::fits(kind.label, one->labels, one->is_default);
  };
  return std::ranges::any_of(staying_, serves) || std::ranges::any_of(settled_, serves);
}

std::optional<Occupants::Room> Occupants::find(const RoomWish& wish, const RoomFinder& room) const {
  Shortage shortage(wish);
  for (const Agent* agent : room.leaving()) (void)shortage.take(*agent);
  const auto take_from = [&](std::vector<const AgentsByAge*> groups, std::vector<const Agent*>& out) {
    if (shortage.is_met()) return;
    const auto is_useless = [&](const AgentsByAge* group) {  // those of a group are alike, but for the first
      return group != groups.front() && !group->empty() && !shortage.is_helped_by(**group->begin());
    };
    std::erase_if(groups, is_useless);
    visit_oldest_first(groups, [&](const Agent& agent) {
      if (shortage.take(agent)) out.push_back(&agent);
      return !shortage.is_met();
    });
  };
  Room found;
  take_from(all_draining_, found.draining);
  take_from(all_that_may_drain_, found.to_drain);
  return shortage.is_met() ? std::optional(std::move(found)) : std::nullopt;
}

// --- the plan

// Items that only limits keep waiting get the room of idle agents, as far as those that are leaving do not
// make it anyway.
void RoomPlanner::make_room(RoomFinder room, const Occupants& occupants, Plan& plan) {
  std::vector<ItemClass*> left;
  for (auto* kind : held_)
    if (!end_idle(room, *kind, plan)) left.push_back(kind);
  if (!occupants.any_drains()) return;
  for (auto* kind : left) {
    const auto patient_until = kind->oldest_held->since + kPatience;
    if (now_ >= patient_until) {
      drain_for(*kind, room, occupants, plan);
      continue;
    }
    look_no_later(plan.next_look, patient_until);
    break;  // those behind it have not waited for so long
  }
}

bool RoomPlanner::end_idle(RoomFinder& room, const ItemClass& kind, Plan& plan) {
  auto& in_vain = no_idle_[kind.controller];
  for (const Template* t : kind.templates) {
    if (notes_.is_at_launch_limit(*t)) return false;
    auto& is_in_vain = in_vain[t];
    if (is_in_vain) continue;
    if (end_idle(room, kind, *t, plan)) {
      no_idle_.clear();
      return true;
    }
    is_in_vain = true;
  }
  return false;
}

// For as many of its items as there can be. False: for none.
bool RoomPlanner::end_idle(RoomFinder& room, const ItemClass& kind, const Template& t, Plan& plan) {
  const bool one_only = may_launch(t.breaker, now_).launches == Permission::one_probe;
  const auto most = one_only ? 1 : std::min(kind.held_items, kMostRoomAtOnce);
  std::vector<const Agent*> to_end;
  std::uint32_t places = 0;
  while (places < most) {
    const auto wish = obstacles_.find_wish(t, kind.controller, places + 1);
    auto found = wish ? room.find(*wish) : std::nullopt;
    if (!found) break;
    to_end = std::move(*found);
    ++places;
  }
  if (places == 0) return false;
  const auto wish = obstacles_.find_wish(t, kind.controller, 1);
  const auto why = tell_end(EndReason::made_room,
                            fmt::format("an agent of template '{}' for {} was held by {}", t.name.str(),
                                        kind.label.empty() ? "a build without a label"
                                                           : fmt::format("label '{}'", kind.label.text()),
                                        wish ? to_string(wish->lacks.front().reason) : "a limit"));
  for (const Agent* agent : to_end) plan.terminations.push_back({agent->id, EndReason::made_room, why});
  room.end(to_end);
  obstacles_.reserve(t, kind.controller, places);
  return true;
}

bool RoomPlanner::is_promised(const Wished& one) const {
  return one.is_promised || std::ranges::any_of(one.wish->lacks, [&](const RoomWish::Lack& lack) {
           return promised_.contains({lack.reason, lack.of});
         });
}

void RoomPlanner::promise(Wished& one) {
  if (std::exchange(one.is_promised, true)) return;
  for (const auto& lack : one.wish->lacks) promised_.emplace(lack.reason, lack.of);
}

std::vector<RoomPlanner::Wished*> RoomPlanner::list_wishes(const ItemClass& kind) {
  std::vector<Wished*> wishes;
  auto& known = wishes_[kind.controller];
  for (const Template* t : kind.templates) {
    if (notes_.is_at_launch_limit(*t)) break;
    const auto [place, fresh] = known.try_emplace(t);
    if (fresh) place->second.wish = obstacles_.find_wish(*t, kind.controller, 1);
    if (place->second.wish) wishes.push_back(&place->second);
  }
  return wishes;
}

// What becomes free of a limit goes to the oldest item that waits for it, so that nothing drains for another
// one; and nothing drains for items that agents of their own serve one after the other.
void RoomPlanner::drain_for(ItemClass& kind, const RoomFinder& room, const Occupants& occupants, Plan& plan) {
  const auto wishes = list_wishes(kind);
  // Whether the agent of a launch stays is known once it has a row: then the next plan asks again.
  const bool is_launched_for = std::ranges::any_of(plan.launches, [&](const Launch& one) {
    return one.item.controller == kind.controller &&
           std::ranges::any_of(kind.templates,
                               [&](const Template* t) { return t->name == one.template_name; });
  });
  const auto is_open = [this](const Wished* one) { return !is_promised(*one); };
  const bool may_drain_for =
      !is_launched_for && std::ranges::any_of(wishes, is_open) && !occupants.any_stays_for(kind);
  std::optional<Occupants::Room> found;
  for (const auto* one : wishes)
    if (may_drain_for && !found && is_open(one)) found = occupants.find(*one->wish, room);
  for (auto* one : wishes) promise(*one);
  if (!found) return;
  const auto& item = *kind.oldest_held;
  for (const Agent* agent : found->to_drain)
    plan.drains.push_back(
        {agent->id, EndReason::made_room,
         fmt::format(
             "{} has waited for {}, and no agent that is kept fits it: this one ends after its build.",
             item.title.empty() ? item.ref.key : item.title,
             fmt::format("{} min", std::chrono::duration_cast<std::chrono::minutes>(kPatience).count()))});
  kind.room = fmt::format("; {} for the one that waits longest, once the build is over", describe(*found));
}

}  // namespace footman::policy
