#include <fmt/format.h>

#include <limits>

#include "base/number.hpp"
#include "model/validate.hpp"
#include "web/job_form.hpp"

namespace footman::web {
namespace {

// As parse_duration reads it: "1h30m", "500ms"; nothing for 0.
std::string duration_text(Duration duration) {
  struct Unit {
    Duration size;
    std::string_view name;
  };
  static constexpr Unit kUnits[] = {{24h, "d"}, {1h, "h"}, {1min, "m"}, {1s, "s"}, {1ms, "ms"}};
  std::string out;
  for (const auto& unit : kUnits) {
    if (duration < unit.size) continue;
    out += fmt::format("{}{}", duration / unit.size, unit.name);
    duration %= unit.size;
  }
  return out;
}

std::string number_text(std::uint64_t number) { return number == 0 ? "" : std::to_string(number); }

Result<Duration> read_duration(const std::string& typed, const std::string& field) {
  if (typed.empty()) return Duration(0);
  auto duration = parse_duration(typed);
  if (!duration)
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is not a duration", typed), field,
                "Write it like 90s, 30m or 1h30m.");
  return *duration;
}

Result<std::uint32_t> read_number(const std::string& typed, const std::string& field) {
  if (typed.empty()) return 0U;
  const auto number = base::find_number<std::uint32_t>(typed);
  if (!number) return fail(Errc::invalid_argument, fmt::format("\"{}\" is not a number", typed), field);
  return *number;
}

Result<std::uint8_t> read_exit_status(const std::string& typed, const std::string& field) {
  if (typed.empty()) return std::uint8_t{0};
  const auto number = base::find_number<std::uint8_t>(typed);
  if (!number)
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is not an exit status", typed), field,
                "Write a number from 1 to 255.");
  return *number;
}

Result<std::uint64_t> read_bytes(const std::string& typed, const std::string& field) {
  if (typed.empty()) return std::uint64_t{0};
  auto bytes = parse_bytes(typed);
  if (!bytes)
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is not a size", typed), field,
                "Write it like 64 MiB.");
  return *bytes;
}

std::string join_lines(const std::vector<std::string>& list) {
  std::string all;
  for (const auto& one : list) all += (all.empty() ? "" : "\n") + one;
  return all;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The rows "NAME[0]", "NAME[1]", … as long as any of a row's fields was sent.
template <class Row, class Read>
std::vector<Row> read_rows(const Form& form, std::string_view name, std::string_view always_sent,
                           std::size_t most, Read read) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < most; ++i) {
    const auto prefix = fmt::format("{}[{}].", name, i);
    if (!form.has(prefix + std::string(always_sent))) break;
    if (auto row = read(prefix)) rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

JobDraft draft_of(const model::Job& job) {
  JobDraft draft;
  draft.path = job.path.str();
  draft.description = job.description;
  draft.label = job.spec.label;
  draft.timeout = duration_text(job.spec.timeout);
  draft.grace = duration_text(job.spec.grace);
  draft.log_limit = number_text(job.spec.log_limit_bytes);
  draft.retries = number_text(job.spec.retries);
  draft.quiet_period = duration_text(job.quiet_period);
  draft.max_concurrent = number_text(job.max_concurrent);
  draft.keep_builds = number_text(job.keep_builds);
  draft.keep_for = duration_text(job.keep_for);
  draft.enabled = job.enabled;
  draft.changed = std::to_string(job.changed.us);
  for (const auto& step : job.spec.steps)
    draft.steps.push_back({step.name, step.interpreter, step.script, number_text(step.unstable_exit_status)});
  for (const auto& one : job.parameters)
    draft.parameters.push_back({one.name, one.default_value, one.description, join_lines(one.choices)});
  for (const auto& one : job.spec.env) draft.variables.push_back({one.name, one.value, one.secret_ref});
  return draft;
}

JobDraft read_job_draft(const Form& form) {
  JobDraft draft;
  draft.path = form.text("path");
  draft.description = form.lines("description");
  draft.label = form.text("spec.label");
  draft.timeout = form.text("spec.timeout");
  draft.grace = form.text("spec.grace");
  draft.log_limit = form.text("spec.log_limit_bytes");
  draft.retries = form.text("spec.retries");
  draft.quiet_period = form.text("quiet_period");
  draft.max_concurrent = form.text("max_concurrent");
  draft.keep_builds = form.text("keep_builds");
  draft.keep_for = form.text("keep_for");
  draft.enabled = form.has("enabled");
  draft.changed = form.text("changed");
  draft.steps = read_rows<JobDraft::Step>(
      form, "spec.steps", "script", model::kMaxSteps,
      [&](const std::string& at) -> std::optional<JobDraft::Step> {
        JobDraft::Step step{form.text(at + "name"), form.text(at + "interpreter"), form.lines(at + "script"),
                            form.text(at + "unstable_exit_status")};
        if (step.name.empty() && step.interpreter.empty() && step.script.empty()) return std::nullopt;
        return step;
      });
  draft.parameters = read_rows<JobDraft::Parameter>(
      form, "parameters", "name", model::kMaxParameters,
      [&](const std::string& at) -> std::optional<JobDraft::Parameter> {
        JobDraft::Parameter one{form.text(at + "name"), form.lines(at + "default"),
                                form.lines(at + "description"), form.lines(at + "choices")};
        if (one.name.empty() && one.default_value.empty() && one.choices.empty()) return std::nullopt;
        return one;
      });
  draft.variables =
      read_rows<JobDraft::Variable>(form, "spec.env", "name", model::kMaxEnvVars,
                                    [&](const std::string& at) -> std::optional<JobDraft::Variable> {
                                      JobDraft::Variable one{form.text(at + "name"), form.lines(at + "value"),
                                                             form.text(at + "secret_ref")};
                                      if (one.name.empty() && one.value.empty() && one.secret_ref.empty())
                                        return std::nullopt;
                                      return one;
                                    });
  return draft;
}

Result<model::Job> parse_job_draft(const JobDraft& draft) {
  model::Job job;
  job.path = JobPath(draft.path);
  job.description = draft.description;
  job.enabled = draft.enabled;
  job.spec.label = draft.label;
  FOOTMAN_TRY(job.spec.timeout, read_duration(draft.timeout, "spec.timeout"));
  FOOTMAN_TRY(const auto grace, read_duration(draft.grace, "spec.grace"));
  if (!draft.grace.empty()) job.spec.grace = grace;
  FOOTMAN_TRY(job.spec.log_limit_bytes, read_bytes(draft.log_limit, "spec.log_limit_bytes"));
  FOOTMAN_TRY(job.spec.retries, read_number(draft.retries, "spec.retries"));
  FOOTMAN_TRY(job.quiet_period, read_duration(draft.quiet_period, "quiet_period"));
  FOOTMAN_TRY(job.max_concurrent, read_number(draft.max_concurrent, "max_concurrent"));
  FOOTMAN_TRY(job.keep_builds, read_number(draft.keep_builds, "keep_builds"));
  FOOTMAN_TRY(job.keep_for, read_duration(draft.keep_for, "keep_for"));
  for (const auto& step : draft.steps) {
    FOOTMAN_TRY(const auto status,
                read_exit_status(step.unstable_exit_status,
                                 fmt::format("spec.steps[{}].unstable_exit_status", job.spec.steps.size())));
    job.spec.steps.push_back({step.name, step.interpreter, step.script, status});
  }
  for (const auto& one : draft.parameters)
    job.parameters.push_back({one.name, one.default_value, one.description, split_lines(one.choices)});
  for (const auto& one : draft.variables) job.spec.env.push_back({one.name, one.value, one.secret_ref});
  return job;
}

}  // namespace footman::web
