// Every life of a small world: two builds, two agents at a time, and all orders in which the fleet, the
// cloud, the controller, people and faults can take their steps, with a crash of the server between any two
// of them. The decisions are those of policy; what carries them out is a model of the fleet in its smallest
// form, one durable step after the other as docs/ARCHITECTURE.md has them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/provisioning_plan.hpp"

namespace footman::policy::testing {

// What may be planted in the model, to see that it would be found.
enum class PlantedBug {
  none,
  row_after_call,            // the cloud is called before the intent is durable
  new_token_each_time,       // a launch whose answer was lost is repeated as another one
  no_word_is_gone,           // a lost answer to terminate counts as its end
  runs_again,                // a build that was lost with its agent goes back to the queue
  launching_does_not_count,  // agents on their way are not looked at
  ends_without_drain,        // a surplus agent is ended though it may have got work meanwhile
  replaced_too_soon,         // an item is free as soon as the row of its agent says that it ends
  untold,                    // one of two items that wait is left out of the plan
};

struct SmallWorld {
  enum class Build : std::uint8_t { absent, waiting, running, done, lost, cancelled };
  enum class Row : std::uint8_t { none, launching, connecting, online, terminating };
  enum class Resource : std::uint8_t { none, alive, gone };
  enum class Node : std::uint8_t { unknown, expected, idle, busy, done, lost };  // at the controller
  enum class Wish : std::uint8_t { none, if_free, always };

  struct Agent {
    // Durable, or outside of the server.
    Row row = Row::none;
    std::uint8_t for_build = 0;
    Resource resource = Resource::none;
    std::uint8_t strays = 0;  // resources of the same agent under another token
    Node node = Node::unknown;
    std::uint8_t work = 0;
    bool draining = false;
    // In memory.
    bool unwritten = false;  // planned, and its row is not there yet
    bool answered = false;   // the cloud has launched it
    bool nothing_left = false;
    Wish wish = Wish::none;
  };

  std::array<Build, 2> builds{};
  std::array<std::uint8_t, 2> starts{};
  std::array<Agent, 2> agents{};
};

struct Exploration {
  std::size_t worlds = 0;
  std::size_t steps = 0;
  std::string violation;           // empty: none
  std::vector<std::string> story;  // the shortest one that leads there
};

// Breadth first. Besides what every world must keep: from each of them, once faults stop, everything that was
// launched can be drained and every build comes to its end.
Exploration explore_small_worlds(PlantedBug bug);

}  // namespace footman::policy::testing
