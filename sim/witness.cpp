#include "sim/witness.hpp"

#include <fmt/format.h>

#include "sim/crash_places.hpp"

namespace footman::sim {

namespace {

std::string fingerprint(const model::Build& build) {
  auto text =
      fmt::format("{} {} #{} {} '{}' started {} finished {} after {} attempts, exit {}, {}", build.id.str(),
                  build.job.str(), build.number, to_string(build.result), build.reason, build.started.us,
                  build.finished.us, build.attempts,
                  build.exit_status ? std::to_string(*build.exit_status) : "none", build.cancel_reason);
  for (const auto& step : build.spec.steps) text += "; " + step.script;
  return text;
}

}  // namespace

Witness::Witness(std::function<base::Duration()> now)
    : now_(std::move(now)), crashes_(crash_places().size()) {}

void Witness::count_crash(std::string_view place) {
  count(kind_of_crash(place));
  const auto& places = crash_places();
  if (const auto found = std::ranges::find(places, place); found != places.end())
    ++crashes_[static_cast<std::size_t>(found - places.begin())];
}

void Witness::step_started(const std::string& key, std::uint32_t step, const std::string& agent) {
  auto& steps = started_[key];
  began_on_.emplace(key, agent);
  for (auto it = running_.lower_bound({key, {}}); it != running_.end() && it->first == key; ++it)
    if (it->second != agent)
      return report("one_run_at_a_time",
                    fmt::format("step {} of {} starts on {}, while a step of it runs on {}", step, key, agent,
                                it->second));
  running_.emplace(key, agent);
  if (steps.empty() || (steps.contains(step) && runs_[key] < std::max(allowed_[key], 1U))) {
    ++runs_[key];
    steps.clear();
    completed_.erase(key);
  }
  if (const auto before = steps.find(step); before != steps.end())
    return report("no_script_runs_twice",
                  fmt::format("step {} of {} starts on {}, it was started on {} before", step, key, agent,
                              before->second));
  steps.emplace(step, agent);
}

void Witness::step_ended(const std::string& key, std::uint32_t step, bool by_itself) {
  if (by_itself) completed_[key].insert(step);
}

std::uint32_t Witness::steps_completed(const std::string& key) const {
  const auto it = completed_.find(key);
  return it == completed_.end() ? 0 : static_cast<std::uint32_t>(it->second.size());
}

void Witness::see_finished(const model::Build& build, std::string_view where) {
  auto now = fingerprint(build);
  const auto [first, fresh] = finished_.emplace(build.id, now);
  if (!fresh && first->second != now)
    report("finished_is_final", fmt::format("build {} has changed: it was {}; {} it is {}", build.id.str(),
                                            first->second, where, now));
}

void Witness::look_for_secrets(std::string_view where, std::string_view text) {
  for (const auto& secret : secrets_)
    if (text.find(secret) != std::string_view::npos)
      return report("no_secret_is_shown",
                    fmt::format("a secret value stands in {}: {}", where, text.substr(0, 200)));
}

}  // namespace footman::sim
