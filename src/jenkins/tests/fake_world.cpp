#include "jenkins/tests/fake_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/label.hpp"
#include "runtime/wait.hpp"

namespace footman::jenkins::testing {

using model::EndReason;
using runtime::Awaitable;

namespace {
Awaitable<Result<Secret>> answer_with(Result<Secret> token) { co_return token; }
}  // namespace

// --- what is kept

Awaitable<Result<std::vector<NodeRecord>>> MemoryBook::load(ControllerName controller) {
  std::vector<NodeRecord> list;
  for (const auto& [id, record] : records)
    if (record.controller == controller) list.push_back(record);
  co_return list;
}

Awaitable<Status> MemoryBook::put(NodeRecord record) {
  co_await runtime::next_turn();
  if (fails) co_return fail(Errc::io, "no space left");
  ++puts;
  records[record.agent] = std::move(record);
  co_return Status();
}

Awaitable<Status> MemoryBook::erase(ControllerName, AgentId agent) {
  co_await runtime::next_turn();
  if (fails) co_return fail(Errc::io, "no space left");
  records.erase(agent);
  co_return Status();
}

Awaitable<Result<std::vector<std::string>>> MemoryBook::load_violations(ControllerName) {
  co_return violations;
}

Awaitable<Status> MemoryBook::save_violations(ControllerName, std::vector<std::string> sentences) {
  violations = std::move(sentences);
  co_return Status();
}

Awaitable<Result<Answer>> DoubleTransport::send(Request request) {
  ++sent;
  if (latency > Duration(0)) co_await runtime::sleep_for(clock_, latency);
  fake_jenkins::Request theirs{std::move(request.method), std::move(request.path), request.headers.all(),
                               std::move(request.body)};
  auto answer = jenkins_.handle(theirs, clock_.now());
  if (answer.takes > Duration(0)) co_await runtime::sleep_for(clock_, answer.takes);
  if (answer.status == 0) co_return fail(Errc::unavailable, "the connection was refused");
  Answer ours{answer.status, {}, std::move(answer.body)};
  for (auto& [name, value] : answer.headers) ours.headers.add(std::move(name), std::move(value));
  if (edit) edit(theirs.target, ours);
  if (request.most_bytes && ours.body.size() > *request.most_bytes)
    co_return fail(Errc::resource_exhausted, "the answer is too long");
  co_return ours;
}

// --- the world

FakeWorld::FakeWorld(std::vector<ServedLabels> served) {
  jenkins = std::make_unique<FakeJenkins>(fake_jenkins::Settings{}, clock.now());
  transport = std::make_unique<DoubleTransport>(*jenkins, clock);
  settings.name = ControllerName("ci");
  settings.url = "http://jenkins.example.test:8080/";
  settings.user = "scaler";
  settings.token = Secret("scaler-token");
  settings.installation = "i1";
  settings.demand.served = std::move(served);
  open();
}

void FakeWorld::open() {
  io_ = std::make_unique<boost::asio::io_context>();
  tools_ = std::make_unique<runtime::Scope>(io_->get_executor(), base::Logger());
}

FakeWorld::~FakeWorld() { crash(); }

JenkinsParts FakeWorld::parts(NodeBook& its_book, Transport& its_way) {
  return {io_->get_executor(),
          clock,
          its_way,
          its_book,
          base::Logger(),
          metrics,
          {},
          [this](const BuildRun& run) { builds.push_back(run); },
          {},
          [this](const BuildRun& run, const std::string& result) { results[run.title] = result; },
          [this] { left = true; },
          {},
          [this] { return answer_with(new_token); },
          sections};
}

void FakeWorld::start() {
  controller = std::make_unique<JenkinsController>(parts(book, *transport), settings);
  controller->set_former_prefixes(former_prefixes);
  for (auto& [id, agent] : agents) agent.acting = false;
  REQUIRE(wait(controller->start()));
}

void FakeWorld::stop() {
  struct Stop {
    static Awaitable<Status> run(JenkinsController* controller) {
      co_await controller->stop();
      co_return Status();
    }
  };
  REQUIRE(wait(Stop::run(controller.get())));
  crash();
}

void FakeWorld::crash() {
  tools_.reset();
  controller.reset();
  clock.drop_all();
  open();  // what was under way goes with the old loop
}

void FakeWorld::restart(Duration down) {
  crash();
  run(down);
  start();
}

// --- time

void FakeWorld::settle() {
  io_->restart();
  io_->poll();
}

bool FakeWorld::run_until(const std::function<bool()>& holds, Duration limit) {
  const auto end_at = clock.steady() + limit;
  while (true) {
    settle();
    jenkins->advance(now());
    step_machines();
    step_fleet();
    settle();
    if (holds()) return true;
    if (clock.steady() >= end_at) return false;
    auto next = end_at;
    const auto consider = [&](Instant at) {
      if (at.is_set()) next = std::min(next, std::max(clock.steady() + (at - now()), clock.steady() + 1us));
    };
    consider(jenkins->next_event_at());
    for (const auto& [id, machine] : machines)
      if (machine.connection == 0) consider(machine.next_try);
    if (!clock.step(next)) clock.set(next);
  }
}

// --- Jenkins

void FakeWorld::add_freestyle(const std::string& name, const std::string& label,
                              std::optional<Duration> takes) {
  Job job;
  job.name = name;
  job.label = label;
  job.work.takes = takes;
  jenkins->add_job(std::move(job));
}

void FakeWorld::add_pipeline(const std::string& name, std::vector<std::string> labels,
                             std::optional<Duration> takes) {
  Job job;
  job.name = name;
  job.kind = Job::Kind::pipeline;
  job.stages.emplace_back();
  for (auto& label : labels) {
    fake_jenkins::NodeBlock block;
    block.label = std::move(label);
    block.work.takes = takes;
    job.stages[0].push_back(std::move(block));
  }
  jenkins->add_job(std::move(job));
}

std::int64_t FakeWorld::trigger(const std::string& job) {
  const auto item = jenkins->trigger(job, now());
  REQUIRE(item);
  return *item;
}

bool FakeWorld::is_over(const std::string& job, int number) const {
  const auto* run = jenkins->find_run(job, number);
  return run != nullptr && !run->building;
}

std::vector<std::string> FakeWorld::agent_nodes() const {
  std::vector<std::string> nodes;
  for (const auto& [name, computer] : jenkins->computers())
    if (name.starts_with("footman-") && !is_placeholder_name("footman-", name)) nodes.push_back(name);
  return nodes;
}

std::size_t FakeWorld::starts_on(const std::string& node) const {
  return static_cast<std::size_t>(
      std::ranges::count(jenkins->starts(), node, [](const FakeJenkins::Start& one) { return one.node; }));
}

bool FakeWorld::placeholders_stand() const { return controller->status().tells_labels; }

// --- agents

void FakeWorld::start_machine(const AgentId& id, const std::string& secret) {
  machines[id] = {"footman-" + id.str(), secret, 0, now()};
}

void FakeWorld::kill_machine(const AgentId& id) {
  const auto it = machines.find(id);
  if (it == machines.end()) return;
  if (it->second.connection != 0) jenkins->disconnect_agent(it->second.connection, now());
  machines.erase(it);
}

void FakeWorld::step_machines() {
  for (const auto& event : jenkins->take_agent_events()) {
    if (event.kind != fake_jenkins::AgentEvent::Kind::closed) continue;
    for (auto& [id, machine] : machines) {
      if (machine.connection != event.connection) continue;
      machine.connection = 0;
      machine.next_try = now() + 10s;
    }
  }
  for (auto& [id, machine] : machines) {
    if (machine.connection != 0 || now() < machine.next_try) continue;
    const auto connected = jenkins->connect_agent({machine.node, machine.secret, true}, now());
    if (connected)
      machine.connection = *connected;
    else
      machine.next_try = now() + 10s;
  }
}

// --- the fleet

// Each item has the agent that was launched for it, else one that is left over, else a new one.
void FakeWorld::match(const std::vector<ports::DemandItem>& demand) {
  std::set<std::string> waiting;
  for (const auto& item : demand) waiting.insert(item.key);
  const auto find_agent = [&](const auto& fits) {
    return std::ranges::find_if(agents,
                                [&](const auto& one) { return is_free(one.second) && fits(one.second); });
  };
  for (const auto& item : demand) {
    if (find_agent([&](const Agent& one) { return one.item == item.key; }) != agents.end()) continue;
    const auto label = model::parse_label_expression(item.label);
    const auto left_over = find_agent([&](const Agent& one) {
      const auto node = controller->overview().find(one.id);
      return !waiting.contains(one.item) && node != nullptr &&
             model::fits(*label, node->record.labels, node->record.is_default);
    });
    if (left_over != agents.end()) {
      left_over->second.item = item.key;
    } else if (agents.size() < cap) {
      const AgentId id(fmt::format("t-{}", ++next_agent_));
      agents[id] = {id, item.key, false, false, false, {}};
      launched_for.push_back(item.key);
    }
  }
}

// It may have an item: it is on its way, or has nothing to do.
bool FakeWorld::is_free(const Agent& agent) const {
  using enum AgentActivity;
  const auto activity = agent.seen.activity;
  return !agent.ending && !wishes.contains(agent.id) &&
         (!agent.launched || activity == expected || activity == idle);
}

void FakeWorld::step_fleet() {
  if (!controller || !has_fleet) return;
  const auto demand = controller->demand();
  for (auto& [id, agent] : agents) agent.seen = controller->observe_agent(id);
  match(demand);
  std::set<std::string> waiting;
  for (const auto& item : demand) waiting.insert(item.key);
  for (auto& [id, agent] : agents) {
    if (agent.acting) continue;
    using enum AgentActivity;
    const auto activity = agent.seen.activity;
    const bool is_over = activity == done || activity == lost;
    const bool is_surplus =
        max_builds == 1 && !waiting.contains(agent.item) && activity != busy && activity != disconnected;
    // As the cloud tells of a machine that is gone.
    if (agent.launched && !machines.contains(id) && !agent.ending && activity != done && activity != lost)
      wishes.try_emplace(id, model::EndReason::resource_gone, "Its machine is gone.");
    if (is_over || agent.ending || wishes.contains(id)) {
      agent.ending = agent.acting = true;
      tools_->spawn("end", end(id, false));
    } else if (!agent.launched && waiting.contains(agent.item)) {
      agent.acting = true;
      tools_->spawn("launch", launch(id));
    } else if (is_surplus) {
      agent.acting = true;
      tools_->spawn("end", end(id, true));
    }
  }
}

Duration FakeWorld::time_to_launch(const std::string& item) const {
  for (const auto& [job, time] : launch_times)
    if (item.find("job/" + job + "/") != std::string::npos) return time;
  return launch_time;
}

Awaitable<void> FakeWorld::launch(AgentId id) {
  ports::AgentRegistration registration;
  registration.id = id;
  registration.max_builds = max_builds;
  registration.for_item = agents.at(id).item;
  registration.secret_lifetime = 5min;
  for (const auto& item : controller->demand()) {
    if (item.key != registration.for_item) continue;
    const auto label = model::parse_label_expression(item.label);
    const auto t = std::ranges::find_if(settings.demand.served, [&](const ServedLabels& one) {
      return model::fits(*label, one.labels, one.is_default);
    });
    REQUIRE(t != settings.demand.served.end());
    registration.labels = t->labels;
    registration.is_default = t->is_default;
  }
  const auto answer = co_await controller->register_agent(std::move(registration));
  if (answer) {
    co_await runtime::sleep_for(clock, time_to_launch(agents.at(id).item));
    start_machine(id, std::string(answer->controller_secret.expose()));
    agents.at(id).launched = true;
  } else {
    co_await runtime::sleep_for(clock, 500ms);
  }
  agents.at(id).acting = false;
}

Awaitable<void> FakeWorld::end(AgentId id, bool if_free) {
  auto& agent = agents.at(id);
  if (if_free) {
    const auto drained = co_await controller->drain_agent(id);
    const bool is_told = drained || drained.error().code == Errc::not_found;
    if (!is_told) {
      co_await runtime::sleep_for(clock, 500ms);
      agent.acting = false;
      co_return;
    }
    agent.seen = controller->observe_agent(id);
    if (agent.seen.activity == AgentActivity::busy) {
      agent.acting = false;
      co_return;
    }
  }
  agent.ending = true;
  const auto wish = wishes.find(id);
  const auto why =
      wish != wishes.end() ? wish->second : ports::AgentEnd{agent.seen.end_reason, agent.seen.detail};
  const auto removed = co_await controller->remove_agent(id, why);
  if (!removed) {
    co_await runtime::sleep_for(clock, 500ms);
    agent.acting = false;
    co_return;
  }
  kill_machine(id);
  agents.erase(id);
}

void check_clean(const FakeWorld& world) {
  for (const auto& text : world.jenkins->violations()) FAIL_CHECK(text);
  for (const auto& text : world.controller->overview().violations()) FAIL_CHECK(text);
}

bool is_quiet(const FakeWorld& world) {
  return world.agents.empty() && world.agent_nodes().empty() && world.book.records.empty() &&
         world.machines.empty();
}

}  // namespace footman::jenkins::testing
