// What is believed of an agent's reports. That an agent was let in does not make its word true: each report
// is held against the work that it was given, what it said before, and the time that has passed. What no
// honest agent can say is an error: a broken rule of the protocol, as a sentence for a person, and nothing of
// it is kept. What a clock that goes wrong makes an honest one say is moved to the nearest value that can be
// true. Pure. Inside the module.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "model/work.hpp"
#include "protocol/messages.hpp"

namespace footman::controller {

using namespace footman::base;

// How a step ended that did not end well.
struct BadStep {
  std::uint32_t step = 0;
  std::optional<int> exit_status;  // absent: by a signal
};

// Of one assignment, by its reports.
struct WorkProgress {
  std::uint64_t last_report = 0;
  std::uint32_t ended = 0;          // steps: those before this one
  bool running = false;             // this one has begun
  std::optional<BadStep> failed;    // no step comes after it
  std::optional<BadStep> unstable;  // the first one, by its status

  bool nothing_began() const { return ended == 0 && !running; }
};

// After a start of the server: `steps` are the rows of the assignment, in order.
WorkProgress progress_of(const std::vector<model::StepRecord>& steps, const model::BuildSpec& spec);
// A step that was believed.
void note_step(WorkProgress& progress, const model::StepRecord& step, const model::BuildSpec& spec);

// What a report is held against.
struct ReportFrame {
  const model::BuildSpec& spec;
  const WorkProgress& progress;
  Instant started;         // the commit of Start, as stored
  Instant now;             // as it is stored
  Duration elapsed{};      // between the two, whatever was done to the clock
  std::uint32_t cpus = 0;  // of the agent's host, as it told them; 0: it did not
  std::uint64_t memory_bytes = 0;
  bool cancelled = false;  // the agent was told to end the build
  bool noticed = false;    // it has told that its machine goes away
};

// Reports that are not repeated ones: their number is above progress.last_report. The row of the step, to be
// stored; without its assignment.
Result<model::StepRecord> believe_step(const protocol::StepStarted& report, const ReportFrame& frame);
Result<model::StepRecord> believe_step(const protocol::StepFinished& report, const ReportFrame& frame);
Status believe_end(const protocol::BuildFinished& report, const ReportFrame& frame);

// What an agent tells of its host: figures that no machine has are taken for not told.
void believe_host(protocol::Hello& hello);

// The step's name, or its number as a name.
std::string name_of_step(const model::BuildSpec& spec, std::uint32_t index);

}  // namespace footman::controller
