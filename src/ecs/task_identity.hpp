// Who the processes of a task are to AWS: the session of the task's role. Pure.
// Sources: "Amazon ECS task IAM role" in the Amazon ECS Developer Guide; "assumed-role session principals" in
// the IAM User Guide. The session's name is the task's id.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

// Whether agents of this template prove who they are with their task's role; else they get a secret.
bool proves_identity(const TemplateOptions& options);

// The ARN as which a process of this task calls AWS:
//   arn:aws:ecs:eu-central-1:123456789012:task/builds/0123abcd and arn:aws:iam::123456789012:role/ci/agent
//   → arn:aws:sts::123456789012:assumed-role/agent/0123abcd
// Errors: invalid_argument (one of them is no such ARN, or they are not of the same account).
Result<std::string> find_task_caller(std::string_view task_arn, std::string_view role_arn);

}  // namespace footman::ecs
