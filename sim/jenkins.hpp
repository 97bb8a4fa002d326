// A Jenkins as the second controller, on a host of its own: the strict double of tests/jenkins with jobs,
// agents in Java that connect to it, people who use it, and what breaks there. It survives every crash of the
// server. JenkinsPort is what a life of the server holds of it: a production JenkinsController over a network
// that loses calls before and after their effect.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jenkins/jenkins_controller.hpp"
#include "sim/other.hpp"
#include "sim/witness.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::sim {

struct JenkinsHabits {
  std::uint32_t builds = 0;       // 0: there is no Jenkins
  Duration between_builds = 15s;  // typical
  Duration work = 10s;            // typical
  Duration way = 1ms;             // typical, of a call and of its answer
  std::vector<std::string> labels;
  std::vector<jenkins::ServedLabels> served;
  bool has_fronts = false;  // footman-agent comes first and fetches the node's secret
};

class JenkinsPort;

class SimJenkins final : public OtherController {
 public:
  SimJenkins(SimLoop& loop, Witness& witness, std::uint64_t seed, JenkinsHabits habits);

  void begin() override;
  void calm_down() override;
  bool done() const override;
  std::string what_is_left() const override;
  void check_end() override;

  bool is_reached() const override { return woes_ == 0; }
  Duration reached_since() const override { return reached_since_; }
  std::vector<Waiting> list_waiting() const override;
  std::optional<std::string> find_key(std::int64_t number) const override;
  std::optional<Demanded> find_demanded(const std::string& key, Duration within) const override;
  std::vector<QueuedItem> list_queued() const override;
  std::vector<GivenWork> list_work() const override { return work_; }
  std::optional<Duration> last_work(const base::AgentId& agent) const override;
  Duration may_wait_until() const override;

  bool knows(const base::AgentId& agent) const override { return agents_.contains(agent); }
  ports::AgentActivity activity_of(const base::AgentId& agent) const override;
  void start_agent(const std::string& machine, const ports::LaunchSpec& spec) override;
  void lose_machine(const std::string& machine) override;

  std::unique_ptr<OtherPort> make_port(OtherParts parts) override;

 private:
  friend class JenkinsPort;
  friend class JenkinsWay;
  struct Item {  // that wants an executor
    std::int64_t number = 0;
    std::string label;
    bool queued = false;  // it waits for an executor, and nothing else stands in its way
    Duration changed{0};
    ports::SharedReason reason;  // of this life of the server
  };
  struct Agent {  // of which the server has told
    std::string node;
    std::uint32_t max_builds = 1;
    std::vector<Duration> starts;  // of builds
    bool is_busy = false;
    std::optional<Duration> worked;
  };
  struct Machine {
    base::AgentId agent;
    std::string node;
    std::string secret;
    std::uint64_t connection = 0;  // 0: none
    Instant next_try;
  };
  struct Overrun {  // a build that came to a node that should have had no more
    std::string node;
    Duration at{0};
  };

  Instant now() const { return clock_.now(); }
  void settle();
  void arm();
  void step_machines();
  void note_items();
  void note_item(const fake_jenkins::QueueItem& item, std::set<std::string>& there);
  void note_nodes();
  void note_starts();
  void note_runs();
  void look_at_violations();
  void look_at_overruns();
  bool needs_agent(const std::string& node) const;
  bool is_excused(const base::AgentId& agent) const;
  bool is_excused(const std::string& text) const;
  const base::AgentId* find_agent(const std::string& node) const;
  std::string key_of(const fake_jenkins::QueueItem& item) const;

  // --- jobs and people
  void make_jobs();
  void make_nodes_of_others();
  std::string look_at_nodes_of_others() const;
  void trigger();
  fake_jenkins::Answer ask_as_admin(const jenkins::Request& request);
  void abort_the_stuck();

  // --- what breaks
  using Trouble = void (SimJenkins::*)();
  void break_now_and_then(Duration every, Trouble trouble);
  void break_again(Duration every, Trouble trouble);
  void begin_woe();
  void end_woe_after(Duration length, std::function<void()> undo);
  void cut_off();
  void restart();
  void spoil_calls();
  void refuse_token();
  void kill_one();
  void cut_connection();
  void delete_node();
  void cancel();
  std::vector<std::string> machines() const;

  void note(const std::string& text) { loop_.trace().note(loop_.now(), "jenkins", text); }
  void report(std::string text) { witness_.report("jenkins_is_used_well", std::move(text)); }

  SimLoop& loop_;
  Witness& witness_;
  Dice dice_;
  JenkinsHabits habits_;
  NodeClock clock_;
  Duration clock_offset_{0};
  std::unique_ptr<fake_jenkins::FakeJenkins> jenkins_;
  bool calm_ = true;
  bool cut_ = false;
  int woes_ = 0;
  Duration reached_since_{0};
  Duration restarted_{0};  // 0: never
  Duration armed_for_ = Duration::max();
  std::uint32_t triggered_ = 0;
  std::vector<std::string> freestyles_;
  std::vector<std::string> pipelines_;
  std::map<std::string, int> runs_of_;               // pipelines: runs that were seen
  std::set<std::pair<std::string, int>> open_runs_;  // pipelines: that are not over
  std::map<std::string, Item> items_;
  std::vector<std::string> keys_;               // by number
  std::map<std::int64_t, std::string> key_of_;  // by id; the newest
  std::set<base::AgentId> busy_;
  std::map<base::AgentId, Agent> agents_;
  std::map<std::string, Machine> machines_;
  std::vector<GivenWork> work_;
  std::set<std::pair<std::string, std::string>> given_;  // agent, key
  std::size_t starts_seen_ = 0;
  std::size_t violations_seen_ = 0;
  std::vector<Overrun> overruns_;
  std::set<std::string> told_;  // nodes whose overrun the server has reported
  JenkinsPort* port_ = nullptr;
  Duration port_since_{0};
};

// The way of one life's calls to it.
class JenkinsWay final : public jenkins::Transport {
 public:
  JenkinsWay(SimJenkins& jenkins, runtime::Clock& clock) : jenkins_(jenkins), clock_(clock) {}
  runtime::Awaitable<base::Result<jenkins::Answer>> send(jenkins::Request request) override;

 private:
  SimJenkins& jenkins_;
  runtime::Clock& clock_;
};

class JenkinsPort final : public OtherPort {
 public:
  JenkinsPort(SimJenkins& jenkins, OtherParts parts, jenkins::JenkinsSettings settings);
  JenkinsPort(const JenkinsPort&) = delete;
  JenkinsPort& operator=(const JenkinsPort&) = delete;
  ~JenkinsPort() override;

  ports::CredentialSource* credentials() override { return controller_.get(); }
  runtime::Awaitable<base::Status> start() override { return controller_->start(); }
  runtime::Awaitable<void> stop() override { return controller_->stop(); }
  const jenkins::Overview& overview() const { return controller_->overview(); }
  std::string trouble() const { return controller_->trouble(); }

  base::ControllerName name() const override { return controller_->name(); }
  std::optional<ports::AgentEndpoint> find_endpoint(const base::AgentId& id) const override {
    return controller_->find_endpoint(id);
  }
  std::vector<ports::DemandItem> demand() const override { return controller_->demand(); }
  runtime::Awaitable<base::Result<ports::AgentBootstrap>> register_agent(
      ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(base::AgentId id) const override {
    return controller_->observe_agent(std::move(id));
  }
  runtime::Awaitable<base::Status> drain_agent(base::AgentId id) override {
    return controller_->drain_agent(std::move(id));
  }
  runtime::Awaitable<base::Status> remove_agent(base::AgentId id, ports::AgentEnd end) override {
    return controller_->remove_agent(std::move(id), std::move(end));
  }
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override {
    controller_->set_on_change(std::move(look_again));
  }

 private:
  SimJenkins& jenkins_;
  JenkinsWay way_;
  std::unique_ptr<jenkins::NodeBook> book_;
  std::unique_ptr<jenkins::NodeBook> bent_book_;
  std::unique_ptr<jenkins::Transport> bent_way_;
  std::unique_ptr<jenkins::JenkinsController> controller_;
};

}  // namespace footman::sim
