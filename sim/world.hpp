// One simulated world, made from one seed: a server, clouds and their agents, users, a network, a disk; first
// everything that can break breaks, then nothing does any more and all must drain.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/admins.hpp"
#include "sim/agents.hpp"
#include "sim/cloud.hpp"
#include "sim/disk.hpp"
#include "sim/faults.hpp"
#include "sim/invariants.hpp"
#include "sim/loop.hpp"
#include "sim/net.hpp"
#include "sim/server.hpp"
#include "sim/users.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  Trace::Mode trace = Trace::Mode::hash_only;
  Bends bends = make_straight();
  // The second controller of every seed is a Jenkins; else that of some.
  bool jenkins = false;
  // In every seed the money of a day runs out in a rush; else in some.
  bool dear_rush = false;
  // Half of all steps outlast a lease; else a few.
  bool long_steps = false;
  // For tests: no faults, no crashes.
  bool calm = false;
  // A planted bug of the world itself: a choice that does not come from the seed.
  bool undetermined = false;
};

struct Outcome {
  std::uint64_t seed = 0;
  std::optional<Violation> violation;
  std::uint64_t trace_hash = 0;
  std::vector<std::string> trace;  // Mode::keep
  // Counts.
  std::uint64_t steps = 0;
  std::uint64_t builds = 0;
  std::uint64_t launches = 0;
  std::uint64_t crashes = 0;  // of the server
  std::uint64_t kills = 0;    // of agents
  std::uint64_t faults = 0;   // all others
  Happenings happened{};
  std::vector<std::uint64_t> crashed_at;  // as crash_places()
  Duration virtual_time{0};
};

// Runs the world of this seed to its end.
Outcome run_world(const WorldOptions& options);

}  // namespace footman::sim
