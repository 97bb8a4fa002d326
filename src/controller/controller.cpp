#include "controller/controller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "controller/builds.hpp"
#include "controller/core.hpp"
#include "controller/jobs.hpp"
#include "controller/nodes.hpp"
#include "controller/queue_loop.hpp"
#include "controller/sessions.hpp"

namespace footman::controller {

struct Controller::Impl {
  Impl(ControllerParts parts, ControllerConfig config)
      : core(std::move(parts), std::move(config), sessions),
        builds(core),
        jobs(core, builds),
        nodes(core, builds),
        queue(core, builds),
        sessions(core, builds, nodes) {}

  // Only keeps the reference to `sessions`, which calls come to once the hub serves.
  Core core;
  Builds builds;
  Jobs jobs;
  Nodes nodes;
  QueueLoop queue;
  Sessions sessions;

  NodeView view_of(const NodeEntry& node) const {
    NodeView view;
    view.node = node.node;
    view.observation = core.observe(node);
    if (node.work) view.build = *node.work;
    if (node.host) view.host = *node.host;
    return view;
  }
};

Controller::Controller(ControllerParts parts, ControllerConfig config)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(config))) {}
Controller::~Controller() = default;

Awaitable<Status> Controller::start(store::OpenState state) {
  auto& self = *impl_;
  if (!state.installation.empty()) self.sessions.set_installation(state.installation);
  for (auto& job : state.jobs) {
    auto path = job.path;
    self.core.jobs.emplace(std::move(path), std::move(job));
  }
  self.nodes.take_over(state);
  self.builds.take_over(state);
  self.nodes.resume_losses();
  self.core.scope.spawn("queue", self.queue.run());
  self.core.scope.spawn("watch agents", self.nodes.watch());
  co_return Status();
}

Awaitable<void> Controller::stop() {
  auto& core = impl_->core;
  if (core.stopping) co_return;
  core.stopping = true;
  core.proofs.cancel();  // or their agents' connections would not end
  co_await runtime::run_on(
      core.parts.net, core.hub->stop({protocol::GoodbyeCode::shutting_down, "the server restarts", true}));
  core.scope.cancel();
  co_await core.proofs.join();
  co_await core.scope.join();
}

AgentHub& Controller::agents() { return *impl_->core.hub; }

// --- builds

Awaitable<Result<store::SubmittedBuild>> Controller::submit_build(SubmitRequest request) {
  auto build = impl_->jobs.make_build(std::move(request));
  if (!build) co_return std::unexpected(build.error());
  co_return co_await impl_->core.owned("submit", impl_->builds.submit(std::move(*build)));
}

Awaitable<Result<model::Build>> Controller::cancel_build(BuildId build, std::string reason) {
  co_return co_await impl_->core.owned("cancel", impl_->builds.cancel(build, std::move(reason)));
}

Awaitable<Result<BuildExplanation>> Controller::explain_build(BuildId build) {
  return impl_->builds.explain(build, impl_->queue.find_entry(build));
}

std::size_t Controller::count_doubtful() const { return impl_->core.count_doubtful(); }

Awaitable<Result<std::size_t>> Controller::release_doubtful(std::string text) {
  co_return co_await impl_->core.owned("release", impl_->builds.release_doubtful(std::move(text)));
}

// --- jobs

Awaitable<Result<model::Job>> Controller::create_job(model::Job job) {
  co_return co_await impl_->core.owned("create job", impl_->jobs.create(std::move(job)));
}

Awaitable<Result<model::Job>> Controller::save_job(model::Job job) {
  co_return co_await impl_->core.owned("save job", impl_->jobs.save(std::move(job)));
}

Awaitable<Status> Controller::delete_job(JobPath path) {
  co_return co_await impl_->core.owned("delete job", impl_->jobs.remove(std::move(path)));
}

Error Controller::unknown_job(const JobPath& path) const { return impl_->jobs.unknown(path); }

std::vector<model::Job> Controller::list_jobs() const {
  std::vector<model::Job> all;
  for (const auto& [path, job] : impl_->core.jobs) all.push_back(job);
  return all;
}

std::optional<model::Job> Controller::find_job(const JobPath& path) const {
  const auto it = impl_->core.jobs.find(path);
  if (it == impl_->core.jobs.end()) return std::nullopt;
  return it->second;
}

// --- views

std::vector<QueueEntry> Controller::queue() const { return impl_->queue.entries(); }

void Controller::add_wait_reasons(std::vector<model::Build>& builds) const {
  const auto waits = [](const model::Build& build) { return build.state == model::BuildState::queued; };
  if (std::ranges::none_of(builds, waits)) return;
  std::map<BuildId, std::string> reasons;
  for (auto& entry : impl_->queue.entries()) reasons[entry.item.build] = std::move(entry.reason.text);
  for (auto& build : builds)
    if (waits(build)) build.reason = reasons[build.id];  // it may have started meanwhile
}

std::optional<QueueEntry> Controller::find_queue_entry(BuildId build) const {
  return impl_->queue.find_entry(build);
}

std::vector<NodeView> Controller::list_nodes() const {
  std::vector<NodeView> all;
  for (const auto& [id, node] : impl_->core.nodes) all.push_back(impl_->view_of(*node));
  std::sort(all.begin(), all.end(),
            [](const NodeView& a, const NodeView& b) { return a.node.agent < b.node.agent; });
  return all;
}

std::optional<NodeView> Controller::find_node(const AgentId& agent) const {
  const auto* node = impl_->core.find_node(agent);
  if (node == nullptr) return std::nullopt;
  return impl_->view_of(*node);
}

bool Controller::storage_full() const { return impl_->core.storage_full(); }

// --- ControllerPort

ControllerName Controller::name() const { return impl_->core.config.name; }

std::vector<ports::DemandItem> Controller::demand() const { return impl_->queue.demand(); }

ports::DemandNews Controller::demand_since(std::uint64_t version) {
  return impl_->queue.demand_since(version);
}

std::optional<model::Node> Controller::make_row(const ports::AgentRegistration& registration) const {
  return impl_->nodes.make_row(registration);
}

Awaitable<Result<ports::AgentBootstrap>> Controller::register_agent(ports::AgentRegistration registration) {
  co_return co_await impl_->core.owned("register agent",
                                       impl_->nodes.register_agent(std::move(registration)));
}

ports::AgentObservation Controller::observe_agent(AgentId id) const {
  const auto* node = impl_->core.find_node(id);
  return node == nullptr ? ports::AgentObservation() : impl_->core.observe(*node);
}

ports::AgentNews Controller::agents_since(std::uint64_t version) {
  return impl_->core.changed_nodes.take(version);
}

Awaitable<Status> Controller::drain_agent(AgentId id) {
  co_return co_await impl_->core.owned(
      "drain agent", impl_->nodes.drain(std::move(id), model::EndReason::drained, "drained"));
}

Awaitable<Status> Controller::remove_agent(AgentId id, ports::AgentEnd end) {
  co_return co_await impl_->core.owned("remove agent", impl_->nodes.remove(std::move(id), std::move(end)));
}

void Controller::agent_ended(AgentId id) { impl_->core.agent_ended(id); }

void Controller::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  impl_->queue.set_wait_reason(item_key, std::move(reason));
}

void Controller::set_on_change(std::function<void()> look_again) {
  impl_->core.on_change = std::move(look_again);
}

}  // namespace footman::controller
