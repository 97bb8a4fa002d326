// Worlds for properties of the plan: small, so that everything meets everything, and of all kinds.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "policy/provisioning_plan.hpp"

namespace footman::policy::testing {

// The first line, of both as text, in which they differ; empty: none.
std::string find_difference(const Plan& a, const Plan& b);

class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed);

  // What happens to it, for those who follow it.
  struct Listener {
    virtual ~Listener() = default;
    virtual void item_put(const Item&) {}
    virtual void item_dropped(const ItemRef&) {}
    virtual void agent_put(const Agent&) {}
    virtual void agent_dropped(const AgentId&) {}
    virtual void offers_changed(const Snapshot&) {}
  };
  void follow(Listener* listener) { listener_ = listener; }

  // One change of any kind.
  void change();
  // The plan is carried out as the fleet does it: launches are on their way, agents to be ended are ending.
  void carry_out(const Plan& plan);
  void add_item();  // later than all others
  // Agents on their way come: idle, or at work on their item, which leaves the queue, as does that of an idle
  // agent. Those that are ending are gone.
  void let_arrive(const Plan& plan);

  Snapshot snapshot() const;  // in random order
  Limits limits;
  Instant now{1'000'000'000'000};

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool chance(std::size_t one_of) { return pick(one_of) == 0; }

 private:
  void put_item();
  void drop_item();
  void put_agent();
  void change_agent();
  void drop_agent();
  void change_template();
  void change_offer();
  void change_breaker();
  void change_cloud();
  void change_limits();
  model::AgentLimits some_limits(std::uint32_t agents);  // fewer than so many
  Spent some_spending();
  std::vector<Strays> some_strays();
  void pay_up(Spent& spent) const;  // what is paid for ahead is over
  void put(Item item);
  void put(Agent agent);
  Item make_item();
  Agent make_agent();
  Agent make_agent(const Template& t);
  std::vector<Template>::iterator any_template();
  std::map<AgentId, Agent>::iterator any_agent();

  mutable std::mt19937_64 random_;
  std::map<ItemRef, Item> items_;
  std::map<AgentId, Agent> agents_;
  std::vector<Template> templates_;
  std::vector<Cloud> clouds_;
  int agents_made_ = 0;
  Listener nobody_;
  Listener* listener_ = &nobody_;
};

}  // namespace footman::policy::testing
