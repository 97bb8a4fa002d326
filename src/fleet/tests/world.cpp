#include "fleet/tests/world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/tests/line_sink.hpp"
#include "store/crash_points.hpp"
#include "store/sql_error.hpp"

namespace footman::fleet::testing {

using ports::AgentActivity;

Awaitable<Status> as_status(Awaitable<void> work) {
  co_await std::move(work);
  co_return Status();
}

Template make_template(const std::string& name, std::vector<std::string> labels) {
  Template t;
  t.name = TemplateName(name);
  t.cloud = CloudName("cloud");
  t.labels = std::move(labels);
  t.is_default = true;
  t.launch_deadline = 5min;
  t.endpoint.url = "ws://127.0.0.1:8080/agents";
  return t;
}

World::World() {
  config.templates.push_back(make_template());
  store::StoreConfig in_memory;
  in_memory.crash_points = runtime::CrashPoints([this](std::string_view name) {
    if (!name.starts_with(store::kBeforeCommit)) return;
    ++commits;
    moves.emplace_back(name.substr(std::string_view(store::kBeforeCommit).size()));
    if (rows_vanish && name.ends_with("change_agent"))
      throw store::SqlError({Errc::not_found, "There is no such agent", {}, {}});
    if (store_full) throw store::SqlError({Errc::resource_exhausted, "no space left", {}, {}});
  });
  auto opened = store::open_store(std::move(in_memory), Logger(), store_io.get_executor());
  REQUIRE(opened);
  store = std::move(*opened);
}

World::~World() {
  if (io) crash();
  store->close();
}

void World::build() {
  if (io) crash();
  io = std::make_unique<runtime::asio::io_context>();
  const runtime::Executor executor = io->get_executor();
  tools_ = std::make_unique<runtime::Scope>(executor, Logger());
  provider = std::make_unique<ScriptedCloud>(cloud, clock);
  std::vector<ports::CloudProvider*> clouds{provider.get()};
  if (second_cloud) {
    second_provider = std::make_unique<ScriptedCloud>(*second_cloud, clock, CloudName("second"));
    clouds.push_back(second_provider.get());
  }
  std::vector<ports::ControllerPort*> controllers{&controller};
  controllers.insert(controllers.end(), others.begin(), others.end());
  FleetParts parts{*store,
                   clock,
                   *rng,
                   executor,
                   std::move(controllers),
                   std::move(clouds),
                   changes,
                   metrics,
                   Logger(std::make_shared<base::testing::LineSink>(log_lines)),
                   runtime::CrashPoints([this](std::string_view name) { crash_points.emplace_back(name); }),
                   [this] { return storage_full; }};
  fleet = std::make_unique<Fleet>(std::move(parts), config);
}

void World::start() {
  build();
  auto state = run(store->load_open_state());
  REQUIRE(state);
  REQUIRE(run(fleet->start(std::move(*state))));
}

void World::stop() {
  REQUIRE(run(as_status(fleet->stop())));
  fleet.reset();
}

// What has reached the store or the cloud has happened; everything of the server itself is gone.
void World::crash() {
  store_io.restart();
  store_io.poll();
  tools_.reset();
  fleet.reset();
  provider.reset();
  controller.crash();
  for (auto* other : others) other->crash();
  clock.drop_all();
  io.reset();
}

bool World::step() {
  io->restart();
  store_io.restart();
  return io->poll_one() > 0 || store_io.poll_one() > 0;
}

void World::settle() {
  for (int steps = 0; step(); ++steps)
    if (steps > 10'000'000) throw std::runtime_error("it never settles");
}

void World::advance(Duration by) {
  const auto until = clock.steady() + by;
  settle();
  while (clock.step(until)) settle();
  clock.set(until);
  settle();
}

std::vector<model::Agent> World::live_agents() const {
  std::vector<model::Agent> live;
  for (const auto& view : fleet->list_agents())
    if (view.agent.state != model::AgentState::terminated) live.push_back(view.agent);
  return live;
}

model::Agent World::only_agent() const {
  auto live = live_agents();
  REQUIRE(live.size() == 1);
  return live.front();
}

model::Agent World::row(const AgentId& id) {
  auto row = run(store->get_agent(id));
  REQUIRE(row);
  return *row;
}

std::vector<model::TimelineEntry> World::timeline(const AgentId& id) {
  auto lines = run(store->list_timeline("agent:" + id.str()));
  REQUIRE(lines);
  return *lines;
}

bool World::has(const std::vector<model::TimelineEntry>& lines, const std::string& kind) {
  return std::ranges::find(lines, kind, &model::TimelineEntry::kind) != lines.end();
}

AgentId World::busy_agent(const std::string& key) {
  submit(key);
  AgentId id;
  for (const auto& agent : live_agents())
    if (agent.for_item == key) id = agent.id;
  REQUIRE_FALSE(id.empty());
  controller.connect(id, now());
  controller.work(id, key);
  settle();
  return id;
}

void World::play_agents() {
  std::vector<AgentId> running;
  for (const auto& [token, held] : cloud.resources)
    if (held.resource.state == ports::ResourceState::running) running.push_back(held.resource.agent);
  for (const auto& id : running) {
    const auto it = controller.nodes.find(id);
    if (it == controller.nodes.end()) continue;
    switch (it->second.seen.activity) {
      case AgentActivity::expected:
        controller.connect(id, now());
        break;
      case AgentActivity::idle: {
        const auto wanted =
            std::ranges::find(controller.items, it->second.registration.for_item, &ports::DemandItem::key);
        if (wanted != controller.items.end())
          controller.work(id, wanted->key);
        else if (!controller.items.empty())
          controller.work(id, controller.items.front().key);
        break;
      }
      case AgentActivity::busy:
        controller.finish(id, now());
        break;
      default:
        break;
    }
  }
}

}  // namespace footman::fleet::testing
