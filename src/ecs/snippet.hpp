// A footman.yaml to begin with, from what there is in an account. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ecs/survey.hpp"

namespace footman::ecs {

// Marks what only a person knows; something valid in form stands there.
inline constexpr std::string_view kFillIn = "FILL IN";

// The network that is used: `wanted`, else the one with the most subnets that lead out. Its subnets by NAT,
// else those by an internet gateway, with public addresses. Group and roles by their names, with the others
// in a comment. It passes `footman config check`. not_found: no network of that id.
Result<std::string> make_snippet(const CloudOptions& cloud, const Landscape& landscape,
                                 const std::string& wanted);

}  // namespace footman::ecs
