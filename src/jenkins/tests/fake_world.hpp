// A Jenkins (the strict double), agents that connect to it as agent.jar does, a JenkinsController that looks
// at it, and about as much of a fleet as it takes to launch and end agents; in virtual time. For tests.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jenkins/jenkins_controller.hpp"
#include "runtime/manual_clock.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::jenkins::testing {

using fake_jenkins::BuildResult;
using fake_jenkins::FakeJenkins;
using fake_jenkins::Fault;
using fake_jenkins::Job;
using fake_jenkins::Right;
using ports::AgentActivity;

class MemoryBook final : public NodeBook {
 public:
  runtime::Awaitable<Result<std::vector<NodeRecord>>> load(ControllerName controller) override;
  runtime::Awaitable<Status> put(NodeRecord record) override;
  runtime::Awaitable<Status> erase(ControllerName controller, AgentId agent) override;

  runtime::Awaitable<Result<std::vector<std::string>>> load_violations(ControllerName controller) override;
  runtime::Awaitable<Status> save_violations(ControllerName controller,
                                             std::vector<std::string> sentences) override;

  std::map<AgentId, NodeRecord> records;
  std::vector<std::string> violations;
  bool fails = false;
  int puts = 0;
};

class DoubleTransport final : public Transport {
 public:
  DoubleTransport(FakeJenkins& jenkins, runtime::Clock& clock) : jenkins_(jenkins), clock_(clock) {}
  runtime::Awaitable<Result<Answer>> send(Request request) override;
  std::size_t sent = 0;
  std::function<void(const std::string& path, Answer& answer)> edit;  // on its way; may be null
  Duration latency{0};                                                // a request arrives so much later

 private:
  FakeJenkins& jenkins_;
  runtime::Clock& clock_;
};

class FakeWorld {
 public:
  explicit FakeWorld(std::vector<ServedLabels> served = {{{"linux", "big"}, false}});
  ~FakeWorld();
  FakeWorld(const FakeWorld&) = delete;
  FakeWorld& operator=(const FakeWorld&) = delete;

  // --- time
  Instant now() const { return clock.now(); }
  void run(Duration time) {
    (void)run_until([] { return false; }, time);
  }
  // True once it holds; false: not within that time.
  bool run_until(const std::function<bool()>& holds, Duration limit = 60s);
  template <class T>
  T wait(runtime::Awaitable<T> coroutine) {
    auto place = std::make_shared<std::optional<T>>();
    tools_->spawn("test", runtime::keep_result(place, std::move(coroutine)));
    REQUIRE(run_until([place] { return place->has_value(); }));
    return std::move(**place);
  }

  // --- the server
  JenkinsParts parts(NodeBook& its_book, Transport& its_way);
  void start();
  void stop();   // in order
  void crash();  // drops it where it is
  void restart(Duration down = 0s);

  // --- Jenkins
  void add_freestyle(const std::string& name, const std::string& label, std::optional<Duration> takes = 1s);
  void add_pipeline(const std::string& name, std::vector<std::string> labels,
                    std::optional<Duration> takes = 1s);
  std::int64_t trigger(const std::string& job);
  bool is_over(const std::string& job, int number = 1) const;
  std::vector<std::string> agent_nodes() const;  // of Footman's, without placeholders
  std::size_t starts_on(const std::string& node) const;
  bool placeholders_stand() const;

  // --- agents: processes that try to connect again every ten seconds
  struct Machine {
    std::string node;
    std::string secret;
    std::uint64_t connection = 0;  // 0: none
    Instant next_try;
  };
  void start_machine(const AgentId& id, const std::string& secret);
  void kill_machine(const AgentId& id);

  // --- the fleet: one agent for each item, ended when it is done, lost or not needed
  bool has_fleet = true;
  Duration launch_time = 2s;
  std::map<std::string, Duration> launch_times;  // of agents that are launched for these jobs; else that
  std::uint32_t max_builds = 1;
  std::size_t cap = 1000;  // agents at once
  std::vector<std::string> former_prefixes;
  std::function<std::vector<const JenkinsController*>()> sections;       // of the configuration; may be null
  Result<Secret> new_token = base::fail(base::Errc::not_found, "none");  // in place of that of the settings
  struct Agent {
    AgentId id;
    std::string item;
    bool launched = false;  // its machine was started
    bool acting = false;    // in this life of the server
    bool ending = false;
    ports::AgentObservation seen;
  };
  std::map<AgentId, Agent> agents;
  std::vector<std::string> launched_for;      // keys, in order
  std::map<AgentId, ports::AgentEnd> wishes;  // agents that are to end, and why

  runtime::ManualClock clock;
  std::unique_ptr<FakeJenkins> jenkins;
  JenkinsSettings settings;
  MemoryBook book;
  std::unique_ptr<DoubleTransport> transport;
  std::unique_ptr<JenkinsController> controller;
  base::Metrics metrics;
  std::vector<BuildRun> builds;
  std::map<std::string, std::string> results;  // by title
  bool left = false;
  std::map<AgentId, Machine> machines;

 private:
  bool is_free(const Agent& agent) const;
  Duration time_to_launch(const std::string& item) const;
  void open();
  void settle();
  void step_machines();
  void step_fleet();
  void match(const std::vector<ports::DemandItem>& demand);
  runtime::Awaitable<void> launch(AgentId id);
  runtime::Awaitable<void> end(AgentId id, bool if_free);

  std::unique_ptr<boost::asio::io_context> io_;
  std::unique_ptr<runtime::Scope> tools_;
  int next_agent_ = 0;
};

// No call that the double takes for wrong, and no build too many.
void check_clean(const FakeWorld& world);
bool is_quiet(const FakeWorld& world);  // all is as before any build

}  // namespace footman::jenkins::testing
