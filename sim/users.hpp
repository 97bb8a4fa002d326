// People and their scripts: they create and edit jobs, submit builds (and ask again with the same key when
// the answer is lost), cancel, look, and meddle with agents. Their calls go to the server through a network
// that loses answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/scope.hpp"
#include "sim/caller.hpp"
#include "sim/server.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

struct UserHabits {
  std::uint32_t users = 2;
  std::uint32_t builds_each = 5;
  Duration between_builds = 10s;  // typical
  double lost_answers = 0.05;
  double cancels = 0.15;
  bool edits_jobs = true;
  bool meddles_with_agents = true;
  // Once nothing breaks, short builds come one after the other for as long as one with another label waits.
  std::vector<std::string> rush_labels;  // of the short ones, for each of them; none: no rush
  std::string other_label;
  std::uint32_t most_lines = 30;
  Duration line_gap = 200ms;
  double long_steps = 0.05;  // share of steps that go on when the lease of their agent is over
  Duration long_line_gap = 3s;
};

class SimUsers {
 public:
  SimUsers(SimLoop& loop, ServerNode& server, Witness& witness, std::uint64_t seed, UserHabits habits,
           std::vector<std::string> labels, base::Logger log);
  SimUsers(const SimUsers&) = delete;
  SimUsers& operator=(const SimUsers&) = delete;
  ~SimUsers();

  // From now on nothing is broken: calls are answered, jobs are put right, what can never run is cancelled.
  void calm_down();
  // All have done what they wanted.
  bool done() const { return scope_->running() == 0; }

 private:
  static runtime::Awaitable<void> create_jobs(SimUsers* self);
  static runtime::Awaitable<void> live(SimUsers* self, std::uint32_t user);
  static runtime::Awaitable<void> edit_jobs(SimUsers* self);
  static runtime::Awaitable<void> meddle(SimUsers* self);
  static runtime::Awaitable<void> rush(SimUsers* self);
  runtime::Awaitable<void> submit_long(std::string key, std::string label);
  runtime::Awaitable<void> submit(std::string key, Dice dice);
  runtime::Awaitable<void> ask_again(std::string key, Act<base::Result<store::SubmittedBuild>> act);
  runtime::Awaitable<void> look_after(std::string key, Dice dice);
  runtime::Awaitable<void> cancel(std::string key, std::string why);
  runtime::Awaitable<void> explain(std::string key);
  controller::SubmitRequest make_request(const std::string& key, Dice& dice);
  Script make_script(const std::string& key, std::uint32_t step, Dice& dice, bool may_fail) const;
  model::Job make_job(const std::string& path, Dice& dice) const;

  SimLoop& loop_;
  ServerNode& server_;
  Witness& witness_;
  Dice dice_;
  UserHabits habits_;
  std::vector<std::string> labels_;
  std::vector<model::Job> jobs_;  // as the users want them
  bool calm_ = false;
  Life life_;
  runtime::Executor executor_;
  NodeClock clock_;
  Caller caller_;
  std::unique_ptr<runtime::Scope> scope_;
};

}  // namespace footman::sim
