#include "api/tests/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "api/router.hpp"
#include "controller/agent_hub.hpp"
#include "net/http_head.hpp"
#include "net/http_server.hpp"

namespace footman::api::testing {

namespace {

Awaitable<Status> as_status(Awaitable<void> work) {
  co_await std::move(work);
  co_return Status();
}

Awaitable<Status> note_path(std::string& where, std::string path) {
  if (path == "/exists") co_return fail(Errc::already_exists, "there is something at this path");
  if (path == "/no/folder") co_return fail(Errc::io, "The file cannot be opened");
  if (path == "/full") co_return fail(Errc::resource_exhausted, "No space is left");
  where = std::move(path);
  co_return Status();
}

Awaitable<Result<std::vector<std::string>>> answer_with(Result<std::vector<std::string>> answer) {
  co_return answer;
}

Awaitable<Result<Secret>> no_secret(std::string reference) {
  co_return fail(Errc::not_found, "there is no secret " + reference);
}

}  // namespace

json::object Answer::json() const {
  const auto value = json::parse(body);
  REQUIRE(value.is_object());
  return value.get_object();
}

std::string Answer::error() const {
  const auto object = json();
  REQUIRE(object.contains("error"));
  const auto& error = object.at("error").as_object();
  CHECK(!error.at("message").as_string().empty());
  auto text = fmt::format("{} {}", status, std::string_view(error.at("code").as_string()));
  if (error.contains("field")) text += fmt::format(" {}", std::string_view(error.at("field").as_string()));
  return text;
}

Awaitable<Status> OpenAnswer::write(std::string bytes) {
  ++writes;
  const auto self = shared_from_this();
  while (full && !gone) co_await drained_.wait();
  if (gone) co_return fail(Errc::cancelled, "the client is gone");
  received += bytes;
  co_return Status();
}

void World::add_stray(const InstallationId& installation, const std::string& agent) {
  ports::LaunchSpec spec;
  spec.installation = installation;
  spec.agent = AgentId(agent);
  spec.client_token = agent + "-1";
  ports::Resource resource{
      installation, spec.agent, spec.client_token, "i-" + agent, ports::ResourceState::running,
      clock.now(),  {}};
  cloud.resources[agent + "-1"] = {std::move(spec), std::move(resource), Duration(0), {}};
}

World::World(int strays, int doubtful_builds) {
  const runtime::Executor executor = io.get_executor();
  tools_ = std::make_unique<runtime::Scope>(executor, Logger());
  server_ = std::make_unique<runtime::Scope>(executor, Logger());
  auto opened = store::open_store({}, Logger(), executor);
  REQUIRE(opened);
  store = std::move(*opened);
  provider_ = std::make_unique<fleet::testing::ScriptedCloud>(cloud, clock);

  controller::ControllerParts controller_parts{
      *store,   logs, clock, *rng, executor, executor, changes, metrics, Logger(), {}, Secret("server key"),
      no_secret};
  controller =
      std::make_unique<controller::Controller>(std::move(controller_parts), controller::ControllerConfig());
  store::NewBuild build;
  build.now = clock.now();
  for (int i = 0; i < doubtful_builds; ++i) REQUIRE(run(store->submit_build(build)));
  auto state = run(store->load_open_state());
  REQUIRE(state);
  for (auto& item : state->items) item.in_doubt = true;
  REQUIRE(run(controller->start(*state)));
  for (int i = 0; i < strays; ++i) add_stray(state->installation, fmt::format("stray-{}", i));

  fleet::Template one;
  one.name = TemplateName("small");
  one.cloud = CloudName("cloud");
  one.labels = {"linux"};
  one.is_default = true;
  one.limits.agents = 3;
  one.size = {500, 1ULL << 30};
  one.price.per_hour = {3'600'000};  // a thousandth of a dollar a second
  one.endpoint.url = "ws://127.0.0.1:8080/agents";
  fleet_config_.templates.push_back(one);
  fleet::FleetParts fleet_parts{
      *store,  clock,    *rng, executor, {controller.get()}, {provider_.get()}, changes,
      metrics, Logger(), {},   {}};
  fleet = std::make_unique<fleet::Fleet>(std::move(fleet_parts), fleet_config_);
  REQUIRE(run(fleet->start(std::move(*state))));
  restart_api();
}

World::~World() {
  for (const auto& wire : wires_)
    if (const auto live = wire.lock()) live->cut();
  server_.reset();
  (void)run(as_status(fleet->stop()));
  (void)run(as_status(controller->stop()));
  tools_.reset();
  io.restart();
  io.poll();
  store->close();
}

void World::restart_api(std::vector<Mount> mounts) {
  handler = {};
  api.reset();
  auth = std::make_unique<Auth>(
      AuthParts{*store, clock, *rng, metrics, Logger()},
      AuthConfig{Secret(kAdminToken), Secret("csrf key"), InstallationId("test"), {"ci.example.com"}});
  REQUIRE(run(auth->start()));
  ServerInfo info{InstallationId("test"), clock.now(), {"127.0.0.1:8080"},
                  {"127.0.0.1:50000"},    "ws://ci/",  "/data"};
  Actions actions{[this](std::string path) { return note_path(backed_up, std::move(path)); },
                  [this] { return answer_with(reload_answer); }, [this] { return problems; }};
  api = std::make_unique<Api>(ApiParts{*controller, *fleet, *store, logs, io.get_executor(), changes, *auth,
                                       clock, *rng, metrics, Logger(), std::move(info), std::move(actions),
                                       desk});
  handler = api->handler(std::move(mounts));
  gate = api->gate();
}

void World::keep_ready(std::uint32_t agents) {
  fleet_config_.templates[0].pool.size.min_idle = agents;
  REQUIRE(run(fleet->apply_config(fleet_config_)));
  settle();
}

std::shared_ptr<net::HttpRequest> World::make_request(std::string method, std::string target,
                                                      std::string body, HeaderList headers) {
  auto request = std::make_shared<net::HttpRequest>();
  request->method = std::move(method);
  request->target = std::move(target);
  REQUIRE(net::split_target(*request));
  request->peer = "127.0.0.1:40000";
  const auto add_default = [&](const char* name, std::string value) {
    if (std::ranges::find(headers, name, &HeaderList::value_type::first) == headers.end())
      request->headers.add(name, std::move(value));
  };
  add_default("Host", "127.0.0.1:8080");
  add_default("Authorization", fmt::format("Bearer {}", kAdminToken));
  if (!body.empty()) add_default("Content-Type", "application/json");
  request->body = std::move(body);
  for (auto& [name, value] : headers)
    if (!value.empty()) request->headers.add(name, value);
  return request;
}

net::GateAnswer World::ask_gate(std::string method, std::string target, HeaderList headers) {
  return gate(*make_request(std::move(method), std::move(target), {}, std::move(headers)));
}

net::HttpResponse World::serve(const std::shared_ptr<net::HttpRequest>& request) {
  if (request->body.empty()) return run(handler(request));
  auto body = std::exchange(request->body, {});
  auto room = gate(*request);
  if (!room) return std::move(room.error());
  if (body.size() > *room) return net::make_error_response(413, "too_large", "the gate's limit");
  request->body = std::move(body);
  return run(handler(request));
}

Answer World::request(std::string method, std::string target, std::string body, HeaderList headers) {
  const auto made = make_request(std::move(method), std::move(target), std::move(body), std::move(headers));
  auto response = serve(made);
  Answer answer{response.status, std::move(response.headers), std::move(response.body), false};
  if (answer.header("Content-Type") == "application/json") check_described(*made, answer);
  if (!response.stream) return answer;
  const auto open = std::make_shared<OpenAnswer>();
  server_->spawn("body", produce(response.stream, open));
  settle();
  REQUIRE((open->ended || open->broken));
  answer.body = open->received;
  answer.broken = open->broken;
  return answer;
}

void World::check_described(const net::HttpRequest& request, const Answer& answer) const {
  for (const auto& route : Api::routes()) {
    if (route.method != request.method || !match_path(route.pattern, request.path)) continue;
    auto operation = fmt::format("{} {}", route.method, route.pattern);
    if (const auto dots = operation.find("...}"); dots != std::string::npos) operation.erase(dots, 3);
    for (const auto& wrong : description_.check_answer(operation, answer.status, answer.json()))
      FAIL_CHECK(wrong);
  }
}

std::shared_ptr<OpenAnswer> World::open(std::string target, HeaderList headers, bool full) {
  auto response = run(handler(make_request("GET", std::move(target), {}, std::move(headers))));
  auto answer = std::make_shared<OpenAnswer>();
  answer->status = response.status;
  answer->headers = std::move(response.headers);
  answer->full = full;
  REQUIRE(response.stream);
  server_->spawn("body", produce(std::move(response.stream), answer));
  settle();
  return answer;
}

Awaitable<void> World::produce(net::StreamBody body, std::shared_ptr<OpenAnswer> answer) {
  try {
    co_await body(answer);
    answer->ended = true;
  } catch (const std::exception& error) {
    if (runtime::is_cancellation(error)) throw;
    answer->broken = true;
  }
}

void World::settle() {
  for (int rounds = 0; rounds < 1'000'000; ++rounds) {
    io.restart();
    if (io.poll() == 0) return;
  }
  throw std::runtime_error("it never settles");
}

void World::advance(Duration by) {
  const auto until = clock.steady() + by;
  settle();
  while (clock.step(until)) settle();
  clock.set(until);
  settle();
}

std::int64_t World::submit(const std::string& label) {
  const auto answer = post(
      "/api/v1/builds", fmt::format(R"({{"spec":{{"label":"{}","steps":[{{"script":"true"}}]}}}})", label));
  REQUIRE(answer.status == 201);
  return answer.json().at("id").as_int64();
}

Worker World::connect_worker(bool accept) {
  const auto found = std::ranges::find_if(cloud.resources, [&](const auto& one) {
    return one.second.resource.state == ports::ResourceState::running &&
           controller->observe_agent(one.second.spec.agent).activity == ports::AgentActivity::expected;
  });
  REQUIRE(found != cloud.resources.end());
  const auto& launched = found->second.spec;
  auto streams = runtime::make_memory_streams();
  wires_.push_back(streams.wire);
  server_->spawn("serve", controller->agents().serve(std::move(streams.first)));
  Worker worker;
  worker.id = launched.agent;
  worker.agent = std::make_unique<ScriptedAgent>(io, std::move(streams.second), streams.wire);
  protocol::Hello hello;
  hello.agent = launched.agent;
  hello.attempt = launched.attempt;
  hello.connection = 1;
  hello.secret = launched.secret;
  hello.session_key = Secret(std::string(protocol::kSessionKeyBytes, 'k'));
  hello.agent_version = "test";
  hello.os = "linux";
  hello.arch = "x86_64";
  hello.hostname = "box\xff";  // agents say what they like
  worker.agent->send_raw(std::string(protocol::kPreface));
  worker.agent->send(hello);
  settle();
  REQUIRE(worker.agent->count<protocol::Welcome>() == 1);
  worker.agent->send(protocol::Resume{});
  settle();
  const auto assign = worker.agent->last<protocol::Assign>();
  REQUIRE(assign);
  worker.assign = *assign;
  if (!accept) return worker;
  worker.agent->send(protocol::Accepted{assign->assignment});
  settle();
  REQUIRE(worker.agent->count<protocol::Start>() == 1);
  return worker;
}

void World::print(Worker& worker, const std::string& text) {
  worker.agent->send(protocol::LogData{worker.assign.stream, worker.sent, {{0, clock.now()}}, text});
  worker.sent += text.size();
  settle();
}

void World::append_log(Worker& worker, const std::string& text, std::vector<ports::TimeMark> marks) {
  REQUIRE(run(logs.append(worker.assign.stream, worker.sent, text, std::move(marks))));
  worker.sent += text.size();
}

void World::finish(Worker& worker, int exit_status) {
  protocol::StepStarted started;
  started.assignment = worker.assign.assignment;
  started.report = ++worker.reports;
  started.at = clock.now();
  worker.agent->send(started);
  protocol::StepFinished step;
  step.assignment = worker.assign.assignment;
  step.report = ++worker.reports;
  step.exit_status = exit_status;
  step.at = clock.now();
  worker.agent->send(step);
  protocol::BuildFinished finished;
  finished.assignment = worker.assign.assignment;
  finished.report = ++worker.reports;
  finished.outcome = exit_status == 0 ? protocol::BuildOutcome::success : protocol::BuildOutcome::failure;
  if (exit_status != 0) finished.failed_step = 0;
  finished.log_end = worker.sent;
  finished.at = clock.now();
  worker.agent->send(finished);
  settle();
}

}  // namespace footman::api::testing
