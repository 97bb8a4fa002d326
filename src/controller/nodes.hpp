// The agents the fleet made known, whether connected or not, and the watch over leases and deadlines. Inside
// the module; control executor.
#pragma once

#include <string>

#include "controller/builds.hpp"
#include "controller/core.hpp"

namespace footman::controller {

class Nodes {
 public:
  Nodes(Core& core, Builds& builds);

  // What the store holds, after a start of the server: full fresh leases and deadlines. Losses that were
  // durable but not carried through are finished by resume_losses(), after the builds were taken over.
  void take_over(store::OpenState& state);
  void resume_losses();

  model::Node make_row(const ports::AgentRegistration& registration) const;  // as it is stored first
  Awaitable<Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration registration);
  Awaitable<Status> drain(AgentId id, model::EndReason why, std::string reason);
  Awaitable<Status> remove(AgentId id, ports::AgentEnd end);
  // The agent said good-bye for good.
  Awaitable<void> leave(AgentId id, std::string reason);
  // Makes the loss durable first, so that a late agent is refused also after a restart, then ends its build.
  Awaitable<void> lose(AgentId id, WorkLoss loss);
  // It refused an offer of work or did not answer it; with the last one of so many in a row it is given up.
  void note_declined(NodeEntry& node, const std::string& how);

  // Looks at leases and overdue builds until it is cancelled.
  Awaitable<void> watch();

 private:
  bool look_at_node(NodeEntry& node, Duration at);
  static bool is_overdue(const BuildEntry& entry, Duration at);
  void give_up(BuildEntry& entry);

  Core& core_;
  Builds& builds_;
  base::Counter& lost_;
};

}  // namespace footman::controller
