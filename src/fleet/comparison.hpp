// Rows against resources: what the store says of the agents of one cloud and what that cloud lists. Pure.
#pragma once

#include <string>
#include <vector>

#include "fleet/views.hpp"

namespace footman::fleet {

// An agent that may hold a resource.
struct RowFacts {
  AgentId agent;
  std::string token;
  std::string handle;
  model::AgentState state = model::AgentState::planned;
  bool asked = false;      // the cloud was asked to launch it
  bool calling = false;    // a launch call is under way, or its answer is being written down
  bool connected = false;  // its session stands
  Duration since_call{0};  // of the list: since the last launch call, or since the server started
};

struct Comparison {
  struct Match {
    AgentId agent;
    ports::Resource resource;
  };
  std::vector<Finding> findings;  // not of `missing` and `strays`: those are looked into first
  std::uint32_t matched = 0;
  std::vector<Match> learned;           // their handle was not known
  std::vector<Match> ended;             // the cloud says gone
  std::vector<AgentId> missing;         // should be listed by now, and is not
  std::vector<ports::Resource> strays;  // alive, of this installation, and of no row that was given
};

// A cloud may have made two of one launch. handle: of the agent; empty: not known, so that each may be its
// own.
bool is_of(const std::string& handle, const ports::Resource& resource);

Comparison compare(const std::vector<RowFacts>& rows, std::vector<ports::Resource> resources,
                   const CloudName& cloud, const InstallationId& installation, Duration listing_lag);

}  // namespace footman::fleet
