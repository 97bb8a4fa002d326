// data/prices as the build found it. Inside the module.
#pragma once

#include <span>
#include <string_view>

namespace footman::model {

std::span<const std::string_view> price_files();

}  // namespace footman::model
