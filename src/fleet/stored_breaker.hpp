// What is stored of a breaker that is not closed, so that a server that is started again does not launch for
// all that wait what was refused before. Inside the module.
#pragma once

#include <cstdint>
#include <string>

#include "policy/breaker.hpp"

namespace footman::fleet {

using namespace footman::base;

// The setting of the store that has it.
std::string breaker_key(const TemplateName& name);

// Empty: closed. A half-open one is stored as the open one that it was.
std::string encode_breaker(const policy::Breaker& breaker, std::uint64_t generation);
// As a start finds it: open, with its pause over, so that one agent is tried. Closed when the text is empty,
// cannot be read or is of another generation.
policy::Breaker restore_breaker(const std::string& encoded, std::uint64_t generation, Instant now);

}  // namespace footman::fleet
