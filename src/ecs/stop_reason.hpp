// Why a task did not start or has ended, and who is to blame. ECS says it in texts for people, which change;
// so parts of them are looked for, together with the stop code, and what is not known is said to be a guess.
// Source: "Stopped tasks error messages", "API failure reasons" in the ECS Developer Guide, and texts that
// others have published (tests/stop_reason_test.cpp has them all).
#pragma once

#include <string>
#include <string_view>

#include "ecs/task.hpp"
#include "model/agent.hpp"

namespace footman::ecs {

// What Footman gives StopTask as the reason begins like this, and so is known again in the task.
inline constexpr std::string_view kOurStopReason = "Footman: ";

enum class StopCause {
  unknown,          // AWS' words were not recognised: try once more
  ours,             // we asked for the end
  asked,            // somebody else asked for the end, with StopTask or in the console
  spot_reclaim,     // AWS takes the machine back; two minutes' notice on Fargate Spot
  host_failure,     // machine gone, ill, drained or under maintenance
  throttled,        // requests of ECS itself to EC2 and others
  provisioning,     // network interface, disk or container runtime took too long
  capacity,         // no machine or address is free
  quota,            // the account's limit on vCPU or tasks
  pull_transient,   // the registry did not answer, or not now
  image,            // it does not exist, or cannot run there
  permission,       // a role may not do what it must
  configuration,    // what the template says cannot be
  container_start,  // the container could not be started
  out_of_memory,
  killed,          // SIGKILL that nobody asked for: the kernel's, for lack of memory most likely
  agent_exited,    // the agent's container ended by itself
  sidecar_exited,  // an essential sidecar ended
  missing,         // ECS does not know the task (any more)
};
std::string_view to_string(StopCause cause);  // "spot_reclaim": a stable word
model::FailureClass failure_class_of(StopCause cause);

struct StopExplanation {
  StopCause cause = StopCause::unknown;
  // Of a launch that gave no agent. Unknown: transient.
  model::FailureClass failure = model::FailureClass::transient;
  // Of an agent that had connected: notice, out_of_memory or resource_gone.
  model::EndReason end_reason = model::EndReason::resource_gone;
  model::DeathCertificate death;  // exit status or signal of the agent's container
  std::string sentence;           // for people, with AWS' own words; also death.text
};

// Of a task that is stopping or has stopped; `agent_container`: the agent's name in it.
StopExplanation explain_stop(const Task& task, std::string_view agent_container);
// It got no network interface, as its subnet had no free address: another one may have.
bool lacked_address(const Task& task);
// A part of RunTask's `failures`, or DescribeTasks' MISSING, which means nothing right after RunTask.
StopExplanation explain_failure(const TaskFailure& failure);
// An error of ECS, such as RunTask's. Throttling, authentication and server errors are judged elsewhere, for
// all of AWS: here they are `unknown`.
StopExplanation explain_error(std::string_view code, std::string_view message);

}  // namespace footman::ecs
