// One launch as one RunTask: with its definition, in a subnet that has room, and with its token, so that a
// repetition gives the same task.
#pragma once

#include <expected>
#include <set>
#include <string>

#include "aws/identity_proof.hpp"
#include "cloud/ecs/definitions.hpp"
#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/shared.hpp"
#include "cloud/ecs/task_finder.hpp"
#include "cloud/ecs/task_follower.hpp"
#include "runtime/scope.hpp"

namespace footman::cloud::ecs {

// All that it is made with outlives it. No launch() may be under way when it is destroyed.
class Launcher {
 public:
  Launcher(Shared& shared, Definitions& definitions, TaskFinder& finder, TaskFollower& follower,
           const footman::aws::ProofPlace& proof_place, runtime::Scope& scope)
      : shared_(shared),
        definitions_(definitions),
        finder_(finder),
        follower_(follower),
        proof_place_(proof_place),
        scope_(scope) {}

  // The task is in the table then. For what the answers mean see ports/cloud_provider.hpp.
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec);

 private:
  Awaitable<ports::LaunchResult> run_task(const ports::LaunchSpec* spec, const LaunchOptions* options,
                                          bool again);
  Awaitable<std::expected<void, ports::LaunchFailure>> provide_definition(const LaunchOptions* launch,
                                                                          footman::ecs::RunTaskInput* input);
  void choose_subnet(const footman::ecs::TemplateOptions& wanted, footman::ecs::RunTaskInput& input);
  Awaitable<void> look_at_subnets();
  ports::LaunchHandle note_launched(const footman::ecs::RunTaskInput& input, Task task);
  Awaitable<ports::LaunchResult> look_for(const std::string* token, const ports::LaunchFailure* refusal);
  ports::LaunchFailure judge_placement(const footman::ecs::TaskFailure& failure,
                                       const footman::ecs::Texts& subnets);

  Shared& shared_;
  Definitions& definitions_;
  TaskFinder& finder_;
  TaskFollower& follower_;
  const footman::aws::ProofPlace& proof_place_;
  runtime::Scope& scope_;
  std::set<std::string> launching_;  // tokens of calls under way
};

}  // namespace footman::cloud::ecs
