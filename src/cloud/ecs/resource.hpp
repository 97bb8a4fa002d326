// A task as the fleet is shown it.
#pragma once

#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/task_table.hpp"
#include "ports/cloud_provider.hpp"
#include "runtime/even_time.hpp"

namespace footman::cloud::ecs {

// aws_ahead: AWS' clock minus ours; the times of the resource are ours.
ports::Resource make_resource(const Tracked& one, const EcsCloudConfig& cloud, const runtime::EvenTime& even,
                              Duration aws_ahead);

}  // namespace footman::cloud::ecs
