// The seam between an agent's session and the processes it runs. The real one is
// agent/real/process_runner.hpp, the simulation brings its own.
//
// All calls on the agent's executor, which is single-threaded. One build at a time:
//
//   prepare() ── start() ── read()… "" ── wait() ── start() … ── end_build() ── prepare() … ── clean_up()
//
// Processes that a step leaves behind (a service for the next step) live until end_build(); what they print
// belongs to the step that runs at that moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"

namespace footman::agent {

struct StepOrder {
  base::AssignmentId assignment;
  std::uint32_t index = 0;  // of the step, from 0
  std::string workspace_key;
  std::vector<protocol::EnvVar> env;  // on top of the agent's own environment
  protocol::WorkStep step;
};

struct StepEnd {
  std::int32_t exit_status = 0;  // means something only when signal is 0
  std::uint32_t signal = 0;
  bool out_of_memory = false;
  std::uint64_t peak_memory_bytes = 0;
  base::Duration cpu_time{};
};

// A step that was started. Destroying it kills what still runs of its build, hard and at once.
class RunningStep {
 public:
  virtual ~RunningStep() = default;
  // Waits for output and returns 1…max bytes of it, stdout and stderr in the order they were written. "" once
  // the step's first process has ended (after end(): its whole tree) and all it printed was returned. Not
  // reading is how output blocks.
  virtual runtime::Awaitable<std::string> read(std::size_t max) = 0;
  // How it ended. To be called after read() gave "".
  virtual runtime::Awaitable<StepEnd> wait() = 0;
  // Asks the whole process tree to end (SIGTERM) and kills it after `grace` (SIGKILL), whether read() is
  // called or not. Again: the shorter time counts. Zero: SIGKILL at once. Read on to get the last output.
  virtual void end(base::Duration grace) = 0;
};

class StepRunner {
 public:
  virtual ~StepRunner() = default;
  // Makes the build's folder: the same key gives the same folder as long as the agent lives. Runs nothing of
  // the build. Errors (no space, no writable directory) make the agent reject the work.
  virtual runtime::Awaitable<base::Status> prepare(std::string workspace_key) = 0;
  // Errors: not_found and permission_denied when the step's interpreter cannot be executed (the step fails,
  // as in a shell); anything else means that the agent cannot do its part.
  virtual runtime::Awaitable<base::Result<std::unique_ptr<RunningStep>>> start(StepOrder order) = 0;
  // Ends every process the build has left behind, politely, then hard, and waits until all are gone. Returns
  // how many there were.
  virtual runtime::Awaitable<std::size_t> end_build() = 0;
  // Removes all folders. Last call.
  virtual runtime::Awaitable<void> clean_up() = 0;
};

}  // namespace footman::agent
