#include "web/phases.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::web {
namespace {

constexpr std::int64_t kAxis = 1000;     // units of a drawing
constexpr std::int64_t kLeastWidth = 8;  // what is short is still seen

class Course {
 public:
  Course(const controller::BuildExplanation& told, const std::optional<model::Agent>& agent)
      : told_(told), agent_(agent) {}

  std::vector<Phase> phases() {
    add_lost_attempts();
    add_way_to_start();
    add_steps();
    add_end();
    return std::move(phases_);
  }

 private:
  // From one instant to the next known one; what never began or took no time at all is left out.
  void add(std::string name, Instant from, Instant to, Tone tone) {
    if (!from.is_set() || (to.is_set() && to <= from)) return;
    phases_.push_back({std::move(name), from, to, tone});
  }
  bool has_started() const { return told_.build.started.is_set(); }
  // When the present part ended, if it did, with the build.
  Instant or_finish(Instant at) const { return at.is_set() ? at : told_.build.finished; }

  void add_lost_attempts() {
    for (std::size_t i = 0; i + 1 < told_.assignments.size(); ++i) {
      const auto& one = told_.assignments[i];
      add(fmt::format("Attempt {}", i + 1), one.offered, or_finish(one.ended), Tone::warning);
    }
  }

  void add_way_to_start() {
    const auto& build = told_.build;
    const bool launched_for_it = agent_ && agent_->planned >= build.submitted;
    const auto started = or_finish(build.started);
    if (!launched_for_it) {
      const auto offered = told_.assignments.empty() ? Instant() : told_.assignments.back().offered;
      add("Waiting", build.submitted, or_finish(offered), Tone::waiting);
      add("Handing over", offered, started, Tone::waiting);
      return;
    }
    // Agents may be quicker than their cloud's answer.
    auto launched = agent_->launched;
    if (agent_->connected.is_set() && (!launched.is_set() || launched > agent_->connected))
      launched = agent_->connected;
    add("Waiting", build.submitted, agent_->planned, Tone::waiting);
    add("Launching", agent_->planned, or_end(launched), Tone::waiting);
    add("Agent starting", launched, or_end(agent_->connected), Tone::waiting);
    add("Handing over", agent_->connected, started, Tone::waiting);
  }
  // Of an agent that may have ended before it came so far.
  Instant or_end(Instant at) const { return at.is_set() ? at : or_finish(agent_->ended); }

  void add_steps() {
    for (const auto& step : told_.steps) {
      add(step.name.starts_with("step ") ? "S" + step.name.substr(1) : fmt::format("Step {}", step.name),
          step.started, or_finish(step.finished), tone_of(step));
    }
  }

  void add_end() {
    const auto& build = told_.build;
    if (has_started() && !told_.steps.empty() && told_.steps.back().finished.is_set())
      add("Finishing", told_.steps.back().finished, build.finished, Tone::plain);
    const bool leaves =
        agent_ && (agent_->max_builds == 1 || agent_->end_reason == model::EndReason::build_finished);
    if (build.finished.is_set() && leaves && agent_->planned.is_set() && agent_->planned <= build.finished)
      add("Agent ending", build.finished, agent_->ended, Tone::plain);
  }

  const controller::BuildExplanation& told_;
  const std::optional<model::Agent>& agent_;
  std::vector<Phase> phases_;
};

}  // namespace

Tone tone_of(const model::StepRecord& step) {
  if (!step.finished.is_set()) return Tone::active;
  return step.signal == 0 && step.exit_status == 0 ? Tone::good : Tone::bad;
}

std::vector<Phase> phases_of(const controller::BuildExplanation& told,
                             const std::optional<model::Agent>& agent) {
  return Course(told, agent).phases();
}

Markup draw_phases(const std::vector<Phase>& phases, Instant now) {
  if (phases.empty()) return {};
  const auto end_of = [&](const Phase& phase) {
    return phase.to.is_set() ? phase.to : std::max(now, phase.from);
  };
  const auto first = std::ranges::min_element(phases, {}, &Phase::from)->from;
  auto last = first + 1us;
  for (const auto& phase : phases) last = std::max(last, end_of(phase));
  const auto total = (last - first).count();
  const auto place = [&](Instant at) { return (at - first).count() * kAxis / total; };
  const auto bar = [&](const Phase& phase) {
    const auto from = std::min(place(phase.from), kAxis - kLeastWidth);
    const auto width = std::max(place(end_of(phase)) - from, kLeastWidth);
    Attributes times;  // for the script, which draws again what goes on
    times.add("data-from", format_rfc3339(phase.from));
    if (phase.to.is_set()) times.add("data-to", format_rfc3339(phase.to));
    return html(R"(<rect class="{}" x="{}" y="0" width="{}" height="10"{}/>)",
                phase.to.is_set() ? "done" : "going", from, width, times);
  };
  return html(
      R"(<ol class="phases" data-first="{}">{}</ol>)", format_rfc3339(first),
      each(phases, [&](const Phase& phase) {
        return html(
            R"(<li><span class="phase-name"><bdi>{}</bdi></span><svg class="bar {}" viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" x="0" y="0" width="{}" height="10"/>{}</svg>{}</li>)",
            phase.name, to_string(phase.tone), kAxis, kAxis, bar(phase), how_long(phase.from, phase.to, now));
      }));
}

}  // namespace footman::web
