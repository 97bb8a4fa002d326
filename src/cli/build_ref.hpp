// Which build is meant: "17", or a job's path and a number, "team/app#3"; where a job stands in the API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/context.hpp"

namespace footman::cli {

// A number, or something with '#': a build, not an agent.
bool is_build_ref(const std::string& text);
// "/jobs/team/app", each part encoded.
std::string target_of_job(std::string_view path);
// invalid_argument when it is neither; not_found when the job has no such build. Asks the server for
// JOB#NUMBER only.
Awaitable<Result<std::int64_t>> find_build(Session& session, std::string text);

}  // namespace footman::cli
