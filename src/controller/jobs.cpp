#include "controller/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "protocol/limits.hpp"

namespace footman::controller {

using base::Errc;
using base::fail;

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= protocol::kMaxEnvNameBytes && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

bool is_path_segment(std::string_view segment) {
  return !segment.empty() && segment[0] != '.' && segment[0] != '-' &&
         std::all_of(segment.begin(), segment.end(),
                     [](char c) { return is_name_character(c) || c == '-' || c == '.' || c == ' '; });
}

Status check_path(const std::string& path) {
  std::size_t at = 0;
  bool right = path.size() <= kMaxJobPathBytes;
  while (right) {
    const auto end = std::min(path.find('/', at), path.size());
    right = is_path_segment(std::string_view(path).substr(at, end - at));
    if (end == path.size()) break;
    at = end + 1;
  }
  if (right) return {};
  return fail(
      Errc::invalid_argument,
      fmt::format(
          "a job's path is like team/app: letters, digits, blanks and _-. between slashes, at most {} "
          "characters",
          kMaxJobPathBytes),
      "path");
}

Status too_long(const char* field, std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return fail(Errc::invalid_argument, fmt::format("has {} bytes, the limit is {}", size, most), field);
}

Status no_nul(const std::string& field, const std::string& text) {
  if (text.find('\0') == std::string::npos) return {};
  return fail(Errc::invalid_argument, "holds a NUL byte", field);
}

Status check_variable(const model::EnvVar& variable, std::size_t index) {
  const auto field = fmt::format("spec.env[{}]", index);
  if (!is_variable_name(variable.name))
    return fail(Errc::invalid_argument, "is no variable name: letters, digits and _, no digit first",
                field + ".name");
  if (variable.value.size() > protocol::kMaxEnvValueBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", protocol::kMaxEnvValueBytes),
                field + ".value");
  FOOTMAN_TRY_STATUS(no_nul(field + ".value", variable.value));
  if (variable.secret_ref.empty()) return {};
  if (!variable.value.empty())
    return fail(Errc::invalid_argument, "has a value and a secret reference; one is enough", field);
  if (!variable.secret_ref.starts_with("file:/") && !variable.secret_ref.starts_with("env:"))
    return fail(Errc::invalid_argument, "must be file:/PATH or env:NAME", field + ".secret_ref");
  return too_long("spec.env.secret_ref", variable.secret_ref.size(), protocol::kMaxArgumentBytes);
}

Status check_step(const model::StepSpec& step, std::size_t index) {
  const auto field = fmt::format("spec.steps[{}]", index);
  if (step.script.empty()) return fail(Errc::invalid_argument, "is empty", field + ".script");
  if (step.script.size() > protocol::kMaxScriptBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", protocol::kMaxScriptBytes),
                field + ".script");
  if (step.name.size() > protocol::kMaxNameBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", protocol::kMaxNameBytes),
                field + ".name");
  if (step.interpreter.size() > protocol::kMaxArgumentBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", protocol::kMaxArgumentBytes),
                field + ".interpreter");
  FOOTMAN_TRY_STATUS(no_nul(field + ".name", step.name));
  return no_nul(field + ".interpreter", step.interpreter);
}

std::size_t bytes_of(const model::BuildSpec& spec) {
  std::size_t bytes = 0;
  for (const auto& variable : spec.env) bytes += variable.name.size() + variable.value.size();
  for (const auto& step : spec.steps) bytes += step.script.size() + step.interpreter.size();
  return bytes;
}

Status check_parameter(const model::ParameterSpec& parameter, std::size_t index) {
  const auto field = fmt::format("parameters[{}]", index);
  if (!is_variable_name(parameter.name))
    return fail(Errc::invalid_argument, "is no parameter name: letters, digits and _, no digit first",
                field + ".name");
  if (parameter.default_value.size() > kMaxParameterBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", kMaxParameterBytes),
                field + ".default_value");
  if (parameter.choices.empty() || parameter.default_value.empty() ||
      std::find(parameter.choices.begin(), parameter.choices.end(), parameter.default_value) !=
          parameter.choices.end())
    return {};
  return fail(Errc::invalid_argument, "is not one of the choices", field + ".default_value");
}

// Each part with its length before it, so that no two requests give the same text.
std::string hash_of(const SubmitRequest& request) {
  std::string text;
  const auto add = [&](std::string_view part) { text += fmt::format("{}:{}", part.size(), part); };
  add(request.job.str());
  add(std::to_string(request.quiet_period ? request.quiet_period->count() : -1));
  for (const auto& [name, value] : request.parameters) {
    add(name);
    add(value);
  }
  add("spec");
  add(request.spec.label);
  add(fmt::format("{} {} {}", request.spec.timeout.count(), request.spec.grace.count(),
                  request.spec.log_limit_bytes));
  for (const auto& variable : request.spec.env) {
    add(variable.name);
    add(variable.value);
    add(variable.secret_ref);
  }
  add("steps");
  for (const auto& step : request.spec.steps) {
    add(step.name);
    add(step.interpreter);
    add(step.script);
  }
  return base::to_hex(base::sha256(text));
}

void set_variable(std::vector<model::EnvVar>& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const model::EnvVar& one) { return one.name == name; });
  env.push_back({name, value, {}});
}

Result<std::string> value_of(const model::ParameterSpec& parameter,
                             const std::map<std::string, std::string>& given) {
  const auto it = given.find(parameter.name);
  const auto field = "parameters." + parameter.name;
  auto value = it != given.end()                  ? it->second
               : !parameter.default_value.empty() ? parameter.default_value
               : !parameter.choices.empty()       ? parameter.choices.front()
                                                  : std::string();
  FOOTMAN_TRY_STATUS(no_nul(field, value));
  if (value.size() > kMaxParameterBytes)
    return fail(Errc::invalid_argument, fmt::format("is over {} bytes", kMaxParameterBytes), field);
  if (!parameter.choices.empty() &&
      std::find(parameter.choices.begin(), parameter.choices.end(), value) == parameter.choices.end())
    return fail(Errc::invalid_argument, fmt::format("is not one of: {}", fmt::join(parameter.choices, ", ")),
                field);
  return value;
}

Status merge_parameters(const model::Job& job, const std::map<std::string, std::string>& given,
                        store::NewBuild& build) {
  for (const auto& [name, value] : given) {
    const bool known = std::any_of(job.parameters.begin(), job.parameters.end(),
                                   [&](const model::ParameterSpec& one) { return one.name == name; });
    if (!known)
      return fail(Errc::invalid_argument, fmt::format("job {} has no such parameter", job.path.str()),
                  "parameters." + name);
  }
  for (const auto& parameter : job.parameters) {
    FOOTMAN_TRY(const auto value, value_of(parameter, given));
    build.parameters[parameter.name] = value;
    set_variable(build.spec.env, parameter.name, value);
  }
  return {};
}

}  // namespace

Status Jobs::check_spec(const model::BuildSpec& spec) const {
  FOOTMAN_TRY_STATUS(too_long("spec.label", spec.label.size(), kMaxLabelBytes));
  if (spec.steps.empty())
    return fail(Errc::invalid_argument, "a build needs at least one step", "spec.steps");
  if (spec.steps.size() > protocol::kMaxSteps)
    return fail(Errc::invalid_argument, fmt::format("has over {} steps", protocol::kMaxSteps), "spec.steps");
  // Parameters are added to the environment later.
  if (spec.env.size() + kMaxParameters > protocol::kMaxEnv)
    return fail(Errc::invalid_argument,
                fmt::format("has over {} variables", protocol::kMaxEnv - kMaxParameters), "spec.env");
  for (std::size_t i = 0; i < spec.env.size(); ++i) FOOTMAN_TRY_STATUS(check_variable(spec.env[i], i));
  for (std::size_t i = 0; i < spec.steps.size(); ++i) FOOTMAN_TRY_STATUS(check_step(spec.steps[i], i));
  FOOTMAN_TRY_STATUS(too_long("spec", bytes_of(spec), kMaxSpecBytes));
  if (spec.timeout.count() < 0 || spec.timeout > core_.config.max_timeout)
    return fail(Errc::invalid_argument, "is not between 0 and " + format_duration(core_.config.max_timeout),
                "spec.timeout");
  if (spec.grace.count() < 0 || spec.grace > kMaxGrace)
    return fail(Errc::invalid_argument, "is not between 0 and " + format_duration(kMaxGrace), "spec.grace");
  if (spec.log_limit_bytes > core_.config.max_log_bytes)
    return fail(Errc::invalid_argument,
                "is over the server's limit of " + format_bytes(core_.config.max_log_bytes),
                "spec.log_limit_bytes");
  return {};
}

Status Jobs::check_job(const model::Job& job) const {
  FOOTMAN_TRY_STATUS(check_path(job.path.str()));
  FOOTMAN_TRY_STATUS(too_long("description", job.description.size(), kMaxDescriptionBytes));
  FOOTMAN_TRY_STATUS(check_spec(job.spec));
  if (job.parameters.size() > kMaxParameters)
    return fail(Errc::invalid_argument, fmt::format("has over {} parameters", kMaxParameters), "parameters");
  for (std::size_t i = 0; i < job.parameters.size(); ++i) {
    FOOTMAN_TRY_STATUS(check_parameter(job.parameters[i], i));
    for (std::size_t k = 0; k < i; ++k)
      if (job.parameters[k].name == job.parameters[i].name)
        return fail(Errc::invalid_argument, "is there twice", fmt::format("parameters[{}].name", i));
  }
  if (job.quiet_period.count() < 0 || job.quiet_period > kMaxQuietPeriod)
    return fail(Errc::invalid_argument, "is not between 0 and " + format_duration(kMaxQuietPeriod),
                "quiet_period");
  if (job.keep_for.count() < 0) return fail(Errc::invalid_argument, "is negative", "keep_for");
  return {};
}

Awaitable<Result<model::Job>> Jobs::create(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(check_job(job));
  job.created = job.changed = core_.now();
  job.next_number = 1;
  auto created = co_await core_.parts.store.create_job(std::move(job));
  if (!created) co_return created;
  core_.jobs[created->path] = *created;
  core_.publish("job", created->path.str(), "created");
  co_return created;
}

Awaitable<Result<model::Job>> Jobs::save(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(check_job(job));
  const auto known = core_.jobs.find(job.path);
  if (known == core_.jobs.end()) co_return fail(Errc::not_found, fmt::format("no job {}", job.path.str()));
  job.created = known->second.created;
  job.changed = core_.now();
  auto saved = co_await core_.parts.store.save_job(std::move(job));
  if (!saved) co_return saved;
  core_.jobs[saved->path] = *saved;
  core_.publish("job", saved->path.str(), "changed");
  core_.changed();
  co_return saved;
}

Awaitable<Status> Jobs::remove(JobPath path) {
  auto removed = co_await core_.parts.store.delete_job(path);
  if (!removed) co_return removed;
  core_.jobs.erase(path);
  core_.publish("job", path.str(), "deleted");
  co_return removed;
}

Result<store::NewBuild> Jobs::make_build(SubmitRequest request) const {
  if (core_.stopping) return fail(Errc::unavailable, "the server is stopping");
  FOOTMAN_TRY_STATUS(too_long("idempotency_key", request.idempotency_key.size(), kMaxIdempotencyKeyBytes));
  store::NewBuild build;
  build.job = request.job;
  build.cause = request.cause.substr(0, kMaxCauseBytes);
  build.idempotency_key = request.idempotency_key;
  if (!build.idempotency_key.empty()) build.request_hash = hash_of(request);
  build.now = core_.now();
  auto quiet = request.quiet_period.value_or(Duration(0));
  if (request.job.empty()) {
    if (!request.parameters.empty())
      return fail(Errc::invalid_argument, "an ad-hoc build has no parameters", "parameters");
    build.spec = std::move(request.spec);
  } else {
    const auto job = core_.jobs.find(request.job);
    if (job == core_.jobs.end())
      return fail(Errc::not_found, fmt::format("no job {}", request.job.str()), "job");
    if (!job->second.enabled)
      return fail(Errc::conflict, fmt::format("job {} is disabled", request.job.str()), "job");
    build.spec = job->second.spec;
    FOOTMAN_TRY_STATUS(merge_parameters(job->second, request.parameters, build));
    quiet = request.quiet_period.value_or(job->second.quiet_period);
  }
  FOOTMAN_TRY_STATUS(check_spec(build.spec));
  if (quiet.count() < 0 || quiet > kMaxQuietPeriod)
    return fail(Errc::invalid_argument, "is not between 0 and " + format_duration(kMaxQuietPeriod),
                "quiet_period");
  if (quiet.count() > 0) build.quiet_until = build.now + quiet;
  if (core_.queued.size() >= core_.config.max_queue)
    return fail(Errc::resource_exhausted,
                fmt::format("the queue is full: {} items wait", core_.queued.size()), {},
                "Try again when some have started.");
  return build;
}

}  // namespace footman::controller
