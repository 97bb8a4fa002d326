// The store as one life of the server sees it: the real one, behind a disk that takes its time, can be full,
// and now and then fails. Everything else is passed on. Planted bugs override moves (canaries.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/wait.hpp"
#include "sim/loop.hpp"
#include "store/store.hpp"

namespace footman::sim {

struct StoreTrouble {
  bool full = false;
  double io_error = 0;
  // What the database says of itself: a database in memory has no home that could be another one.
  std::shared_ptr<std::string> doubt = std::make_shared<std::string>();
  std::shared_ptr<bool> doubtful_items = std::make_shared<bool>(false);  // what waits at a start is, too
};

class BentStore : public store::Store {
 public:
  using BuildId = base::BuildId;
  using AgentId = base::AgentId;
  using AssignmentId = base::AssignmentId;
  using Status = base::Status;
  template <class T>
  using Result = base::Result<T>;
  template <class T>
  using Awaitable = runtime::Awaitable<T>;

  BentStore(store::Store& real, runtime::Clock& clock, Dice dice, const StoreTrouble& trouble)
      : real_(real), clock_(clock), dice_(dice), trouble_(trouble) {}

  Awaitable<Result<store::OpenState>> load_open_state() override {
    auto state = co_await ask(real_.load_open_state());
    if (!state) co_return state;
    state->doubt = *trouble_.doubt;
    for (auto& item : state->items) item.in_doubt = *trouble_.doubtful_items;
    co_return state;
  }
  Awaitable<Status> record_shutdown(bool clean, base::Instant now) override {
    return write(real_.record_shutdown(clean, now));
  }
  Awaitable<Status> settle_doubt() override {
    auto settled = co_await write(real_.settle_doubt());
    if (settled) trouble_.doubt->clear();
    co_return settled;
  }
  Awaitable<Status> release_items() override {
    auto released = co_await write(real_.release_items());
    if (released) *trouble_.doubtful_items = false;
    co_return released;
  }
  Awaitable<Status> back_up(std::string path) override { return real_.back_up(std::move(path)); }
  Awaitable<Result<model::Job>> create_job(model::Job job) override {
    return write(real_.create_job(std::move(job)));
  }
  Awaitable<Result<model::Job>> save_job(model::Job job) override {
    return write(real_.save_job(std::move(job)));
  }
  Awaitable<Result<bool>> delete_job(base::JobPath path) override {
    return write(real_.delete_job(std::move(path)));
  }
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override {
    return write(real_.submit_build(std::move(build)));
  }
  Awaitable<Result<model::Build>> request_cancel(BuildId build, std::string reason,
                                                 base::Instant now) override {
    return write(real_.request_cancel(build, std::move(reason), now));
  }
  Awaitable<Result<model::Assignment>> offer_assignment(base::QueueItemId item, AgentId agent,
                                                        std::uint64_t epoch, base::Instant now) override {
    return write(real_.offer_assignment(item, std::move(agent), epoch, now));
  }
  Awaitable<Result<model::Assignment>> accept_assignment(AssignmentId id, base::Instant now) override {
    return write(real_.accept_assignment(id, now));
  }
  Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, base::Instant now) override {
    return write(real_.start_assignment(id, now));
  }
  Awaitable<Status> return_assignment(AssignmentId id, std::string reason, base::Instant now) override {
    return write(real_.return_assignment(id, std::move(reason), now));
  }
  Awaitable<Status> record_step(model::StepRecord step) override {
    return write(real_.record_step(std::move(step)));
  }
  Awaitable<Result<store::FinishedBuild>> finish_build(store::FinishBuild finish) override {
    return write(real_.finish_build(std::move(finish)));
  }
  Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents,
                                          std::vector<model::Node> nodes) override {
    return write(real_.record_launch_intents(std::move(agents), std::move(nodes)));
  }
  Awaitable<Result<model::Agent>> change_agent(store::AgentChange change) override {
    return write(real_.change_agent(std::move(change)));
  }
  Awaitable<Result<model::Node>> redeem_node(store::Redemption redemption) override {
    return write(real_.redeem_node(std::move(redemption)));
  }
  Awaitable<Result<model::Node>> change_node(AgentId agent, bool draining, bool revoked,
                                             model::EndReason why) override {
    return write(real_.change_node(std::move(agent), draining, revoked, why));
  }
  Awaitable<Status> count_refused(AgentId agent) override {
    return write(real_.count_refused(std::move(agent)));
  }
  Awaitable<Status> remove_node(AgentId agent) override { return write(real_.remove_node(std::move(agent))); }
  Awaitable<Status> add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) override {
    return write(real_.add_timeline(std::move(subject), std::move(entries)));
  }
  Awaitable<Result<model::Build>> get_build(BuildId id) override { return ask(real_.get_build(id)); }
  Awaitable<Result<model::Build>> get_build_by_number(base::JobPath job, std::int64_t number) override {
    return ask(real_.get_build_by_number(std::move(job), number));
  }
  Awaitable<Result<std::vector<model::Build>>> list_builds(store::BuildFilter filter) override {
    return ask(real_.list_builds(std::move(filter)));
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments(BuildId build) override {
    return ask(real_.list_assignments(build));
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments_of_agent(AgentId agent) override {
    return ask(real_.list_assignments_of_agent(std::move(agent)));
  }
  Awaitable<Result<std::vector<model::StepRecord>>> list_steps(AssignmentId assignment) override {
    return ask(real_.list_steps(assignment));
  }
  Awaitable<Result<std::vector<model::LogStream>>> list_streams(BuildId build) override {
    return ask(real_.list_streams(build));
  }
  Awaitable<Result<model::QueueItem>> get_item(base::QueueItemId id) override {
    return ask(real_.get_item(id));
  }
  Awaitable<Result<model::Agent>> get_agent(AgentId id) override {
    return ask(real_.get_agent(std::move(id)));
  }
  Awaitable<Result<std::vector<model::Agent>>> list_agents(store::AgentFilter filter) override {
    return ask(real_.list_agents(std::move(filter)));
  }
  Awaitable<Result<std::vector<store::LaunchTime>>> list_launch_times(std::size_t of_each) override {
    return ask(real_.list_launch_times(of_each));
  }
  Awaitable<Result<model::Cost>> get_build_cost(BuildId build) override {
    return ask(real_.get_build_cost(build));
  }
  Awaitable<Result<std::vector<store::CostLine>>> list_agent_work(base::AgentId agent) override {
    return ask(real_.list_agent_work(std::move(agent)));
  }
  Awaitable<Result<store::CostPage>> list_costs(store::CostSpan span, store::CostPlace behind) override {
    return ask(real_.list_costs(span, behind));
  }
  Awaitable<Result<std::vector<store::Charge>>> list_charges(base::Instant since,
                                                             base::Instant now) override {
    return ask(real_.list_charges(since, now));
  }
  Awaitable<Result<std::vector<model::TimelineEntry>>> list_timeline(std::string subject) override {
    return ask(real_.list_timeline(std::move(subject)));
  }
  Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) override {
    return ask(real_.find_setting(std::move(key)));
  }
  Awaitable<Result<std::map<std::string, std::string>>> list_settings(std::string prefix) override {
    return ask(real_.list_settings(std::move(prefix)));
  }
  bool is_writable() const override { return real_.is_writable(); }
  Awaitable<Status> save_setting(std::string key, std::string value) override {
    return write(real_.save_setting(std::move(key), std::move(value)));
  }
  Awaitable<Result<std::vector<base::StreamId>>> forget_builds(base::JobPath job, std::uint32_t keep,
                                                               base::Instant older_than) override {
    return write(real_.forget_builds(std::move(job), keep, older_than));
  }
  Awaitable<Result<std::vector<base::StreamId>>> list_forgotten_streams() override {
    return ask(real_.list_forgotten_streams());
  }
  Awaitable<Status> confirm_removed_streams(std::vector<base::StreamId> streams) override {
    return write(real_.confirm_removed_streams(std::move(streams)));
  }
  void close() override {}  // the database outlives the servers

 protected:
  template <class R>
  Awaitable<R> ask(Awaitable<R> question) {
    co_await runtime::sleep_for(clock_, dice_.jitter(base::Duration(20)));
    co_return co_await std::move(question);
  }
  template <class R>
  Awaitable<R> write(Awaitable<R> move) {
    co_await runtime::sleep_for(clock_, dice_.jitter(base::Duration(200)));
    if (trouble_.full) co_return base::fail(base::Errc::resource_exhausted, "database or disk is full");
    if (dice_.chance(trouble_.io_error)) co_return base::fail(base::Errc::io, "disk I/O error");
    co_return co_await std::move(move);
  }

  store::Store& real_;
  runtime::Clock& clock_;
  Dice dice_;
  const StoreTrouble& trouble_;
};

}  // namespace footman::sim
