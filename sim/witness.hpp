// Who sees what really happened, beside all rows and messages: the witness's word is what the invariants are
// held against. The first broken invariant ends the run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/work.hpp"
#include "sim/script.hpp"

namespace footman::sim {

struct Violation {
  std::string invariant;  // stable word, see invariants.hpp
  std::string text;
  base::Duration at{0};
};

// What one user asked for, and what came of it.
struct Submission {
  std::string key;              // also the request's idempotency key
  base::BuildId build;          // as answered; empty: no answer yet
  std::vector<Script> scripts;  // its steps
  bool cancelled = false;       // somebody may have asked for its end
  base::Duration timeout{0};    // of the build; 0: none
};

// What must be seen to happen in enough seeds, beside crashes: counted in the summary of a run.
enum class Happening : std::uint8_t {
  clock_set,
  cloud_paused,
  config_changed,
  list_repeated,   // a machine twice in one list
  stray_appeared,  // a machine of ours that no database knows
  doubt_raised,    // the database says that it may be an old one
  hold_released,   // what a start-up comparison held back is ended, as a person has said
  breaker_opened,
  template_disabled,  // the cloud had refused it for good
  template_mended,
  launched_again,  // for an item whose agent was lost before it took it
  pool_launched,   // a row for a pool
  form_launched,   // a machine of another size or price than its template says
  throttled,       // an answer of a cloud, to any call
  wish_told,       // with it, of a time before which it wants no launch
  launch_answer_lost,
  without_capacity,  // the answer to a launch
  slow_boot,         // for more than half a minute
  dead_boot,         // the agent of a machine ends at once
  no_boot,           // a machine never comes up
  reclaimed,         // a machine on which an agent ran
  host_failed,       // of a machine that runs
  run_again,         // a build that was lost in one of these two ways and is to be run again
  connection_cut,
  connection_half_open,
  agent_cut_off,       // from the server
  cut_off_for_long,    // some agents, for longer than their lease
  lost_in_silence,     // a build of an agent that was cut off, once the lease is over
  server_cut_off,      // from everybody
  second_controller,   // there is one
  controller_cut_off,  // that one, from the server
  jenkins_there,       // the second controller is one
  jenkins_restarted,
  calls_spoiled,  // to it: lost before or after their effect, slow, pages of proxies in place of answers
  token_refused,
  node_deleted,    // by hand
  crash_at_point,  // of runtime/crash_points.hpp
  crash_before_commit,
  crash_after_commit,
};
inline constexpr auto kHappenings = std::to_array<std::string_view>({
    "clocks set",
    "clouds paused",
    "configurations changed",
    "machines listed twice",
    "strays",
    "doubtful starts",
    "holds released",
    "breakers opened",
    "templates disabled",
    "templates mended",
    "launches anew",
    "launches for pools",
    "other forms launched",
    "throttled calls",
    "wishes of clouds",
    "lost answers to launches",
    "launches without capacity",
    "slow boots",
    "dead boots",
    "boots without end",
    "machines reclaimed",
    "hosts failed",
    "taken builds run again",
    "connections cut",
    "connections half-open",
    "agents cut off",
    "long cuts",
    "builds lost in silence",
    "servers cut off",
    "second controllers",
    "controllers cut off",
    "Jenkinses",
    "Jenkinses restarted",
    "calls of a Jenkins spoiled",
    "tokens refused",
    "nodes deleted by hand",
    "crashes at points",
    "crashes before commits",
    "crashes after commits",
});
static_assert(kHappenings.size() == static_cast<std::size_t>(Happening::crash_after_commit) + 1);
using Happenings = std::array<std::uint64_t, kHappenings.size()>;

class Witness {
 public:
  explicit Witness(std::function<base::Duration()> now);

  void report(std::string_view invariant, std::string text) {
    if (!violation_) violation_ = Violation{std::string(invariant), std::move(text), now_()};
  }
  const std::optional<Violation>& violation() const { return violation_; }

  // --- steps of builds, as the agents run them
  void step_started(const std::string& key, std::uint32_t step, const std::string& agent);
  void step_ended(const std::string& key, std::uint32_t step, bool by_itself);
  // It runs no more, however that came about: its machine may be gone.
  void step_gone(const std::string& key, const std::string& agent) { running_.erase({key, agent}); }
  bool has_started(const std::string& key) const { return started_.contains(key); }
  bool began_on(const std::string& key, const std::string& agent) const {
    return began_on_.contains({key, agent});
  }
  // As many builds of this submission are there, one in place of the other; each may run once.
  void allow_runs(const std::string& key, std::uint32_t builds) {
    allowed_[key] = std::max(allowed_[key], builds);
  }
  // Steps of the newest run that came to their own end.
  std::uint32_t steps_completed(const std::string& key) const;

  // --- finished builds: however often and wherever they are seen, they are the same
  void see_finished(const model::Build& build, std::string_view where);

  // --- secrets: values that must be seen nowhere
  void add_secret(std::string value) { secrets_.push_back(std::move(value)); }
  // Reports when the text holds one.
  void look_for_secrets(std::string_view where, std::string_view text);

  // --- what was broken, and what came of it
  void count(Happening what) { ++happened_[static_cast<std::size_t>(what)]; }
  const Happenings& happened() const { return happened_; }
  void count_crash(std::string_view place);                               // of the server
  const std::vector<std::uint64_t>& crashes() const { return crashes_; }  // as crash_places()

  // --- clouds that people have paused: surely, since; and those that may be
  std::map<base::CloudName, base::Duration> paused;
  std::set<base::CloudName> maybe_paused;

  std::map<std::string, Submission> submissions;
  std::set<std::string> disturbed_agents;   // killed, frozen, reclaimed: their builds may fail
  std::set<std::string> ended_by_people;    // agents whose end a person may have asked for
  std::set<std::string> drained_by_people;  // the same
  base::Duration config_changed{-1};        // last; somebody may have asked for that

 private:
  std::function<base::Duration()> now_;
  std::optional<Violation> violation_;
  Happenings happened_{};
  std::vector<std::uint64_t> crashes_;
  std::map<std::string, std::map<std::uint32_t, std::string>> started_;  // step → agent
  std::set<std::pair<std::string, std::string>> began_on_;               // key, agent
  std::set<std::pair<std::string, std::string>> running_;                // the same
  std::map<std::string, std::set<std::uint32_t>> completed_;
  std::map<std::string, std::uint32_t> allowed_;  // runs; none: 1
  std::map<std::string, std::uint32_t> runs_;     // so far
  std::map<base::BuildId, std::string> finished_;
  std::vector<std::string> secrets_;
};

}  // namespace footman::sim
