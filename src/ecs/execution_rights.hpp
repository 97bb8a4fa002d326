// What ECS does with a template's execution role before its agent runs: pulling images, opening log streams,
// reading secrets and environment files. Source: "Amazon ECS task execution IAM role" in the ECS Developer
// Guide.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ecs/survey.hpp"

namespace footman::ecs {

// By the ARN of the role, for definitions of our own. `account`: where the cloud is.
std::map<std::string, std::vector<Wish>> list_execution_wishes(const CloudOptions& cloud,
                                                               const NamedTemplates& templates,
                                                               const std::string& account);

}  // namespace footman::ecs
