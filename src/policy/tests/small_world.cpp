#include "policy/tests/small_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace footman::policy::testing {
namespace {

using Build = SmallWorld::Build;
using Row = SmallWorld::Row;
using Resource = SmallWorld::Resource;
using Node = SmallWorld::Node;
using Wish = SmallWorld::Wish;
using SmallAgent = SmallWorld::Agent;

constexpr Instant kNow{1'000'000'000'000};
constexpr std::uint32_t kMostAgents = 2;

bool is_serving(const SmallAgent& a) {
  return a.unwritten || a.row == Row::launching || a.row == Row::connecting || a.row == Row::online;
}
// After a crash at the latest it may take a build that waits.
bool may_serve(const SmallAgent& a) {
  const bool has_hands = a.node == Node::unknown || a.node == Node::expected || a.node == Node::idle;
  return is_serving(a) && has_hands && !a.draining;
}
bool is_free(const SmallAgent& a) { return may_serve(a) && a.wish == Wish::none; }
// Its row says that it ends; the controller does not know that yet, and would give it the build.
bool may_come_still(const SmallAgent& a) {
  return a.row == Row::terminating && (a.node == Node::expected || a.node == Node::idle) && !a.draining;
}

// What the controller says of it.
model::AgentActivity activity_of(const SmallAgent& a) {
  using enum model::AgentActivity;
  switch (a.node) {
    case Node::unknown:
      return unknown;
    case Node::expected:
      return a.draining ? done : expected;
    case Node::idle:
      return a.draining ? done : idle;
    case Node::busy:
      return busy;
    case Node::done:
      return done;
    case Node::lost:
      return lost;
  }
  return unknown;
}

model::AgentState state_of(const SmallAgent& a) {
  using enum model::AgentState;
  if (a.unwritten) return planned;
  switch (a.row) {
    case Row::none:
      return terminated;
    case Row::launching:
      return launching;
    case Row::connecting:
      return connecting;
    case Row::online:
      return online;
    case Row::terminating:
      return terminating;
  }
  return terminated;
}

ItemRef ref_of(std::size_t build) { return {ControllerName("main"), std::to_string(build)}; }
std::size_t build_of(const ItemRef& ref) { return ref.key == "0" ? 0 : 1; }
AgentId id_of(std::size_t agent) { return AgentId("agent-" + std::to_string(agent)); }

Snapshot look_at(const SmallWorld& world, PlantedBug bug) {
  Snapshot seen;
  Template t;
  t.cloud = CloudName("cloud");
  t.name = TemplateName("t");
  t.is_default = true;
  seen.templates.push_back(t);
  seen.clouds.push_back({t.cloud});
  for (std::size_t i = 0; i < 2; ++i) {
    const bool left_out = bug == PlantedBug::untold && i == 1 && world.builds[0] == Build::waiting;
    if (world.builds[i] == Build::waiting && !left_out)
      seen.items.push_back({ref_of(i), {}, Instant{static_cast<std::int64_t>(i) + 1}, {}});
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& a = world.agents[i];
    if (a.row == Row::none && !a.unwritten) continue;
    if (bug == PlantedBug::launching_does_not_count && a.row == Row::launching) continue;
    Agent agent;
    agent.id = id_of(i);
    agent.cloud = t.cloud;
    agent.template_name = t.name;
    agent.is_default = true;
    agent.controller = ControllerName("main");
    agent.for_item = std::to_string(a.for_build);
    agent.state = state_of(a);
    agent.activity = activity_of(a);
    agent.is_leaving = a.wish != Wish::none;
    agent.is_barred = bug == PlantedBug::replaced_too_soon;
    seen.agents.push_back(std::move(agent));
  }
  return seen;
}

struct SmallStep {
  const char* text = nullptr;
  std::size_t who = 0;
};

// What no step depends on any more makes no other world.
void forget_what_is_over(SmallAgent& a) {
  const bool is_over = a.row == Row::none && !a.unwritten;
  if (is_over || a.row == Row::terminating) {
    if (!may_come_still(a)) a.for_build = 0;
    a.answered = false;
    a.wish = Wish::none;
  }
  if (a.node != Node::busy) a.work = 0;
  if (a.node == Node::unknown || a.node == Node::done || a.node == Node::lost) a.draining = false;
}

// As one number; differs when they differ.
std::uint64_t pack(const SmallWorld& world) {
  std::uint64_t packed = 0;
  const auto add = [&packed](auto value, unsigned bits) {
    packed = packed << bits | static_cast<std::uint64_t>(value);
  };
  for (std::size_t i = 0; i < 2; ++i) {
    add(world.builds[i], 3);
    add(world.starts[i], 2);
    const auto& a = world.agents[i];
    add(a.row, 3);
    add(a.for_build, 1);
    add(a.resource, 2);
    add(a.strays, 2);
    add(a.node, 3);
    add(a.work, 1);
    add(a.draining, 1);
    add(a.unwritten, 1);
    add(a.answered, 1);
    add(a.nothing_left, 1);
    add(a.wish, 2);
  }
  return packed;
}

class Explorer {
 public:
  explicit Explorer(PlantedBug bug) : bug_(bug) {}

  Exploration explore() {
    reach({}, 0, {"the beginning"}, true);
    for (std::size_t at = 0; at < reached_.size() && result_.violation.empty(); ++at) {
      at_ = at;
      const auto world = reached_[at].world;
      take_steps(world);
    }
    result_.worlds = reached_.size();
    if (result_.violation.empty()) check_drains();
    return std::move(result_);
  }

 private:
  struct Reached {
    SmallWorld world;
    std::uint32_t from;
    SmallStep by;
  };

  using Edge = std::pair<std::uint32_t, std::uint32_t>;

  // --- the graph

  void reach(SmallWorld world, std::size_t from, const SmallStep& by, bool is_ordinary) {
    if (!result_.violation.empty()) return;
    ++result_.steps;
    for (auto& a : world.agents) forget_what_is_over(a);
    const auto [it, fresh] = numbers_.try_emplace(pack(world), static_cast<std::uint32_t>(reached_.size()));
    if (fresh) reached_.push_back({world, static_cast<std::uint32_t>(from), by});
    if (is_ordinary) ordinary_.emplace_back(it->second, static_cast<std::uint32_t>(from));
    if (fresh) check(world, it->second);
  }
  void go(const SmallWorld& to, const SmallStep& by) { reach(to, at_, by, true); }
  void fault(const SmallWorld& to, const SmallStep& by) { reach(to, at_, by, false); }

  void violate(const std::string& what, std::size_t at, const SmallStep& last = {}) {
    if (!result_.violation.empty()) return;
    result_.violation = what;
    const auto tell = [&](const SmallStep& step) {
      result_.story.push_back(fmt::format(fmt::runtime(step.text), step.who));
    };
    if (last.text != nullptr) tell(last);
    for (; at != 0; at = reached_[at].from) tell(reached_[at].by);
    std::ranges::reverse(result_.story);
  }

  // --- what must hold in every world

  void check(const SmallWorld& world, std::size_t at) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (world.starts[i] > 1) return violate("a build is run twice", at);
      if (world.builds[i] != Build::waiting) continue;
      if (std::ranges::count_if(world.agents, [&](const SmallAgent& a) {
            return (is_free(a) || may_come_still(a)) && a.for_build == i;
          }) > 1)
        return violate("a build that waits has two agents", at);
    }
    for (const auto& a : world.agents) {
      if ((a.resource == Resource::alive ? 1 : 0) + a.strays > 1)
        return violate("an agent has two resources", at);
      if (a.row == Row::none && !a.unwritten && (a.resource == Resource::alive || a.strays > 0))
        return violate("a resource is leaked", at);
    }
  }

  static bool is_drained(const SmallWorld& world) {
    const auto is_over = [](Build build) {
      return build == Build::done || build == Build::lost || build == Build::cancelled;
    };
    const auto is_nothing = [](const SmallAgent& a) { return a.row == Row::none && !a.unwritten; };
    return std::ranges::all_of(world.builds, is_over) && std::ranges::all_of(world.agents, is_nothing);
  }

  void check_drains() {
    std::ranges::sort(ordinary_);
    std::vector<bool> drains(reached_.size(), false);
    std::vector<std::size_t> queue;
    const auto add = [&](std::size_t at) {
      if (drains[at]) return;
      drains[at] = true;
      queue.push_back(at);
    };
    for (std::size_t at = 0; at < reached_.size(); ++at)
      if (is_drained(reached_[at].world)) add(at);
    while (!queue.empty()) {
      const auto at = queue.back();
      queue.pop_back();
      auto edge = std::ranges::lower_bound(ordinary_, at, {}, &Edge::first);
      for (; edge != ordinary_.end() && edge->first == at; ++edge) add(edge->second);
    }
    const auto stuck = std::ranges::find(drains, false);
    if (stuck != drains.end())
      violate("it is never drained", static_cast<std::size_t>(stuck - drains.begin()));
  }

  // --- steps

  void take_steps(const SmallWorld& world) {
    people(world);
    plan(world);
    for (std::size_t i = 0; i < 2; ++i) {
      launch(world, i);
      end(world, i);
      live(world, i);
    }
    crash(world);
  }

  void people(const SmallWorld& world) {
    for (std::size_t i = 0; i < 2; ++i) {
      auto next = world;
      if (world.builds[i] == Build::absent) {
        next.builds[i] = Build::waiting;
        go(next, {"build {} is submitted", i});
      } else if (world.builds[i] == Build::waiting) {
        next.builds[i] = Build::cancelled;
        go(next, {"build {} is cancelled", i});
      }
    }
  }

  void plan(const SmallWorld& world) {
    const auto& plan = find_plan(world);
    if (const auto wrong = judge(world, plan); !wrong.empty()) return violate(wrong, at_, {"plan"});
    auto next = world;
    for (const auto& launch : plan.launches) {
      const auto place = std::ranges::find_if(
          next.agents, [](const SmallAgent& a) { return a.row == Row::none && !a.unwritten; });
      if (place == next.agents.end()) return violate("more agents than allowed", at_, {"plan"});
      *place = {};
      place->for_build = static_cast<std::uint8_t>(build_of(launch.item));
      if (bug_ == PlantedBug::row_after_call)
        place->unwritten = true;
      else
        place->row = Row::launching;
    }
    for (const auto& end : plan.terminations) {
      auto& a = next.agents[end.agent == id_of(0) ? 0 : 1];
      a.wish = a.node == Node::done || a.node == Node::lost ? Wish::always : Wish::if_free;
    }
    go(next, {"plan"});
  }

  // What it does not see makes no other plan.
  const Plan& find_plan(const SmallWorld& world) {
    SmallWorld seen;
    for (std::size_t i = 0; i < 2; ++i) {
      if (world.builds[i] == Build::waiting) seen.builds[i] = Build::waiting;
      const auto& a = world.agents[i];
      auto& copy = seen.agents[i];
      copy.row = a.row;
      copy.unwritten = a.unwritten;
      copy.for_build = a.for_build;
      copy.node = a.node;
      copy.draining = a.draining;
      copy.wish = a.wish;
    }
    const auto [it, fresh] = plans_.try_emplace(pack(seen));
    Limits limits;
    limits.all.most.agents = kMostAgents;
    if (fresh) it->second = plan_provisioning(look_at(seen, bug_), limits, kNow);
    return it->second;
  }

  // Of a plan for this world: is it true, and not too much?
  static std::string judge(const SmallWorld& world, const Plan& plan) {
    const auto waiting = std::ranges::count(world.builds, Build::waiting);
    const auto free = std::ranges::count_if(world.agents, is_free);
    if (!plan.launches.empty() && free + std::ssize(plan.launches) > waiting) return "a surplus launch";
    if (std::ssize(plan.matches) + std::ssize(plan.launches) + std::ssize(plan.holds) != waiting)
      return "a build waits without a reason";
    std::set<AgentId> given;
    for (const auto& match : plan.matches) {
      if (!given.insert(match.agent).second) return "one agent for two builds";
      const auto& agent = world.agents[match.agent == id_of(0) ? 0 : 1];
      const bool is_own = agent.for_build == build_of(match.item);
      const bool is_settled = !is_serving(agent) && !may_come_still(agent);
      if (!is_free(agent) && agent.wish == Wish::none && (!is_own || is_settled))
        return "the agent of a build cannot take it";
    }
    const auto all = std::ranges::count_if(
        world.agents, [](const SmallAgent& a) { return a.row != Row::none || a.unwritten; });
    for (const auto& hold : plan.holds)
      if (hold.reason != HoldReason::global_cap || all + std::ssize(plan.launches) < kMostAgents)
        return "the reason of a build is not true";
    return {};
  }

  void launch(const SmallWorld& world, std::size_t i) {
    const auto& a = world.agents[i];
    if ((a.row == Row::launching || a.unwritten) && !a.answered && a.wish == Wish::none)
      call_launch(world, i);
    auto next = world;
    auto& agent = next.agents[i];
    if (a.answered && a.wish == Wish::none && (a.row == Row::launching || a.unwritten)) {
      agent.row = Row::connecting;
      agent.answered = agent.unwritten = false;
      go(next, {"agent {}: its row says launched", i});
    } else if ((a.row == Row::launching || a.row == Row::connecting) && a.wish == Wish::none &&
               (a.node == Node::idle || a.node == Node::busy)) {
      agent.row = Row::online;
      go(next, {"agent {}: its row says online", i});
    }
  }

  // Known to its controller first. The same token gives the same resource.
  void call_launch(const SmallWorld& world, std::size_t i) {
    auto called = world;
    auto& agent = called.agents[i];
    if (agent.node == Node::unknown) agent.node = Node::expected;
    fault(called, {"agent {}: the cloud is called, nothing comes of it", i});
    auto refused = called;
    refused.agents[i].nothing_left = true;
    refused.agents[i].wish = Wish::always;
    if (agent.resource == Resource::none) fault(refused, {"agent {}: the cloud is called, it refuses", i});
    if (agent.resource != Resource::none && bug_ == PlantedBug::new_token_each_time)
      ++agent.strays;
    else if (agent.resource == Resource::none)
      agent.resource = Resource::alive;
    fault(called, {"agent {}: the cloud is called, the answer is lost", i});
    agent.answered = true;
    go(called, {"agent {}: the cloud is called, it launches", i});
  }

  void end(const SmallWorld& world, std::size_t i) {
    const auto& a = world.agents[i];
    auto next = world;
    auto& agent = next.agents[i];
    if (a.row == Row::connecting || a.row == Row::online) {
      if (a.resource == Resource::gone && a.wish == Wish::none) {
        agent.wish = Wish::always;
        go(next, {"agent {}: the list says gone", i});
      }
    }
    if (a.wish != Wish::none && a.row != Row::terminating && !a.unwritten) begin_end(world, i);
    if (a.row != Row::terminating) return;
    if (a.node != Node::unknown) return forget(world, i);
    if (!a.nothing_left) return terminate(world, i);
    next = world;
    next.agents[i] = {};
    next.agents[i].resource = a.resource;
    next.agents[i].strays = a.strays;
    if (a.resource != Resource::alive) next.agents[i].resource = Resource::none;
    go(next, {"agent {}: its row says terminated", i});
  }

  // What may have got work is drained first, and left alone if it has.
  void begin_end(const SmallWorld& world, std::size_t i) {
    const auto& a = world.agents[i];
    auto next = world;
    auto& agent = next.agents[i];
    const bool asks = a.wish == Wish::if_free && bug_ != PlantedBug::ends_without_drain;
    const bool may_get_work = a.node == Node::expected || a.node == Node::idle || a.node == Node::busy;
    if (asks && may_get_work && !a.draining) {
      agent.draining = true;
      return go(next, {"agent {}: the controller drains it", i});
    }
    if (asks && a.node == Node::busy) {
      agent.wish = Wish::none;
      return go(next, {"agent {}: it has work, so it drains", i});
    }
    agent.row = Row::terminating;
    go(next, {"agent {}: its row says terminating", i});
  }

  void forget(const SmallWorld& world, std::size_t i) {
    const auto& a = world.agents[i];
    auto next = world;
    if (a.node == Node::busy) {
      if (a.resource == Resource::alive)
        return violate("the fleet ends an agent at work", at_, {"agent {} is forgotten", i});
      lose_build(next, a.work);
    }
    next.agents[i].node = Node::unknown;
    next.agents[i].draining = false;
    go(next, {"agent {}: the controller forgets it", i});
  }

  void terminate(const SmallWorld& world, std::size_t i) {
    fault(world, {"agent {}: terminate, nothing comes of it", i});
    auto ended = world;
    auto& agent = ended.agents[i];
    if (agent.resource == Resource::alive) agent.resource = Resource::gone;
    fault(ended, {"agent {}: terminate, the answer is lost", i});
    agent.nothing_left = true;
    go(ended, {"agent {}: terminate, the cloud says gone", i});
    if (bug_ != PlantedBug::no_word_is_gone) return;
    auto unheard = world;
    unheard.agents[i].nothing_left = true;
    fault(unheard, {"agent {}: terminate, no word from the cloud", i});
  }

  void lose_build(SmallWorld& world, std::size_t build) const {
    world.builds[build] = bug_ == PlantedBug::runs_again ? Build::waiting : Build::lost;
  }

  // The agent itself, and its controller.
  void live(const SmallWorld& world, std::size_t i) {
    const auto& a = world.agents[i];
    const bool is_alive = a.resource == Resource::alive;
    auto next = world;
    auto& agent = next.agents[i];
    if (is_alive && a.node == Node::expected) {
      agent.node = Node::idle;
      go(next, {"agent {} connects", i});
    }
    if (is_alive && a.node == Node::idle && !a.draining) take_work(world, i);
    if (is_alive && a.node == Node::busy) {
      next = world;
      agent.node = Node::done;
      next.builds[a.work] = Build::done;
      go(next, {"agent {} finishes its build", i});
    }
    if (is_alive) {
      next = world;
      agent.resource = Resource::gone;
      fault(next, {"agent {} dies", i});
    } else if (a.node == Node::idle || a.node == Node::busy) {
      next = world;
      if (a.node == Node::busy) lose_build(next, a.work);
      agent.node = Node::lost;
      go(next, {"agent {}: the controller has lost it", i});
    }
  }

  void take_work(const SmallWorld& world, std::size_t i) {
    for (std::size_t build = 0; build < 2; ++build) {
      if (world.builds[build] != Build::waiting) continue;
      auto next = world;
      next.builds[build] = Build::running;
      ++next.starts[build];
      next.agents[i].node = Node::busy;
      next.agents[i].work = static_cast<std::uint8_t>(build);
      go(next, {build == 0 ? "agent {} starts build 0" : "agent {} starts build 1", i});
    }
  }

  // The server's memory is gone; what is durable or outside stays.
  void crash(const SmallWorld& world) {
    auto next = world;
    for (auto& a : next.agents) {
      a.unwritten = a.answered = a.nothing_left = false;
      a.wish = Wish::none;
    }
    fault(next, {"the server dies and starts"});
  }

  PlantedBug bug_;
  Exploration result_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<Reached> reached_;
  std::vector<Edge> ordinary_;  // to, from
  std::unordered_map<std::uint64_t, Plan> plans_;
  std::size_t at_ = 0;
};

}  // namespace

Exploration explore_small_worlds(PlantedBug bug) { return Explorer(bug).explore(); }

}  // namespace footman::policy::testing
