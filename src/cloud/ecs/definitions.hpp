// The task definitions that our launches need. A family's name holds the hash of its content, so all that
// want one content use one revision: what is there is used, what is not is registered once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "cloud/ecs/api.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {

// From the look at a definition to the answer of its RunTask, with all repetitions.
inline constexpr Duration kLaunchUnderWay = 10min;
// ECS' own, of a container that says none.
inline constexpr Duration kUsualStopTimeout = 30s;
inline constexpr std::size_t kRevisionsAtOnce = 10;  // of a family that goes; more the next time

// A family's newest revision is taken for that so long.
inline constexpr Duration kNewestKnown = 1min;

// That of a definition that others made.
struct AgentContainer {
  std::string definition;  // the ARN of the revision that was looked at: a family may have a newer one since
  std::string name;
  Duration stop_timeout = kUsualStopTimeout;  // between SIGTERM and SIGKILL
};

// On the executor of the API, which outlives it. No ensure() may be under way when it is destroyed.
class Definitions {
 public:
  Definitions(Api& api, const runtime::Clock& clock, Logger log)
      : api_(api), clock_(clock), log_(std::move(log)) {}

  // The ARN of an active revision that runs what `request` (of RegisterTaskDefinition, for this family) says.
  // A family's name proves nothing: anybody who may register can give it another revision. So what is there
  // is compared, and where it is something else our content is registered again. In steady state it asks
  // nobody.
  Awaitable<CallResult<std::string>> ensure(std::string family, std::string request);
  // Of a definition that others made, by its family, family:revision or ARN, the container of that name, or
  // the first one. A revision is asked for once, the newest one of a family each kNewestKnown while there are
  // launches, however many want it at once. What is not there is a failure of the configuration.
  Awaitable<CallResult<AgentContainer>> find_container(std::string definition, std::string container);
  // Nothing needs it any more: its revisions become inactive, and are deleted where that is allowed. Not when
  // a launch has wanted it within kLaunchUnderWay: false. One that wants it meanwhile waits, and has it made
  // anew. Idempotent.
  Awaitable<CallResult<bool>> retire(std::string family);
  // A launch was refused because of this definition, as it is configured, or by its ARN: it is looked at
  // anew.
  void forget(const std::string& name);

 private:
  struct Entry {
    runtime::Gate gate;
    std::string arn;                 // of the revision that was compared; empty: it is to be looked at
    std::optional<Duration> wanted;  // steady, the last time
  };
  struct Theirs {
    runtime::Gate gate;
    std::string arn;
    boost::json::value content;
    std::optional<Duration> known_at;  // steady; not set: it is to be asked for
  };
  Awaitable<CallResult<std::shared_ptr<const Theirs>>> find_theirs(std::string name);

  Api& api_;
  const runtime::Clock& clock_;
  Logger log_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // ours, by family: one for each content
  std::map<std::string, std::shared_ptr<Theirs>> theirs_;  // by the name that is configured
};

}  // namespace footman::cloud::ecs
