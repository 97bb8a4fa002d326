// Steps without processes, for tests of the session: a step prints and ends when the test says so.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/step_runner.hpp"
#include "runtime/wait.hpp"

namespace footman::agent::testing {

// What a test knows of one started step.
struct FakeStep {
  StepOrder order;
  std::string output;  // not read yet
  bool done = false;   // its first process has ended
  StepEnd how;
  bool ended = false;       // end() was called …
  base::Duration grace{0};  // … with this, at last
  bool obeys = true;        // dies of end() at once, with SIGTERM
  bool destroyed = false;
  runtime::Event changed;

  void print(const std::string& text) {
    output += text;
    changed.notify();
  }
  void finish(std::int32_t status = 0) {
    done = true;
    how.exit_status = status;
    changed.notify();
  }
};

class FakeRunner final : public StepRunner {
 public:
  std::vector<std::shared_ptr<FakeStep>> steps;
  std::vector<std::string> prepared;
  base::Status prepare_answer;
  std::optional<base::Error> start_answer;
  std::size_t leftovers = 0;
  int builds_ended = 0;
  bool cleaned_up = false;
  std::function<void(FakeStep&)> on_start;  // plays the step at once

  FakeStep& last() { return *steps.back(); }

  runtime::Awaitable<base::Status> prepare(std::string workspace_key) override {
    prepared.push_back(std::move(workspace_key));
    co_return prepare_answer;
  }
  runtime::Awaitable<base::Result<std::unique_ptr<RunningStep>>> start(StepOrder order) override {
    if (start_answer) co_return std::unexpected(*start_answer);
    steps.push_back(std::make_shared<FakeStep>());
    steps.back()->order = std::move(order);
    if (on_start) on_start(*steps.back());
    co_return std::make_unique<Running>(steps.back());
  }
  runtime::Awaitable<std::size_t> end_build() override {
    ++builds_ended;
    co_return std::exchange(leftovers, 0);
  }
  runtime::Awaitable<void> clean_up() override {
    cleaned_up = true;
    co_return;
  }

 private:
  class Running final : public RunningStep {
   public:
    explicit Running(std::shared_ptr<FakeStep> step) : step_(std::move(step)) {}
    ~Running() override { step_->destroyed = true; }
    runtime::Awaitable<std::string> read(std::size_t max) override {
      const auto step = step_;
      while (step->output.empty() && !step->done) co_await step->changed.wait();
      auto bytes = step->output.substr(0, max);
      step->output.erase(0, bytes.size());
      co_return bytes;
    }
    runtime::Awaitable<StepEnd> wait() override { co_return step_->how; }
    void end(base::Duration grace) override {
      step_->grace = step_->ended ? std::min(step_->grace, grace) : grace;
      step_->ended = true;
      if (!step_->obeys) return;
      step_->done = true;
      step_->how.signal = 15;
      step_->changed.notify();
    }

   private:
    std::shared_ptr<FakeStep> step_;
  };
};

}  // namespace footman::agent::testing
