// How the fields of ecs/options.hpp are called in footman.yaml: the keys say units with their values, and the
// agent's container and the task's size have no section of their own.
#pragma once

#include <string>
#include <string_view>

namespace footman::config {

// "memory_mib" → "memory", "mount_points" → "mounts".
std::string ecs_key(std::string_view field);
// Of a path of fields: "container.log.driver" → "log.driver", "size.cpu_units" → "cpu",
// "sidecars[1].memory_mib" → "sidecars[1].memory".
std::string ecs_key_path(std::string_view fields);

}  // namespace footman::config
