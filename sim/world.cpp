#include "sim/world.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <set>

#include "runtime/scope.hpp"
#include "sim/jenkins.hpp"
#include "sim/remote.hpp"
#include "store/crash_points.hpp"

namespace footman::sim {

using runtime::Awaitable;

namespace {

constexpr std::uint64_t kMostSteps = 400'000;  // ten times what a seed needs
constexpr Duration kDrainBound =
    60min;  // after the last fault; launch deadlines, leases and back-offs fit in
constexpr double kRushes = 0.03;
constexpr double kDearRushes = 0.02;
constexpr double kCrossings = 0.02;
constexpr double kSlowJenkinses = 0.3;
constexpr std::string_view kPassword = "correct-horse-battery-staple";

// What the production code logs: part of the readable trace, and never a secret.
class SimLogSink final : public base::LogSink {
 public:
  SimLogSink(SimLoop& loop, Witness& witness) : loop_(loop), witness_(witness) {}
  void write(base::LogLevel level, std::string_view message, const base::LogFields& fields) override {
    std::string node = "server";
    std::string text = fmt::format("[{}] {}", to_string(level), message);
    for (const auto& field : fields) {
      if (field.key == "node") node = field.value;
      text += fmt::format(" {}={}", field.key, field.value);
    }
    witness_.look_for_secrets("a line of the program's log", text);
    loop_.trace().tell(loop_.now(), node, text);
  }

 private:
  SimLoop& loop_;
  Witness& witness_;
};

// What this seed's world looks like.
struct Scene {
  controller::ControllerConfig controller;
  fleet::FleetConfig fleet;
  std::vector<CloudTraits> clouds;
  UserHabits habits;
  AdminHabits admins;
  RemoteHabits remote;
  JenkinsHabits jenkins;  // in place of that one
  Duration faults_for{0};
};

fleet::Template make_template(const std::string& name, const std::string& cloud, Dice& dice) {
  fleet::Template one;
  one.name = base::TemplateName(name);
  one.cloud = base::CloudName(cloud);
  one.limits.agents = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 4));
  one.launch_deadline = dice.between(Duration(60s), Duration(3min));
  one.idle_timeout = dice.between(Duration(5s), Duration(60s));
  one.endpoint.url = "wss://ci.example.com/agent";
  return one;
}

// From numbers of their own, so that the rest of the scene is what it is without them.
void give_pools(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "pools");
  for (auto& one : config.templates) {
    if (dice.chance(0.2))
      one.pool.size.min_idle = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 2));
    if (dice.chance(0.2)) one.max_builds = static_cast<std::uint32_t>(dice.between(std::uint64_t{2}, 3));
  }
}

// Every template alone fits within them.
void add_limits(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "limits");
  for (auto& one : config.templates) {
    one.size.milli_cpus = dice.between(std::uint64_t{250}, 2000);
    one.price.per_hour = {static_cast<std::int64_t>(dice.between(std::uint64_t{0}, 4)) * 10'000};
    one.price.billing.minimum = dice.between(Duration(0), Duration(60s));
  }
  if (dice.chance(0.3)) config.limits.milli_cpus = dice.between(std::uint64_t{2000}, 5000);
  if (dice.chance(0.3))
    config.limits.budget.per_hour =
        model::Money{static_cast<std::int64_t>(dice.between(std::uint64_t{4}, 15)) * 10'000};
}

// Limits of every other kind. Every template alone fits within them, too.
void add_more_limits(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "more limits");
  const auto count = [&](std::uint64_t from, std::uint64_t to) {
    return static_cast<std::uint32_t>(dice.between(from, to));
  };
  for (auto& one : config.templates) one.size.memory_bytes = dice.between(std::uint64_t{1}, 4) << 30;
  if (dice.chance(0.2)) config.label_limits["linux"].agents = count(1, 4);
  if (dice.chance(0.2)) config.label_limits["warm"].agents = count(1, 2);
  if (dice.chance(0.2)) config.controller_limits[base::ControllerName("footman")].agents = count(2, 6);
  if (dice.chance(0.2)) config.limits.memory_bytes = dice.between(std::uint64_t{4}, 10) << 30;
  if (dice.chance(0.15)) config.limits.budget.per_day = model::Money{count(2, 8) * 10'000LL};
  if (dice.chance(0.2)) config.limits.budget.beyond = model::Money{count(1, 2) * 10'000LL};
  for (const auto* name : {"alpha", "beta"}) {
    auto& limits = config.cloud_limits[base::CloudName(name)];
    if (dice.chance(0.15)) limits.milli_cpus = dice.between(std::uint64_t{2000}, 4000);
    if (dice.chance(0.15)) limits.memory_bytes = dice.between(std::uint64_t{4}, 8) << 30;
    if (dice.chance(0.15)) limits.budget.per_hour = model::Money{count(4, 8) * 10'000LL};
    if (dice.chance(0.1)) limits.budget.per_day = model::Money{count(2, 6) * 10'000LL};
  }
}

// The same of templates, labels and controllers.
void add_group_limits(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "group limits");
  const auto limit = [&](model::AgentLimits& limits) {
    const auto cents = [&](std::uint64_t from, std::uint64_t to) {
      return model::Money{static_cast<std::int64_t>(dice.between(from, to)) * 10'000};
    };
    if (dice.chance(0.1)) limits.milli_cpus = dice.between(std::uint64_t{2000}, 5000);
    if (dice.chance(0.1)) limits.memory_bytes = dice.between(std::uint64_t{4}, 9) << 30;
    if (dice.chance(0.1)) limits.budget.per_hour = cents(4, 10);
    if (dice.chance(0.05)) limits.budget.per_day = cents(2, 8);
    if (dice.chance(0.05)) limits.budget.beyond = cents(1, 2);
  };
  for (auto& one : config.templates) limit(one.limits);
  for (const auto* label : {"linux", "warm"}) limit(config.label_limits[label]);
  limit(config.controller_limits[base::ControllerName("footman")]);
}

// Ten times as dear, so that the money of a day is gone before the day.
void make_days_dear(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "dear days");
  if (!dice.chance(0.08)) return;
  const auto raise = [](model::AgentLimits& limits) {
    for (auto* money : {&limits.budget.per_hour, &limits.budget.beyond, &limits.budget.per_day})
      if (*money) (*money)->micros *= 10;
  };
  raise(config.limits);
  for (auto& [name, limits] : config.cloud_limits) raise(limits);
  for (auto& [label, limits] : config.label_limits) raise(limits);
  for (auto& [name, limits] : config.controller_limits) raise(limits);
  for (auto& one : config.templates) {
    raise(one.limits);
    one.price.per_hour.micros = std::max<std::int64_t>(one.price.per_hour.micros * 10, 100'000);
  }
  config.limits.budget.per_day =
      model::Money{static_cast<std::int64_t>(dice.between(std::uint64_t{12}, 25)) * 10'000};
}

// Some zones have machines of their own: larger, dearer, cheaper; a few that no limit ever admits. One of
// them has what the template says, which fits.
void vary_forms(CloudTraits& traits, std::uint64_t seed) {
  Dice dice(seed, "forms of " + traits.name);
  traits.own_exit = dice.chance(0.5) ? dice.between(Duration(1s), Duration(30s)) : Duration(0);
  if (traits.zones.size() < 2 || !dice.chance(0.6)) return;
  const auto plain = dice.pick(traits.zones);
  for (const auto& zone : traits.zones) {
    if (zone == plain) continue;
    if (dice.chance(0.5))
      traits.sizes[zone] = {dice.between(std::uint64_t{250}, 3000), dice.between(std::uint64_t{1}, 6) << 30};
    if (dice.chance(0.5))
      traits.prices[zone] = {{static_cast<std::int64_t>(dice.between(std::uint64_t{0}, 8)) * 10'000},
                             {.minimum = dice.between(Duration(0), Duration(60s))}};
  }
}

// Two minutes of every four, or five, are another size's.
void schedule_pools(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "pool schedules");
  for (auto& one : config.templates) {
    if (dice.chance(0.1)) {
      one.pool.size.per_mille = 500;
      one.pool.size.max_idle = 2;
    }
    if (!dice.chance(0.1)) continue;
    model::PoolSchedule schedule;
    schedule.begins = *model::parse_cron(dice.chance(0.5) ? "*/4 * * * *" : "*/5 * * * *");
    schedule.length = 2min;
    schedule.size.min_idle = static_cast<std::uint32_t>(dice.below(3));
    one.pool.schedules = {schedule};
  }
}

void vary_retention(fleet::FleetConfig& config, std::uint64_t seed) {
  Dice dice(seed, "retention");
  for (auto& one : config.templates) {
    one.keep_paid = dice.chance(0.2);
    if (dice.chance(0.15)) one.max_age = dice.between(Duration(1min), Duration(5min));
  }
}

// One template whose agents are kept has all that a limit allows, and builds without end.
void make_rush(Scene& scene, std::uint64_t seed) {
  Dice dice(seed, "rush");
  if (!dice.chance(kRushes)) return;
  scene.habits.rush_labels = {"linux && !warm"};
  scene.habits.other_label = "warm";
  scene.fleet.limits.agents = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 2));
  for (auto& [name, limits] : scene.fleet.cloud_limits) limits.agents = 0;
  for (auto& one : scene.fleet.templates) {
    one.pool = {};
    if (one.name.str() != "linux") continue;
    one.max_builds = 0;
    one.max_age = Duration(0);
    one.limits.agents = scene.fleet.limits.agents;
  }
}

// A rush in which the money of the day runs out: agents that are kept would go on all the time.
void make_dear_rush(Scene& scene, std::uint64_t seed, bool for_sure) {
  Dice dice(seed, "dear rush");
  const bool is_drawn = dice.chance(kDearRushes) && scene.habits.rush_labels.empty();
  if (!is_drawn && !for_sure) return;
  scene.habits.rush_labels = {"linux && !warm"};
  scene.habits.other_label = "warm";
  scene.admins = {.keep_budgets_for = 15min};
  const auto agents = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 2));
  for (auto& one : scene.fleet.templates) {
    one.pool = {};
    if (one.name.str() != "linux") continue;
    one.max_builds = dice.chance(0.5) ? 0 : 50;
    one.max_age = Duration(0);
    one.size = {};
    one.price = {model::Money{2'400'000}, {}};
    one.limits = {};
    one.limits.agents = agents;
    one.limits.budget.per_day =
        model::Money{600'000 * agents + 120'000};  // a quarter of an hour of each, and 3 min
  }
  scene.fleet.limits = {};
  scene.fleet.controller_limits.clear();
  scene.fleet.cloud_limits.clear();
  scene.fleet.label_limits.clear();
}

// One item needs a place of a cloud and one of a label, and each of them is always asked for by others, too.
void make_crossing(Scene& scene, std::uint64_t seed) {
  Dice dice(seed, "crossing");
  if (!dice.chance(kCrossings) || !scene.habits.rush_labels.empty()) return;
  scene.habits.rush_labels = {"", "warm"};
  scene.habits.other_label = "linux && !warm";
  for (auto& one : scene.fleet.templates) {
    one.pool = {};
    one.max_builds = 1;
    one.max_age = Duration(0);
    one.is_default = one.name.str() == "plain";
    one.limits = {};
  }
  scene.fleet.limits = {};
  scene.fleet.controller_limits.clear();
  scene.fleet.cloud_limits.clear();
  scene.fleet.label_limits.clear();
  scene.fleet.cloud_limits[base::CloudName("alpha")].agents = 1;
  scene.fleet.label_limits["linux"].agents = 1;
}

// Another controller beside the built-in one.
void add_controller(Scene& scene, std::uint64_t seed) {
  Dice dice(seed, "second controller");
  if (!dice.chance(0.15) || !scene.habits.rush_labels.empty()) return;
  scene.remote.items = static_cast<std::uint32_t>(dice.between(std::uint64_t{2}, 7));
  scene.remote.between_items = dice.between(Duration(1s), Duration(30s));
  scene.remote.work = dice.between(Duration(2s), Duration(20s));
  scene.remote.labels = {"linux", "warm", "linux && !warm"};
  if (dice.chance(0.3))
    scene.fleet.controller_limits[base::ControllerName("jenkins")].agents =
        static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 2));
}

// In some seeds that other one is a Jenkins.
void make_jenkins(Scene& scene, std::uint64_t seed, bool for_sure) {
  Dice dice(seed, "jenkins");
  const bool may_be = for_sure || (scene.remote.items > 0 && dice.chance(0.3));
  if (!may_be || !scene.habits.rush_labels.empty()) return;
  scene.remote.items = 0;
  scene.jenkins.builds = static_cast<std::uint32_t>(dice.between(std::uint64_t{3}, 8));
  scene.jenkins.between_builds = dice.between(Duration(1s), Duration(30s));
  scene.jenkins.work = dice.between(Duration(2s), Duration(20s));
  scene.jenkins.labels = {"linux", "warm", "linux && !warm"};
  for (const auto& one : scene.fleet.templates) scene.jenkins.served.push_back({one.labels, one.is_default});
  scene.jenkins.has_fronts = dice.chance(0.5);
  if (dice.chance(kSlowJenkinses)) scene.jenkins.way = dice.between(Duration(10ms), Duration(150ms));
}

AdminHabits make_admins(std::uint64_t seed) {
  Dice dice(seed, "admins' habits");
  return {dice.chance(0.25), dice.chance(0.25)};
}

Scene make_scene(const WorldOptions& options) {
  const auto seed = options.seed;
  Dice dice(seed, "scene");
  Scene scene;
  scene.controller.max_timeout = 10min;
  scene.controller.orphan_timeout = 30min;
  scene.fleet.orphan_timeout = 30min;
  scene.fleet.reconcile_every = dice.between(Duration(30s), Duration(3min));
  scene.fleet.limits.agents =
      dice.chance(0.5) ? 0 : static_cast<std::uint32_t>(dice.between(std::uint64_t{2}, 6));

  auto plain = make_template("plain", "alpha", dice);
  plain.is_default = true;
  auto linux_box = make_template("linux", "alpha", dice);
  linux_box.labels = {"linux"};
  linux_box.max_builds = dice.chance(0.7) ? 1 : 0;
  auto warm = make_template("warm", "beta", dice);
  warm.labels = {"linux", "warm"};
  warm.max_builds = 0;
  warm.is_default = dice.chance(0.3);
  warm.priority = dice.chance(0.5) ? 1 : 0;
  scene.fleet.templates = {plain, linux_box, warm};
  add_limits(scene.fleet, seed);
  add_more_limits(scene.fleet, seed);
  add_group_limits(scene.fleet, seed);
  make_days_dear(scene.fleet, seed);
  if (dice.chance(0.5))
    scene.fleet.cloud_limits[base::CloudName("alpha")].agents =
        static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 4));

  for (const std::string name : {"alpha", "beta"}) {
    CloudTraits traits;
    traits.name = name;
    traits.boot = dice.between(Duration(50ms), Duration(10s));
    traits.listing_lag = dice.chance(0.3) ? Duration(0) : dice.between(Duration(1s), Duration(30s));
    traits.token_lifetime = dice.between(Duration(2min), Duration(10min));
    if (dice.chance(0.6)) traits.zones = {"a", "b", "c"};
    for (const auto& one : scene.fleet.templates)
      if (one.cloud.str() == name) traits.templates.push_back(one.name.str());
    vary_forms(traits, seed);
    scene.clouds.push_back(std::move(traits));
  }

  Dice lists(seed, "lists");
  for (auto& traits : scene.clouds) traits.repeats = lists.chance(0.3) ? lists.uniform() * 0.7 : 0;
  give_pools(scene.fleet, seed);
  schedule_pools(scene.fleet, seed);
  vary_retention(scene.fleet, seed);
  scene.admins = make_admins(seed);
  scene.habits.users = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 3));
  scene.habits.builds_each = static_cast<std::uint32_t>(dice.between(std::uint64_t{2}, 5));
  scene.habits.between_builds = dice.between(Duration(100ms), Duration(20s));
  scene.habits.lost_answers = dice.chance(0.5) ? 0.2 : 0.02;
  scene.habits.edits_jobs = dice.chance(0.5);
  scene.habits.meddles_with_agents = dice.chance(0.3);
  make_rush(scene, seed);
  make_dear_rush(scene, seed, options.dear_rush);
  if (options.long_steps) scene.habits.long_steps = 0.5;
  make_crossing(scene, seed);
  add_controller(scene, seed);
  make_jenkins(scene, seed, options.jenkins);
  scene.faults_for = dice.between(Duration(60s), Duration(5min));
  return scene;
}

class World {
 public:
  explicit World(const WorldOptions& options);
  Outcome run();

 private:
  template <class R>
  R ask(Awaitable<R> question);
  template <class R>
  static Awaitable<void> keep(Awaitable<R> question, std::optional<R>* out) {
    out->emplace(co_await std::move(question));
  }
  void wire_up();
  void machine_down(const std::string& machine, const std::string& why);
  void run_until_drained();
  bool step(Duration until);
  bool finished() const {
    return users_->done() && admins_->done() && (!remote_ || remote_->done()) && checker_->drained();
  }
  void look_at_the_end();
  void note_doubt(store::OpenState& rows) const;
  std::vector<model::Build> all_builds();

  WorldOptions options_;
  Scene scene_;
  Trace trace_;
  SimLoop loop_;
  Witness witness_;
  base::Logger log_;
  // What outlives every crash.
  Life durable_;
  runtime::Executor store_executor_;
  runtime::Executor inspector_;
  NodeClock clock_;
  std::unique_ptr<ServerNode> server_;  // before the store: it uses it
  std::unique_ptr<store::Store> store_;
  StoreTrouble store_trouble_;
  SimDisk disk_;
  SimNet net_;
  std::vector<std::unique_ptr<SimCloud>> clouds_;
  std::unique_ptr<OtherController> remote_;  // or there is none
  std::unique_ptr<SimAgents> agents_;
  std::unique_ptr<Checker> checker_;
  std::unique_ptr<SimUsers> users_;
  std::unique_ptr<SimAdmins> admins_;
  std::unique_ptr<Faults> faults_;
};

World::World(const WorldOptions& options)
    : options_(options),
      scene_(make_scene(options)),
      trace_(options.trace),
      loop_(options.undetermined
                ? static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())
                : options.seed,
            trace_),
      witness_([this] { return loop_.now(); }),
      log_(std::make_shared<SimLogSink>(loop_, witness_)),
      durable_(loop_, "durable"),
      store_executor_(durable_.add_lane("store", true)),
      inspector_(durable_.add_lane("inspector", true)),
      clock_(loop_, Duration(0)),
      disk_(Dice(options.seed, "disk")),
      net_(loop_, Dice(options.seed, "net")) {
  witness_.add_secret(std::string(kPassword));
  witness_.add_secret("the key of the simulated server");
  wire_up();
}

void World::wire_up() {
  const runtime::CrashPoints crash_points([this](std::string_view name) {
    if (name.starts_with(store::kAfterCommit)) checker_->on_commit(name);
    server_->hit_in_store(name);
  });
  auto opened = store::open_store({"", crash_points}, log_, store_executor_);
  FOOTMAN_CHECK(opened, "a database in memory opens");
  store_ = std::move(*opened);

  std::vector<SimCloud*> clouds;
  for (const auto& traits : scene_.clouds) {
    clouds_.push_back(std::make_unique<SimCloud>(loop_, Dice(options_.seed, traits.name), witness_, traits));
    clouds.push_back(clouds_.back().get());
  }
  if (scene_.remote.items > 0) {
    remote_ = std::make_unique<RemoteController>(loop_, witness_, options_.seed, scene_.remote);
    witness_.count(Happening::second_controller);
  } else if (scene_.jenkins.builds > 0) {
    remote_ = std::make_unique<SimJenkins>(loop_, witness_, options_.seed, scene_.jenkins);
    witness_.count(Happening::second_controller);
    witness_.count(Happening::jenkins_there);
  }
  agents_ = std::make_unique<SimAgents>(loop_, net_, witness_, options_.seed, log_);
  server_ = std::make_unique<ServerNode>(ServerParts{loop_,
                                                     net_,
                                                     disk_,
                                                     *store_,
                                                     clouds,
                                                     remote_.get(),
                                                     witness_,
                                                     store_trouble_,
                                                     {{"env:SIM_PASSWORD", std::string(kPassword)}},
                                                     scene_.controller,
                                                     scene_.fleet,
                                                     options_.bends,
                                                     log_},
                                         options_.seed);
  checker_ = std::make_unique<Checker>(CheckerParts{
      loop_, witness_, disk_, *server_, clouds, remote_.get(),
      [this] {
        auto rows = ask(store_->load_open_state());
        FOOTMAN_CHECK(rows, "the rows can be read");
        if (*store_trouble_.doubtful_items) note_doubt(*rows);
        return std::move(*rows);
      },
      [this](base::BuildId id) -> std::optional<model::Build> {
        auto build = ask(store_->get_build(id));
        if (!build) return std::nullopt;
        return std::move(*build);
      },
      [this](const base::AgentId& agent) { return net_.parted_since(agent.str(), std::string(kServerNode)); },
      [this] { return disk_.is_full() || store_trouble_.full || store_trouble_.io_error > 0; },
      [this] { return !store_trouble_.doubt->empty(); }, scene_.controller.lease});
  for (auto* cloud : clouds) {
    cloud->on_ask = [this](const ports::LaunchSpec& spec) { checker_->on_ask(spec); };
    cloud->clock_of_server = [this] { return server_->wall_now(); };
    cloud->on_wish = [this, name = base::CloudName(cloud->traits().name)](
                         const std::string& token, Duration left) { checker_->on_wish(name, token, left); };
    cloud->on_terminate = [this](const SimCloud::Machine& machine) { checker_->on_terminate(machine); };
    cloud->on_taken = [this](const SimCloud::Machine& machine) {
      if (!agents_->agent_of(machine.handle).empty()) checker_->on_taken(machine);
    };
    cloud->on_effect = [this](const ports::LaunchSpec& spec) { checker_->on_launch(spec); };
    cloud->on_up = [this](const std::string& machine, const ports::LaunchSpec& spec) {
      for (const auto* secret : {&spec.secret, &spec.controller_secret})
        if (!secret->empty()) witness_.add_secret(std::string(secret->expose()));
      if (remote_ && remote_->knows(spec.agent) && !scene_.jenkins.has_fronts)
        return remote_->start_agent(machine, spec);
      agents_->start(machine, spec);
    };
    cloud->on_down = [this](const std::string& machine) {
      agents_->kill(machine, loop_.steps() % 4 == 0);
      if (remote_) remote_->lose_machine(machine);
    };
  }
  agents_->on_exit = [this](const std::string& machine, const std::string& why) {
    machine_down(machine, why);
  };
  agents_->on_credential = [this](const std::string& machine, const ports::LaunchSpec& spec) {
    remote_->start_agent(machine, spec);
  };
  if (remote_) {
    remote_->on_exit = agents_->on_exit;
    remote_->on_trouble = [this] { checker_->on_trouble(); };
    remote_->clock_of_server = [this] { return server_->wall_now(); };
    remote_->calm_since = [this] {
      return server_->up() ? std::max(checker_->calm_since(), server_->up_since()) : loop_.now();
    };
  }
  disk_.on_durable = [this](base::StreamId stream, std::uint64_t offset, std::string_view bytes) {
    checker_->on_durable(stream, offset, bytes);
  };
  net_.tap = [this](std::uint64_t connection, const std::string& from, const std::string& to,
                    std::string_view bytes) { checker_->on_wire(connection, from, to, bytes); };
  users_ = std::make_unique<SimUsers>(
      loop_, *server_, witness_, options_.seed, scene_.habits,
      std::vector<std::string>{"linux", "warm", "linux && !warm", "linux || warm"}, log_);
  std::vector<base::CloudName> names;
  names.reserve(scene_.clouds.size());
  for (const auto& traits : scene_.clouds) names.emplace_back(traits.name);
  auto habits = options_.calm ? AdminHabits() : scene_.admins;
  admins_ = std::make_unique<SimAdmins>(
      loop_, *server_, witness_, options_.seed, habits, std::move(names), [this] { checker_->on_trouble(); },
      log_);
  faults_ = std::make_unique<Faults>(FaultParts{loop_, net_, disk_, store_trouble_, clouds, *agents_,
                                                *server_, *checker_, witness_, scene_.controller.lease},
                                     options_.seed);
}

void World::machine_down(const std::string& machine, const std::string& why) {
  for (const auto& cloud : clouds_)
    if (cloud->find(machine) != nullptr && !cloud->outlives_agents)
      cloud->exited(machine, {0, 0, false, why});
}

// Past everything that is simulated: nothing else happens meanwhile.
template <class R>
R World::ask(Awaitable<R> question) {
  std::optional<R> answer;
  {
    runtime::Scope scope(inspector_, log_);
    scope.spawn("question", keep<R>(std::move(question), &answer));
    loop_.settle_urgent();
  }
  loop_.settle_urgent();
  FOOTMAN_CHECK(answer, "the store answers at once");
  return std::move(*answer);
}

bool World::step(Duration until) {
  if (witness_.violation() || loop_.steps() > kMostSteps || !loop_.step(until)) return false;
  agents_->reap();
  faults_->after_step();
  if (!faults_->quiet()) checker_->on_trouble();
  checker_->check();
  return true;
}

void World::run_until_drained() {
  const auto faults_end = loop_.now() + scene_.faults_for;
  if (!options_.calm) {
    faults_->begin();
    if (remote_) remote_->begin();
    while (loop_.now() < faults_end && step(faults_end)) continue;
  }
  faults_->end();
  users_->calm_down();
  admins_->calm_down();
  if (remote_) remote_->calm_down();
  const auto bound = loop_.now() + kDrainBound;
  while (!finished() && loop_.now() < bound && step(bound)) continue;
  if (!witness_.violation() && !finished())
    witness_.report("everything_drains",
                    fmt::format("{} after the last fault there is still:{}{}",
                                base::format_duration(loop_.now() - (bound - kDrainBound)),
                                users_->done() && admins_->done() ? "" : "\n  a user who waits",
                                checker_->what_is_left() + (remote_ ? remote_->what_is_left() : "")));
}

// The rows themselves tell that only to a server that opens them.
void World::note_doubt(store::OpenState& rows) const {
  if (!server_->up()) return;
  std::set<base::QueueItemId> doubtful;
  for (const auto& entry : server_->controller().queue())
    if (entry.item.in_doubt) doubtful.insert(entry.item.id);
  for (auto& item : rows.items) item.in_doubt = doubtful.contains(item.id);
}

std::vector<model::Build> World::all_builds() {
  std::vector<model::Build> all;
  store::BuildFilter filter;
  filter.limit = 1000;
  auto listed = ask(store_->list_builds(filter));
  FOOTMAN_CHECK(listed, "the builds can be listed");
  return std::move(*listed);
}

void World::look_at_the_end() {
  if (witness_.violation()) return;
  checker_->check_end(all_builds());
  if (remote_) remote_->check_end();
}

Outcome World::run() {
  server_->start();
  run_until_drained();
  look_at_the_end();
  Outcome outcome;
  outcome.seed = options_.seed;
  outcome.violation = witness_.violation();
  outcome.steps = loop_.steps();
  outcome.virtual_time = loop_.now() - Duration(1h);
  outcome.builds = witness_.submissions.size();
  for (const auto& cloud : clouds_) outcome.launches += cloud->launched();
  outcome.crashes = faults_->crashes();
  outcome.kills = faults_->kills();
  outcome.faults = faults_->others();
  outcome.happened = witness_.happened();
  outcome.crashed_at = witness_.crashes();
  // In the order of their needs; before the loop and the network go.
  faults_.reset();
  admins_.reset();
  users_.reset();
  agents_.reset();
  server_.reset();
  remote_.reset();
  outcome.trace_hash = trace_.hash();
  outcome.trace = trace_.lines();
  return outcome;
}

}  // namespace

Outcome run_world(const WorldOptions& options) { return World(options).run(); }

}  // namespace footman::sim
