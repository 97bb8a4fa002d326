#include "controller/report_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::controller {

using protocol::BuildOutcome;

namespace {

constexpr std::uint32_t kMostProcessors = 8192;  // Linux knows no more
constexpr std::uint64_t kMostMemoryBytes = std::uint64_t{1} << 50;
constexpr std::int32_t kMostExitStatus = 255;
constexpr std::uint32_t kMostSignal = 64;
constexpr std::uint32_t kKill = 9;
constexpr std::int32_t kKilledInShell = 128 + 9;  // a shell whose child was
// How long a server's clock may have stood still, as that of a machine does that sleeps.
constexpr Duration kClockSlack = 24h;

template <class... Args>
std::unexpected<Error> broken(fmt::format_string<Args...> format, Args&&... args) {
  return base::fail(Errc::corrupt, fmt::format(format, std::forward<Args>(args)...));
}

std::string steps_of(const model::BuildSpec& spec) {
  return fmt::format("{} step{}", spec.steps.size(), spec.steps.size() == 1 ? "" : "s");
}

Status check_number(std::uint64_t report, const ReportFrame& frame) {
  const auto next = frame.progress.last_report + 1;
  if (report == next) return {};
  return broken("it sent report {} where {} was the next one", report, next);
}

Status check_step(std::uint32_t step, std::string_view what, const ReportFrame& frame) {
  if (step >= frame.spec.steps.size())
    return broken("it reported step {} of a build of {}", std::uint64_t{step} + 1, steps_of(frame.spec));
  if (step != frame.progress.ended)
    return broken("it reported {} of step {} where step {} was the next one", what, step + 1,
                  std::uint64_t{frame.progress.ended} + 1);
  return {};
}

// Elsewhere than in the agent's clock: between the Start of its work and now.
void keep_in_window(model::StepRecord& step, const ReportFrame& frame) {
  const auto from = std::min(frame.started, frame.now);
  step.started = std::clamp(step.started, from, frame.now);
  if (step.finished.is_set()) step.finished = std::clamp(step.finished, from, frame.now);
  step.wall_time = std::clamp(step.wall_time, Duration(0), std::max(frame.elapsed, Duration(0)));
}

Duration times(Duration duration, std::uint32_t count) {
  return duration > Duration::max() / count ? Duration::max() : duration * count;
}

Status check_usage(const protocol::StepFinished& report, const ReportFrame& frame) {
  const auto longest = std::max(frame.elapsed, Duration(0)) + kClockSlack;
  if (report.wall_time > longest)
    return broken("it reported that a step took {} of a build that began {} ago",
                  format_duration(report.wall_time), format_duration(frame.elapsed));
  if (report.cpu_time > times(longest, kMostProcessors))
    return broken("it reported {} of processor time of a build that began {} ago",
                  format_duration(report.cpu_time), format_duration(frame.elapsed));
  if (report.peak_memory_bytes > kMostMemoryBytes)
    return broken("it reported {} bytes of memory, which no machine has", report.peak_memory_bytes);
  return {};
}

Status check_exit(const protocol::StepFinished& report) {
  if (report.signal > kMostSignal) return broken("it reported signal {}, which there is not", report.signal);
  if (report.signal == 0 && (report.exit_status < 0 || report.exit_status > kMostExitStatus))
    return broken("it reported exit status {}, which there is not", report.exit_status);
  const bool killed = report.signal == kKill || (report.signal == 0 && report.exit_status == kKilledInShell);
  if (report.out_of_memory && !killed)
    return broken("it reported that a step was killed for want of memory, and that it was not killed");
  return {};
}

}  // namespace

std::string name_of_step(const model::BuildSpec& spec, std::uint32_t index) {
  if (index < spec.steps.size() && !spec.steps[index].name.empty()) return spec.steps[index].name;
  return fmt::format("step {}", std::uint64_t{index} + 1);
}

WorkProgress progress_of(const std::vector<model::StepRecord>& steps, const model::BuildSpec& spec) {
  WorkProgress progress;
  for (const auto& step : steps) {
    if (step.finished.is_set()) ++progress.last_report;  // that it began
    note_step(progress, step, spec);
  }
  return progress;
}

void note_step(WorkProgress& progress, const model::StepRecord& step, const model::BuildSpec& spec) {
  ++progress.last_report;
  progress.running = !step.finished.is_set();
  progress.ended = step.index;
  if (progress.running) return;
  ++progress.ended;
  if (step.exit_status == 0) return;
  const BadStep bad{step.index, step.exit_status};
  const bool unstable = step.exit_status && step.index < spec.steps.size() &&
                        *step.exit_status == spec.steps[step.index].unstable_exit_status &&
                        !step.out_of_memory;
  auto& place = unstable ? progress.unstable : progress.failed;
  if (!place) place = bad;
}

Result<model::StepRecord> believe_step(const protocol::StepStarted& report, const ReportFrame& frame) {
  FOOTMAN_TRY_STATUS(check_number(report.report, frame));
  FOOTMAN_TRY_STATUS(check_step(report.step, "the beginning", frame));
  if (frame.progress.running) return broken("it reported that step {} began twice", report.step + 1);
  if (const auto& failed = frame.progress.failed)
    return broken("it reported that step {} began after step {} had failed", report.step + 1,
                  failed->step + 1);
  model::StepRecord step;
  step.index = report.step;
  step.name = name_of_step(frame.spec, report.step);
  step.started = report.at.is_set() ? report.at : frame.now;
  keep_in_window(step, frame);
  return step;
}

Result<model::StepRecord> believe_step(const protocol::StepFinished& report, const ReportFrame& frame) {
  FOOTMAN_TRY_STATUS(check_number(report.report, frame));
  FOOTMAN_TRY_STATUS(check_step(report.step, "the end", frame));
  if (!frame.progress.running)
    return broken("it reported the end of step {}, which had not begun", report.step + 1);
  FOOTMAN_TRY_STATUS(check_exit(report));
  FOOTMAN_TRY_STATUS(check_usage(report, frame));
  model::StepRecord step;
  step.index = report.step;
  step.name = name_of_step(frame.spec, report.step);
  step.finished = report.at.is_set() ? report.at : frame.now;
  step.started = step.finished - report.wall_time;
  if (report.signal == 0) step.exit_status = report.exit_status;
  step.signal = static_cast<int>(report.signal);
  step.out_of_memory = report.out_of_memory;
  step.wall_time = report.wall_time;
  keep_in_window(step, frame);
  const auto cpus = frame.cpus > 0 ? frame.cpus : kMostProcessors;
  step.cpu_time = std::min(report.cpu_time, times(std::max(frame.elapsed, Duration(0)), cpus));
  const auto memory = frame.memory_bytes > 0 ? frame.memory_bytes : kMostMemoryBytes;
  step.peak_memory_bytes = std::min(report.peak_memory_bytes, memory);
  return step;
}

namespace {

Status check_outcome(const protocol::BuildFinished& report, const ReportFrame& frame) {
  const auto& progress = frame.progress;
  switch (report.outcome) {
    case BuildOutcome::success:
      if (progress.failed)
        return broken("it reported success, and that step {} failed", progress.failed->step + 1);
      if (progress.running || progress.ended < frame.spec.steps.size())
        return broken("it reported success, and the end of {} of {}", progress.ended, steps_of(frame.spec));
      return {};
    case BuildOutcome::failure:
      if (!progress.failed || report.failed_step != progress.failed->step)
        return broken("it reported that a step failed, and of no such step that it did");
      return {};
    case BuildOutcome::aborted:
      if (!frame.cancelled) return broken("it reported that the build was cancelled, which nobody did");
      return {};
    case BuildOutcome::lost_by_notice:
      if (!frame.noticed)
        return broken("it reported that its machine goes away, of which it had given no notice");
      return {};
    case BuildOutcome::timed_out:  // its clock may go while the server's machine sleeps
    case BuildOutcome::agent_error:
      return {};
  }
  return {};
}

}  // namespace

Status believe_end(const protocol::BuildFinished& report, const ReportFrame& frame) {
  FOOTMAN_TRY_STATUS(check_number(report.report, frame));
  return check_outcome(report, frame);
}

void believe_host(protocol::Hello& hello) {
  if (hello.cpus > kMostProcessors) hello.cpus = 0;
  if (hello.memory_bytes > kMostMemoryBytes) hello.memory_bytes = 0;
}

}  // namespace footman::controller
