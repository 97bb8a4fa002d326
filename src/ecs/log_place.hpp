// Where a container's log is in CloudWatch. Source: "Send Amazon ECS logs to CloudWatch" in the ECS Developer
// Guide: the stream of awslogs is called PREFIX/CONTAINER/TASK.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace footman::ecs {

struct LogPlace {
  std::string region;  // empty: that of the task
  std::string group;
  std::string stream_prefix;  // of the container's streams: "footman/agent/"; the task's id follows
  bool operator==(const LogPlace&) const = default;
};

// `definition`: of a task, as it is registered or described. Nothing: there is no such container, it does not
// write with awslogs, or without a prefix, where nobody can tell a stream's name.
std::optional<LogPlace> find_log_place(const boost::json::object& definition, std::string_view container);

}  // namespace footman::ecs
