// The agents that may take work now, in the order in which the fleet gives them out (policy/free_agents.hpp):
// those with the fewest labels before others, so that what only few can do finds them free; of these the
// oldest first. Inside the module; control executor.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/agent.hpp"

namespace footman::controller {

class ReadyAgents {
 public:
  using ByAge = std::set<std::pair<base::Instant, base::AgentId>>;
  struct Group {
    std::vector<std::string> labels;
    bool is_default = false;
    ByAge agents;  // never empty
  };
  using GroupKey =
      std::tuple<std::size_t, std::vector<std::string>, bool>;  // count of labels, sorted, default

  bool insert(const model::Node& node);  // false: it was there
  void erase(const base::AgentId& id);   // unknown ones are none
  bool contains(const base::AgentId& id) const { return places_.contains(id); }
  bool empty() const { return places_.empty(); }
  std::size_t size() const { return places_.size(); }
  const std::map<GroupKey, Group>& groups() const { return groups_; }

 private:
  using Groups = std::map<GroupKey, Group>;
  struct Place {
    Groups::iterator group;
    base::Instant created;
  };
  Groups groups_;
  std::unordered_map<base::AgentId, Place> places_;
};

}  // namespace footman::controller
