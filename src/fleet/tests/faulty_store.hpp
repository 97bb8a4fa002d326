// The real store with a fault on request: moves that write answer "no space left" while `full`.
#pragma once

#include <memory>
#include <utility>

#include "store/store.hpp"

namespace footman::fleet::testing {

using namespace footman::base;
using runtime::Awaitable;

class FaultyStore final : public store::Store {
 public:
  explicit FaultyStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}
  bool full = false;
  int writes = 0;  // moves of agents

  Awaitable<Result<store::OpenState>> load_open_state() override { return inner_->load_open_state(); }
  Awaitable<Status> record_shutdown(bool clean, Instant now) override {
    return inner_->record_shutdown(clean, now);
  }
  Awaitable<Status> back_up(std::string path) override { return inner_->back_up(std::move(path)); }
  Awaitable<Result<model::Job>> create_job(model::Job job) override {
    return inner_->create_job(std::move(job));
  }
  Awaitable<Result<model::Job>> save_job(model::Job job) override { return inner_->save_job(std::move(job)); }
  Awaitable<Status> delete_job(JobPath path) override { return inner_->delete_job(std::move(path)); }
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override {
    return inner_->submit_build(std::move(build));
  }
  Awaitable<Result<model::Build>> request_cancel(BuildId build, std::string reason, Instant now) override {
    return inner_->request_cancel(build, std::move(reason), now);
  }
  Awaitable<Result<model::Assignment>> offer_assignment(QueueItemId item, AgentId agent, std::uint64_t epoch,
                                                        Instant now) override {
    return inner_->offer_assignment(item, std::move(agent), epoch, now);
  }
  Awaitable<Result<model::Assignment>> accept_assignment(AssignmentId id, Instant now) override {
    return inner_->accept_assignment(id, now);
  }
  Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, Instant now) override {
    return inner_->start_assignment(id, now);
  }
  Awaitable<Status> return_assignment(AssignmentId id, std::string reason, Instant now) override {
    return inner_->return_assignment(id, std::move(reason), now);
  }
  Awaitable<Status> record_step(model::StepRecord step) override {
    return inner_->record_step(std::move(step));
  }
  Awaitable<Result<model::Build>> finish_build(store::FinishBuild finish) override {
    return inner_->finish_build(std::move(finish));
  }
  Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents) override {
    ++writes;
    if (full) return refuse<Status>();
    return inner_->record_launch_intents(std::move(agents));
  }
  Awaitable<Result<model::Agent>> change_agent(store::AgentChange change) override {
    ++writes;
    if (full) return refuse<Result<model::Agent>>();
    return inner_->change_agent(std::move(change));
  }
  Awaitable<Status> register_node(model::Node node) override {
    return inner_->register_node(std::move(node));
  }
  Awaitable<Result<model::Node>> redeem_node(store::Redemption redemption) override {
    return inner_->redeem_node(std::move(redemption));
  }
  Awaitable<Result<model::Node>> change_node(AgentId agent, bool draining, bool revoked) override {
    return inner_->change_node(std::move(agent), draining, revoked);
  }
  Awaitable<Status> count_refused(AgentId agent) override { return inner_->count_refused(std::move(agent)); }
  Awaitable<Status> remove_node(AgentId agent) override { return inner_->remove_node(std::move(agent)); }
  Awaitable<Status> add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) override {
    return inner_->add_timeline(std::move(subject), std::move(entries));
  }
  Awaitable<Result<model::Build>> get_build(BuildId id) override { return inner_->get_build(id); }
  Awaitable<Result<model::Build>> get_build_by_number(JobPath job, std::int64_t number) override {
    return inner_->get_build_by_number(std::move(job), number);
  }
  Awaitable<Result<std::vector<model::Build>>> list_builds(store::BuildFilter filter) override {
    return inner_->list_builds(std::move(filter));
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments(BuildId build) override {
    return inner_->list_assignments(build);
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments_of_agent(AgentId agent) override {
    return inner_->list_assignments_of_agent(std::move(agent));
  }
  Awaitable<Result<std::vector<model::StepRecord>>> list_steps(AssignmentId assignment) override {
    return inner_->list_steps(assignment);
  }
  Awaitable<Result<std::vector<model::LogStream>>> list_streams(BuildId build) override {
    return inner_->list_streams(build);
  }
  Awaitable<Result<model::QueueItem>> get_item(QueueItemId id) override { return inner_->get_item(id); }
  Awaitable<Result<model::Agent>> get_agent(AgentId id) override { return inner_->get_agent(std::move(id)); }
  Awaitable<Result<std::vector<model::Agent>>> list_agents(store::AgentFilter filter) override {
    return inner_->list_agents(std::move(filter));
  }
  Awaitable<Result<std::vector<model::TimelineEntry>>> list_timeline(std::string subject) override {
    return inner_->list_timeline(std::move(subject));
  }
  Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) override {
    return inner_->find_setting(std::move(key));
  }
  Awaitable<Status> save_setting(std::string key, std::string value) override {
    return inner_->save_setting(std::move(key), std::move(value));
  }
  Awaitable<Result<std::vector<StreamId>>> forget_builds(JobPath job, std::uint32_t keep,
                                                         Instant older_than) override {
    return inner_->forget_builds(std::move(job), keep, older_than);
  }
  void close() override { inner_->close(); }

 private:
  template <class T>
  static Awaitable<T> refuse() {
    co_return fail(Errc::resource_exhausted, "no space left");
  }
  std::unique_ptr<store::Store> inner_;
};

}  // namespace footman::fleet::testing
