// The built-in controller: jobs, the queue, builds and the agents' sessions.
//
// Everything is on the control executor unless a function says otherwise. Lifecycle: construct, co_await
// start() once with what the store holds, use, co_await stop() once; destroy after stop() returned, or drop
// the executors (a crash, which it survives by design: every change is committed before it is told to
// anybody). Parts must outlive it. The store is the truth; memory is a projection that start() builds.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "controller/agent_hub.hpp"
#include "controller/config.hpp"
#include "controller/views.hpp"
#include "model/change.hpp"
#include "ports/controller_port.hpp"
#include "ports/credential_source.hpp"
#include "ports/identity_proof.hpp"
#include "ports/log_store.hpp"
#include "runtime/clock.hpp"
#include "runtime/crash_points.hpp"
#include "runtime/feed.hpp"
#include "runtime/rng.hpp"
#include "store/store.hpp"

namespace footman::controller {

struct ControllerParts {
  store::Store& store;
  ports::LogStore& log_store;  // called on the net executor only
  runtime::Clock& clock;
  runtime::Rng& rng;
  runtime::Executor control;
  runtime::Executor net;  // may be the same as control
  runtime::Feed<model::Change>& changes;
  base::Metrics& metrics;
  base::Logger log;
  runtime::CrashPoints crash_points;
  base::Secret server_key;  // of the agents' bootstrap secrets
  // The value of "file:/path" or "env:NAME", read when a build is handed to its agent. Its error's message
  // becomes the build's reason, so it names the reference, never a value.
  std::function<Awaitable<Result<base::Secret>>(std::string reference)> resolve_secret;
  // Of an agent without a secret: does its proof come from the resource that was launched for it? Empty: no
  // proof is right.
  std::function<Awaitable<ports::ProofAnswer>(ports::IdentityClaim claim)> check_proof;
  // Of agents that want no session but a secret for another controller; outlives this. Null: there are none.
  ports::CredentialSource* credentials = nullptr;
};

class Controller final : public ports::ControllerPort {
 public:
  Controller(ControllerParts parts, ControllerConfig config);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  ~Controller() override;

  // Builds the projection and starts the loops. Every session gets a full fresh lease, every secret a full
  // fresh deadline.
  Awaitable<Status> start(store::OpenState state);
  // Takes no more work and says Goodbye to the agents, which keep their builds running and come back. Returns
  // when nothing of the controller runs any more.
  Awaitable<void> stop();

  // The agents' connections (its serve() is for the net executor).
  AgentHub& agents();

  // --- builds
  // invalid_argument (field says which), not_found (job), conflict (disabled job; same key, other request),
  // resource_exhausted (queue full, no space), unavailable (stopping). Idempotent with a key.
  Awaitable<Result<store::SubmittedBuild>> submit_build(SubmitRequest request);
  // In every state. Returns when the wish is durable: the build as it is then, which may still run for its
  // grace. A finished build is answered unchanged. not_found.
  Awaitable<Result<model::Build>> cancel_build(BuildId build, std::string reason);
  Awaitable<Result<BuildExplanation>> explain_build(BuildId build);
  // How many builds wait because they may have run already: the database may be older than what became of
  // them.
  std::size_t count_doubtful() const;
  // A person has said that these may run. `text`: by whom. Returns how many, also 0. Durable.
  Awaitable<Result<std::size_t>> release_doubtful(std::string text);

  // --- jobs
  Awaitable<Result<model::Job>> create_job(model::Job job);  // invalid_argument, already_exists
  Awaitable<Result<model::Job>> save_job(
      model::Job job);                         // replaces all but path, created and numbers; not_found
  Awaitable<Status> delete_job(JobPath path);  // with its builds and logs; conflict while some are open
  std::vector<model::Job> list_jobs() const;   // by path
  std::optional<model::Job> find_job(const JobPath& path) const;
  // Of a path that find_job() does not know: not_found, with the nearest one that there is.
  Error unknown_job(const JobPath& path) const;

  // --- views
  std::vector<QueueEntry> queue() const;  // in the order of submission
  // Builds that wait get why they wait as their reason, which no row tells.
  void add_wait_reasons(std::vector<model::Build>& builds) const;
  std::optional<QueueEntry> find_queue_entry(BuildId build) const;
  std::vector<NodeView> list_nodes() const;
  std::optional<NodeView> find_node(const AgentId& agent) const;
  // No space left for rows or logs: nothing is acknowledged until there is. Recovers by itself.
  bool storage_full() const;

  // --- ControllerPort

  // Item keys are the decimal queue item ids.
  ControllerName name() const override;
  std::vector<ports::DemandItem> demand() const override;
  // Follows its changes for one reader; if there are several, they get complete lists.
  ports::DemandNews demand_since(std::uint64_t version) override;
  ports::AgentNews agents_since(std::uint64_t version) override;
  std::optional<model::Node> make_row(const ports::AgentRegistration& registration) const override;
  Awaitable<Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(AgentId id) const override;
  Awaitable<Status> drain_agent(AgentId id) override;
  Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override;
  void agent_ended(AgentId id) override;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::controller
