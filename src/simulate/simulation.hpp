// A trace of builds against a fleet: the planner, the steward, the reconciler, the breakers, the caps and the
// store of the server itself, with a modelled cloud and controller around them, in virtual time. What is
// decided here is what the server would decide. Deterministic: the same input and seed give the same records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "fleet/config.hpp"
#include "simulate/build_trace.hpp"
#include "simulate/model_cloud.hpp"
#include "simulate/records.hpp"

namespace footman::simulate {

struct SimulationSpec {
  fleet::FleetConfig fleet;
  std::map<CloudName, CloudModel> clouds;  // one for each cloud of the templates; absent: the default model
  std::uint64_t seed = 1;
};

struct SimulationProgress {
  std::size_t finished = 0;  // builds
  std::size_t builds = 0;
  Duration at{0};  // simulated time
};

// Called now and then; false: the simulation is given up, cancelled.
using OnProgress = std::function<bool(const SimulationProgress&)>;

// When none runs and nothing has happened to any for so long, the builds that still wait never run. The money
// of a new day may be what they wait for.
inline constexpr Duration kGiveUpAfter = 25h;
// After the last build, agents that are kept may go on for their idle time and so long; then it ends.
inline constexpr Duration kTail = 2min;

// Blocks, on whatever thread, and shares nothing with other simulations. Errors: of the fleet's start (a
// template whose cloud there is not); cancelled, by `on_progress`.
Result<Happenings> run_simulation(const SimulationSpec& spec, const BuildTrace& trace,
                                  const OnProgress& on_progress = {});

}  // namespace footman::simulate
