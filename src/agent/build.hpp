// One assignment on this agent, from Assign until the server has its result. Everything on the agent's
// executor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/build_log.hpp"
#include "agent/step_runner.hpp"
#include "base/log.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::agent {

struct BuildParts {
  runtime::Executor executor;
  runtime::Clock& clock;
  StepRunner& runner;
  base::Logger log;
  SpoolLimits spool;
  OpenSpoolFile open_spool;
  std::function<void()> wake;  // there may be something to send
};

class Build {
 public:
  Build(BuildParts parts, protocol::Assign assign);

  // From Accepted to the last report; started once. Waits for Start itself. `self` keeps it alive.
  static runtime::Awaitable<void> run(std::shared_ptr<Build> self);

  // --- what the server says

  void start(std::uint64_t stream_offset, std::uint64_t window_bytes);
  void acknowledge_report(std::uint64_t report);
  base::Status acknowledge_log(std::uint64_t durable_offset);
  // A new connection: everything unacknowledged is sent again. `durable`: of Welcome, if it lists the stream.
  base::Status rewind(std::optional<std::uint64_t> durable, std::uint64_t window_bytes);

  // --- ends

  // Ends the build with this outcome. The first outcome counts, the shortest grace counts.
  void end(protocol::BuildOutcome outcome, std::string reason, base::Duration grace);
  // The assignment is not ours any more: end what runs, report nothing.
  void forget(base::Duration grace);

  // --- what the session asks

  base::AssignmentId id() const { return assign_.assignment; }
  base::StreamId stream() const { return assign_.stream; }
  base::Duration grace() const { return assign_.work.grace; }
  protocol::AssignmentPhase phase() const { return phase_; }
  bool forgotten() const { return forgotten_; }
  protocol::HeldAssignment held() const;
  // Appends what is to be sent next: reports first, but the last one behind the log it speaks of. False:
  // nothing.
  bool append_frames(std::string& out, std::size_t max_log_bytes, std::uint64_t features);

 private:
  struct Ending {
    protocol::BuildOutcome outcome = protocol::BuildOutcome::success;
    std::string reason;
    std::uint32_t failed_step = protocol::kNoStep;
  };

  runtime::Awaitable<void> run_steps();
  runtime::Awaitable<void> run_step(std::uint32_t index);
  runtime::Awaitable<std::optional<StepEnd>> run_process(std::uint32_t index);
  runtime::Awaitable<StepEnd> pump(RunningStep& step);
  runtime::Awaitable<void> clean_up();
  runtime::Awaitable<void> finish();
  runtime::Awaitable<void> judge(std::uint32_t index, StepEnd end);
  bool is_unstable(std::uint32_t index, const StepEnd& end) const;
  runtime::Awaitable<std::optional<StepEnd>> not_started(base::Error error);
  StepOrder order_of(std::uint32_t index) const;
  std::string title_of(std::uint32_t index) const;
  template <class Report>
  void report(Report report);
  void arm_timeout();
  void arm_hard_end(base::Duration grace);

  BuildParts parts_;
  protocol::Assign assign_;
  protocol::AssignmentPhase phase_ = protocol::AssignmentPhase::accepted;
  runtime::Event changed_;
  std::optional<BuildLog> log_;
  RunningStep* running_ = nullptr;
  std::optional<Ending> ending_;
  base::Duration kill_at_{0};  // steady; when what runs is killed, once ending
  bool forgotten_ = false;
  std::unique_ptr<runtime::Timer> timeout_;
  std::deque<protocol::Message> reports_;  // not acknowledged
  std::size_t sent_reports_ = 0;           // of those, on the present connection
  std::uint64_t last_report_ = 0;
};

}  // namespace footman::agent
