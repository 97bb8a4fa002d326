// What breaks at a Jenkins, and what its people do.
#include <fmt/format.h>

#include "jenkins/placeholders.hpp"
#include "sim/jenkins.hpp"

namespace footman::sim {

using base::AgentId;
using fake_jenkins::Fault;

namespace {

constexpr Duration kLongestSilence = 40s;  // shorter than a launch deadline
constexpr Duration kAfterRestart = 30s;
constexpr Duration kStuckFor = 20min;  // then people end runs that wait for a node that nobody brings back

}  // namespace

void SimJenkins::begin() {
  calm_ = false;
  trigger();
  break_now_and_then(60s, &SimJenkins::cut_off);
  break_now_and_then(90s, &SimJenkins::restart);
  break_now_and_then(20s, &SimJenkins::spoil_calls);
  break_now_and_then(120s, &SimJenkins::refuse_token);
  break_now_and_then(60s, &SimJenkins::kill_one);
  break_now_and_then(60s, &SimJenkins::cut_connection);
  break_now_and_then(60s, &SimJenkins::delete_node);
  break_now_and_then(30s, &SimJenkins::cancel);
}

void SimJenkins::calm_down() {
  calm_ = true;
  loop_.after(kStuckFor, [this] { abort_the_stuck(); });
}

// In some seeds never.
void SimJenkins::break_now_and_then(Duration every, Trouble trouble) {
  if (dice_.chance(0.35)) return;
  break_again(every, trouble);
}

void SimJenkins::break_again(Duration every, Trouble trouble) {
  loop_.after(dice_.jitter(every), [this, every, trouble] {
    if (calm_) return;
    (this->*trouble)();
    settle();
    break_again(every, trouble);
  });
}

void SimJenkins::begin_woe() {
  ++woes_;
  on_trouble();
}

void SimJenkins::end_woe_after(Duration length, std::function<void()> undo) {
  loop_.after(length, [this, call = std::move(undo)] {
    call();
    --woes_;
    reached_since_ = loop_.now();
    on_trouble();
    settle();
  });
}

// Calls get no answer; some of them arrive all the same.
void SimJenkins::cut_off() {
  if (cut_) return;
  note("cannot be reached by the server");
  witness_.count(Happening::controller_cut_off);
  cut_ = true;
  begin_woe();
  end_woe_after(dice_.between(Duration(1s), kLongestSilence), [this] {
    note("is reached again");
    cut_ = false;
  });
}

void SimJenkins::restart() {
  if (!jenkins_->is_up()) return;
  const bool is_clean = dice_.chance(0.5);
  const auto down = dice_.between(Duration(2s), Duration(20s));
  note(is_clean ? "is started anew" : "crashes");
  witness_.count(Happening::jenkins_restarted);
  begin_woe();
  jenkins_->restart(is_clean, down, now());
  end_woe_after(down + kAfterRestart, [this] { restarted_ = loop_.now(); });
}

// Lost before or after their effect, slow, or a proxy's pages come in place of answers.
void SimJenkins::spoil_calls() {
  static const std::vector<Fault::Kind> kKinds = {Fault::Kind::proxy_page, Fault::Kind::lost_request,
                                                  Fault::Kind::lost_answer, Fault::Kind::slow};
  static const std::vector<std::string> kPaths = {"",     "doCreateItem", "toggleOffline", "doDelete",
                                                  "jnlp", "/queue/",      "/computer/api"};
  static const std::vector<int> kStatus = {502, 200, 403, 302};
  Fault fault;
  fault.kind = dice_.pick(kKinds);
  fault.path = dice_.pick(kPaths);
  fault.times = static_cast<int>(dice_.between(std::uint64_t{1}, 5));
  fault.status = dice_.pick(kStatus);
  fault.takes = dice_.between(Duration(0), Duration(5s));
  note(fmt::format("spoils {} calls of '{}' ({})", fault.times, fault.path, static_cast<int>(fault.kind)));
  witness_.count(Happening::calls_spoiled);
  begin_woe();
  jenkins_->add_fault(std::move(fault));
  end_woe_after(dice_.between(Duration(2s), Duration(10s)), [this] { jenkins_->clear_faults(); });
}

void SimJenkins::refuse_token() {
  note("refuses the token");
  witness_.count(Happening::token_refused);
  begin_woe();
  jenkins_->set_token("scaler", "another-token");
  end_woe_after(dice_.between(Duration(1s), Duration(60s)),
                [this] { jenkins_->set_token("scaler", "scaler-token"); });
}

std::vector<std::string> SimJenkins::machines() const {
  std::vector<std::string> names;
  names.reserve(machines_.size());
  for (const auto& [name, machine] : machines_) names.push_back(name);
  return names;
}

void SimJenkins::kill_one() {
  const auto all = machines();
  if (all.empty()) return;
  const auto machine = dice_.pick(all);
  const auto& agent = machines_.at(machine).agent;
  note("the agent " + agent.str() + " is killed");
  witness_.disturbed_agents.insert(agent.str());
  lose_machine(machine);
  on_exit(machine, "the agent was killed by signal 9");
}

// It comes back after a while.
void SimJenkins::cut_connection() {
  const auto all = machines();
  if (all.empty()) return;
  auto& machine = machines_.at(dice_.pick(all));
  if (machine.connection == 0) return;
  note("the connection of agent " + machine.agent.str() + " is cut");
  witness_.disturbed_agents.insert(machine.agent.str());
  jenkins_->disconnect_agent(std::exchange(machine.connection, 0), now());
  machine.next_try = now() + dice_.jitter(Duration(10s));
}

void SimJenkins::delete_node() {
  std::vector<std::string> nodes;
  for (const auto& [name, computer] : jenkins_->computers())
    if (find_agent(name) != nullptr && !computer.deleted) nodes.push_back(name);
  if (nodes.empty()) return;
  const auto node = dice_.pick(nodes);
  note("somebody deletes node " + node);
  witness_.count(Happening::node_deleted);
  witness_.disturbed_agents.insert(find_agent(node)->str());
  (void)ask_as_admin(jenkins::Requests("admin", base::Secret("admin-token")).delete_node(node));
}

// A build that waits, or one that runs.
void SimJenkins::cancel() {
  if (!jenkins_->is_up()) return;
  const auto items = jenkins_->waiting_items();
  if (!items.empty() && dice_.chance(0.6)) {
    const auto id = dice_.pick(items)->id;
    note(fmt::format("item {} is cancelled", id));
    return (void)jenkins_->cancel(id, now());
  }
  const auto& starts = jenkins_->starts();
  if (starts.empty()) return;
  const auto& start = starts[dice_.below(starts.size())];
  const auto* run = jenkins_->find_run(start.job, start.number);
  if (run == nullptr || !run->building) return;
  note(fmt::format("build {} #{} is stopped", start.job, start.number));
  (void)jenkins_->stop(start.job, start.number, now());
}

// A step that goes on after a restart waits for its node for ever, when that has gone meanwhile.
void SimJenkins::abort_the_stuck() {
  for (const auto& [job, number] : std::set(open_runs_))
    for (const auto& block : jenkins_->find_run(job, number)->blocks) {
      const auto* agent = find_agent(block.node);
      using enum fake_jenkins::BlockRun::State;
      const bool waits = block.state == lost || block.state == resuming;
      if (!waits || agent == nullptr || !is_excused(*agent)) continue;
      note(fmt::format("run {} #{} is stopped: its node {} is gone", job, number, block.node));
      (void)jenkins_->stop(job, number, now());
      break;
    }
  settle();
}

}  // namespace footman::sim
