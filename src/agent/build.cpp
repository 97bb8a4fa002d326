#include "agent/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/codec.hpp"

namespace footman::agent {

using base::Duration;
using protocol::AssignmentPhase;
using protocol::BuildOutcome;

namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kReportBatchBytes = 64 << 10;
constexpr std::int32_t kNotExecutable = 126;  // as a shell says it
constexpr std::int32_t kNotFound = 127;

std::string describe_end(const StepEnd& end) {
  if (end.out_of_memory) return "ran out of memory and was killed";
  if (end.signal != 0) return fmt::format("was ended by signal {}", end.signal);
  return fmt::format("exited with status {}", end.exit_status);
}

std::uint64_t report_number(const protocol::Message& message) {
  return std::visit(
      [](const auto& one) -> std::uint64_t {
        if constexpr (requires { one.report; }) return one.report;
        return 0;
      },
      message);
}

}  // namespace

Build::Build(BuildParts parts, protocol::Assign assign)
    : parts_(std::move(parts)), assign_(std::move(assign)) {}

// --- life

runtime::Awaitable<void> Build::run(std::shared_ptr<Build> self) {
  auto& build = *self;
  while (!build.log_ && !build.ending_ && !build.forgotten_) co_await build.changed_.wait();
  if (build.log_ && !build.ending_ && !build.forgotten_) co_await build.run_steps();
  co_await build.clean_up();
  if (!build.forgotten_) co_await build.finish();
  build.timeout_.reset();
}

void Build::start(std::uint64_t stream_offset, std::uint64_t window_bytes) {
  if (log_ || phase_ != AssignmentPhase::accepted) return;
  BuildLogConfig config;
  config.stream = assign_.stream;
  config.start = stream_offset;
  config.limit_bytes = assign_.work.log_limit_bytes;
  config.window_bytes = window_bytes;
  config.spool = parts_.spool;
  config.open_spool = parts_.open_spool;
  log_.emplace(std::move(config), assign_.work.masks, parts_.clock, parts_.wake);
  phase_ = AssignmentPhase::running;
  arm_timeout();
  changed_.notify();
}

void Build::arm_timeout() {
  const auto limit = assign_.work.timeout;
  if (limit.count() == 0) return;
  timeout_ = parts_.clock.call_after(parts_.executor, limit, [this, limit] {
    end(BuildOutcome::timed_out,
        fmt::format("It took longer than its time limit of {}.", base::format_duration(limit)),
        assign_.work.grace);
  });
}

runtime::Awaitable<void> Build::run_steps() {
  const auto count = static_cast<std::uint32_t>(assign_.work.steps.size());
  for (std::uint32_t i = 0; i < count && !ending_ && !forgotten_; ++i) co_await run_step(i);
}

runtime::Awaitable<void> Build::run_step(std::uint32_t index) {
  protocol::StepStarted started;
  started.step = index;
  started.at = parts_.clock.now();
  started.log_offset = log_->end();
  report(started);
  const auto began = parts_.clock.steady();

  const auto end = co_await run_process(index);
  if (forgotten_) co_return;
  co_await log_->flush();
  if (auto complaint = log_->take_complaint(); !complaint.empty())
    parts_.log.warning("no spool on disk: output waits in memory only", {{"reason", complaint}});
  if (!end) co_return;

  protocol::StepFinished finished;
  finished.step = index;
  finished.exit_status = end->exit_status;
  finished.signal = end->signal;
  finished.out_of_memory = end->out_of_memory;
  finished.peak_memory_bytes = end->peak_memory_bytes;
  finished.cpu_time = end->cpu_time;
  finished.wall_time = parts_.clock.steady() - began;
  finished.at = parts_.clock.now();
  finished.log_offset = log_->end();
  report(finished);
  co_await judge(index, *end);
}

// Empty: the agent could not do its part, and ending_ says why.
runtime::Awaitable<std::optional<StepEnd>> Build::run_process(std::uint32_t index) {
  auto started = co_await parts_.runner.start(order_of(index));
  if (!started) co_return co_await not_started(started.error());
  auto step = std::move(*started);
  co_return co_await pump(*step);
}

runtime::Awaitable<StepEnd> Build::pump(RunningStep& step) {
  // Reset also when this coroutine is dropped.
  struct Current {
    Current(RunningStep*& place, RunningStep* now) : place_(place) { place_ = now; }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { place_ = nullptr; }
    RunningStep*& place_;
  };
  const Current current(running_, &step);
  if (ending_ || forgotten_) step.end(std::max(kill_at_ - parts_.clock.steady(), Duration(0)));
  while (true) {
    auto bytes = co_await step.read(kReadBytes);
    if (bytes.empty()) break;
    co_await log_->write(std::move(bytes));
  }
  co_return co_await step.wait();
}

runtime::Awaitable<std::optional<StepEnd>> Build::not_started(base::Error error) {
  const auto text = base::describe(error);
  co_await log_->note(text);
  StepEnd end;
  end.exit_status = error.code == base::Errc::not_found ? kNotFound : kNotExecutable;
  if (error.code == base::Errc::not_found || error.code == base::Errc::permission_denied) co_return end;
  if (!ending_) ending_ = Ending{BuildOutcome::agent_error, text};
  co_return std::nullopt;
}

runtime::Awaitable<void> Build::judge(std::uint32_t index, StepEnd end) {
  if (ending_ || (end.signal == 0 && end.exit_status == 0)) co_return;
  auto reason = fmt::format("{} {}.", title_of(index), describe_end(end));
  if (is_unstable(index, end)) co_return co_await log_->note(reason + " The build is unstable.");
  co_await log_->note(reason);
  if (!ending_) ending_ = Ending{BuildOutcome::failure, std::move(reason), index};
}

// Its status says that something is amiss, but not so much that the steps behind it would be of no use.
bool Build::is_unstable(std::uint32_t index, const StepEnd& end) const {
  const auto& statuses = assign_.work.unstable_exit_statuses;
  return index < statuses.size() && end.signal == 0 && !end.out_of_memory &&
         end.exit_status == statuses[index];
}

runtime::Awaitable<void> Build::clean_up() {
  if (phase_ != AssignmentPhase::running) co_return;
  const auto left = co_await parts_.runner.end_build();
  if (left > 0) parts_.log.info("ended processes that the build left behind", {{"count", left}});
  if (left > 0 && !forgotten_)
    co_await log_->note(
        fmt::format("Ended {} process{} that the build left behind.", left, left > 1 ? "es" : ""));
}

runtime::Awaitable<void> Build::finish() {
  if (log_ && ending_ && ending_->outcome != BuildOutcome::failure) co_await log_->note(ending_->reason);
  if (forgotten_) co_return;
  protocol::BuildFinished finished;
  if (ending_) {
    finished.outcome = ending_->outcome;
    finished.reason = ending_->reason;
    finished.failed_step = ending_->failed_step;
  }
  finished.log_end = log_ ? log_->end() : 0;
  finished.log_truncated = log_ && log_->truncated();
  finished.at = parts_.clock.now();
  phase_ = AssignmentPhase::finished;
  report(std::move(finished));
  // Nobody needs them any more.
  assign_.work.env.clear();
  assign_.work.masks.clear();
  assign_.work.steps.clear();
}

StepOrder Build::order_of(std::uint32_t index) const {
  return {assign_.assignment, index, assign_.work.workspace_key, assign_.work.env, assign_.work.steps[index]};
}

std::string Build::title_of(std::uint32_t index) const {
  const auto& name = assign_.work.steps[index].name;
  const auto plain = fmt::format("step {}", index + 1);
  if (name.empty() || name == plain) return fmt::format("Step {}", index + 1);
  return fmt::format("Step {} ({})", index + 1, name);
}

template <class Report>
void Build::report(Report one) {
  one.assignment = assign_.assignment;
  one.report = ++last_report_;
  reports_.emplace_back(std::move(one));
  parts_.wake();
}

// --- ends

void Build::end(BuildOutcome outcome, std::string reason, Duration grace) {
  if (phase_ == AssignmentPhase::finished || forgotten_) return;
  const bool first = !ending_;
  if (first) ending_ = Ending{outcome, std::move(reason)};
  arm_hard_end(first ? grace : std::min(grace, std::max(kill_at_ - parts_.clock.steady(), Duration(0))));
}

void Build::forget(Duration grace) {
  if (std::exchange(forgotten_, true)) return;
  if (log_) log_->close();
  arm_hard_end(grace);
}

void Build::arm_hard_end(Duration grace) {
  kill_at_ = parts_.clock.steady() + grace;
  if (running_ != nullptr) running_->end(grace);
  changed_.notify();
}

// --- the session

void Build::acknowledge_report(std::uint64_t number) {
  // The last report stays until FinishedAck.
  while (!reports_.empty() && report_number(reports_.front()) <= number &&
         !std::holds_alternative<protocol::BuildFinished>(reports_.front())) {
    reports_.pop_front();
    if (sent_reports_ > 0) --sent_reports_;
  }
}

base::Status Build::acknowledge_log(std::uint64_t durable_offset) {
  return log_ ? log_->acknowledge(durable_offset) : base::Status();
}

base::Status Build::rewind(std::optional<std::uint64_t> durable, std::uint64_t window_bytes) {
  sent_reports_ = 0;
  if (!log_) return {};
  return log_->rewind(durable.value_or(log_->first_unacknowledged()), window_bytes);
}

protocol::HeldAssignment Build::held() const {
  protocol::HeldAssignment held;
  held.assignment = assign_.assignment;
  held.phase = phase_;
  held.stream = assign_.stream;
  held.first_unacknowledged = log_ ? log_->first_unacknowledged() : 0;
  held.end_offset = log_ ? log_->end() : 0;
  held.last_report = last_report_;
  return held;
}

bool Build::append_frames(std::string& out, std::size_t max_log_bytes, std::uint64_t features) {
  if (forgotten_) return false;
  const auto before = out.size();
  while (sent_reports_ < reports_.size() && out.size() - before < kReportBatchBytes) {
    const auto& next = reports_[sent_reports_];
    // The server keeps everything else of this agent waiting until it has the log that the result speaks of.
    if (std::holds_alternative<protocol::BuildFinished>(next) && log_ && !log_->all_sent()) break;
    protocol::encode_to(out, next);
    ++sent_reports_;
  }
  if (log_) log_->append_frame(out, max_log_bytes, (features & protocol::kFeatureTimeMarks) != 0);
  return out.size() > before;
}

}  // namespace footman::agent
