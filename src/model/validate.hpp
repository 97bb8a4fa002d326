// Rules for what people submit: job paths, environment, steps, parameters. Every error is invalid_argument
// (or resource_exhausted for a limit) with the field: "steps[2].script". The prefix of the field is the
// caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/work.hpp"

namespace footman::model {

inline constexpr std::size_t kMaxJobPathBytes = 512;
inline constexpr std::size_t kMaxJobNameBytes = 128;  // one part of a path
inline constexpr std::size_t kMaxJobPathParts = 16;
inline constexpr std::size_t kMaxSteps = 256;
inline constexpr std::size_t kMaxScriptBytes = 256 * 1024;
inline constexpr std::size_t kMaxSpecBytes = 1024 * 1024;  // scripts and environment of one build together
inline constexpr std::size_t kMaxStepNameBytes = 200;
inline constexpr std::size_t kMaxInterpreterBytes = 256;
inline constexpr std::size_t kMaxEnvVars = 1000;
inline constexpr std::size_t kMaxEnvNameBytes = 200;
inline constexpr std::size_t kMaxEnvValueBytes = 100 * 1024;  // below what Linux takes as one string of exec
inline constexpr std::size_t kMaxSecretRefBytes = 1024;
inline constexpr std::size_t kMaxParameters = 200;
inline constexpr std::size_t kMaxChoices = 1000;
inline constexpr std::size_t kMaxDescriptionBytes = 16 * 1024;
inline constexpr Duration kMaxBuildTimeout = std::chrono::hours(24 * 30);
inline constexpr Duration kMaxGrace = std::chrono::hours(1);
inline constexpr std::uint32_t kMaxRetries = 10;
inline constexpr Duration kMaxQuietPeriod = std::chrono::hours(24);

// Whether nothing of it changes how the rest is shown: no control characters, none that cannot be seen.
bool is_one_line(std::string_view text);

// "team/app": parts separated by '/', none empty, "." or "..", none of ? * / \ % ! @ # $ ^ & | < > [ ] : ;
// and no control characters (Jenkins' rules for names), no space at either end of a part.
Status validate_job_path(std::string_view path, const std::string& field = "path");
// [A-Za-z_][A-Za-z0-9_]*; names that begin with FOOTMAN_AGENT_ belong to the agent.
Status validate_env_name(std::string_view name, const std::string& field);
Status validate_env_var(const EnvVar& var, const std::string& field);
// "file:/absolute/path" or "env:NAME".
Status validate_secret_ref(std::string_view reference, const std::string& field);
Status validate_step(const StepSpec& step, const std::string& field);
Status validate_parameter(const ParameterSpec& parameter, const std::string& field);

// prefix: "" or "spec.". All of them answer with the first error in reading order.
Status validate_build_spec(const BuildSpec& spec, const std::string& prefix = {});
Status validate_job(const Job& job, const std::string& prefix = {});  // of the spec: "spec."

// The values a build runs with: the given ones over the defaults. Unknown names (with the nearest known one)
// and values that are not among the choices are errors, field "parameters.NAME".
Result<std::map<std::string, std::string>> resolve_parameters(
    const std::vector<ParameterSpec>& parameters, const std::map<std::string, std::string>& given);

}  // namespace footman::model
