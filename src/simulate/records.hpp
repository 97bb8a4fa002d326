// What happened in a simulation, as it happened; the statistics are made from these. Values. Times are since
// the trace's start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"

namespace footman::simulate {

using namespace footman::base;

struct BuildRecord {
  Duration submitted{0};
  Duration duration{0};
  std::string label;
  std::optional<Duration> started;
  std::optional<Duration> finished;
  std::string last_reason;  // why it waited, the last word
  std::string last_text;
  TemplateName template_name;  // of its agent
};

struct AgentRecord {
  TemplateName template_name;
  CloudName cloud;
  Duration launched{0};  // asked for, and answered at once
  std::optional<Duration> connected;
  std::optional<Duration> stop_asked;
  std::optional<Duration> gone;
  Duration busy{0};  // with builds
  std::uint32_t builds = 0;
};

struct HoldTotal {
  Duration waited{0};       // of all builds that waited for this reason
  std::uint64_t times = 0;  // that one began to
  bool operator==(const HoldTotal&) const = default;
};

struct Happenings {
  std::vector<BuildRecord> builds;                // in order of submission
  std::vector<AgentRecord> agents;                // in order of launch
  std::map<std::string, std::uint64_t> refusals;  // launches that the cloud refused, by failure class
  std::map<std::string, HoldTotal> holds;         // by the code of ports::WaitReason
  Duration end{0};                                // of the simulated time
};

}  // namespace footman::simulate
