#include "ecs/task_identity.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace footman;
using namespace footman::ecs;

TEST_CASE("a task with a role is one session of that role") {
  struct Case {
    std::string task, role, caller;  // caller empty: refused
  };
  const std::string task = "arn:aws:ecs:eu-central-1:123456789012:task/builds/0123abcd";
  const std::string role = "arn:aws:iam::123456789012:role/agent";
  const std::vector<Case> cases{
      {task, role, "arn:aws:sts::123456789012:assumed-role/agent/0123abcd"},
      {task, "arn:aws:iam::123456789012:role/ci/team/agent",
       "arn:aws:sts::123456789012:assumed-role/agent/0123abcd"},
      {"arn:aws:ecs:eu-central-1:123456789012:task/0123abcd", role,
       "arn:aws:sts::123456789012:assumed-role/agent/0123abcd"},
      {"arn:aws-cn:ecs:cn-north-1:123456789012:task/b/7", "arn:aws-cn:iam::123456789012:role/agent",
       "arn:aws-cn:sts::123456789012:assumed-role/agent/7"},
      {task, "arn:aws:iam::210987654321:role/agent", ""},
      {task, "arn:aws-cn:iam::123456789012:role/agent", ""},
      {task, "arn:aws:iam::123456789012:user/agent", ""},
      {task, "arn:aws:iam::123456789012:role/", ""},
      {task, "agent", ""},
      {task, "", ""},
      {"arn:aws:ecs:eu-central-1:123456789012:task/builds/", role, ""},
      {"arn:aws:ecs:eu-central-1:123456789012:service/builds/x", role, ""},
      {"arn:aws:ecs:eu-central-1::task/builds/x", "arn:aws:iam:::role/agent", ""},
      {"4711", role, ""},
      {"", role, ""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.task);
    CAPTURE(one.role);
    const auto caller = find_task_caller(one.task, one.role);
    CHECK(caller.has_value() == !one.caller.empty());
    if (caller) CHECK(*caller == one.caller);
    if (!caller) CHECK(caller.error().code == base::Errc::invalid_argument);
  }
}

TEST_CASE("agents of templates with a task role prove who they are") {
  TemplateOptions options;
  CHECK_FALSE(proves_identity(options));
  options.task_role = "arn:aws:iam::123456789012:role/agent";
  CHECK(proves_identity(options));
}
