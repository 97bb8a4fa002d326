// Which machine a program is for. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::image {

using namespace footman::base;

// Of what may be in an image, by the names that images use.
inline constexpr std::string_view kAmd64 = "amd64";
inline constexpr std::string_view kArm64 = "arm64";

inline constexpr std::size_t kMaxProgramBytes = 256UL << 20;

// "amd64" or "arm64". invalid_argument: not a program for one of these, or one that needs libraries of the
// image it runs in, where there will be none.
Result<std::string> find_architecture(std::string_view program);

}  // namespace footman::image
