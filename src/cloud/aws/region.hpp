// The region of a cloud that names none, as AWS' own tools find it. Source: "AWS Region" in the AWS SDKs and
// Tools Reference Guide.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "cloud/aws/foundation.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

// At once; not_found: there is no such file.
using ReadText = std::function<Result<std::string>(const std::string& path)>;

// The first there is: AWS_REGION, AWS_DEFAULT_REGION, `region` of the profile in the config file
// (AWS_CONFIG_FILE, else ~/.aws/config). The profile is `profile`, else that of AWS_PROFILE, else "default".
// Errors: not_found, with all places that were looked at; invalid_argument: what stands in one of them is no
// region; those of the file.
Result<std::string> find_region(const Environment& environment, const ReadText& read,
                                const std::string& profile);

}  // namespace footman::cloud::aws
