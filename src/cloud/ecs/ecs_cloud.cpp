#include "cloud/ecs/ecs_cloud.hpp"

#include <fmt/format.h>

#include <utility>

#include "cloud/ecs/clean_up.hpp"
#include "cloud/ecs/definitions.hpp"
#include "cloud/ecs/identity.hpp"
#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/launcher.hpp"
#include "cloud/ecs/resource.hpp"
#include "cloud/ecs/shared.hpp"
#include "cloud/ecs/task_finder.hpp"
#include "cloud/ecs/task_follower.hpp"
#include "ecs/stale_definitions.hpp"
#include "ecs/stop_reason.hpp"
#include "runtime/scope.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using ports::LaunchResult;
using ports::LaunchSpec;
using ports::Resource;
using ports::ResourceState;

constexpr Duration kTokenLifetime = 20h;  // AWS keeps client tokens for about a day
constexpr Duration kStopAgain = 60s;      // a task that was asked to stop and does not is asked again
constexpr Duration kOwnExit = 30s;

// The port in front of the rooms that do the work (shared.hpp). What ends a task stands here.
// Of what the Date of an answer says.
constexpr Duration kClockPrecision = 2s;

class EcsCloudImpl final : public EcsCloud {
 public:
  EcsCloudImpl(EcsCloudConfig config, EcsCloudParts parts, footman::aws::ProofPlace proof_place,
               Clients clients)
      : proof_place_(std::move(proof_place)),
        shared_(std::move(config), parts.outside, std::move(clients)),
        follower_(shared_),
        finder_(shared_, follower_),
        definitions_(shared_.api, parts.outside.clock, parts.outside.log),
        launcher_(shared_, definitions_, finder_, follower_, proof_place_, scope_),
        clean_up_(shared_.api, definitions_,
                  {shared_.config.installation, shared_.config.options.tag_prefix,
                   [this] { return finder_.has_listed(); }, [this] { return list_families_in_use(); },
                   [this](const TemplateName& name) { return shared_.config.elsewhere.contains(name); }},
                  parts.outside.clock, parts.outside.even, parts.outside.log),
        scope_(parts.control, parts.outside.log) {}

  CloudName name() const override { return shared_.config.name; }
  ports::CloudLimits limits() const override { return {0, kTokenLifetime, kMissingGrace, kOwnExit}; }
  void set_templates(Templates templates, std::set<TemplateName> elsewhere) override {
    shared_.config.templates = std::move(templates);
    shared_.config.elsewhere = std::move(elsewhere);
  }
  bool recall(const Resource& known, const std::string& frozen) override;
  void suspect(const std::string& handle) override {
    shared_.table.suspect(handle, shared_.now());
    follower_.wake();
  }
  std::string find_warning() const override { return follower_.find_warning(); }
  void set_on_change(std::function<void()> look_again) override {
    shared_.look_again = std::move(look_again);
  }
  void start() override {
    follower_.start(scope_);
    scope_.spawn("ecs definitions of " + shared_.config.name.str(), clean_up_.run());
  }
  Awaitable<void> stop() override {
    scope_.cancel();
    co_await scope_.join();
  }

  Result<std::vector<ports::Variant>> freeze(const TemplateName& name) const override;
  Awaitable<LaunchResult> launch(LaunchSpec spec) override { return launcher_.launch(std::move(spec)); }
  Awaitable<Result<std::vector<Resource>>> observe() override;
  Awaitable<Result<Resource>> find_by_token(std::string client_token) override;
  Awaitable<Result<Resource>> terminate(std::string handle, std::string client_token) override;
  Awaitable<ports::ProofAnswer> check_proof(std::string handle, std::string frozen,
                                            ports::IdentityProof proof) override;

 private:
  Awaitable<Result<Resource>> stop_task(std::string arn, std::string client_token);
  std::set<std::string> list_families_in_use() const;
  Resource resource_of(const Tracked& one) const {
    return make_resource(one, shared_.config, shared_.outside.even, aws_ahead());
  }
  // As far as it is known: less may be the time that an answer took.
  Duration aws_ahead() const {
    const auto told = shared_.clients.ecs->last_clock_difference().value_or(Duration(0));
    return std::chrono::abs(told) > kClockPrecision ? told : Duration(0);
  }

  footman::aws::ProofPlace proof_place_;
  Shared shared_;
  TaskFollower follower_;
  TaskFinder finder_;
  Definitions definitions_;
  Launcher launcher_;
  CleanUp clean_up_;
  runtime::Scope scope_;
};

Result<std::vector<ports::Variant>> EcsCloudImpl::freeze(const TemplateName& name) const {
  const auto& cloud = shared_.config;
  const auto found = cloud.templates.find(name);
  if (found == cloud.templates.end())
    return fail(Errc::not_found, fmt::format("cloud {} has no template {}", cloud.name.str(), name.str()));
  return list_variants(found->second, shared_.launch_cloud);
}

bool EcsCloudImpl::recall(const Resource& known, const std::string& frozen) {
  const auto& log = shared_.outside.log;
  if (!known.handle.empty()) {
    if (const auto why = finder_.recall(known); !why.empty())
      log.warning("an agent cannot be reached any more, so it is neither followed nor ended",
                  {{"agent", known.agent}, {"why", why}});
    return true;
  }
  const auto launch = parse_launch_options(frozen, shared_.launch_cloud);
  if (!launch) return true;  // launch() says so
  const auto why = finder_.recall_launch(known.client_token, launch->cloud);
  if (why.empty()) return true;
  log.warning("an agent's launch is not repeated, as it went elsewhere: it is looked for there",
              {{"agent", known.agent}, {"why", why}});
  return false;
}

Awaitable<Result<std::vector<Resource>>> EcsCloudImpl::observe() {
  FOOTMAN_CO_TRY_STATUS(co_await finder_.list_now_and_then());
  shared_.table.forget_old(shared_.now());
  // This is no list to go by.
  if (const auto* why = follower_.find_blindness()) co_return std::unexpected(to_error(*why));
  std::vector<Resource> out;
  out.reserve(shared_.table.all().size() + finder_.others().size());
  for (const auto& [arn, one] : shared_.table.all()) out.push_back(resource_of(one));
  for (const auto& [arn, whose] : finder_.others()) {
    auto& other = out.emplace_back();
    other.installation = whose;
    other.handle = arn;
  }
  co_return out;
}

Awaitable<Result<Resource>> EcsCloudImpl::find_by_token(std::string client_token) {
  FOOTMAN_CO_TRY(const auto* known, co_await finder_.find(client_token));
  if (known == nullptr) co_return fail(Errc::not_found, "no task was launched with token " + client_token);
  co_return resource_of(*known);
}

Awaitable<Result<Resource>> EcsCloudImpl::terminate(std::string handle, std::string client_token) {
  if (auto why = shared_.api.places().why_out_of_reach(handle); !why.empty())
    co_return fail(Errc::unsupported, std::move(why));
  auto* known = shared_.table.find(handle);
  if (known == nullptr) known = shared_.table.find_token(client_token);
  if (known == nullptr && handle.empty()) {
    FOOTMAN_CO_TRY(known, co_await finder_.find(client_token));
    if (known == nullptr)
      co_return Resource{
          shared_.config.installation, {}, client_token, {}, ResourceState::gone, {}, {}, {}, {}, false};
  }
  if (known != nullptr) {
    handle = known->task.arn;
    // It ends already; asked for only if that takes long.
    if (!known->stop_asked.is_set() && ecs::find_phase(known->task) == ecs::TaskPhase::stopping)
      known->stop_asked = shared_.now();
    if (known->is_over() || (known->stop_asked.is_set() && shared_.now() < known->stop_asked + kStopAgain))
      co_return resource_of(*known);
  }
  co_return co_await stop_task(std::move(handle), std::move(client_token));
}

Awaitable<Result<Resource>> EcsCloudImpl::stop_task(std::string arn, std::string client_token) {
  auto stopped = co_await shared_.api.stop_task(
      arn, std::string(ecs::kOurStopReason) + "the agent " + client_token + " is no longer needed");
  if (!stopped) co_return std::unexpected(to_error(stopped.error()));
  auto& table = shared_.table;
  auto* known = table.find(arn);
  if (known == nullptr) {
    Task task;
    task.arn = arn;
    if (*stopped) task = **stopped;
    known = &table.add({client_token, {}, {}, {}}, std::move(task), shared_.now());
  }
  if (*stopped) {
    known->stop_asked = shared_.now();
    (void)table.update(std::move(**stopped), shared_.now());
    follower_.ask_for_words(*known);
  } else {
    (void)follower_.note_missing(arn);  // gone, unless it is so new that ECS may not know it yet
  }
  follower_.wake();
  co_return resource_of(*known);
}

// Of the templates as they are now, and of the tasks that live.
std::set<std::string> EcsCloudImpl::list_families_in_use() const {
  auto out = list_families(shared_.config);
  for (const auto& [arn, one] : shared_.table.all())
    if (!one.is_over()) out.emplace(ecs::family_of(one.task.definition_arn));
  return out;
}

Awaitable<ports::ProofAnswer> EcsCloudImpl::check_proof(std::string handle, std::string frozen,
                                                        ports::IdentityProof proof) {
  auto options = parse_launch_options(frozen, shared_.launch_cloud);
  if (!options) co_return ports::ProofAnswer{ports::ProofVerdict::wrong, describe(options.error())};
  co_return co_await check_task_identity(shared_.outside, proof_place_, std::move(handle),
                                         std::move(options->options), std::move(proof),
                                         shared_.now() + shared_.clients.ecs->clock_skew());
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
