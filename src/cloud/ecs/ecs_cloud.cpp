#include "cloud/ecs/ecs_cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cloud/ecs/api.hpp"
#include "cloud/ecs/clean_up.hpp"
#include "cloud/ecs/definitions.hpp"
#include "cloud/ecs/event_queue.hpp"
#include "cloud/ecs/identity.hpp"
#include "cloud/ecs/last_lines.hpp"
#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/survey_calls.hpp"
#include "cloud/ecs/task_table.hpp"
#include "ecs/capacity.hpp"
#include "ecs/run_task.hpp"
#include "ecs/stale_definitions.hpp"
#include "ecs/stop_reason.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/task_identity.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using ports::FailureClass;
using ports::LaunchFailure;
using ports::LaunchHandle;
using ports::LaunchResult;
using ports::LaunchSpec;
using ports::Resource;
using ports::ResourceState;

constexpr Duration kTokenLifetime = 20h;  // AWS keeps client tokens for about a day
// Between two lists of all tasks; in between the table answers. The fleet looks with each change, and a list
// costs a call for each hundred tasks.
constexpr Duration kListPause = 2min;
constexpr Duration kStopAgain = 60s;  // a task that was asked to stop and does not is asked again
constexpr Duration kOwnExit = 30s;
constexpr Duration kQueuePause = 15s;  // after a queue that could not be read
// After a look that failed, doubled with each further one.
constexpr Duration kLookPause = 10s;
constexpr Duration kLongestLookPause = 2min;

std::unexpected<LaunchFailure> refuse(FailureClass failure, std::string message) {
  return std::unexpected(LaunchFailure{failure, true, {}, std::move(message)});
}
std::unexpected<LaunchFailure> unknown(std::string message) {
  return std::unexpected(LaunchFailure{FailureClass::transient, false, {}, std::move(message)});
}
// A refusal of ECS says in its text more than in its code.
LaunchFailure as_launch_failure(const aws::CallFailure& failure) {
  LaunchFailure out{failure.failure, failure.definite, failure.retry_at, failure.message};
  if (!failure.definite || failure.code.empty() || failure.failure == FailureClass::throttled) return out;
  const auto why = ecs::explain_error(failure.code, failure.message);
  if (why.cause != ecs::StopCause::unknown) out.failure = why.failure;
  return out;
}

// It does not pass by itself.
bool is_for_good(const aws::CallFailure& failure) {
  return failure.failure == FailureClass::permission || failure.failure == FailureClass::configuration;
}

LaunchQuota quota_of(const ecs::Capacity& capacity) {
  if (capacity.kind == ecs::CapacityKind::launch_type)
    return capacity.launch_type == ecs::LaunchType::fargate ? LaunchQuota::fargate : LaunchQuota::none;
  if (ecs::find_compatibility(capacity) != ecs::Compatibility::fargate) return LaunchQuota::none;
  const bool spot = std::ranges::any_of(
      capacity.providers, [](const auto& one) { return one.name == "FARGATE_SPOT" && one.weight > 0; });
  return spot ? LaunchQuota::fargate_spot : LaunchQuota::fargate;
}

// Of a task that an earlier life of the server launched: which container is the agent's.
std::string find_container(const ecs::Task& task) {
  const auto is_ours = [](const auto& one) { return one.name == ecs::kAgentContainerName; };
  if (task.containers.empty() || std::ranges::any_of(task.containers, is_ours))
    return std::string(ecs::kAgentContainerName);
  return task.containers.front().name;
}

// Marks a token as being launched.
class Leave {
 public:
  Leave(std::set<std::string>& tokens, const std::string& token) : tokens_(tokens), token_(token) {}
  Leave(const Leave&) = delete;
  Leave& operator=(const Leave&) = delete;
  ~Leave() { tokens_.erase(token_); }

 private:
  std::set<std::string>& tokens_;
  const std::string& token_;
};

struct Clients {
  std::unique_ptr<aws::Client> ecs;
  std::unique_ptr<aws::Client> network;  // EC2
  std::unique_ptr<aws::Client> logs;
  std::unique_ptr<aws::Client> queue;  // null: no queue is configured
};

class EcsCloudImpl final : public EcsCloud {
 public:
  EcsCloudImpl(EcsCloudConfig config, EcsCloudParts parts, footman::aws::ProofPlace proof_place,
               Clients clients)
      : config_(std::move(config)),
        parts_(parts),
        proof_place_(std::move(proof_place)),
        clients_(std::move(clients)),
        api_(*clients_.ecs, config_.options.cluster.empty() ? "default" : config_.options.cluster),
        definitions_(api_, parts_.outside.clock, parts_.outside.log),
        last_lines_(api_, *clients_.logs, config_.options.region, parts_.outside.clock, parts_.outside.log,
                    [this](const std::string& arn, std::string lines) { note_lines(arn, std::move(lines)); }),
        clean_up_(api_, definitions_,
                  {config_.installation, config_.options.tag_prefix, [this] { return listed_.is_set(); },
                   [this] { return list_families_in_use(); },
                   [this](const TemplateName& name) { return config_.elsewhere.contains(name); }},
                  parts_.outside.clock, parts_.outside.even, parts_.outside.log),
        scope_(parts_.control, parts_.outside.log) {}

  CloudName name() const override { return config_.name; }
  ports::CloudLimits limits() const override { return {0, kTokenLifetime, kMissingGrace, kOwnExit}; }
  void set_templates(Templates templates, std::set<TemplateName> elsewhere) override {
    config_.templates = std::move(templates);
    config_.elsewhere = std::move(elsewhere);
  }
  void suspect(const std::string& handle) override {
    table_.suspect(handle, now());
    wake_.notify();
  }
  void set_on_change(std::function<void()> look_again) override { look_again_ = std::move(look_again); }
  void start() override {
    scope_.spawn("ecs tasks of " + config_.name.str(), follow());
    scope_.spawn("ecs last lines of " + config_.name.str(), last_lines_.run());
    scope_.spawn("ecs definitions of " + config_.name.str(), clean_up_.run());
    if (clients_.queue) scope_.spawn("ecs events of " + config_.name.str(), read_events());
  }
  Awaitable<void> stop() override {
    scope_.cancel();
    co_await scope_.join();
  }

  Result<std::vector<ports::Variant>> freeze(const TemplateName& name) const override;
  Awaitable<LaunchResult> launch(LaunchSpec spec) override;
  Awaitable<Result<std::vector<Resource>>> observe() override;
  Awaitable<Result<Resource>> find_by_token(std::string client_token) override;
  Awaitable<Result<Resource>> terminate(std::string handle, std::string client_token) override;
  Awaitable<ports::ProofAnswer> check_proof(std::string handle, std::string frozen,
                                            ports::IdentityProof proof) override;

 private:
  Awaitable<LaunchResult> run_task(const LaunchSpec* spec, const LaunchOptions* options);
  Awaitable<std::expected<void, LaunchFailure>> provide_definition(const ecs::TemplateOptions& wanted,
                                                                   ecs::RunTaskInput* input);
  Result<ecs::TaskDefinition> make_definition(const ecs::TemplateOptions& wanted,
                                              const TemplateName& name) const;
  std::set<std::string> list_families_in_use() const;
  Awaitable<LaunchResult> find_launched(const LaunchSpec* spec, const aws::CallFailure* conflict);
  void choose_subnet(const ecs::TemplateOptions& wanted, ecs::RunTaskInput& input);
  Awaitable<void> look_at_subnets();
  LaunchFailure judge_placement(const ecs::TaskFailure& failure, const ecs::Texts& subnets);
  Awaitable<void> follow();
  Awaitable<void> look();
  void note_look(const aws::CallFailure* failure);  // null: it succeeded
  bool note_task(ecs::Task task);                   // whether anything has changed that the fleet cares for
  bool note_missing(const std::string& arn);
  void ask_for_words(Tracked& one);
  void note_lines(const std::string& arn, std::string lines);
  Awaitable<void> read_events();
  void set_events(bool readable, const std::string& reason);
  Awaitable<Status> list_all(bool with_stopped);
  Awaitable<Status> learn(std::vector<std::string> arns);
  void adopt(Task task);
  Resource resource_of(const Tracked& one) const;
  Instant now() const { return parts_.outside.even.now(); }
  void tell() const {
    if (look_again_) look_again_();
  }

  EcsCloudConfig config_;
  EcsCloudParts parts_;
  footman::aws::ProofPlace proof_place_;
  Clients clients_;
  Api api_;
  Definitions definitions_;
  LastLines last_lines_;
  CleanUp clean_up_;
  Subnets subnets_;
  TaskTable table_;
  std::set<std::string> launching_;  // tokens of calls under way
  std::function<void()> look_again_;
  runtime::Gate listing_;
  Instant listed_;                // even, the start of the last list that succeeded
  Instant stopped_listed_;        // of the last one with those that have stopped
  std::set<std::string> others_;  // tasks that have stopped and are not ours
  bool events_readable_ = false;
  std::optional<aws::CallFailure> look_failure_;  // of the last look
  Duration look_pause_{0};
  runtime::Event wake_;  // of follow()
  runtime::Scope scope_;
};

Result<std::vector<ports::Variant>> EcsCloudImpl::freeze(const TemplateName& name) const {
  const auto found = config_.templates.find(name);
  if (found == config_.templates.end())
    return fail(Errc::not_found, fmt::format("cloud {} has no template {}", config_.name.str(), name.str()));
  return list_variants(found->second);
}

// --- launch

Awaitable<LaunchResult> EcsCloudImpl::launch(LaunchSpec spec) {
  if (const auto* known = table_.find_token(spec.client_token)) co_return LaunchHandle{known->task.arn};
  const auto options = parse_launch_options(spec.options);
  if (!options) co_return refuse(FailureClass::configuration, describe(options.error()));
  if (!launching_.insert(spec.client_token).second) co_return unknown("an earlier call is still under way");
  const Leave leave{launching_, spec.client_token};
  co_return co_await run_task(&spec, &*options);
}

// The caller waits, so pointers are good.
Awaitable<LaunchResult> EcsCloudImpl::run_task(const LaunchSpec* spec, const LaunchOptions* options) {
  const auto& wanted = options->options;
  const bool jenkins = spec->endpoint.program == ports::AgentProgram::jenkins;
  const auto role = jenkins ? ecs::find_jenkins_role(wanted.agent) : ecs::AgentRole::session;
  // A Jenkins takes nothing but its node's secret; one that is fetched is not in the request.
  const bool comes = role == ecs::AgentRole::session || fetches_secret(*spec, role);
  const bool proves = comes && ecs::proves_identity(wanted);
  ecs::RunTaskInput input{spec->installation,
                          spec->agent,
                          spec->template_name,
                          spec->generation,
                          spec->client_token,
                          {},
                          {},
                          options->capacity,
                          options->size,
                          {},
                          make_agent_variables(*spec, role),
                          make_work_tags(spec->work),
                          role};
  if (proves) input.variables.merge(make_proof_variables(proof_place_));
  if (auto there = co_await provide_definition(wanted, &input); !there)
    co_return std::unexpected(std::move(there).error());
  choose_subnet(wanted, input);
  auto request = ecs::make_run_task(wanted, config_.options, input);
  if (!request) co_return refuse(FailureClass::configuration, describe(request.error()));
  auto sent = proves ? Result<Secret>(Secret(std::move(*request)))
                     : ecs::add_secret(*request, comes ? spec->secret : spec->controller_secret, role);
  if (!sent) co_return refuse(FailureClass::configuration, describe(sent.error()));
  auto answer = co_await api_.run_task(std::move(*sent), quota_of(options->capacity));
  if (!answer) {
    const auto& failure = answer.error();
    if (failure.code == "ConflictException") co_return co_await find_launched(spec, &failure);
    if (failure.definite) definitions_.forget(input.task_definition);  // it may have gone since it was found
    co_return std::unexpected(as_launch_failure(failure));
  }
  if (answer->tasks.empty())
    co_return std::unexpected(judge_placement(answer->failures.front(), input.subnets));
  auto& task = answer->tasks.front();
  const LaunchHandle handle{task.arn};
  if (table_.find(task.arn) == nullptr) {
    for (const auto& subnet : input.subnets) subnets_.on_launched(subnet);
    table_.add({spec->client_token, spec->agent, input.container,
                input.subnets.empty() ? std::string() : input.subnets.front()},
               std::move(task), now());
  }
  wake_.notify();
  co_return handle;
}

// By what is known of them: no launch waits for a look.
void EcsCloudImpl::choose_subnet(const ecs::TemplateOptions& wanted, ecs::RunTaskInput& input) {
  if (!ecs::uses_awsvpc(wanted) || wanted.subnets.empty()) return;
  input.subnets = {subnets_.choose(wanted.subnets, input.client_token, now())};
  if (wanted.subnets.size() > 1 && subnets_.begin_look(now()))
    scope_.spawn("ecs subnets of " + config_.name.str(), look_at_subnets());
}

// All of the templates at once. Who may not look spreads launches evenly, as before the first look.
Awaitable<void> EcsCloudImpl::look_at_subnets() {
  std::set<std::string> wanted;
  for (const auto& [name, one] : config_.templates)
    wanted.insert(one.options.subnets.begin(), one.options.subnets.end());
  const auto found = co_await describe_subnets(*clients_.network, {"subnet-id", std::move(wanted)});
  if (found) {
    for (const auto& one : *found) subnets_.set_free(one.id, one.free_addresses, now());
    co_return;
  }
  parts_.outside.log.info("the free addresses of the subnets are not known: launches are spread evenly",
                          {{"error", found.error().message}});
  subnets_.on_refused(now());
}

// Fills in definition and container.
Awaitable<std::expected<void, LaunchFailure>> EcsCloudImpl::provide_definition(
    const ecs::TemplateOptions& wanted, ecs::RunTaskInput* input) {
  if (!wanted.task_definition.empty()) {
    input->task_definition = wanted.task_definition;
    input->container = wanted.container.name;
    if (!input->container.empty()) co_return std::expected<void, LaunchFailure>();
    auto first = co_await definitions_.find_first_container(wanted.task_definition);
    if (!first) co_return std::unexpected(as_launch_failure(first.error()));
    input->container = std::move(*first);
    co_return std::expected<void, LaunchFailure>();
  }
  const auto definition = make_definition(wanted, input->template_name);
  if (!definition) co_return refuse(FailureClass::configuration, describe(definition.error()));
  input->container = definition->container;
  auto revision = co_await definitions_.ensure(definition->family, definition->request);
  if (!revision) co_return std::unexpected(as_launch_failure(revision.error()));
  input->task_definition = std::move(*revision);
  co_return std::expected<void, LaunchFailure>();
}

Result<ecs::TaskDefinition> EcsCloudImpl::make_definition(const ecs::TemplateOptions& wanted,
                                                          const TemplateName& name) const {
  return ecs::make_task_definition(wanted, config_.options,
                                   {config_.installation, name, config_.options.region});
}

// Of the templates as they are now, in all their forms, and of the tasks that live.
std::set<std::string> EcsCloudImpl::list_families_in_use() const {
  std::set<std::string> out;
  for (const auto& [name, one] : config_.templates) {
    if (!one.options.task_definition.empty()) continue;
    for (const auto& variant : list_variants(one)) {
      const auto launch = parse_launch_options(variant.options);
      const auto made = launch ? make_definition(launch->options, name) : std::unexpected(launch.error());
      if (made) out.insert(made->family);
    }
  }
  for (const auto& [arn, one] : table_.all())
    if (!one.is_over()) out.emplace(ecs::family_of(one.task.definition_arn));
  return out;
}

// The token was used with another subnet, by a call whose answer was lost: so there is a task.
Awaitable<LaunchResult> EcsCloudImpl::find_launched(const LaunchSpec* spec,
                                                    const aws::CallFailure* conflict) {
  auto found = co_await find_by_token(spec->client_token);
  if (found) co_return LaunchHandle{found->handle};
  co_return unknown(conflict->message);
}

LaunchFailure EcsCloudImpl::judge_placement(const ecs::TaskFailure& failure, const ecs::Texts& subnets) {
  const auto why = ecs::explain_failure(failure);
  if (why.failure == FailureClass::capacity)
    for (const auto& subnet : subnets) subnets_.on_no_room(subnet, now());
  return {why.failure, true, {}, why.sentence};
}

// --- identity

Awaitable<ports::ProofAnswer> EcsCloudImpl::check_proof(std::string handle, std::string frozen,
                                                        ports::IdentityProof proof) {
  auto options = parse_launch_options(frozen);
  if (!options) co_return ports::ProofAnswer{ports::ProofVerdict::wrong, describe(options.error())};
  co_return co_await check_task_identity(parts_.outside, proof_place_, std::move(handle),
                                         std::move(options->options), std::move(proof),
                                         now() + clients_.ecs->clock_skew());
}

// --- look

Awaitable<Result<std::vector<Resource>>> EcsCloudImpl::observe() {
  if (!listed_.is_set() || now() >= listed_ + kListPause)
    FOOTMAN_CO_TRY_STATUS(co_await list_all(!stopped_listed_.is_set()));
  table_.forget_old(now());
  // Nobody would learn of a task's end: this is no list to go by.
  if (look_failure_ && is_for_good(*look_failure_) && table_.next_due().is_set())
    co_return std::unexpected(to_error(*look_failure_));
  std::vector<Resource> out;
  out.reserve(table_.all().size());
  for (const auto& [arn, one] : table_.all()) out.push_back(resource_of(one));
  co_return out;
}

Awaitable<Result<Resource>> EcsCloudImpl::find_by_token(std::string client_token) {
  if (const auto* known = table_.find_token(client_token)) co_return resource_of(*known);
  FOOTMAN_CO_TRY_STATUS(co_await list_all(true));
  if (const auto* known = table_.find_token(client_token)) co_return resource_of(*known);
  co_return fail(Errc::not_found, "no task was launched with token " + client_token);
}

// What runs, and with_stopped what has ended within the hour, as long as ECS keeps that. First what runs:
// what ends meanwhile is among those that have.
Awaitable<Status> EcsCloudImpl::list_all(bool with_stopped) {
  const auto asked = now();
  const auto pass = co_await listing_.enter();
  const auto last = with_stopped ? stopped_listed_ : listed_;
  if (last.is_set() && last >= asked) co_return Status();  // somebody else did meanwhile
  const auto begun = now();
  auto arns = co_await api_.list_running(ecs::make_started_by(config_.installation));
  if (!arns) co_return std::unexpected(to_error(arns.error()));
  std::set<std::string> seen(arns->begin(), arns->end());
  if (with_stopped) {
    arns = co_await api_.list_stopped();
    if (!arns) co_return std::unexpected(to_error(arns.error()));
    seen.insert(arns->begin(), arns->end());
    std::erase_if(others_, [&](const auto& arn) { return !seen.contains(arn); });
  }
  std::vector<std::string> unknown_arns;
  for (const auto& arn : seen)
    if (table_.find(arn) == nullptr && !others_.contains(arn)) unknown_arns.push_back(arn);
  FOOTMAN_CO_TRY_STATUS(co_await learn(std::move(unknown_arns)));
  for (const auto& [arn, one] : table_.all())
    if (!one.is_over() && !seen.contains(arn) && one.launched + kMissingGrace < begun)
      table_.look_at(arn, now());
  wake_.notify();
  listed_ = begun;
  if (with_stopped) stopped_listed_ = begun;
  co_return Status();
}

Awaitable<Status> EcsCloudImpl::learn(std::vector<std::string> arns) {
  for (std::size_t at = 0; at < arns.size(); at += kDescribedAtOnce) {
    const auto end = std::min(arns.size(), at + kDescribedAtOnce);
    auto described = co_await api_.describe_tasks(
        {arns.begin() + static_cast<std::ptrdiff_t>(at), arns.begin() + static_cast<std::ptrdiff_t>(end)});
    if (!described) co_return std::unexpected(to_error(described.error()));
    for (auto& task : described->tasks) adopt(std::move(task));
  }
  co_return Status();
}

// Of an earlier life of the server. Others' are left alone, also those that use our `startedBy`.
void EcsCloudImpl::adopt(ecs::Task task) {
  const auto tag = [&](std::string_view name) {
    const auto found = task.tags.find(config_.options.tag_prefix + std::string(name));
    return found == task.tags.end() ? std::string() : found->second;
  };
  auto token = tag(ecs::kTokenTag);
  if (tag(ecs::kInstallationTag) != config_.installation.str() || token.empty()) {
    if (ecs::find_phase(task) == ecs::TaskPhase::gone) others_.insert(task.arn);
    return;
  }
  if (table_.find(task.arn) != nullptr) return;
  Owner owner{std::move(token), AgentId(tag(ecs::kAgentTag)), find_container(task), {}};
  ask_for_words(table_.add(std::move(owner), std::move(task), now()));
}

Awaitable<void> EcsCloudImpl::follow() {
  while (true) {
    const auto next = table_.next_due();
    if (!next.is_set())
      co_await wake_.wait();
    else if (next > now())
      (void)co_await wake_.wait_for(parts_.outside.clock, next - now());
    co_await look();
    if (look_failure_) co_await runtime::sleep_for(parts_.outside.clock, look_pause_);
  }
}

Awaitable<void> EcsCloudImpl::look() {
  auto arns = table_.due(now(), kDescribedAtOnce);
  if (arns.empty()) co_return;
  auto described = co_await api_.describe_tasks(std::move(arns));
  note_look(described ? nullptr : &described.error());
  if (!described) co_return;
  bool changed = false;
  for (auto& task : described->tasks) changed |= note_task(std::move(task));
  for (const auto& failure : described->failures)
    if (failure.reason == "MISSING") changed |= note_missing(failure.arn);
  if (changed) tell();
}

void EcsCloudImpl::note_look(const aws::CallFailure* failure) {
  const auto code = [](const aws::CallFailure* one) { return one == nullptr ? std::string() : one->code; };
  const auto* before = look_failure_ ? &*look_failure_ : nullptr;
  const bool is_new = (failure == nullptr) != (before == nullptr) || code(failure) != code(before);
  look_pause_ = failure == nullptr ? Duration(0) : std::clamp(look_pause_ * 2, kLookPause, kLongestLookPause);
  look_failure_ = failure == nullptr ? std::nullopt : std::optional(*failure);
  if (!is_new) return;
  if (failure == nullptr)
    parts_.outside.log.info("tasks are described again");
  else
    parts_.outside.log.warning("tasks are not described", {{"error", failure->message}});
  tell();
}

// ECS may find only after its answer that a subnet has no address left.
bool EcsCloudImpl::note_task(ecs::Task task) {
  auto* known = table_.find(task.arn);
  const bool was_over = known == nullptr || known->is_over();
  const bool changed = table_.update(std::move(task), now());
  if (known != nullptr) ask_for_words(*known);
  if (!changed) return false;
  if (!was_over && known->is_over() && !known->subnet().empty() && ecs::lacked_address(known->task))
    subnets_.on_no_room(known->subnet(), now());
  return true;
}

bool EcsCloudImpl::note_missing(const std::string& arn) {
  if (!table_.on_missing(arn, now())) return false;
  ask_for_words(*table_.find(arn));
  return true;
}

// Once; nothing waits for them.
void EcsCloudImpl::ask_for_words(Tracked& one) {
  if (one.words_asked || !ended_badly(one)) return;
  one.words_asked = true;
  last_lines_.want({one.task.arn, one.task.id, one.task.definition_arn, one.owner.container});
}

void EcsCloudImpl::note_lines(const std::string& arn, std::string lines) {
  auto* one = table_.find(arn);
  if (one == nullptr) return;
  one->last_lines = std::move(lines);
  if (one->is_over()) tell();
}

Awaitable<void> EcsCloudImpl::read_events() {
  EventQueue queue(*clients_.queue, config_.options.event_queue_url);
  while (true) {
    auto events = co_await queue.receive();
    set_events(events.has_value(), events ? std::string() : events.error().message);
    if (!events) {
      co_await runtime::sleep_for(parts_.outside.clock, kQueuePause);
      continue;
    }
    bool changed = false;
    for (auto& task : events->tasks) changed |= note_task(std::move(task));
    if (changed) tell();
    if (events->receipts.empty()) continue;
    if (auto removed = co_await queue.remove(std::move(events->receipts)); !removed)
      parts_.outside.log.warning("events stay in the queue", {{"error", removed.error().message}});
  }
}

// Without the queue tasks are looked at as if there were none.
void EcsCloudImpl::set_events(bool readable, const std::string& reason) {
  table_.set_events(readable);
  if (readable == events_readable_) return;
  events_readable_ = readable;
  if (!readable)
    parts_.outside.log.warning("the queue of events cannot be read: tasks are described instead",
                               {{"queue", config_.options.event_queue_url}, {"error", reason}});
}

Resource EcsCloudImpl::resource_of(const Tracked& one) const {
  Resource out{config_.installation,
               one.owner.agent,
               one.owner.token,
               one.task.arn,
               ResourceState::running,
               {},
               {},
               {},
               false,
               {}};
  const auto tag = one.task.tags.find(config_.options.tag_prefix + std::string(ecs::kTemplateTag));
  if (tag != one.task.tags.end()) out.template_name = base::TemplateName(tag->second);
  for (const auto& step : ecs::list_steps(one.task)) out.steps.push_back({step.at, step.what});
  out.created =
      one.task.created_at.is_set() ? one.task.created_at : parts_.outside.even.on_wall(one.launched);
  if (one.is_over()) {
    out.state = ResourceState::gone;
    out.last_lines = one.last_lines;
    if (one.is_missing) {
      out.death.text = "ECS does not know the task any more.";
    } else {
      auto why = ecs::explain_stop(one.task, one.owner.container);
      out.death = std::move(why.death);
      if (why.cause != ecs::StopCause::ours) out.failure = why.failure;
      out.reclaimed = why.end_reason == footman::model::EndReason::notice;
    }
  } else if (one.stop_asked.is_set() || ecs::find_phase(one.task) == ecs::TaskPhase::stopping) {
    out.state = ResourceState::stopping;
  } else if (ecs::find_phase(one.task) == ecs::TaskPhase::starting) {
    out.state = ResourceState::starting;
  }
  return out;
}

// --- end

Awaitable<Result<Resource>> EcsCloudImpl::terminate(std::string handle, std::string client_token) {
  auto* known = handle.empty() ? table_.find_token(client_token) : table_.find(handle);
  if (known == nullptr) known = table_.find_token(client_token);
  if (known == nullptr && handle.empty()) {
    FOOTMAN_CO_TRY_STATUS(co_await list_all(true));
    known = table_.find_token(client_token);
    if (known == nullptr)
      co_return Resource{config_.installation, {}, client_token, {}, ResourceState::gone, {}, {}, {}, false};
  }
  if (known != nullptr) {
    handle = known->task.arn;
    // It ends already; asked for only if that takes long.
    if (!known->stop_asked.is_set() && ecs::find_phase(known->task) == ecs::TaskPhase::stopping)
      known->stop_asked = now();
    if (known->is_over() || (known->stop_asked.is_set() && now() < known->stop_asked + kStopAgain))
      co_return resource_of(*known);
  }
  auto stopped = co_await api_.stop_task(
      handle, std::string(ecs::kOurStopReason) + "the agent " + client_token + " is no longer needed");
  if (!stopped) co_return std::unexpected(to_error(stopped.error()));
  known = table_.find(handle);
  if (known == nullptr) {
    ecs::Task task;
    task.arn = handle;
    if (*stopped) task = **stopped;
    auto container = find_container(task);
    known = &table_.add({client_token, {}, std::move(container)}, std::move(task), now());
  }
  if (*stopped) {
    known->stop_asked = now();
    (void)table_.update(std::move(**stopped), now());
    ask_for_words(*known);
  } else {
    (void)note_missing(handle);  // gone, unless it is so new that ECS may not know it yet
  }
  wake_.notify();
  co_return resource_of(*known);
}

}  // namespace

Result<std::unique_ptr<EcsCloud>> create_ecs_cloud(EcsCloudConfig config, EcsCloudParts parts) {
  const auto make_client = [&](const aws::Service& service, aws::CallLimits limits = {}) {
    const auto& said = config.options.endpoint;
    const auto own = said.urls.find(std::string(service.name));
    return aws::Client::create({service,
                                config.options.region,
                                {said.fips, said.dual_stack, own == said.urls.end() ? said.url : own->second},
                                limits},
                               parts.outside, &parts.credentials, &parts.rates);
  };
  Clients clients;
  FOOTMAN_TRY(clients.ecs, make_client(aws::kEcs));
  FOOTMAN_TRY(clients.network, make_client(aws::kEc2));
  aws::CallLimits few;
  few.attempts = 2;
  few.time = few.attempt = kLinesCallTime;
  FOOTMAN_TRY(clients.logs, make_client(aws::kLogs, few));
  if (!config.options.event_queue_url.empty()) {
    FOOTMAN_TRY(clients.queue, make_client(aws::kSqs));
  }
  FOOTMAN_TRY(auto proof_place, find_proof_place(config.options));
  return std::make_unique<EcsCloudImpl>(std::move(config), parts, std::move(proof_place), std::move(clients));
}

}  // namespace footman::cloud::ecs
