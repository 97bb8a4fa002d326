// The ledger of costs: what a build's time costs, what the rest of its agent's life does, and what a report
// adds up.
#include "store/cost_report.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
using model::AgentState;
using model::Money;
using namespace std::chrono_literals;

namespace {

// $3.60 an hour: a thousandth of a dollar a second.
model::Agent paid_agent(const std::string& id) {
  auto agent = new_agent(id);
  agent.price = {Money{3'600'000}, {}};
  return agent;
}
constexpr Money milli(std::int64_t thousandths) { return {thousandths * 1000}; }

model::Agent end(Fixture& f, const std::string& id, Instant from, Instant until) {
  AgentChange change;
  change.id = AgentId(id);
  change.state = AgentState::terminating;
  change.stop_asked = until - 1s;
  f.get(f.store->change_agent(change));
  change.state = AgentState::terminated;
  change.stop_asked = until;  // the first one stays
  change.ended = until;
  change.billed = BilledSpan{from, until};
  return f.get(f.store->change_agent(change));
}

void launch(Fixture& f, const std::string& id) {
  f.get(f.store->record_launch_intents({paid_agent(id)}));
  AgentChange change;
  change.id = AgentId(id);
  for (const auto state : {AgentState::launching, AgentState::connecting, AgentState::online}) {
    change.state = state;
    f.get(f.store->change_agent(change));
  }
}

model::Build build_on(Fixture& f, const std::string& agent, const std::string& job, std::int64_t seconds) {
  auto assignment = f.start(f.submit(job), agent);
  FinishBuild finish;
  finish.build = assignment.build;
  finish.assignment = assignment.id;
  finish.result = model::BuildResult::success;
  finish.now = assignment.started + std::chrono::seconds(seconds);
  return f.get(f.store->finish_build(finish)).build;
}

CostReport report(Fixture& f, CostGroup by, Instant since = {}, Instant until = {}) {
  return f.get(report_costs(*f.store, by, {since, until}));
}

}  // namespace

TEST_CASE("a build costs its time, and the rest of the agent that was there for it alone") {
  Fixture f;
  f.create_job("app");
  launch(f, "a");
  const auto build = build_on(f, "a", "app", 30);
  auto cost = f.get(f.store->get_build_cost(build.id));
  CHECK(cost == model::Cost{milli(30), {}, 30s, {}});
  CHECK(f.get(f.store->get_agent(AgentId("a"))).cost == cost);

  auto agent = end(f, "a", at(0), at(100));
  CHECK(agent.stop_asked == at(99));
  CHECK(agent.cost == model::Cost{milli(30), milli(70), 30s, 70s});
  cost = f.get(f.store->get_build_cost(build.id));
  CHECK(cost == agent.cost);
  CHECK(cost.total() == milli(100));

  AgentChange again;
  again.id = AgentId("a");
  again.state = AgentState::terminated;
  again.billed = BilledSpan{at(0), at(500)};
  CHECK(f.get(f.store->change_agent(again)).cost == agent.cost);  // final
  CHECK(report(f, CostGroup::job).total.cost == agent.cost);
  f.get(f.store->forget_builds(JobPath("app"), 0, at(1'000'000)));
  CHECK(f.get(f.store->get_build_cost(build.id)) == agent.cost);  // outlives the build
}

TEST_CASE("the idle time of an agent that had several builds is nobody's") {
  Fixture f;
  f.create_job("app");
  f.create_job("web");
  launch(f, "a");
  const auto first = build_on(f, "a", "app", 10);
  build_on(f, "a", "web", 20);
  const auto agent = end(f, "a", at(0), at(100));
  CHECK(agent.cost == model::Cost{milli(30), milli(70), 30s, 70s});
  CHECK(f.get(f.store->get_build_cost(first.id)).total() == milli(10));
  const auto rows = report(f, CostGroup::job).rows;
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].key.empty());
  CHECK(rows[0].builds == 0);
  CHECK(rows[0].cost == model::Cost{{}, milli(70), {}, 70s});
  CHECK(rows[1].key == "web");
  CHECK(rows[1].builds == 1);
  CHECK(rows[1].agents == 1);
  CHECK(rows[2].cost == model::Cost{milli(10), {}, 10s, {}});
}

TEST_CASE("agents without work cost idle time, refused ones nothing") {
  Fixture f;
  launch(f, "idle");
  launch(f, "refused");
  CHECK(end(f, "idle", at(0), at(60)).cost == model::Cost{{}, milli(60), {}, 60s});
  CHECK(end(f, "refused", {}, {}).cost == model::Cost());
  const auto told = report(f, CostGroup::template_name);
  REQUIRE(told.rows.size() == 1);
  CHECK(told.rows[0].key == "small");
  CHECK(told.total.agents == 1);
  CHECK(report(f, CostGroup::cloud).rows.at(0).key == "local");
}

TEST_CASE("a build whose end is told after that of its agent was not idle time") {
  Fixture f;
  f.create_job("app");
  launch(f, "a");
  const auto assignment = f.start(f.submit("app"), "a");
  CHECK(end(f, "a", at(0), at(100)).cost == model::Cost{{}, milli(100), {}, 100s});
  FinishBuild finish;
  finish.build = assignment.build;
  finish.assignment = assignment.id;
  finish.assignment_state = model::AssignmentState::lost;
  finish.result = model::BuildResult::failure;
  finish.now = assignment.started + 40s;
  f.get(f.store->finish_build(finish));
  f.get(f.store->finish_build(finish));
  const auto cost = f.get(f.store->get_agent(AgentId("a"))).cost;
  CHECK(cost == model::Cost{milli(40), milli(60), 40s, 60s});
  CHECK(report(f, CostGroup::day).total.cost == cost);
  CHECK(f.get(f.store->get_build_cost(assignment.build)) == model::Cost{milli(40), {}, 40s, {}});
  for (const auto& row : report(f, CostGroup::job).rows)
    CHECK(row.cost ==
          (row.key == "app" ? model::Cost{milli(40), {}, 40s, {}} : model::Cost{{}, milli(60), {}, 60s}));
}

TEST_CASE("what lasts over midnight counts in each day for its time of it") {
  CostSum sum(CostGroup::day);
  CostLine line;
  line.agent = AgentId("a");
  line.since = parse_rfc3339("2026-11-24T12:00:00Z").value();
  line.until = parse_rfc3339("2026-11-27T00:00:00Z").value();  // 12 h, 24 h, 24 h
  line.cost.idle = {10'000'001};
  line.cost.idle_time = 60h;
  sum.add(line);
  const auto report = sum.report();
  REQUIRE(report.rows.size() == 3);
  CHECK(report.rows[0].key == "2026-11-26");
  CHECK(report.rows[2].key == "2026-11-24");
  CHECK(report.rows[2].cost == model::Cost{{}, {2'000'000}, {}, 12h});
  CHECK(report.rows[1].cost == model::Cost{{}, {4'000'000}, {}, 24h});
  CHECK(report.rows[0].cost == model::Cost{{}, {4'000'001}, {}, 24h});
  CHECK(report.rows[0].agents == 1);
  CHECK(report.total.cost == line.cost);
}

TEST_CASE("reports are of a time, by day, by label, and what is not over is told apart") {
  Fixture f;
  constexpr std::int64_t kDay = 86'400;
  launch(f, "a");
  launch(f, "b");
  launch(f, "c");
  build_on(f, "c", "", 5);
  end(f, "a", at(0), at(10));
  end(f, "b", at(kDay), at(kDay + 20));
  const auto days = report(f, CostGroup::day);
  REQUIRE(days.rows.size() == 2);
  CHECK(days.rows[0].key == format_rfc3339(at(kDay)).substr(0, 10));
  CHECK(days.rows[0].cost.total() == milli(20));
  CHECK(days.rows[1].cost.total() == milli(15));
  CHECK(days.total.cost == model::Cost{milli(5), milli(30), 5s, 30s});
  CHECK(days.useful_of_live == milli(5));
  CHECK_FALSE(days.more);
  CHECK(report(f, CostGroup::day, at(kDay)).rows.size() == 1);
  CHECK(report(f, CostGroup::day, {}, at(kDay)).rows.size() == 1);
  CHECK(report(f, CostGroup::day, at(kDay + 21)).rows.empty());
  CHECK(report(f, CostGroup::label).rows.size() == 2);  // of the build, and of agents without one

  const auto charges = f.get(f.store->list_charges(at(15), at(kDay)));
  REQUIRE(charges.size() == 1);
  CHECK(charges[0].cloud.str() == "local");
  CHECK(charges[0].span.from == at(kDay));
  CHECK(charges[0].span.until == at(kDay + 20));
  CHECK(charges[0].ended == at(kDay + 20));
  CHECK(charges[0].amount == milli(20));
  CHECK(f.get(f.store->list_charges(at(0), at(kDay))).size() == 2);
  f.reopen();
}

TEST_CASE("what a cloud's agents were charged for comes together once it lies within the time") {
  Fixture f;
  for (const auto* id : {"over midnight", "first", "second", "paid ahead"}) launch(f, id);
  end(f, "over midnight", at(-5), at(5));
  end(f, "first", at(0), at(10));
  end(f, "second", at(20), at(50));
  end(f, "paid ahead", at(30), at(200));
  const auto charges = f.get(f.store->list_charges(at(0), at(100)));
  REQUIRE(charges.size() == 3);
  CHECK(charges[0].span.from == at(0));
  CHECK(charges[0].span.until == at(50));
  CHECK(charges[0].ended == at(50));
  CHECK(charges[0].amount == milli(40));
  CHECK(charges[1].span.until == at(200));
  CHECK(charges[1].amount == milli(170));
  CHECK(charges[2].span.from == at(-5));
}

TEST_CASE("charges say whose agents they were for, and come together where that is the same") {
  Fixture f;
  const auto launch_as = [&](const std::string& id, const std::string& name, const std::string& controller,
                             std::vector<std::string> labels) {
    auto agent = paid_agent(id);
    agent.template_name = TemplateName(name);
    agent.controller = ControllerName(controller);
    agent.labels = std::move(labels);
    f.get(f.store->record_launch_intents({agent}));
    end(f, id, at(0), at(10));
  };
  launch_as("a", "t", "c", {"x"});
  launch_as("b", "t", "c", {"x"});
  launch_as("c", "u", "c", {"x"});
  launch_as("d", "t", "d", {"x"});
  launch_as("e", "t", "c", {"x", "y"});
  const auto charges = f.get(f.store->list_charges(at(0), at(100)));
  REQUIRE(charges.size() == 4);
  CHECK(charges[0].template_name.str() == "t");
  CHECK(charges[0].controller.str() == "c");
  CHECK(charges[0].labels == std::vector<std::string>{"x", "y"});
  CHECK(charges[0].amount == milli(10));
  CHECK(charges[1].labels == std::vector<std::string>{"x"});
  CHECK(charges[1].amount == milli(20));
  CHECK(charges[2].controller.str() == "d");
  CHECK(charges[3].template_name.str() == "u");
  const auto ahead = f.get(f.store->list_charges(at(0), at(5)));  // paid for still: one by one
  REQUIRE(ahead.size() == 5);
  CHECK(ahead[0].controller.str() == "c");
  CHECK_FALSE(ahead[0].labels.empty());
}

TEST_CASE("a report over many pages has each line once, also those that are over at the same time") {
  Fixture f;
  constexpr std::int64_t kAgents = 4'500;
  for (std::int64_t i = 0; i < kAgents; ++i) {
    const auto id = "a" + std::to_string(i);
    f.get(f.store->record_launch_intents({paid_agent(id)}));
    AgentChange change;
    change.id = AgentId(id);
    change.state = AgentState::terminated;
    change.ended = at(10 + i / 3'000);
    change.billed = BilledSpan{at(0), at(10 + i / 3'000)};
    f.get(f.store->change_agent(change));
  }
  const auto all = report(f, CostGroup::cloud);
  CHECK(all.total.agents == kAgents);
  CHECK(all.total.cost.idle == milli(3'000 * 10 + 1'500 * 11));
  REQUIRE(all.rows.size() == 1);
  CHECK(all.rows[0].agents == kAgents);
}

TEST_CASE("of very many rows the dearest are told, and that there are more") {
  CostSum sum(CostGroup::label);
  for (std::int64_t i = 0; i < 1'200; ++i) {
    CostLine line;
    line.agent = AgentId("a" + std::to_string(i));
    line.label = "l" + std::to_string(i);
    line.cost.idle = milli(i);
    sum.add(line);
  }
  const auto report = sum.report();
  CHECK(report.more);
  REQUIRE(report.rows.size() == kMaxCostRows);
  CHECK(report.rows.front().key == "l1199");
  CHECK(report.rows.back().key == "l200");
  CHECK(report.total.agents == 1'200);
}

TEST_CASE("how long a build had its agent is what the caller knows of it, and never less than nothing") {
  Fixture f;
  launch(f, "a");
  const auto finish_after = [&](Duration by_rows, std::optional<Duration> worked) {
    auto assignment = f.start(f.submit(""), "a");
    FinishBuild finish;
    finish.build = assignment.build;
    finish.assignment = assignment.id;
    finish.now = assignment.started + by_rows;
    finish.worked = worked;
    const auto id = f.get(f.store->finish_build(finish)).build.id;
    return f.get(f.store->get_build_cost(id)).useful_time;
  };
  CHECK(finish_after(5h, 10s) == 10s);   // the clock was set forward
  CHECK(finish_after(-5h, 10s) == 10s);  // or back
  CHECK(finish_after(-5h, std::nullopt) == 0s);
  CHECK(finish_after(7s, std::nullopt) == 7s);
}

TEST_CASE("the time of another controller's builds is theirs, once, also when it is told late") {
  Fixture f;
  launch(f, "a");
  AgentChange change;
  change.id = AgentId("a");
  const auto tell = [&](const std::string& job, std::int64_t since, std::int64_t until) {
    change.work = OtherWork{JobPath(job), job.substr(3) + " #7", at(since), at(until)};
    f.get(f.store->change_agent(change));
  };
  tell("ci:app", 10, 40);
  tell("ci:app", 10, 40);
  tell("ci:app", 50, 60);
  CHECK(f.get(f.store->get_agent(AgentId("a"))).cost == model::Cost{milli(40), {}, 40s, {}});
  CHECK(end(f, "a", at(0), at(100)).cost == model::Cost{milli(40), milli(60), 40s, 60s});
  const auto work = f.get(f.store->list_agent_work(AgentId("a")));
  REQUIRE(work.size() == 2);
  CHECK(work[0].title == "app #7");
  CHECK(work[0].job == JobPath("ci:app"));
  CHECK(work[0].cost == model::Cost{milli(30), {}, 30s, {}});
  CHECK(work[1].since == at(50));
  tell("ci:other", 70, 80);
  CHECK(f.get(f.store->get_agent(AgentId("a"))).cost == model::Cost{milli(50), milli(50), 50s, 50s});
  const auto found = report(f, CostGroup::job);
  REQUIRE(found.rows.size() == 3);
  CHECK(found.rows[0].key == "ci:app");
  CHECK(found.rows[0].builds == 2);
  CHECK(found.rows[0].cost == model::Cost{milli(40), milli(60), 40s, 60s});
  CHECK(found.rows[1].key == "ci:other");
  CHECK(found.rows[1].builds == 1);
  CHECK(found.total.builds == 3);
  CHECK(found.total.cost.total() == milli(100));
}

TEST_CASE("each line of the ledger is told once it is durable, with its own part of the cost") {
  std::vector<CostLine> told;
  StoreConfig config;
  config.on_cost = [&](const CostLine& line) { told.push_back(line); };
  Fixture f(std::move(config));
  launch(f, "a");
  AgentChange change;
  change.id = AgentId("a");
  change.work = OtherWork{JobPath("ci:app"), "app #7", at(10), at(40)};
  f.get(f.store->change_agent(change));
  f.get(f.store->change_agent(change));  // the same again
  REQUIRE(told.size() == 1);
  CHECK(told[0].job == JobPath("ci:app"));
  CHECK(told[0].cost == model::Cost{milli(30), {}, 30s, {}});
  end(f, "a", at(0), at(100));
  REQUIRE(told.size() == 2);
  CHECK(told[1].job == JobPath("ci:app"));  // it was there for that alone
  CHECK(told[1].cost == model::Cost{{}, milli(70), {}, 70s});
}
