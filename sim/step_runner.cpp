#include "sim/step_runner.hpp"

#include <algorithm>
#include <optional>

#include "runtime/wait.hpp"
#include "sim/script.hpp"

namespace footman::sim {

using agent::RunningStep;
using agent::StepEnd;
using agent::StepOrder;
using base::Duration;
using runtime::Awaitable;

namespace {

constexpr int kTerm = 15;
constexpr int kKill = 9;

class SimStep final : public RunningStep {
 public:
  SimStep(runtime::Clock& clock, Dice dice, Witness& witness, std::string agent, Script script,
          std::string secret)
      : clock_(clock),
        dice_(dice),
        witness_(witness),
        agent_(std::move(agent)),
        script_(std::move(script)),
        secret_(std::move(secret)),
        next_at_(clock.steady()) {}
  ~SimStep() override { witness_.step_gone(script_.key, agent_); }

  Awaitable<std::string> read(std::size_t max) override {
    while (output_.empty() && !over()) {
      const auto wait = due() - clock_.steady();
      if (wait.count() > 0) {
        (void)co_await changed_.wait_for(clock_, wait);
        continue;
      }
      move_on();
    }
    auto count = std::min(max, output_.size());
    if (count > 1 && dice_.chance(0.4)) count = dice_.between(std::uint64_t{1}, count);
    auto taken = output_.substr(0, count);
    output_.erase(0, count);
    co_return taken;
  }

  Awaitable<StepEnd> wait() override {
    witness_.step_ended(script_.key, script_.step, signal_ == 0);
    witness_.step_gone(script_.key, agent_);
    StepEnd end;
    end.exit_status = signal_ == 0 ? script_.exit_status : 0;
    end.signal = static_cast<std::uint32_t>(signal_);
    co_return end;
  }

  void end(Duration grace) override {
    const auto at = clock_.steady() + grace;
    kill_at_ = kill_at_ ? std::min(*kill_at_, at) : at;
    if (!script_.stubborn && !term_at_) term_at_ = clock_.steady() + dice_.jitter(Duration(20'000));
    changed_.notify();
  }

 private:
  bool over() const { return signal_ != 0 || printed_ > script_.lines; }
  // When something happens next: a line, or the end by a signal.
  Duration due() const {
    auto at = next_at_;
    if (term_at_) at = std::min(at, *term_at_);
    if (kill_at_) at = std::min(at, *kill_at_);
    return at;
  }
  void move_on() {
    const auto now = clock_.steady();
    if (kill_at_ && *kill_at_ <= now) return void(signal_ = kKill);
    if (term_at_ && *term_at_ <= now) return void(signal_ = kTerm);
    if (++printed_ > script_.lines) return;  // it exits
    output_ += line_of(script_, printed_, secret_);
    next_at_ = now + (script_.gap.count() > 0 ? dice_.jitter(script_.gap) : Duration(0));
  }

  runtime::Clock& clock_;
  Dice dice_;
  Witness& witness_;
  std::string agent_;
  Script script_;
  std::string secret_;
  std::string output_;
  std::uint32_t printed_ = 0;
  int signal_ = 0;
  Duration next_at_;
  std::optional<Duration> term_at_;
  std::optional<Duration> kill_at_;
  runtime::Event changed_;
};

}  // namespace

Awaitable<base::Status> SimStepRunner::prepare(std::string /*workspace_key*/) {
  co_await runtime::sleep_for(clock_, dice_.jitter(Duration(300)));
  if (dice_.chance(0.01)) co_return base::fail(base::Errc::resource_exhausted, "no space for the workspace");
  co_return base::Status();
}

Awaitable<base::Result<std::unique_ptr<RunningStep>>> SimStepRunner::start(StepOrder order) {
  auto script = parse_script(order.step.script);
  if (!script) co_return base::fail(base::Errc::not_found, script.error().message);
  std::string secret;
  for (const auto& one : order.env) {
    if (one.name == kSecretVariable) secret = std::string(one.value.expose());
    if (one.name == kKeyVariable && script->key.empty()) script->key = std::string(one.value.expose());
  }
  // From the fork on the script runs, whoever comes to know of it.
  witness_.step_started(script->key, script->step, agent_);
  std::unique_ptr<RunningStep> step = std::make_unique<SimStep>(
      clock_, Dice(dice_.next(), "step"), witness_, agent_, std::move(*script), std::move(secret));
  co_await runtime::sleep_for(clock_, dice_.jitter(Duration(1000)));
  co_return step;
}

Awaitable<std::size_t> SimStepRunner::end_build() {
  co_await runtime::sleep_for(clock_, dice_.jitter(Duration(300)));
  co_return std::size_t{0};
}

Awaitable<void> SimStepRunner::clean_up() {
  co_await runtime::sleep_for(clock_, dice_.jitter(Duration(300)));
}

}  // namespace footman::sim
