// What a command writes where a person said. Blocking.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::cli {

using namespace footman::base;

// A file that is there is never written over: people may have filled it in. Half of one is removed. All
// errors are invalid_argument at `field`.
Status write_new_file(const std::string& path, std::string_view text, const std::string& field);

}  // namespace footman::cli
