// A store in memory for the controller's tests: it keeps what was written over a "restart", answers one turn
// later, as the real one does, and fails on request.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/awaitable.hpp"
#include "store/store.hpp"

namespace footman::controller::testing {

using namespace footman::base;
using runtime::Awaitable;

// The rows of one database. A move checks the states as the contract says and aborts nothing half-way.
class FakeStore final : public store::Store {
 public:
  std::map<JobPath, model::Job> jobs;
  std::map<BuildId, model::Build> builds;
  std::map<QueueItemId, model::QueueItem> items;
  std::map<AssignmentId, model::Assignment> assignments;
  std::map<StreamId, model::LogStream> streams;
  std::map<AgentId, model::Node> nodes;
  std::map<std::pair<AssignmentId, std::uint32_t>, model::StepRecord> steps;
  std::map<std::string, std::vector<model::TimelineEntry>> timelines;
  std::map<std::string, std::pair<std::string, BuildId>> keys;  // idempotency key → request hash, build
  bool full = false;                                            // every move fails with resource_exhausted

  Awaitable<Result<store::OpenState>> load_open_state() override;
  Awaitable<Status> record_shutdown(bool clean, Instant now) override;
  Awaitable<Status> back_up(std::string path) override;
  Awaitable<Result<model::Job>> create_job(model::Job job) override;
  Awaitable<Result<model::Job>> save_job(model::Job job) override;
  Awaitable<Status> delete_job(JobPath path) override;
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override;
  Awaitable<Result<model::Build>> request_cancel(BuildId build, std::string reason, Instant now) override;
  Awaitable<Result<model::Assignment>> offer_assignment(QueueItemId item, AgentId agent, std::uint64_t epoch,
                                                        Instant now) override;
  Awaitable<Result<model::Assignment>> accept_assignment(AssignmentId id, Instant now) override;
  Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, Instant now) override;
  Awaitable<Status> return_assignment(AssignmentId id, std::string reason, Instant now) override;
  Awaitable<Status> record_step(model::StepRecord step) override;
  Awaitable<Result<model::Build>> finish_build(store::FinishBuild finish) override;
  Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents) override;
  Awaitable<Result<model::Agent>> change_agent(store::AgentChange change) override;
  Awaitable<Status> register_node(model::Node node) override;
  Awaitable<Result<model::Node>> redeem_node(store::Redemption redemption) override;
  Awaitable<Result<model::Node>> change_node(AgentId agent, bool draining, bool revoked) override;
  Awaitable<Status> count_refused(AgentId agent) override;
  Awaitable<Status> remove_node(AgentId agent) override;
  Awaitable<Status> add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) override;
  Awaitable<Result<model::Build>> get_build(BuildId id) override;
  Awaitable<Result<model::Build>> get_build_by_number(JobPath job, std::int64_t number) override;
  Awaitable<Result<std::vector<model::Build>>> list_builds(store::BuildFilter filter) override;
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments(BuildId build) override;
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments_of_agent(AgentId agent) override;
  Awaitable<Result<std::vector<model::StepRecord>>> list_steps(AssignmentId assignment) override;
  Awaitable<Result<std::vector<model::LogStream>>> list_streams(BuildId build) override;
  Awaitable<Result<model::QueueItem>> get_item(QueueItemId id) override;
  Awaitable<Result<model::Agent>> get_agent(AgentId id) override;
  Awaitable<Result<std::vector<model::Agent>>> list_agents(store::AgentFilter filter) override;
  Awaitable<Result<std::vector<model::TimelineEntry>>> list_timeline(std::string subject) override;
  Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) override;
  Awaitable<Status> save_setting(std::string key, std::string value) override;
  Awaitable<Result<std::vector<StreamId>>> forget_builds(JobPath job, std::uint32_t keep,
                                                         Instant older_than) override;
  void close() override {}

 private:
  Awaitable<Status> turn() const;  // one executor turn; resource_exhausted when full
  template <class Map, class Id>
  static Result<typename Map::mapped_type> get(const Map& map, const Id& id);
};

}  // namespace footman::controller::testing
