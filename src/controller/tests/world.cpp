#include "controller/tests/world.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <stdexcept>

#include "base/tests/line_sink.hpp"
#include "controller/agent_hub.hpp"
#include "runtime/wait.hpp"
#include "store/crash_points.hpp"
#include "store/sql_error.hpp"

namespace footman::controller::testing {

using runtime::Awaitable;

namespace {

Awaitable<Result<Secret>> resolve(World* world, std::string reference) {
  if (world->secrets_wait_for != nullptr) co_await world->secrets_wait_for->wait();
  const auto it = world->secrets.find(reference);
  if (it == world->secrets.end()) co_return fail(Errc::not_found, "there is no such secret");
  co_return Secret(it->second);
}

Awaitable<ports::ProofAnswer> check_proof(World* world, ports::IdentityClaim claim) {
  world->claims.push_back(std::move(claim));
  if (world->proofs_wait_for != nullptr) co_await world->proofs_wait_for->wait();
  if (world->proof_takes > Duration(0)) co_await runtime::sleep_for(world->clock, world->proof_takes);
  co_return world->proof_answer;
}

}  // namespace

ScriptedAgent::ScriptedAgent(runtime::asio::io_context& io, runtime::ByteStreamPtr stream,
                             std::shared_ptr<runtime::MemoryWire> the_wire)
    : wire(std::move(the_wire)), io_(io), stream_(std::move(stream)), scope_(io.get_executor(), {}) {
  scope_.spawn("read", read_all());
}

ScriptedAgent::~ScriptedAgent() {
  stream_->close();
  io_.restart();
  io_.poll();
}

Awaitable<void> ScriptedAgent::read_all() {
  while (true) {
    auto chunk = co_await stream_->read(64 * 1024);
    if (!chunk || chunk->empty()) break;
    decoder_.feed(std::move(*chunk));
    while (true) {
      auto message = decoder_.next();
      if (!message) throw std::runtime_error(describe(message.error()));
      if (!*message) break;
      received.push_back(std::move(**message));
    }
  }
  ended = true;
}

Awaitable<void> ScriptedAgent::write(std::string bytes) { (void)co_await stream_->write(std::move(bytes)); }

void ScriptedAgent::send_raw(std::string bytes) { scope_.spawn("write", write(std::move(bytes))); }

World::World() {
  config.heartbeat = std::chrono::seconds(15);
  store::StoreConfig in_memory;
  in_memory.crash_points = runtime::CrashPoints([this](std::string_view name) {
    if (store_full && name.starts_with(store::kBeforeCommit))
      throw store::SqlError({Errc::resource_exhausted, "no space left", {}, {}});
    if (store_busy && name.starts_with(store::kBeforeCommit))
      throw store::SqlError({Errc::unavailable, "too many changes wait", {}, {}});
  });
  auto opened = store::open_store(std::move(in_memory), Logger(), store_io.get_executor());
  REQUIRE(opened);
  store = std::move(*opened);
  start();
}

World::~World() {
  crash();
  store->close();
}

model::Assignment World::assignment(std::int64_t id) {
  const auto builds = ask(store->list_builds({.limit = 1000})).value();
  for (const auto& one : builds)
    for (auto& found : ask(store->list_assignments(one.id)).value())
      if (found.id == AssignmentId(id)) return found;
  throw std::out_of_range("no such assignment");
}

model::Node World::node(const std::string& agent) {
  for (auto& found : ask(store->load_open_state()).value().nodes)
    if (found.agent == AgentId(agent)) return found;
  throw std::out_of_range("no such node");
}

void World::start() {
  server_io = std::make_unique<runtime::asio::io_context>();
  const runtime::Executor executor = server_io->get_executor();
  tools_ = std::make_unique<runtime::Scope>(executor, Logger());
  server_ = std::make_unique<runtime::Scope>(executor, Logger());
  log_store = std::make_unique<logs::MemoryLogStore>(logs, clock);
  ControllerParts parts{
      *store,
      *log_store,
      clock,
      *rng,
      executor,
      executor,
      changes,
      metrics,
      Logger(std::make_shared<base::testing::LineSink>(log_lines)),
      runtime::CrashPoints([this](std::string_view name) { crash_points.emplace_back(name); }),
      Secret("server key"),
      [this](std::string reference) { return resolve(this, std::move(reference)); },
      [this](ports::IdentityClaim claim) { return check_proof(this, std::move(claim)); },
      credentials};
  controller = std::make_unique<Controller>(std::move(parts), config);
  auto state = run(store->load_open_state());
  REQUIRE(state);
  state->doubt = doubt;
  for (auto& item : state->items) item.in_doubt = items_in_doubt;
  REQUIRE(run(controller->start(std::move(*state))));
}

void World::stop() {
  auto done = begin(as_status(controller->stop()));
  advance(std::chrono::seconds(10));
  REQUIRE(done->has_value());
}

void World::crash() {
  store_io.restart();
  store_io.poll();  // what has reached the store has happened; its answers go with the server
  for (const auto& wire : wires_)
    if (const auto live = wire.lock()) live->cut();
  wires_.clear();
  tools_.reset();
  server_.reset();
  controller.reset();
  log_store.reset();
  clock.drop_all();  // what waits goes back to its executor to be destroyed
  server_io.reset();
  io.restart();
  io.poll();
}

void World::settle() {
  std::size_t moved = 1;
  for (int rounds = 0; moved > 0; ++rounds) {
    if (rounds > 100'000) throw std::runtime_error("it never settles");
    io.restart();
    server_io->restart();
    store_io.restart();
    moved = io.poll() + server_io->poll() + store_io.poll();
  }
}

void World::advance(Duration by) {
  const auto until = clock.steady() + by;
  settle();
  while (clock.step(until)) settle();
  clock.set(until);
  settle();
}

Secret World::register_agent(const std::string& id, std::uint32_t attempt, std::uint32_t max_builds,
                             std::vector<std::string> labels, std::string for_item) {
  ports::AgentRegistration registration;
  registration.id = AgentId(id);
  registration.attempt = attempt;
  registration.labels = std::move(labels);
  registration.max_builds = max_builds;
  registration.is_default = takes_unlabelled;
  registration.for_item = std::move(for_item);
  registration.secret_lifetime = std::chrono::minutes(5);
  auto bootstrap = run(controller->register_agent(std::move(registration)));
  REQUIRE(bootstrap);
  return bootstrap->secret;
}

runtime::MemoryStreams World::open() {
  auto streams = runtime::make_memory_streams();
  wires_.push_back(streams.wire);
  server_->spawn("serve", controller->agents().serve(std::move(streams.first), [this] { ++agents_known; }));
  return streams;
}

std::unique_ptr<ScriptedAgent> World::connect() {
  auto streams = open();
  return std::make_unique<ScriptedAgent>(io, std::move(streams.second), streams.wire);
}

protocol::Hello World::hello(const std::string& id, const Secret& secret, std::uint32_t connection,
                             char key) {
  protocol::Hello hello;
  hello.agent = AgentId(id);
  hello.attempt = 1;
  hello.connection = connection;
  hello.secret = secret;
  hello.session_key = Secret(std::string(protocol::kSessionKeyBytes, key));
  hello.agent_version = "test";
  hello.os = "linux";
  hello.arch = "x86_64";
  return hello;
}

std::unique_ptr<ScriptedAgent> World::join(const std::string& id, std::uint32_t max_builds,
                                           std::vector<std::string> labels, std::string for_item) {
  const auto secret = register_agent(id, 1, max_builds, std::move(labels), std::move(for_item));
  auto agent = connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(hello(id, secret));
  settle();
  REQUIRE(agent->count<protocol::Welcome>() == 1);
  agent->send(protocol::Resume{});
  settle();
  return agent;
}

std::unique_ptr<ScriptedAgent> World::rejoin(const std::string& id, std::uint32_t connection,
                                             std::vector<protocol::HeldAssignment> held) {
  auto agent = connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(hello(id, Secret(), connection));
  settle();
  REQUIRE(agent->count<protocol::Welcome>() == 1);
  agent->send(protocol::Resume{std::move(held)});
  settle();
  return agent;
}

BuildId World::submit(const std::string& label, const std::string& script) {
  SubmitRequest request;
  request.spec.label = label;
  request.spec.steps.push_back({"", "", script});
  auto submitted = run(controller->submit_build(std::move(request)));
  REQUIRE(submitted);
  return submitted->build.id;
}

std::unique_ptr<ScriptedAgent> World::run_on_agent(const std::string& id, std::uint32_t max_builds) {
  submit();
  auto agent = join(id, max_builds);
  const auto assign = agent->last<protocol::Assign>();
  REQUIRE(assign);
  agent->send(protocol::Accepted{assign->assignment});
  settle();
  REQUIRE(agent->count<protocol::Start>() == 1);
  return agent;
}

void World::send_log(ScriptedAgent& agent, StreamId stream, std::uint64_t offset, const std::string& text) {
  agent.send(protocol::LogData{stream, offset, {{0, clock.now()}}, text});
  settle();
}

void World::finish(ScriptedAgent& agent, AssignmentId assignment, std::uint64_t report, std::uint64_t log_end,
                   protocol::BuildOutcome outcome) {
  using protocol::BuildOutcome;
  protocol::BuildFinished finished;
  if (report == 1 && (outcome == BuildOutcome::success || outcome == BuildOutcome::failure)) {
    protocol::StepFinished step{.assignment = assignment, .report = 2};
    step.exit_status = outcome == BuildOutcome::failure ? 1 : 0;
    agent.send(protocol::StepStarted{assignment, 1, 0, clock.now(), 0});
    agent.send(step);
    report = 3;
  }
  if (outcome == BuildOutcome::failure) finished.failed_step = 0;
  finished.assignment = assignment;
  finished.report = report;
  finished.outcome = outcome;
  finished.log_end = log_end;
  finished.at = clock.now();
  agent.send(finished);
  settle();
}

}  // namespace footman::controller::testing
