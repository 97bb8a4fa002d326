#include "tests/ecs_rates/fleet_on_ecs.hpp"

#include <algorithm>

namespace footman::tests::ecs_rates {

namespace {

constexpr Duration kShortestAnswer = 40ms;
constexpr Duration kLongestAnswer = 400ms;

runtime::Awaitable<Status> as_status(runtime::Awaitable<void> work) {
  co_await std::move(work);
  co_return Status();
}

Duration between(runtime::Rng& dice, Duration least, Duration most) {
  return least + std::chrono::duration_cast<Duration>((most - least) * dice.uniform());
}

cloud::ecs::Template make_template() {
  footman::ecs::TemplateOptions options;
  options.container.image = "node:20";
  options.agent.carrier_image = "ci/footman-agent";
  options.size = {1024, 2048};
  options.subnets = {"subnet-0a", "subnet-0b"};
  options.security_groups = {"sg-0a"};
  return {std::move(options), {}};
}

fleet::FleetConfig make_fleet_config() {
  fleet::Template small;
  small.name = TemplateName("small");
  small.cloud = CloudName("aws");
  small.is_default = true;
  small.endpoint.url = "wss://ci.example.com/agents";
  fleet::FleetConfig config;
  config.templates.push_back(std::move(small));
  return config;
}

}  // namespace

bool AwsBucket::take(Duration now) {
  const auto since = std::chrono::duration<double>(now - filled_).count();
  tokens_ = std::min(burst_, tokens_ + since * rate_);
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void AwsBucket::use_up(Duration now) {
  tokens_ = 0;
  filled_ = now;
}

FleetOnEcs::FleetOnEcs(Life life)
    : life_(life),
      buckets_{{"modify", {100, 40}},
               {"read", {100, 20}},
               {"definition modify", {20, 1}},
               {"definition read", {50, 20}},
               {"fargate", {100, 20}}} {
  controller.tells_news = true;
  ecs.free_addresses = {{"subnet-0a", 4000}, {"subnet-0b", 4000}};
  ecs.stops_when_looked_at = false;
  ecs.is_refused = [this](const std::string& operation) { return is_refused(operation); };
  ecs.on_run = [this](const std::string& arn) { on_run(arn); };
  ecs.on_stop = [this](const std::string& arn) { on_stop(arn); };
  auto opened = store::open_store({}, Logger(), store_io_.get_executor());
  REQUIRE(opened);
  store_ = std::move(*opened);
  start();
}

FleetOnEcs::~FleetOnEcs() {
  stop();
  store_->close();
}

void FleetOnEcs::start() {
  auto state = run(store_->load_open_state());
  REQUIRE(state);
  rates_ = std::make_unique<cloud::aws::RateLimits>(outside.outside.even.now());
  cloud::ecs::EcsCloudConfig config;
  config.name = CloudName("aws");
  config.installation = state->installation;
  config.options.region = "eu-west-1";
  config.options.cluster = "builds";
  config.templates[TemplateName("small")] = make_template();
  const auto executor = outside.io.get_executor();
  auto made =
      cloud::ecs::create_ecs_cloud(std::move(config), {outside.outside, credentials_, *rates_, executor});
  REQUIRE(made);
  provider_ = std::move(*made);
  fleet::FleetParts parts{
      *store_,  outside.clock, *rng_, executor, {&controller}, {provider_.get()}, changes_,
      metrics_, Logger(),      {},    {}};
  fleet_ = std::make_unique<fleet::Fleet>(std::move(parts), make_fleet_config());
  REQUIRE(run(fleet_->start(std::move(*state))));
  provider_->start();
}

void FleetOnEcs::stop() {
  REQUIRE(run(as_status(fleet_->stop())));
  REQUIRE(run(as_status(provider_->stop())));
  fleet_.reset();
  provider_.reset();
}

void FleetOnEcs::restart() {
  stop();
  start();
}

void FleetOnEcs::use_up_launches() { buckets_.at("fargate").use_up(outside.clock.steady()); }

template <class T>
T FleetOnEcs::run(runtime::Awaitable<T> work) {
  auto result = outside.begin(std::move(work));
  const auto limit = outside.clock.steady() + 1h;
  settle();
  while (!*result && outside.clock.step(limit)) settle();
  REQUIRE(*result);
  return std::move(**result);
}

void FleetOnEcs::settle() {
  std::size_t moved = 1;
  while (moved > 0) {
    outside.io.restart();
    store_io_.restart();
    moved = outside.io.poll() + store_io_.poll();
  }
}

void FleetOnEcs::run_for(Duration time) {
  const auto until = outside.clock.steady() + time;
  settle();
  while (outside.clock.step(until)) settle();
  outside.clock.set(until);
  settle();
}

bool FleetOnEcs::run_until_idle(Duration limit) {
  const auto until = outside.clock.steady() + limit;
  const auto idle = [&] {
    return finished == submitted_ && std::ranges::all_of(fleet_->list_agents(), [](const auto& one) {
             return one.agent.state == model::AgentState::terminated;
           });
  };
  while (outside.clock.steady() < until) {
    run_for(10s);
    if (idle()) return true;
  }
  return false;
}

void FleetOnEcs::submit(int builds) {
  for (int i = 0; i < builds; ++i) controller.submit(std::to_string(++submitted_), outside.now());
  settle();
}

int FleetOnEcs::ecs_calls() {
  int sum = 0;
  for (const auto& [operation, count] : ecs.calls)
    if (operation != "DescribeSubnets") sum += count;
  return sum;
}

void FleetOnEcs::after(Duration delay, std::function<void()> call) {
  timers_.push_back(outside.clock.call_after(outside.io.get_executor(), delay, std::move(call)));
}

// --- AWS

bool FleetOnEcs::is_refused(const std::string& operation) {
  outside.services.delay = between(*dice_, kShortestAnswer, kLongestAnswer);  // of the next one
  const auto now = outside.clock.steady();
  const auto take = [&](const std::string& name) { return buckets_.at(name).take(now); };
  bool done = true;
  if (operation == "RunTask")
    done = take("modify") && take("fargate");
  else if (operation == "StopTask")
    done = take("modify");
  else if (operation == "RegisterTaskDefinition")
    done = take("definition modify");
  else if (operation == "DescribeTaskDefinition")
    done = take("definition read");
  else
    done = take("read");
  throttled += done ? 0 : 1;
  return !done;
}

void FleetOnEcs::on_run(const std::string& arn) {
  launches.push_back(outside.clock.steady());
  std::string agent;
  for (const auto& tag : ecs.tasks.at(arn).request.at("tags").as_array())
    if (tag.at("key") == "footman:agent") agent = tag.at("value").as_string();
  after(life_.cold_start, [this, arn, id = AgentId(agent)] { begin_work(arn, id); });
}

void FleetOnEcs::on_stop(const std::string& arn) {
  after(life_.container_end, [this, arn] { end_task(arn, "UserInitiated", "Footman ends it"); });
}

void FleetOnEcs::begin_work(const std::string& arn, const AgentId& id) {
  const auto node = controller.nodes.find(id);
  if (node == controller.nodes.end()) return;
  ecs.set_status(arn, "RUNNING");
  controller.connect(id, outside.now());
  controller.work(id, node->second.registration.for_item);
  after(between(*dice_, life_.shortest_build, life_.longest_build),
        [this, arn, id] { finish_work(arn, id); });
}

void FleetOnEcs::finish_work(const std::string& arn, const AgentId& id) {
  ++finished;
  controller.finish(id, outside.now());
  if (!life_.leaves) return;
  after(life_.container_end,
        [this, arn] { end_task(arn, "EssentialContainerExited", "Essential container in task exited"); });
}

void FleetOnEcs::end_task(const std::string& arn, const std::string& code, const std::string& reason) {
  ecs.task(arn)["desiredStatus"] = "STOPPED";
  ecs.set_status(arn, "DEPROVISIONING");
  after(life_.deprovisioning, [this, arn, code, reason] { ecs.stop(arn, code, reason); });
}

}  // namespace footman::tests::ecs_rates
