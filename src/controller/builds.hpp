// The life of a build from its submission to its result. Inside the module; control executor.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controller/core.hpp"
#include "policy/build_retry.hpp"

namespace footman::controller {

// How an agent's work was lost.
struct WorkLoss {
  std::string sentence;
  model::EndReason reason = model::EndReason::none;  // of the agent; none: the build's own, or a person's
  model::BuildResult result =
      model::BuildResult::failure;  // aborted: given up, for a cancel or its time limit
};

// Of the build that is run in place of this one.
std::string cause_of_retry(const model::Build& build);

class Builds {
 public:
  explicit Builds(Core& core);

  // What is open in the store, after a start of the server. Watches and cancels go on from there.
  void take_over(store::OpenState& state);

  Awaitable<Result<store::SubmittedBuild>> submit(store::NewBuild build);
  Awaitable<Result<model::Build>> cancel(BuildId id, std::string reason);
  // Those in doubt wait as any other; returns how many that were.
  Awaitable<Result<std::size_t>> release_doubtful(std::string text);
  // Does what a durable cancel request asks for in the build's present state. Level-triggered.
  Awaitable<void> pursue_cancel(BuildId id);
  Awaitable<Result<BuildExplanation>> explain(BuildId id, std::optional<QueueEntry> queue);

  // The reserved agent gets the offer, or the reservation ends.
  Awaitable<void> offer(BuildId id, AgentId agent);
  // Accepted was said (or shown by Resume): commit and send Start. Repeats change nothing.
  Awaitable<void> start(AssignmentId id, AgentId agent);
  // Not started: back to the queue. Started: nothing.
  Awaitable<void> give_back(AssignmentId id, AgentId agent, std::string reason);
  // The agent is gone: what had started is over, and perhaps run again; what had not goes back to the queue.
  Awaitable<void> release(AgentId agent, WorkLoss loss);
  // The agent came back without the build that it had started.
  Awaitable<void> forgotten(AssignmentId id, std::string sentence);

  // Reports. An error: what no honest agent says; nothing of it is kept.
  Awaitable<Status> step_started(protocol::StepStarted report, AgentId agent);
  Awaitable<Status> step_finished(protocol::StepFinished report, AgentId agent);
  Awaitable<Status> build_finished(protocol::BuildFinished report, AgentId agent, ConnectionId connection);
  // An assignment that is not open: tell the agent what became of it.
  Awaitable<void> answer_unknown(AssignmentId id, AgentId agent);

  // Of builds that are forgotten.
  Awaitable<void> remove_logs();

  void send_cancel(const BuildEntry& entry);

 private:
  enum class ReportKind { fresh, repeated, refused };
  void take_in(store::SubmittedBuild submitted);
  ReportKind judge_report(const BuildPtr& entry, AssignmentId id, const AgentId& agent, std::uint64_t report);
  template <class Report>
  Awaitable<Status> apply_step(Report report, AgentId agent);
  // The build's turn is held.
  ReportFrame frame_of(const BuildEntry& entry) const;
  void acknowledge_end(const NodeEntry& node, AssignmentId id);
  // From its start until the server ends it, because its agent did not.
  Duration time_allowed(const model::BuildSpec& spec) const;
  Awaitable<Result<protocol::WorkSpec>> make_work(model::BuildSpec spec);
  Awaitable<void> send_offer(BuildPtr entry, AgentId agent, protocol::WorkSpec work);
  Awaitable<void> return_work(BuildPtr entry, std::string reason);
  Awaitable<void> finish(BuildPtr entry, store::FinishBuild finish, std::string log_note = {});
  void note_end(const model::Build& build, const AgentId& agent) const;
  Awaitable<void> lose(BuildPtr entry, WorkLoss loss);
  static policy::RetryVerdict judge_retry(const BuildEntry& entry, const policy::BuildLoss& loss);
  Awaitable<void> abort_unstarted(BuildPtr entry);
  store::FinishBuild make_end(const protocol::BuildFinished& report, const BuildEntry& entry) const;
  Awaitable<void> retain(JobPath job);
  Awaitable<void> finish_removals();
  Awaitable<std::size_t> remove_forgotten_logs();
  void unreserve(const BuildPtr& entry, const AgentId& agent);
  void publish(const BuildEntry& entry);
  void add_rows_to_timeline(BuildExplanation& told) const;

  Core& core_;
  runtime::Gate removals_;
  base::Counter& late_reports_;
  base::Histogram& queue_wait_;
};

}  // namespace footman::controller
