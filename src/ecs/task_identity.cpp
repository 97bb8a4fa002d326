#include "ecs/task_identity.hpp"

#include <fmt/format.h>

#include "ecs/forms.hpp"

namespace footman::ecs {
namespace {

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_of(const Arn& arn, std::string_view service, std::string_view kind) {
  return arn.service == service && arn.resource.starts_with(kind) && !last_part(arn.resource).empty() &&
         !arn.account.empty();
}

}  // namespace

bool proves_identity(const TemplateOptions& options) { return !options.task_role.empty(); }

Result<std::string> find_task_caller(std::string_view task_arn, std::string_view role_arn) {
  const auto task = find_arn(task_arn);
  if (!task || !is_of(*task, "ecs", "task/"))
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no task's ARN", task_arn));
  const auto role = find_arn(role_arn);
  if (!role || !is_of(*role, "iam", "role/"))
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no role's ARN", role_arn));
  if (role->account != task->account || role->partition != task->partition)
    return fail(Errc::invalid_argument,
                fmt::format("the role {} is not of the task's account {}", role_arn, task->account));
  return fmt::format("arn:{}:sts::{}:assumed-role/{}/{}", task->partition, task->account,
                     last_part(role->resource), last_part(task->resource));
}

}  // namespace footman::ecs
