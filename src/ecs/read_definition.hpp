// A task definition, as it is registered or described, read back into options: what a template's keys would
// say for it. So the rules for keys hold for what a patch adds, and others' definitions are examined like our
// own.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "ecs/options.hpp"

namespace footman::ecs {

// Containers (`agent`: the name of the agent's, empty: the first one; the others are sidecars), volumes
// without what a launch says of them (EBS), roles, network mode and platform. What options do not have, or
// has another form than AWS gives it, is left out. No container of that name: `container` stays as it is by
// default.
TemplateOptions read_definition(const boost::json::value& definition, const std::string& agent);

}  // namespace footman::ecs
