#include "model/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "model/label.hpp"
#include "model/nearest.hpp"

namespace footman::model {
namespace {

std::unexpected<Error> invalid(const std::string& field, std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), field, std::move(hint));
}

Status check_size(std::size_t size, std::size_t limit, std::string_view what, const std::string& field) {
  if (size <= limit) return {};
  return fail(Errc::resource_exhausted, fmt::format("{} has {}, the limit is {}", what, size, limit), field);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }
bool is_env_name(std::string_view name) {
  return !name.empty() && !base::is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return base::is_alnum_or("_", c); });
}
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// What is not seen and changes how the rest is seen: controls, line separators and all of Unicode's category
// Cf
// ("format"), as of Unicode 15.
constexpr std::pair<char32_t, char32_t> kInvisible[] = {
    {0x80, 0x9f},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},
    {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x180e, 0x180e},   {0x200b, 0x200f},
    {0x2028, 0x202e},   {0x2060, 0x2064},   {0x2066, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
};

// Of text that is UTF-8; of other bytes anything.
bool has_invisible(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0xc0) continue;
    const int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    char32_t point = first & (0x3fU >> more);
    for (int k = 0; k < more && i < text.size(); ++k)
      point = point << 6U | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    const auto covers = [point](const auto& range) { return range.first <= point && point <= range.second; };
    if (std::ranges::any_of(kInvisible, covers)) return true;
  }
  return false;
}

Status validate_job_name(std::string_view name, const std::string& field) {
  if (name.empty()) return invalid(field, "a job path has an empty part", "Write it like team/app");
  FOOTMAN_TRY_STATUS(check_size(name.size(), kMaxJobNameBytes, "a part of a job path, in bytes,", field));
  if (name == "." || name == "..") return invalid(field, fmt::format("'{}' is not a job name", name));
  if (name.front() == ' ' || name.back() == ' ')
    return invalid(field, fmt::format("the job name '{}' begins or ends with a space", name));
  if (has_invisible(name))
    return invalid(field, "a job name has a character that cannot be seen", "Type it anew, without copying");
  for (char c : name) {
    if (is_control(c)) return invalid(field, "a job name has a control character");
    if (std::string_view("?*/\\%!@#$^&|<>[]:;").find(c) != std::string_view::npos)
      return invalid(field, fmt::format("'{}' is not allowed in a job name", c),
                     "Use letters, digits, '-', '_' and '.'");
  }
  return {};
}

Status validate_duration(Duration value, Duration limit, const std::string& field) {
  if (value < Duration(0)) return invalid(field, "a duration cannot be negative");
  if (value > limit)
    return fail(
        Errc::resource_exhausted,
        fmt::format("{} is more than the limit of {}", format_duration(value), format_duration(limit)),
        field);
  return {};
}

std::size_t count_bytes(const BuildSpec& spec) {
  std::size_t bytes = 0;
  for (const auto& var : spec.env) bytes += var.name.size() + var.value.size();
  for (const auto& step : spec.steps) bytes += step.script.size();
  return bytes;
}

}  // namespace

Status validate_job_path(std::string_view path, const std::string& field) {
  if (path.empty()) return invalid(field, "a job path was expected", "Write it like team/app");
  FOOTMAN_TRY_STATUS(check_size(path.size(), kMaxJobPathBytes, "the job path, in bytes,", field));
  std::size_t parts = 0;
  for (std::size_t start = 0; start <= path.size(); ++parts) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    FOOTMAN_TRY_STATUS(validate_job_name(path.substr(start, end - start), field));
    start = end + 1;
  }
  return check_size(parts, kMaxJobPathParts, "the job path, in parts,", field);
}

Status validate_env_name(std::string_view name, const std::string& field) {
  FOOTMAN_TRY_STATUS(check_size(name.size(), kMaxEnvNameBytes, "the name, in bytes,", field));
  if (!is_env_name(name))
    return invalid(field, "an environment variable's name was expected",
                   "Letters, digits and '_', not beginning with a digit");
  if (name.starts_with("FOOTMAN_AGENT_"))
    return invalid(field, "names that begin with FOOTMAN_AGENT_ belong to the agent");
  return {};
}

Status validate_secret_ref(std::string_view reference, const std::string& field) {
  FOOTMAN_TRY_STATUS(check_size(reference.size(), kMaxSecretRefBytes, "the reference, in bytes,", field));
  constexpr std::string_view kHint = "Write file:/absolute/path or env:NAME";
  if (has_nul(reference)) return invalid(field, "a reference to a secret has a NUL byte", std::string(kHint));
  if (reference.starts_with("file:/") && reference.size() > 6) return {};
  if (reference.starts_with("env:") && is_env_name(reference.substr(4))) return {};
  return invalid(field, "a reference to a secret was expected", std::string(kHint));
}

Status validate_env_var(const EnvVar& var, const std::string& field) {
  FOOTMAN_TRY_STATUS(validate_env_name(var.name, field + ".name"));
  if (has_nul(var.value)) return invalid(field + ".value", "a value has a NUL byte");
  FOOTMAN_TRY_STATUS(
      check_size(var.value.size(), kMaxEnvValueBytes, "the value, in bytes,", field + ".value"));
  if (var.secret_ref.empty()) return {};
  if (!var.value.empty()) return invalid(field, "a variable has either a value or a secret, not both");
  return validate_secret_ref(var.secret_ref, field + ".secret_ref");
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, is_control) && !has_invisible(text);
}

Status validate_step(const StepSpec& step, const std::string& field) {
  FOOTMAN_TRY_STATUS(
      check_size(step.name.size(), kMaxStepNameBytes, "the step's name, in bytes,", field + ".name"));
  if (!is_one_line(step.name)) return invalid(field + ".name", "a step's name has a control character");
  FOOTMAN_TRY_STATUS(check_size(step.interpreter.size(), kMaxInterpreterBytes,
                                "the interpreter line, in bytes,", field + ".interpreter"));
  if (!step.interpreter.empty() &&
      (!step.interpreter.starts_with('/') || std::ranges::any_of(step.interpreter, is_control)))
    return invalid(field + ".interpreter", "an absolute path with arguments was expected",
                   "Write it like /bin/bash -e");
  if (step.script.empty()) return invalid(field + ".script", "a step without a script");
  if (has_nul(step.script)) return invalid(field + ".script", "a script has a NUL byte");
  return check_size(step.script.size(), kMaxScriptBytes, "the script, in bytes,", field + ".script");
}

Status validate_parameter(const ParameterSpec& parameter, const std::string& field) {
  FOOTMAN_TRY_STATUS(validate_env_name(parameter.name, field + ".name"));
  FOOTMAN_TRY_STATUS(check_size(parameter.description.size(), kMaxDescriptionBytes,
                                "the description, in bytes,", field + ".description"));
  if (has_nul(parameter.description)) return invalid(field + ".description", "a description has a NUL byte");
  FOOTMAN_TRY_STATUS(
      check_size(parameter.choices.size(), kMaxChoices, "the list of choices", field + ".choices"));
  for (const auto& choice : parameter.choices)
    if (choice.size() > kMaxEnvValueBytes || has_nul(choice))
      return invalid(field + ".choices", "a choice is too long or has a NUL byte");
  if (parameter.default_value.size() > kMaxEnvValueBytes || has_nul(parameter.default_value))
    return invalid(field + ".default", "the default is too long or has a NUL byte");
  if (!parameter.choices.empty() && !parameter.default_value.empty() &&
      std::ranges::find(parameter.choices, parameter.default_value) == parameter.choices.end())
    return invalid(field + ".default",
                   fmt::format("the default '{}' is not among the choices", parameter.default_value));
  return {};
}

Status validate_build_spec(const BuildSpec& spec, const std::string& prefix) {
  if (auto label = parse_label_expression(spec.label); !label) {
    Error error = label.error();
    error.field = prefix + "label";
    return std::unexpected(std::move(error));
  }
  FOOTMAN_TRY_STATUS(check_size(spec.env.size(), kMaxEnvVars, "the environment", prefix + "env"));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.env.size(); ++i) {
    const auto field = fmt::format("{}env[{}]", prefix, i);
    FOOTMAN_TRY_STATUS(validate_env_var(spec.env[i], field));
    if (!names.insert(spec.env[i].name).second)
      return invalid(field + ".name", fmt::format("'{}' is set twice", spec.env[i].name));
  }
  if (spec.steps.empty()) return invalid(prefix + "steps", "a build needs at least one step");
  FOOTMAN_TRY_STATUS(check_size(spec.steps.size(), kMaxSteps, "the list of steps", prefix + "steps"));
  for (std::size_t i = 0; i < spec.steps.size(); ++i)
    FOOTMAN_TRY_STATUS(validate_step(spec.steps[i], fmt::format("{}steps[{}]", prefix, i)));
  FOOTMAN_TRY_STATUS(validate_duration(spec.timeout, kMaxBuildTimeout, prefix + "timeout"));
  FOOTMAN_TRY_STATUS(validate_duration(spec.grace, kMaxGrace, prefix + "grace"));
  if (spec.retries > kMaxRetries)
    return invalid(prefix + "retries",
                   fmt::format("{} retries are too many; the most is {}", spec.retries, kMaxRetries));
  return check_size(count_bytes(spec), kMaxSpecBytes, "the build, scripts and environment in bytes,",
                    prefix + "steps");
}

Status validate_job(const Job& job, const std::string& prefix) {
  FOOTMAN_TRY_STATUS(validate_job_path(job.path.str(), prefix + "path"));
  FOOTMAN_TRY_STATUS(check_size(job.description.size(), kMaxDescriptionBytes, "the description, in bytes,",
                                prefix + "description"));
  if (has_nul(job.description)) return invalid(prefix + "description", "a description has a NUL byte");
  FOOTMAN_TRY_STATUS(validate_build_spec(job.spec, prefix + "spec."));
  FOOTMAN_TRY_STATUS(
      check_size(job.parameters.size(), kMaxParameters, "the list of parameters", prefix + "parameters"));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < job.parameters.size(); ++i) {
    const auto field = fmt::format("{}parameters[{}]", prefix, i);
    FOOTMAN_TRY_STATUS(validate_parameter(job.parameters[i], field));
    if (!names.insert(job.parameters[i].name).second)
      return invalid(field + ".name",
                     fmt::format("the parameter '{}' is there twice", job.parameters[i].name));
  }
  FOOTMAN_TRY_STATUS(validate_duration(job.quiet_period, kMaxQuietPeriod, prefix + "quiet_period"));
  if (job.keep_for < Duration(0)) return invalid(prefix + "keep_for", "a duration cannot be negative");
  return {};
}

Result<std::map<std::string, std::string>> resolve_parameters(
    const std::vector<ParameterSpec>& parameters, const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> values;
  std::vector<std::string> known;
  for (const auto& parameter : parameters) {
    known.push_back(parameter.name);
    const auto it = given.find(parameter.name);
    const bool chosen = it != given.end();
    std::string value = chosen ? it->second : parameter.default_value;
    if (!chosen && value.empty() && !parameter.choices.empty()) value = parameter.choices.front();
    const auto field = "parameters." + parameter.name;
    if (value.size() > kMaxEnvValueBytes || has_nul(value))
      return invalid(field, "the value is too long or has a NUL byte");
    if (!parameter.choices.empty() && std::ranges::find(parameter.choices, value) == parameter.choices.end())
      return invalid(field, fmt::format("'{}' is not among the choices", value),
                     fmt::format("Choose one of: {}", fmt::join(parameter.choices, ", ")));
    values[parameter.name] = std::move(value);
  }
  for (const auto& [name, value] : given) {
    if (values.contains(name)) continue;
    const auto nearest = find_nearest(name, known);
    return invalid("parameters." + name, fmt::format("the job has no parameter '{}'", name),
                   nearest ? fmt::format("Did you mean '{}'?", *nearest) : std::string());
  }
  return values;
}

}  // namespace footman::model
