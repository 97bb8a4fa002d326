#include "api/requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/json_in.hpp"
#include "model/validate.hpp"

namespace footman::api {
namespace {

void read_env_var(Fields& in, model::EnvVar& out) {
  in.text("name", out.name, Need::required);
  in.text("value", out.value);
  in.text("secret_ref", out.secret_ref);
}

void read_step(Fields& in, model::StepSpec& out) {
  in.text("name", out.name);
  in.text("interpreter", out.interpreter);
  in.text("script", out.script, Need::required);
  in.number("unstable_exit_status", out.unstable_exit_status);
}

void read_spec(Fields& in, model::BuildSpec& out) {
  in.text("label", out.label);
  in.objects("env", out.env, read_env_var, model::kMaxEnvVars);
  in.objects("steps", out.steps, read_step, model::kMaxSteps, Need::required);
  in.duration_ms("timeout_ms", out.timeout, model::kMaxBuildTimeout);
  in.duration_ms("grace_ms", out.grace, model::kMaxGrace);
  in.number("log_limit_bytes", out.log_limit_bytes, std::numeric_limits<std::int64_t>::max());
  in.number("retries", out.retries, model::kMaxRetries);
}

void read_parameter(Fields& in, model::ParameterSpec& out) {
  in.text("name", out.name, Need::required);
  in.text("default", out.default_value);
  in.text("description", out.description);
  in.texts("choices", out.choices, model::kMaxChoices);
}

constexpr Duration kMaxKeepFor = 24h * 365 * 100;

void read_job(Fields& in, model::Job& out) {
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.object("spec", out.spec, read_spec, Need::required);
  in.objects("parameters", out.parameters, read_parameter, model::kMaxParameters);
  in.duration_ms("quiet_period_ms", out.quiet_period, model::kMaxQuietPeriod);
  in.number("max_concurrent", out.max_concurrent);
  in.number("keep_builds", out.keep_builds);
  in.duration_ms("keep_for_ms", out.keep_for, kMaxKeepFor);
}

// What people wrote, as one line of at most `most` bytes.
void check_words(Fields& in, std::string_view name, const std::string& text, std::size_t most) {
  if (text.size() > most)
    return in.errors().add(fmt::format("it has {} bytes, the limit is {}", text.size(), most),
                           in.field(name));
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }))
    in.errors().add("it has a control character", in.field(name));
}

// The parts between the slashes, checked one by one; a trailing slash gives an empty one.
bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() > kMaxBackupPathBytes ||
      path.find('\0') != std::string_view::npos)
    return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}

}  // namespace

Result<model::Job> parse_job(std::string_view body, bool with_path) {
  FOOTMAN_TRY(const auto value, parse_json(body));
  Errors errors;
  Fields in(value, {}, errors);
  model::Job job;
  std::string path;
  if (with_path) in.text("path", path, Need::required);
  read_job(in, job);
  in.done();
  FOOTMAN_TRY_STATUS(errors.status());
  job.path = JobPath(std::move(path));
  return job;
}

Result<controller::SubmitRequest> parse_submit(std::string_view body) {
  FOOTMAN_TRY(const auto value, parse_json(body));
  Errors errors;
  Fields in(value, {}, errors);
  controller::SubmitRequest request;
  std::string job;
  in.text("job", job);
  in.text_map("parameters", request.parameters, model::kMaxParameters);
  in.object("spec", request.spec, read_spec);
  Duration quiet{};
  in.duration_ms("quiet_period_ms", quiet, model::kMaxQuietPeriod);
  if (in.has("quiet_period_ms")) request.quiet_period = quiet;
  in.text("cause", request.cause);
  check_words(in, "cause", request.cause, kMaxCauseBytes);
  in.done();
  if (in.has("job") == in.has("spec"))
    errors.add("either \"job\" or \"spec\" was expected", in.has("job") ? "spec" : "job");
  FOOTMAN_TRY_STATUS(errors.status());
  if (in.has("job")) FOOTMAN_TRY_STATUS(model::validate_job_path(job, "job"));
  request.job = JobPath(std::move(job));
  return request;
}

Result<std::string> parse_reason(std::string_view body) {
  std::string reason;
  if (body.empty()) return reason;
  FOOTMAN_TRY(const auto value, parse_json(body));
  Errors errors;
  Fields in(value, {}, errors);
  in.text("reason", reason);
  check_words(in, "reason", reason, kMaxReasonBytes);
  in.done();
  FOOTMAN_TRY_STATUS(errors.status());
  return reason;
}

Result<TokenRequest> parse_token(std::string_view body) {
  FOOTMAN_TRY(const auto value, parse_json(body));
  Errors errors;
  Fields in(value, {}, errors);
  TokenRequest request;
  std::string access(to_string(request.access));
  in.text("name", request.name, Need::required);
  in.text("access", access);
  in.done();
  const auto found = find_access(access);
  if (!found) errors.add("\"read\" or \"admin\" was expected", "access");
  FOOTMAN_TRY_STATUS(errors.status());
  request.access = *found;
  return request;
}

Result<std::string> parse_backup(std::string_view body) {
  FOOTMAN_TRY(const auto value, parse_json(body));
  Errors errors;
  Fields in(value, {}, errors);
  std::string path;
  in.text("path", path, Need::required);
  in.done();
  if (!is_plain_path(path))
    errors.add("an absolute path without \".\", \"..\" and \"//\" was expected", "path",
               "Write it like /var/backups/footman.db");
  FOOTMAN_TRY_STATUS(errors.status());
  return path;
}

}  // namespace footman::api
