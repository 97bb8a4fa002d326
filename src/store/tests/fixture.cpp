#include "store/tests/fixture.hpp"

#include <unistd.h>

#include <cstdlib>

namespace footman::store::testing {

TemporaryDirectory::TemporaryDirectory() {
  // In memory where there is such a place: the tests are about order, not about the disk's speed.
  const std::filesystem::path memory = "/dev/shm";
  const auto base = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  auto name = (base / "footman-store-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Fixture::open() {
  scope = std::make_unique<runtime::Scope>(io.get_executor(), Logger());
  auto opened = open_store(config_, log_, io.get_executor());
  if (!opened) throw std::runtime_error(describe(opened.error()));
  store = std::move(*opened);
}

NewBuild new_build(const std::string& job) {
  NewBuild request;
  request.job = JobPath(job);
  request.spec.label = "linux && !arm";
  request.spec.env = {{"A", "1", ""}, {"TOKEN", "", "file:/run/token"}};
  request.spec.steps = {{"build", "/bin/bash -e", "make"}, {"", "", "make test"}};
  request.spec.timeout = std::chrono::minutes(5);
  request.spec.log_limit_bytes = 1 << 20;
  request.parameters = {{"BRANCH", "main"}};
  request.cause = "a test";
  request.now = at(1);
  request.quiet_until = at(2);
  return request;
}

model::Agent new_agent(const std::string& id) {
  model::Agent agent;
  agent.id = AgentId(id);
  agent.cloud = CloudName("local");
  agent.template_name = TemplateName("small");
  agent.template_generation = 0xfedcba9876543210;
  agent.controller = ControllerName("footman");
  agent.for_item = "17";
  agent.labels = {"linux", "x86_64"};
  agent.size = {2500, 4ULL << 30};
  agent.price.per_hour = {50'000};
  agent.price.billing = {model::BilledFrom::connected, model::BilledUntil::stop_asked,
                         std::chrono::minutes(1), std::chrono::minutes(10)};
  agent.client_token = id + "-1";
  agent.frozen_request = R"({"a":1})";
  agent.idle_timeout = std::chrono::minutes(1);
  agent.planned = at(1);
  agent.launch_deadline = at(60);
  return agent;
}

model::Node new_node(const std::string& agent, std::uint32_t attempt) {
  model::Node node;
  node.agent = AgentId(agent);
  node.attempt = attempt;
  node.labels = {"linux"};
  node.secret_deadline = at(60);
  node.created = at(1);
  return node;
}

SubmittedBuild Fixture::submit(const std::string& job, const std::string& key, const std::string& hash) {
  auto request = new_build(job);
  request.idempotency_key = key;
  request.request_hash = hash;
  return get(store->submit_build(std::move(request)));
}

model::Job Fixture::create_job(const std::string& path) {
  model::Job job;
  job.path = JobPath(path);
  job.spec = new_build().spec;
  job.created = at(1);
  return get(store->create_job(std::move(job)));
}

model::Assignment Fixture::start(const SubmittedBuild& build, const std::string& agent) {
  auto one = get(store->offer_assignment(build.item.id, AgentId(agent), 1, at(10)));
  get(store->accept_assignment(one.id, at(11)));
  return get(store->start_assignment(one.id, at(12)));
}

model::Build Fixture::finish(const model::Assignment& one, model::BuildResult result) {
  FinishBuild end;
  end.build = one.build;
  end.assignment = one.id;
  end.result = result;
  end.exit_status = 0;
  end.log_bytes = 42;
  end.now = at(20);
  return get(store->finish_build(std::move(end))).build;
}

}  // namespace footman::store::testing
