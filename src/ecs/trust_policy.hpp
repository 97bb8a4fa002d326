// Who may assume a role, from its trust policy. Pure. Source: "IAM JSON policy elements: Principal" in the
// IAM user guide.
#pragma once

#include <string_view>

#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::string_view kTaskService = "ecs-tasks.amazonaws.com";

struct Trust {
  bool readable = true;  // false: it is not what IAM's policies are
  bool tasks = false;    // ECS may, for tasks
  Texts others;          // who else may, or might: conditions and denials are not weighed
  bool operator==(const Trust&) const = default;
};
// `policy`: JSON. Whatever could give a session of the role counts, by whatever action.
Trust judge_trust(std::string_view policy);

}  // namespace footman::ecs
