// What the agents take together, held against the limits that are not plain numbers of agents of a cloud, a
// template or a label: by controller, by vCPU, by memory. Sums only, so that agents may be counted in any
// order. A value.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "policy/open_plan.hpp"

namespace footman::policy {

class Usage {
 public:
  explicit Usage(const Limits& limits);  // which must outlive it

  // So many more agents that hold a resource, or will.
  void add(const ControllerName& controller, const CloudName& cloud, const model::AgentSize& size,
           std::uint32_t count);
  // Why one more agent of the template would be one too many; `cloud` is the template's.
  std::optional<Held> find_obstacle(const Template& t, const Cloud& cloud) const;
  // Why one more agent for the controller would be one too many, whatever its template.
  std::optional<Held> find_controller_obstacle(const ControllerName& controller) const;

 private:
  struct Sums {
    model::AgentSize size;
    void add(const model::AgentSize& one, std::uint32_t count);
  };
  static std::optional<Held> find_size_obstacle(const Template& t, const model::ResourceLimits& limits,
                                                const Sums& sums, const Cloud* cloud);

  const Limits* limits_;
  std::map<ControllerName, std::uint32_t> by_controller_;  // of capped ones
  std::map<CloudName, Sums> by_cloud_;
  Sums all_;
};

}  // namespace footman::policy
