// The rows of the schema that stand in files of their own. Inside the module.
#pragma once

#include <vector>

#include "config/schema.hpp"

namespace footman::config {

inline constexpr std::string_view kCloudPath = "clouds[].";
inline constexpr std::string_view kTemplatePath = "clouds[].templates[].";
inline constexpr std::string_view kEcsCloudPath = "clouds[].ecs.";
inline constexpr std::string_view kEcsTemplatePath = "clouds[].templates[].ecs.";
inline constexpr std::string_view kEcsSidecarPath = "clouds[].templates[].ecs.sidecars[].";
inline constexpr std::string_view kEcsVolumePath = "clouds[].templates[].ecs.volumes[].";

inline constexpr std::string_view kJenkinsPath = "jenkins[].";

std::vector<Key> jenkins_rows();
std::vector<Key> ecs_cloud_rows();
std::vector<Key> ecs_template_rows();   // without those of a container and of a volume
std::vector<Key> ecs_container_rows();  // of a sidecar; all that no row of a template has is also one of it
std::vector<Key> ecs_volume_rows();

}  // namespace footman::config
