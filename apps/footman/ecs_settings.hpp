// Options of ECS as texts, for comparing two configurations. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ecs/options.hpp"

namespace footman::app {

// Begins a text of which nothing may be shown: it holds the hash of what may be a secret.
inline constexpr std::string_view kHidden = "\x01";

// One entry for each key of the section `ecs`, by its name in footman.yaml.
std::map<std::string, std::string> flatten_ecs(const ecs::CloudOptions& options);
std::map<std::string, std::string> flatten_ecs(const ecs::TemplateOptions& options);

}  // namespace footman::app
