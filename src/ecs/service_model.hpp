// The shapes of ECS' requests, as AWS publishes them for its own clients (data/ecs/service-model.json, made
// by tools/make-ecs-model). AWS' own check of a request, before it is sent.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::ecs {

using namespace footman::base;

inline constexpr std::string_view kRegisterTaskDefinition = "RegisterTaskDefinitionRequest";
inline constexpr std::string_view kRunTask = "RunTaskRequest";

// Members that the shape does not have, values of another type, words that an enumeration does not have, and
// missing required members are errors: invalid_argument with the place
// ("containerDefinitions[0].ulimits[1].name") and, for a mistyped name, the nearest one.
Status check_shape(const boost::json::value& value, std::string_view shape);

std::string_view service_model_source();  // "botocore 1.43.11, Apache-2.0, 2026-11-28"

}  // namespace footman::ecs
