// A Jenkins that is already there, as a controller of the fleet: it keeps its jobs and queue, and gets a node
// with an agent for each build that waits.
//
// Life cycle: construct, set_on_change(), start(), …, stop(). Everything on the control executor. Between two
// looks at Jenkins nothing costs I/O: demand(), observe_agent() and status() tell what was seen last.
//
// What survives a restart is in the NodeBook: a record stands before its node is made and goes once Jenkins
// shows the node no more. Until Jenkins has been read, the items that agents were launched for are the
// demand, so that nothing on its way is ended and nothing new is launched.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "jenkins/health.hpp"
#include "jenkins/node_book.hpp"
#include "jenkins/overview.hpp"
#include "jenkins/requests.hpp"
#include "jenkins/settings.hpp"
#include "jenkins/transport.hpp"
#include "ports/agent_endpoint.hpp"
#include "ports/controller_port.hpp"
#include "ports/credential_source.hpp"
#include "ports/jenkins_desk.hpp"
#include "runtime/clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::jenkins {

inline constexpr std::size_t kCallsAtOnce = 8;    // about nodes; what is beyond waits
inline constexpr std::size_t kWatchedAtOnce = 4;  // nodes that are asked for alone
inline constexpr Duration kUpkeepAgain = 10s;     // after placeholders could not be put right
inline constexpr Duration kStepAgain = 1s;        // after a step about a node failed
inline constexpr Duration kPutAgain = 2s;         // after the book failed
inline constexpr Duration kResultAfter = 2s;      // a build has its result so long after it left its node
// The pause is at least so many times what a look took, unless a node is open for a last build.
inline constexpr int kShareOfTime = 3;

class JenkinsController;

struct JenkinsParts {
  runtime::Executor control;
  runtime::Clock& clock;
  Transport& transport;
  NodeBook& book;
  base::Logger log;
  base::Metrics& metrics;
  // The folder of its node's builds, where that is not settings.work_folder; may be null.
  std::function<std::string(const ports::AgentRegistration&)> work_folder;
  std::function<void(const BuildRun&)> on_build;  // began, or ended; may be null
  std::function<void(const NodeViolation&)> on_violation = {};
  // How a build ended that on_build told of; empty: Jenkins does not tell, or not yet. May be null.
  std::function<void(const BuildRun&, const std::string& result)> on_result = {};
  std::function<void()> on_left = {};  // see leave(); may be null
  // With what a footman-agent comes to fetch its node's secret, where its cloud gives it no identity; may be
  // null.
  std::function<Secret(const AgentId&, std::uint32_t attempt)> agent_secret = {};
  // The user's token as it is now, asked for when Jenkins does not take it. Nobody waits for it for long;
  // after an error the known one stays. May be null.
  std::function<runtime::Awaitable<Result<Secret>>()> read_token = {};
  // Those of the whole configuration, in its order and this one among them; may be null. Those before it are
  // asked first, and of those that are for one Jenkins the first that finds it has it to itself.
  std::function<std::vector<const JenkinsController*>()> sections = {};
};

class JenkinsController final : public ports::ControllerPort, public ports::CredentialSource {
 public:
  JenkinsController(JenkinsParts parts, JenkinsSettings settings);
  ~JenkinsController() override;

  // Errors: as of NodeBook::load(). Those of sections that stand behind it are started before it: it leaves
  // alone what they know.
  runtime::Awaitable<Status> start();
  runtime::Awaitable<void> stop();
  // A changed configuration, for what is done from now on.
  void set_settings(JenkinsSettings settings);

  base::ControllerName name() const override { return settings_.name; }
  std::optional<ports::AgentEndpoint> find_endpoint(const AgentId& id) const override;
  bool takes_agents() const override { return overview_.serves(); }
  std::vector<ports::DemandItem> demand() const override { return overview_.demand(); }
  runtime::Awaitable<Result<ports::AgentBootstrap>> register_agent(
      ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(AgentId id) const override;
  bool sees_at_work(const AgentId& id) const override { return overview_.sees_stray_at_work(id); }
  runtime::Awaitable<Status> drain_agent(AgentId id) override;
  runtime::Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override { on_change_ = std::move(look_again); }

  // The secrets of nodes, read from Jenkins each time.
  std::optional<ports::CredentialHolder> find_holder(const AgentId& agent) const override;
  runtime::Awaitable<Result<Secret>> redeem(AgentId agent, std::uint32_t attempt,
                                            std::string key_hash) override;

  ports::JenkinsStatus status() const;
  std::string trouble() const;                            // a sentence; empty: all is well
  const Overview& overview() const { return overview_; }  // closer than the status
  // It is not to get agents any more: no demand, the placeholders are removed, no node is opened for a build,
  // idle agents are done, those at work finish. Until the next start; answers with how many placeholders
  // there were. Unavailable: they go later, as soon as Jenkins answers; all else is done.
  runtime::Awaitable<Result<std::size_t>> detach();
  // The same for good. on_left is called when nothing of this installation stands there; then it is left
  // alone.
  void leave();
  void come_back();
  bool leaves() const { return overview_.bond() == Bond::leaves; }
  // Before start(): of names of nodes that may stand there from another configuration.
  void set_former_prefixes(std::vector<std::string> prefixes) {
    overview_.set_former_prefixes(std::move(prefixes));
  }

 private:
  // Who does something about a node has it, alone; looks that were begun before it ends say nothing of it.
  // May go after the controller has, as coroutines of a crashed server do in simulations.
  class NodeHold {
   public:
    NodeHold(LiveNodePtr node, Looks looks);
    NodeHold(NodeHold&&) noexcept = default;
    NodeHold& operator=(NodeHold&&) = delete;
    ~NodeHold();
    LiveNode& operator*() const { return *node_; }
    LiveNode* operator->() const { return node_.get(); }
    const LiveNodePtr& node() const { return node_; }

   private:
    LiveNodePtr node_;
    Looks looks_;
  };
  runtime::Awaitable<NodeHold> take(LiveNodePtr node);

  // --- looks
  runtime::Awaitable<void> look_again_and_again();
  runtime::Awaitable<void> wait_for_earlier();
  // A session of Jenkins, as it was told here.
  struct Sighting {
    std::string session;
    Duration first{0};  // steady: when it was told first
    Duration asked{0};  // when it was asked for what told it last
  };
  std::vector<const JenkinsController*> others() const;
  bool has_to_itself(const std::string& session) const;
  void look_for_twin(Sighting seen, const Sighting& twin_before);
  void set_twin(const JenkinsController* twin);
  bool is_known_to_others(const std::string& node) const;
  runtime::Awaitable<Status> look();
  runtime::Awaitable<bool> renew_token();
  runtime::Awaitable<Result<Queue>> read_queue(Reading* reading);
  runtime::Awaitable<Status> read_computers(Reading* reading);
  runtime::Awaitable<Silence> ask_silence(std::string node);
  runtime::Awaitable<void> read_steps(std::string run);
  runtime::Awaitable<void> ask_jobs();
  void act_on(NextSteps outcome, std::uint64_t look);
  void tell(const NextSteps& outcome);
  runtime::Awaitable<void> ask_result(BuildRun run);
  runtime::Awaitable<void> save_violations();
  ports::JenkinsItem show_item(const JudgedItem& one) const;

  // --- nodes
  runtime::Awaitable<void> work_on(NodeHold node, NodeWork work);
  void watch_if_needed(const LiveNodePtr& node);
  runtime::Awaitable<void> watch(LiveNodePtr node);
  runtime::Awaitable<Status> glance(const LiveNodePtr* node);
  runtime::Awaitable<Status> take_step(LiveNode* node, const NodeWork* work);
  runtime::Awaitable<Status> show_note(LiveNode* node, bool is_held);
  runtime::Awaitable<Status> ask_build(LiveNode* node);
  runtime::Awaitable<Status> ask_node(LiveNode* node);
  runtime::Awaitable<void> write_down(LiveNode* node, bool forget);
  runtime::Awaitable<Status> put(LiveNode* node);
  runtime::Awaitable<Status> make_node(LiveNode* node, std::string folder);
  runtime::Awaitable<Status> check_owner(std::string name);
  runtime::Awaitable<Result<Secret>> read_secret(std::string node);
  runtime::Awaitable<Status> hold_node(std::string name, std::string message);
  runtime::Awaitable<Status> close_node(const LiveNodePtr* node);
  runtime::Awaitable<Status> mourn(LiveNode* node);
  runtime::Awaitable<Status> erase_node(LiveNode* node);
  Result<LiveNodePtr> find_or_plan(const ports::AgentRegistration& registration);
  bool died_with_build(const NodeRecord& record, const ports::AgentEnd& end) const;

  // --- builds that were over before they were seen
  runtime::Awaitable<Status> ask_item(LiveNode* node);
  runtime::Awaitable<Status> ask_brief_build(LiveNode* node, std::string build);
  runtime::Awaitable<Status> ask_brief_step(LiveNode* node, bool has_begun);
  runtime::Awaitable<void> ask_missed(QueueItem item);
  runtime::Awaitable<bool> ask_missed_build(const std::string* key, const std::string* build);
  runtime::Awaitable<bool> ask_missed_steps(const std::string* key, const std::string* run);
  runtime::Awaitable<Result<bool>> read_console(std::string run);
  BuildRun run_of(const NodeRecord& record, std::string key, std::string build, const BuildState& told) const;

  // --- placeholders and strays
  runtime::Awaitable<void> keep_up(std::vector<PlaceholderTask> tasks, std::vector<Stray> strays);
  runtime::Awaitable<Result<std::size_t>> remove_placeholders();
  runtime::Awaitable<Status> put_right(const PlaceholderTask* task);

  // --- calls
  runtime::Awaitable<Result<Answer>> call(Request request);  // one of kCallsAtOnce
  runtime::Awaitable<Result<Answer>> send(Request request);
  runtime::Awaitable<Status> change(Request request, std::string what);
  runtime::Awaitable<Result<Computer>> read_node(std::string name, std::string* session = nullptr);

  JenkinsParts parts_;
  JenkinsSettings settings_;
  Requests requests_;
  Overview overview_;
  Health health_;
  std::function<void()> on_change_;
  runtime::Event wake_;
  struct Calls {  // under way
    std::size_t count = 0;
    runtime::Event ended;
  };
  std::shared_ptr<Calls> calls_ = std::make_shared<Calls>();
  runtime::Gate consoles_;  // one is read at a time
  std::size_t watches_ = 0;
  Sighting sighting_;
  const JenkinsController* twin_ = nullptr;  // it has this Jenkins to itself
  Looks looks_ = std::make_shared<std::uint64_t>(0);
  bool keeps_up_ = false;
  std::uint64_t upkeep_fresh_after_ = 0;  // a look
  Duration upkeep_after_{0};
  std::string told_trouble_;
  std::map<std::string, ports::SharedReason, std::less<>> reasons_;
  base::Counter& calls_done_;
  base::Counter& calls_failed_;
  base::Counter& violations_;
  base::Gauge& up_;
  runtime::Scope scope_;  // last: its coroutines use all the rest
};

}  // namespace footman::jenkins
