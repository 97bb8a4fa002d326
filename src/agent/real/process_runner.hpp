// Steps as real processes: each in a session and process group of its own, in its build's workspace, with
// default signals and mask, stdin at its end, one pipe for stdout and stderr, and no other descriptor.
//
// Ends reach the whole tree: SIGTERM to everything below this process, later SIGKILL through the step's
// control group where there is one and one by one until nothing is left. This process must be a subreaper
// (see Children), and nothing but steps may be below it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/real/children.hpp"
#include "agent/real/step_group.hpp"
#include "agent/real/workspace.hpp"
#include "agent/step_runner.hpp"
#include "base/log.hpp"
#include "runtime/clock.hpp"

namespace footman::agent::real {

using namespace std::chrono_literals;

inline constexpr std::string_view kOwnVariables = "FOOTMAN_AGENT_";  // how they begin; no step gets them
inline constexpr base::Duration kLeftoverGrace = 1s;  // for what a build leaves behind, before SIGKILL
inline constexpr base::Duration kKillAgain = 10ms;    // between two rounds of SIGKILL
inline constexpr base::Duration kKillLimit = 30s;  // then what cannot be killed is left alone, with an error

struct ProcessRunnerConfig {
  std::string work_dir;                  // absolute, exists
  std::vector<std::string> environment;  // "NAME=value" that every step gets
  std::string cookie;                    // goes to every step; empty: none
  bool use_cgroups = true;
};

class ProcessRunner final : public StepRunner {
 public:
  ProcessRunner(runtime::Executor executor, runtime::Clock& clock, base::Logger log, Children& children,
                ProcessRunnerConfig config);
  ~ProcessRunner() override;

  runtime::Awaitable<base::Status> prepare(std::string workspace_key) override;
  runtime::Awaitable<base::Result<std::unique_ptr<RunningStep>>> start(StepOrder order) override;
  runtime::Awaitable<std::size_t> end_build() override;
  runtime::Awaitable<void> clean_up() override;

 private:
  class Step;
  struct State;
  std::shared_ptr<State> state_;
};

// The environment of a step: `own` without FOOTMAN_AGENT_… , defaults for PATH and HOME, what the build
// brings, and WORKSPACE and the cookie. Later values of a name replace earlier ones.
std::vector<std::string> make_environment(const std::vector<std::string>& own, const std::string& workspace,
                                          const std::vector<protocol::EnvVar>& build,
                                          const std::string& cookie);

}  // namespace footman::agent::real
