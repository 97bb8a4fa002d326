// Planted bugs: each breaks one invariant, through the seams between the server's parts, never in their code.
// A simulation that does not find them would not find the real ones.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/world.hpp"

namespace footman::sim {

struct Canary {
  std::string_view name;
  std::string_view invariant;  // that it breaks
  std::string_view bug;        // what is wrong, in one sentence
  std::uint32_t within;        // seeds, from the base on: it must be found in one of them
  void (*plant)(WorldOptions& options);
};

const std::vector<Canary>& canaries();

}  // namespace footman::sim
