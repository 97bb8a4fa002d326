// What ECS does with a template's execution role before its agent runs: pulling images, opening log streams,
// reading secrets and environment files. Source: "Amazon ECS task execution IAM role" in the ECS Developer
// Guide.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ecs/survey.hpp"

namespace footman::ecs {

// By the ARN of the role. `account`: where the cloud is. `existing`: the templates are completed by it.
std::map<std::string, std::vector<Wish>> list_execution_wishes(const CloudOptions& cloud,
                                                               const NamedTemplates& templates,
                                                               const std::string& account,
                                                               const Existing& existing);

}  // namespace footman::ecs
