// The sequence of one agent: introduced to its controller, launched, noted as connected, drained, ended. It
// is level-triggered: it looks at the row, the wishes and the facts of its entry, takes one step, and looks
// again; a crash between any two steps loses nothing, since the row alone says where to go on. Inside the
// module; control executor.
#pragma once

#include "fleet/core.hpp"

namespace footman::fleet {

enum class Step {
  rest,       // until something changes
  introduce,  // register_agent: the controller knows it and gives the secret
  launch,
  note_connected,
  note_handle,
  keep_promise,  // in its row
  begin_drain,
  tell_drain,
  begin_end,
  terminate,
  let_go,  // as forget, of one whose cloud is not configured any more: then it rests
  forget,  // remove_agent, until the controller has heard it
  conclude,
  dismiss,  // over
};
// What is to be done next. Pure.
Step next_step(const AgentEntry& entry);

// What its controller is told of it.
ports::AgentRegistration registration_of(const Core& core, const AgentEntry& entry);

class Steward {
 public:
  explicit Steward(Core& core);

  // Starts the agent's sequence if it has something to do and does not run.
  void look_at(AgentEntry* entry);

 private:
  Awaitable<void> run(AgentEntry* entry);
  Awaitable<void> take(Step step, AgentEntry* entry);
  Awaitable<void> pause(AgentEntry* entry, Duration first, Duration longest);

  Awaitable<void> introduce(AgentEntry* entry);
  Awaitable<void> launch(AgentEntry* entry);
  Awaitable<void> call_launch(AgentEntry* entry, CloudEntry* cloud);
  Awaitable<void> look_up(AgentEntry* entry, CloudEntry* cloud);
  Awaitable<void> note_launched(AgentEntry* entry, std::string handle, std::string kind, std::string text);
  Awaitable<void> note_failure(AgentEntry* entry, CloudEntry* cloud, ports::LaunchFailure failure);
  Awaitable<void> note_connected(AgentEntry* entry);
  Awaitable<void> keep_promise(AgentEntry* entry);
  Awaitable<void> begin_drain(AgentEntry* entry);
  Awaitable<void> tell_drain(AgentEntry* entry);

  Awaitable<bool> is_free_to_end(AgentEntry* entry);
  Awaitable<void> begin_end(AgentEntry* entry);
  Awaitable<void> wait_for_own_exit(AgentEntry* entry, const CloudEntry& cloud);
  Awaitable<void> terminate(AgentEntry* entry);
  Awaitable<bool> try_forget(AgentEntry* entry);
  Awaitable<void> let_go(AgentEntry* entry);
  Awaitable<void> conclude(AgentEntry* entry);
  void dismiss(AgentEntry* entry);
  void tell_ended(const AgentEntry& entry);
  bool may_trust_gone(const AgentEntry& entry, const CloudEntry& cloud) const;
  bool may_send_again(const AgentEntry& entry, const CloudEntry& cloud) const;
  void put_connection(const AgentEntry& entry, store::AgentChange& change);
  void put_launch_trouble(const AgentEntry& entry, store::AgentChange& change);

  Core& core_;
};

}  // namespace footman::fleet
