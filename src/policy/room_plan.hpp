// Room for items that only limits keep waiting: idle agents end for them, and once an item has waited for
// long and no agent that stays fits it, agents that are kept drain. Pure. Inside the module; the provisioning
// plan tells who is there once all items are served.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policy/free_agents.hpp"
#include "policy/item_class.hpp"
#include "policy/obstacle_notes.hpp"
#include "policy/obstacles.hpp"
#include "policy/settled_agents.hpp"

namespace footman::policy {

// So long others may overtake an item that waits for room.
inline constexpr Duration kPatience = 10min;

// Finds room: of agents that are ending anyway, then of idle ones. What was found once counts again: a wish
// says what is lacking with all that was promised before.
class RoomFinder {
 public:
  RoomFinder(std::vector<const Agent*> leaving, std::vector<const Agent*> idle)
      : leaving_(std::move(leaving)), idle_(std::move(idle)) {}
  // The idle ones that have to end; none: those that are leaving are enough. Not set: all of them together
  // would not be enough.
  std::optional<std::vector<const Agent*>> find(const RoomWish& wish);
  void end(const std::vector<const Agent*>& agents);  // from now on they are leaving
  const std::vector<const Agent*>& leaving() const { return leaving_; }

 private:
  std::int64_t relief_of_all(const RoomWish::Lack& lack);

  std::vector<const Agent*> leaving_;
  std::vector<const Agent*> idle_;                                     // the first that helps is ended
  std::map<std::pair<HoldReason, std::string>, std::int64_t> relief_;  // by limit; of all together
};

// Agents that have an item or work, as far as others may wait for their place.
class Occupants {
 public:
  Occupants() = default;
  Occupants(const Occupants&) = delete;  // it points into itself
  Occupants& operator=(const Occupants&) = delete;
  void add(const Agent& agent);
  void add(const SettledAgents& agents);
  void add_draining(const Agent& agent);  // by this plan

  bool any_drains() const;  // or may
  // One of them takes an item of this class when its turn comes.
  bool any_stays_for(const ItemClass& kind) const;
  struct Room {
    std::vector<const Agent*> draining;  // already
    std::vector<const Agent*> to_drain;  // the oldest that help
  };
  // Not set: all of them together would not be enough.
  std::optional<Room> find(const RoomWish& wish, const RoomFinder& room) const;

 private:
  std::set<const Agent*, LabelOrder> staying_;  // one of each kind
  std::vector<const SettledAgents*> settled_;
  AgentsByAge may_drain_;
  AgentsByAge draining_;
  std::vector<const AgentsByAge*> all_that_may_drain_{&may_drain_};  // those of a group are alike
  std::vector<const AgentsByAge*> all_draining_{&draining_};
};

class RoomPlanner {
 public:
  // notes: final. held: with those that wait longest first.
  RoomPlanner(Obstacles& obstacles, const ObstacleNotes& notes, const std::vector<ItemClass*>& held,
              Instant now)
      : obstacles_(obstacles), notes_(notes), held_(held), now_(now) {}
  // Adds terminations and drains to the plan, and tells the classes whose room it is. It is kept for them
  // until they are launched.
  void make_room(RoomFinder room, const Occupants& occupants, Plan& plan);

 private:
  // A template for one controller; what is true of it is so for all classes that ask for it.
  template <class Known>
  using ByTemplate = std::map<ControllerName, std::unordered_map<const Template*, Known>>;
  struct Wished {
    std::optional<RoomWish> wish;
    bool is_promised = false;  // for sure
  };

  bool end_idle(RoomFinder& room, const ItemClass& kind, Plan& plan);
  bool end_idle(RoomFinder& room, const ItemClass& kind, const Template& t, Plan& plan);
  void drain_for(ItemClass& kind, const RoomFinder& room, const Occupants& occupants, Plan& plan);
  std::vector<Wished*> list_wishes(const ItemClass& kind);
  bool is_promised(const Wished& one) const;
  void promise(Wished& one);

  Obstacles& obstacles_;
  const ObstacleNotes& notes_;
  const std::vector<ItemClass*>& held_;
  Instant now_;
  ByTemplate<bool> no_idle_;   // makes room for it; as long as nobody else gets any
  ByTemplate<Wished> wishes_;  // once all have got what idle ones make
  std::set<std::pair<HoldReason, std::string>>
      promised_;  // limits: what becomes free of them is for an older item
};

}  // namespace footman::policy
