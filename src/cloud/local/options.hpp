// Template options ↔ the frozen JSON of a launch.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cloud/local/local_cloud.hpp"

namespace footman::cloud::local {

std::string freeze_options(const TemplateOptions& options);
// Refuses what freeze_options did not write; limits: 64 KiB of text, 256 variables.
Result<TemplateOptions> parse_options(const std::string& json);

}  // namespace footman::cloud::local
