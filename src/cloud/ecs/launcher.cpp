#include "cloud/ecs/launcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "cloud/ecs/identity.hpp"
#include "cloud/ecs/survey_calls.hpp"
#include "ecs/capacity.hpp"
#include "ecs/forms.hpp"
#include "ecs/run_task.hpp"
#include "ecs/stop_reason.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/task_identity.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using ports::FailureClass;
using ports::LaunchFailure;
using ports::LaunchHandle;
using ports::LaunchResult;
using ports::LaunchSpec;

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

// ECS has no code of its own for it. Nothing was launched, so the token is as good as new.
bool lacks_definition(const aws::CallFailure& failure) {
  return failure.definite && (failure.message.find("TaskDefinition is inactive") != std::string::npos ||
                              failure.message.find("TaskDefinition not found") != std::string::npos);
}

// Then what is known of it may be out of date. A refusal of anything else – capacity, say – leaves it as it
// is.
bool is_about_definition(const aws::CallFailure& failure) {
  const auto text = base::lower_case(failure.message);
  return failure.definite && (text.find("taskdefinition") != std::string::npos ||
                              text.find("task definition") != std::string::npos);
}

LaunchQuota quota_of(const ecs::Capacity& capacity) {
  if (capacity.kind == ecs::CapacityKind::launch_type)
    return capacity.launch_type == ecs::LaunchType::fargate ? LaunchQuota::fargate : LaunchQuota::none;
  if (ecs::find_compatibility(capacity) != ecs::Compatibility::fargate) return LaunchQuota::none;
  const bool spot = std::ranges::any_of(
      capacity.providers, [](const auto& one) { return one.name == "FARGATE_SPOT" && one.weight > 0; });
  return spot ? LaunchQuota::fargate_spot : LaunchQuota::fargate;
}

// Without definition, container and subnets.
ecs::RunTaskInput make_input(const LaunchSpec& spec, const LaunchOptions& options, ecs::AgentRole role) {
  return {spec.installation,
          spec.agent,
          spec.template_name,
          spec.generation,
          spec.client_token,
          {},
          {},
          options.capacity,
          options.size,
          {},
          make_agent_variables(spec, role),
          make_work_tags(spec.work),
          {},
          role};
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

}  // namespace

Awaitable<LaunchResult> Launcher::launch(LaunchSpec spec) {
  if (const auto* known = shared_.table.find_token(spec.client_token))
    co_return LaunchHandle{known->task.arn};
  const auto options = parse_launch_options(spec.options, shared_.launch_cloud);
  if (!options) co_return refuse(FailureClass::configuration, describe(options.error()));
  if (!launching_.insert(spec.client_token).second) co_return unknown("an earlier call is still under way");
  const Leave leave{launching_, spec.client_token};
  auto launched = co_await run_task(&spec, &*options, false);
  if (!launched && !launched.error().definite) {
    if (launched.error().failure != FailureClass::throttled)  // else it was not looked at
      finder_.seek(spec.client_token, shared_.api.places().home());
    co_return launched;
  }
  if (!launched && finder_.is_sought(spec.client_token)) {
    const auto refusal = std::move(launched).error();
    launched = co_await look_for(&spec.client_token, &refusal);
  }
  if (launched || launched.error().definite) finder_.end_search(spec.client_token);
  if (shared_.clients.ecs->lacks_credentials()) shared_.tell();  // the cloud's trouble, not the template's
  co_return launched;
}

// The caller waits, so pointers are good. `again`: its definition has been looked for anew for this launch.
Awaitable<LaunchResult> Launcher::run_task(const LaunchSpec* spec, const LaunchOptions* options, bool again) {
  const auto& wanted = options->options;
  const bool jenkins = spec->endpoint.program == ports::AgentProgram::jenkins;
  const auto role = jenkins ? ecs::find_jenkins_role(wanted.agent) : ecs::AgentRole::session;
  // A Jenkins takes nothing but its node's secret; one that is fetched is not in the request.
  const bool comes = role == ecs::AgentRole::session || fetches_secret(*spec, role);
  const bool proves = comes && ecs::proves_identity(wanted);
  auto input = make_input(*spec, *options, role);
  auto authorities = list_authorities(*spec, role);
  if (!authorities) co_return refuse(FailureClass::configuration, describe(authorities.error()));
  input.authorities = std::move(*authorities);
  if (proves) input.variables.merge(make_proof_variables(proof_place_));
  if (auto there = co_await provide_definition(options, &input); !there)
    co_return std::unexpected(std::move(there).error());
  choose_subnet(wanted, input);
  auto request = ecs::make_run_task(wanted, options->cloud.options, input);
  if (!request) co_return refuse(FailureClass::configuration, describe(request.error()));
  auto sent = proves ? Result<Secret>(Secret(std::move(*request)))
                     : ecs::add_secret(*request, comes ? spec->secret : spec->controller_secret, role);
  if (!sent) co_return refuse(FailureClass::configuration, describe(sent.error()));
  auto answer = co_await shared_.api.run_task(std::move(*sent), quota_of(options->capacity));
  if (!answer) {
    const auto& failure = answer.error();
    if (failure.code == "ConflictException") {
      const auto conflict = unknown(failure.message).error();
      co_return co_await look_for(&spec->client_token, &conflict);
    }
    const auto& existing = wanted.task_definition;
    if (is_about_definition(failure))
      definitions_.forget(existing.empty() ? input.task_definition : existing);
    if (!again && !ecs::names_revision(existing) && lacks_definition(failure)) {
      shared_.outside.log.warning("somebody has deregistered a task definition: another revision is taken",
                                  {{"arn", input.task_definition}});
      co_return co_await run_task(spec, options, true);
    }
    co_return std::unexpected(as_launch_failure(failure));
  }
  if (answer->tasks.empty())
    co_return std::unexpected(judge_placement(answer->failures.front(), input.subnets));
  co_return note_launched(input, std::move(answer->tasks.front()));
}

LaunchHandle Launcher::note_launched(const ecs::RunTaskInput& input, Task task) {
  LaunchHandle handle{task.arn};
  if (shared_.table.find(task.arn) == nullptr) {
    for (const auto& subnet : input.subnets) shared_.subnets.on_launched(subnet);
    shared_.table.add({input.client_token, input.agent, input.container,
                       input.subnets.empty() ? std::string() : input.subnets.front()},
                      std::move(task), shared_.now());
  }
  follower_.wake();
  return handle;
}

// By what is known of them: no launch waits for a look.
void Launcher::choose_subnet(const ecs::TemplateOptions& wanted, ecs::RunTaskInput& input) {
  if (!ecs::uses_awsvpc(wanted) || wanted.subnets.empty()) return;
  input.subnets = {shared_.subnets.choose(wanted.subnets, input.client_token, shared_.now())};
  if (wanted.subnets.size() > 1 && shared_.subnets.begin_look(shared_.now()))
    scope_.spawn("ecs subnets of " + shared_.config.name.str(), look_at_subnets());
}

// All of the templates at once. Who may not look spreads launches evenly, as before the first look.
Awaitable<void> Launcher::look_at_subnets() {
  std::set<std::string> wanted;
  for (const auto& [name, one] : shared_.config.templates)
    wanted.insert(one.options.subnets.begin(), one.options.subnets.end());
  const auto found = co_await describe_subnets(*shared_.clients.network, {"subnet-id", std::move(wanted)});
  if (found) {
    for (const auto& one : *found) shared_.subnets.set_free(one.id, one.free_addresses, shared_.now());
    co_return;
  }
  shared_.outside.log.info("the free addresses of the subnets are not known: launches are spread evenly",
                           {{"error", found.error().message}});
  shared_.subnets.on_refused(shared_.now());
}

// Fills in definition and container.
Awaitable<std::expected<void, LaunchFailure>> Launcher::provide_definition(const LaunchOptions* launch,
                                                                           ecs::RunTaskInput* input) {
  const auto& wanted = launch->options;
  if (!wanted.task_definition.empty()) {
    auto container = co_await definitions_.find_container(wanted.task_definition, wanted.container.name);
    if (!container) co_return std::unexpected(as_launch_failure(container.error()));
    input->task_definition = std::move(container->definition);
    input->container = std::move(container->name);
    input->stop_timeout = container->stop_timeout;
    co_return std::expected<void, LaunchFailure>();
  }
  const auto definition = make_definition(shared_.config.installation, *launch, input->template_name);
  if (!definition) co_return refuse(FailureClass::configuration, describe(definition.error()));
  input->container = definition->container;
  auto revision = co_await definitions_.ensure(definition->family, definition->request);
  if (!revision) co_return std::unexpected(as_launch_failure(revision.error()));
  input->task_definition = std::move(*revision);
  co_return std::expected<void, LaunchFailure>();
}

// A call whose answer was lost has launched it, or may have done so: its repetition is refused because the
// request differs, as its subnet may, or because it is not allowed any more.
Awaitable<LaunchResult> Launcher::look_for(const std::string* token, const LaunchFailure* refusal) {
  auto found = co_await finder_.find(*token);
  if (!found) co_return unknown(fmt::format("{}; {}", refusal->message, describe(found.error())));
  if (*found != nullptr) co_return LaunchHandle{(*found)->task.arn};
  if (finder_.may_be_hidden(*token))
    co_return unknown(refusal->message + "; whether an earlier call has launched it, ECS may not show yet");
  co_return std::unexpected(*refusal);
}

LaunchFailure Launcher::judge_placement(const ecs::TaskFailure& failure, const ecs::Texts& subnets) {
  const auto why = ecs::explain_failure(failure);
  if (why.failure == FailureClass::capacity)
    for (const auto& subnet : subnets) shared_.subnets.on_no_room(subnet, shared_.now());
  return {why.failure, true, {}, why.sentence};
}

}  // namespace footman::cloud::ecs
