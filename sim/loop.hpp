// The machine room of the simulation: src/virtual_time, by the names that are used here.
#pragma once

#include "virtual_time/dice.hpp"
#include "virtual_time/loop.hpp"
#include "virtual_time/trace.hpp"

namespace footman::sim {

using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using virtual_time::Dice;
using virtual_time::format_time;
using virtual_time::LaneExecutor;
using virtual_time::Life;
using virtual_time::NodeClock;
using virtual_time::SimLoop;
using virtual_time::Task;
using virtual_time::Trace;

}  // namespace footman::sim
