// Values that the controller takes from and gives to the API, the pages and the command line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/agent.hpp"
#include "model/work.hpp"
#include "ports/controller_port.hpp"

namespace footman::controller {

using namespace footman::base;

// For people: "team/app #17", "ad hoc #4".
std::string title_of(const model::Build& build);

struct SubmitRequest {
  JobPath job;                                    // empty: ad hoc, from `spec`
  model::BuildSpec spec;                          // ad hoc only
  std::map<std::string, std::string> parameters;  // of the job; missing ones take their default
  std::string cause;                              // "started by token admin"
  std::optional<Duration> quiet_period;           // else the job's
  std::string idempotency_key;                    // empty: none
};

// One item that has not left the queue. `reason` is never empty while the item waits:
//   waiting   "quiet_period"                         look_again: its end
//   blocked   "concurrency", "job_disabled",         "build #3 is running"
//             "lost_agent", "state_unknown"          "agent … may still be at work"
//   buildable the fleet's last word ("launching", "no_template", …), else "no_idle_agent"; "storage_full"
//   pending   "offered", "starting"                  agent: the one that has it
struct QueueEntry {
  model::QueueItem item;
  std::int64_t number = 0;  // the build's
  std::string title;        // "team/app #17", "ad hoc #4"
  model::ItemView view = model::ItemView::waiting;
  ports::WaitReason reason;
};

// What the agent said of its machine when it connected, and where it connected from.
struct HostInfo {
  std::string peer;
  std::string agent_version;
  std::string os;
  std::string arch;
  std::string hostname;
  std::uint32_t cpus = 0;
  std::uint64_t memory_bytes = 0;
};

struct NodeView {
  model::Node node;
  ports::AgentObservation observation;
  BuildId build;                 // at work on it
  std::optional<HostInfo> host;  // since it connected
};

// Everything `footman explain BUILD` tells.
struct BuildExplanation {
  model::Build build;
  std::optional<QueueEntry> queue;  // while it waits or is being handed over
  std::vector<model::Assignment> assignments;
  std::vector<model::StepRecord> steps;  // of the last assignment
  std::vector<model::LogStream> streams;
  std::vector<model::TimelineEntry> timeline;  // oldest first
};

// The build's timeline with its agent's: all of that when the agent lived for this build (`whole`), else what
// happened meanwhile. Each moment once: what the agent's lines tell of this build stands in the build's own.
std::vector<model::TimelineEntry> make_story(const BuildExplanation& told,
                                             std::vector<model::TimelineEntry> of_agent, bool whole);

}  // namespace footman::controller
