// data/ecs/service-model.json as the build found it. Inside the module.
#pragma once

#include <string_view>

namespace footman::ecs {

std::string_view service_model_file();

}  // namespace footman::ecs
