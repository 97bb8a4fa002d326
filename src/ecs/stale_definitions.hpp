// Which task definitions of ours nothing needs any more. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

// So long the newest one that is unused stays, for a configuration that is taken back.
inline constexpr Duration kPreviousKept = std::chrono::hours(7 * 24);

// A family of this installation without a template or a task that uses it.
struct UnusedDefinition {
  std::string family;
  TemplateName template_name;
  std::string architecture;  // a template may have a definition for each
  Instant registered;        // its newest revision
  Instant unused_since;      // as far as this run of the server knows
};

// The families of all but the newest of each template and architecture, and of that one after kPreviousKept.
Texts list_stale(const std::vector<UnusedDefinition>& unused, Instant now);

// "footman-<template>-<16 digits>": as make_task_definition() calls them. Others' may begin alike.
bool is_own_family(std::string_view family);
// Of the ARN of a revision; empty: it is none.
std::string_view family_of(std::string_view definition_arn);

}  // namespace footman::ecs
