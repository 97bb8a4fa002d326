// Runs the scripts of script.hpp under virtual time.
#pragma once

#include <memory>
#include <string>

#include "agent/step_runner.hpp"
#include "runtime/clock.hpp"
#include "sim/loop.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

class SimStepRunner final : public agent::StepRunner {
 public:
  SimStepRunner(runtime::Clock& clock, Dice dice, Witness& witness, std::string agent)
      : clock_(clock), dice_(dice), witness_(witness), agent_(std::move(agent)) {}

  runtime::Awaitable<base::Status> prepare(std::string workspace_key) override;
  runtime::Awaitable<base::Result<std::unique_ptr<agent::RunningStep>>> start(
      agent::StepOrder order) override;
  runtime::Awaitable<std::size_t> end_build() override;
  runtime::Awaitable<void> clean_up() override;

 private:
  runtime::Clock& clock_;
  Dice dice_;
  Witness& witness_;
  std::string agent_;
};

}  // namespace footman::sim
