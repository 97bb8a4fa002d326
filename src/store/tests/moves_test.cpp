// The moves on a bare database: columns, indices, limits.
#include "store/moves.hpp"

#include <doctest/doctest.h>

#include "store/migrations.hpp"
#include "store/rows.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace std::string_literals;
using namespace footman::store;
using namespace footman::store::testing;

namespace {

Database new_database() {
  auto database = Database::open(":memory:");
  REQUIRE(database);
  database->execute("PRAGMA foreign_keys = ON");
  migrate(*database);
  return std::move(*database);
}

template <class T>
T through_column(const T& value) {
  auto database = Database::open(":memory:");
  REQUIRE(database);
  return database->get<T>("SELECT ?", value);
}

template <class T>
void check_columns(const std::vector<T>& values) {
  for (const auto& value : values) CHECK(through_column(value) == value);
}

// The statements that went through a whole table (of more than so many rows) or sorted, since this was asked
// last.
std::vector<std::string> slow_statements(Database& db, int most_scanned = 0) {
  std::vector<std::string> slow;
  for (auto* one = sqlite3_next_stmt(db.connection(), nullptr); one != nullptr;
       one = sqlite3_next_stmt(db.connection(), one)) {
    const auto scans = sqlite3_stmt_status(one, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    const auto sorts = sqlite3_stmt_status(one, SQLITE_STMTSTATUS_SORT, 1);
    const auto indices = sqlite3_stmt_status(one, SQLITE_STMTSTATUS_AUTOINDEX, 1);
    if (scans > most_scanned || sorts + indices > 0) slow.emplace_back(sqlite3_sql(one));
  }
  return slow;
}

model::Assignment start(Database& db, const SubmittedBuild& made, const std::string& agent) {
  auto one = moves::offer_assignment(db, made.item.id, AgentId(agent), 1, at(2)).value();
  moves::accept_assignment(db, one.id, at(3)).value();
  return moves::start_assignment(db, one.id, at(4)).value();
}

}  // namespace

TEST_CASE("columns give back what they were given") {
  check_columns<std::string>({"", "text", "nul \0 inside"s, "not UTF-8 \xff\xfe", "\xf0\x9f\x98\x80"});
  check_columns<std::uint64_t>({0, 1, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff});
  check_columns<std::int64_t>({INT64_MIN, -1, 0, INT64_MAX});
  check_columns<std::optional<int>>({std::nullopt, 0, 255, -1});
  CHECK(through_column(true));
  CHECK(!through_column(false));
  check_columns<Instant>({{0}, {-5}, {INT64_MAX}});
  check_columns<Duration>({Duration(0), Duration(INT64_MAX)});
  using model::BuildResult;
  check_columns<BuildResult>({BuildResult::none, BuildResult::success, BuildResult::unstable,
                              BuildResult::failure, BuildResult::not_built, BuildResult::aborted});
  check_columns<model::EndReason>({model::EndReason::none, model::EndReason::orphan});
}

TEST_CASE("structures give back what they were given") {
  const auto odd = "\0 \" \\ \n \x7f \xff\xc3 \xe2\x80\xa8"s;
  check_columns<std::vector<std::string>>({{}, {""}, {"a", odd, "b"}});
  check_columns<std::map<std::string, std::string>>({{}, {{"a", ""}, {odd, odd}}});
  check_columns<model::DeathCertificate>({{}, {0, 0, false, ""}, {137, 9, true, odd}});
  model::BuildSpec spec;
  CHECK(through_column(spec) == spec);
  spec.label = odd;
  spec.env = {{"A", odd, ""}, {"B", "", "env:B"}, {}};
  spec.steps = {{odd, odd, odd}, {}};
  spec.timeout = Duration(INT64_MAX);
  spec.grace = Duration(0);
  spec.log_limit_bytes = UINT64_MAX;
  CHECK(through_column(spec) == spec);
  check_columns<std::vector<model::ParameterSpec>>({{}, {{}, {odd, odd, odd, {"", odd}}}});
}

TEST_CASE("what cannot have been written is damage") {
  auto database = Database::open(":memory:");
  REQUIRE(database);
  CHECK_THROWS_AS(database->get<model::BuildState>("SELECT 'flying'"), SqlError);
  CHECK_THROWS_AS(database->get<model::BuildState>("SELECT ''"), SqlError);
  for (const auto* json : {"", "[", "{}x", "\"text\"", R"({"env":1})", R"({"env":[1]})", R"({"steps":{}})",
                           R"({"label":1})", R"({"timeout_us":"x"})", "[[[[[[[["})
    CHECK_THROWS_AS(database->get<model::BuildSpec>("SELECT ?", std::string(json)), SqlError);
  CHECK_THROWS_AS(database->get<std::vector<std::string>>("SELECT '[1]'"), SqlError);
  CHECK_THROWS_AS(database->get<model::DeathCertificate>("SELECT '[]'"), SqlError);
}

TEST_CASE("of the lines of costs the oldest go, but for those of the present day") {
  auto db = new_database();
  constexpr std::int64_t kDay = 86'400;
  const auto charge = [&](const std::string& id, Instant until) {
    auto agent = new_agent(id);
    agent.price = {model::Money{3'600'000}, {}};
    CHECK(moves::record_launch_intents(db, {agent}));
    AgentChange change;
    change.id = agent.id;
    change.state = model::AgentState::terminated;
    change.ended = until;
    change.billed = BilledSpan{until - std::chrono::seconds(1), until};
    moves::change_agent(db, change).value();
  };
  const auto skip_to = [&](std::int64_t line) {
    db.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'costs'", line - 1);
  };
  const auto count = [&] { return db.get<std::int64_t>("SELECT count(*) FROM costs"); };
  charge("yesterday", at(0));
  charge("today", at(kDay));
  skip_to(200'999);
  charge("also today", at(kDay + 1));
  CHECK(count() == 3);
  charge("and now", at(kDay + 2));  // line 201,000
  CHECK(count() == 3);
  CHECK(db.get<std::int64_t>("SELECT count(*) FROM costs WHERE agent = 'yesterday'") == 0);
  skip_to(2'001'000);
  charge("much later", at(kDay + 3));
  CHECK(count() == 3);
  CHECK(db.get<std::int64_t>("SELECT count(*) FROM costs WHERE agent = 'today'") == 0);
}

TEST_CASE("every question and move goes by an index") {
  auto db = new_database();
  model::Job job;
  job.path = JobPath("app");
  moves::create_job(db, job).value();
  for (int i = 0; i < 200; ++i) {
    const auto agent = "agent-" + std::to_string(i);
    auto request = new_build(i % 2 == 0 ? "app" : "");
    request.idempotency_key = "key " + std::to_string(i);
    const auto made = moves::submit_build(db, request).value();
    CHECK(moves::record_launch_intents(db, {new_agent(agent)}));
    CHECK(moves::record_launch_intents(db, {}, {new_node(agent)}));
    AgentChange change;
    change.id = AgentId(agent);
    change.timeline = {{at(1), "k", "t"}};
    if (i < 150) change.state = model::AgentState::terminated;
    moves::change_agent(db, change).value();
    if (i >= 150) continue;
    const auto one = start(db, made, agent);
    model::StepRecord step;
    step.assignment = one.id;
    CHECK(moves::record_step(db, step));
    FinishBuild end;
    end.build = made.build.id;
    end.assignment = one.id;
    end.result = i % 10 == 0 ? model::BuildResult::failure : model::BuildResult::success;
    end.log_bytes = 1;
    end.now = at(5 + i);
    moves::finish_build(db, end).value();
  }
  (void)slow_statements(db);

  const auto quick = [&](const auto& answer) {
    CHECK(answer.has_value());
    CHECK(slow_statements(db) == std::vector<std::string>{});
  };
  using model::BuildResult;
  using model::BuildState;
  const std::optional<JobPath> jobs[] = {std::nullopt, JobPath("app"), JobPath()};
  const std::optional<BuildState> states[] = {std::nullopt, BuildState::queued, BuildState::finished};
  const std::optional<BuildResult> results[] = {std::nullopt, BuildResult::failure, BuildResult::none};
  for (const auto& path : jobs)
    for (const auto& state : states)
      for (const auto& result : results) {
        quick(moves::list_builds(db, {path, state, result, {}, 10}));
        quick(moves::list_builds(db, {path, state, result, BuildId(170), 10}));
      }
  quick(moves::list_agents(db, {}));
  quick(moves::list_agents(db, {.only_live = false, .before = "agent-20"}));
  quick(moves::list_assignments(db, BuildId(3)));
  quick(moves::list_assignments_of_agent(db, AgentId("agent-3")));
  quick(moves::list_streams(db, BuildId(3)));
  quick(moves::list_steps(db, AssignmentId(3)));
  quick(moves::list_timeline(db, "agent:agent-3"));
  quick(moves::get_build_by_number(db, JobPath("app"), 7));
  quick(moves::find_setting(db, "x"));
  quick(moves::list_settings(db, "x/"));
  quick(moves::forget_builds(db, JobPath("app"), 10, at(50)));
  quick(moves::forget_builds(db, JobPath(), 10, {}));
  quick(moves::request_cancel(db, BuildId(180), "x"));
  quick(moves::submit_build(db, new_build("app")));
  quick(moves::count_refused(db, AgentId("agent-3")));
  quick(moves::remove_node(db, AgentId("agent-3")));
  quick(moves::add_timeline(db, "agent:agent-3", {{at(2), "k", "t"}}));
  const auto made = moves::submit_build(db, new_build()).value();
  const auto one = start(db, made, "agent-199");
  FinishBuild end;
  end.build = made.build.id;
  end.assignment = one.id;
  end.result = BuildResult::success;
  quick(moves::finish_build(db, end));
  CHECK(!moves::delete_job(db, JobPath("app")));
  CHECK(slow_statements(db) == std::vector<std::string>{});
  // At start: what is open is found without reading what is over. Nodes are read whole.
  const auto state = moves::load_open_state(db).value();
  CHECK(state.builds.size() == 51);
  const auto slow = slow_statements(db, 60);
  REQUIRE(slow.size() == 1);
  CHECK(slow.front().find("FROM nodes") != std::string::npos);
}

TEST_CASE("agents that ended long ago are forgotten, live ones never") {
  auto db = new_database();
  db.execute("BEGIN");
  const auto end = [&](const std::string& id) {
    AgentChange change;
    change.id = AgentId(id);
    change.state = model::AgentState::terminated;
    change.timeline = {{at(1), "gone", "It is gone"}};
    moves::change_agent(db, change).value();
  };
  const auto plan = [&](const std::string& id) {
    std::vector<model::Agent> one;
    one.push_back(new_agent(id));
    CHECK(moves::record_launch_intents(db, std::move(one)));
  };
  plan("old and live");
  for (int i = 2; i <= 22'000; ++i) {
    plan("a" + std::to_string(i));
    end("a" + std::to_string(i));
  }
  CHECK(db.get<std::int64_t>("SELECT count(*) FROM agents") == 20'001);
  CHECK(db.get<std::int64_t>("SELECT count(*) FROM timeline") == 20'000);
  CHECK(get<model::Agent>(db, AgentId("old and live")));
  CHECK(!get<model::Agent>(db, AgentId("a2000")));
  CHECK(get<model::Agent>(db, AgentId("a2001")));
}

TEST_CASE("retention takes a bounded bite, and goes on with the next call") {
  auto db = new_database();
  db.execute("BEGIN");
  for (int i = 0; i < 500; ++i) {
    const auto made = moves::submit_build(db, new_build()).value();
    FinishBuild end;
    end.build = made.build.id;
    end.result = model::BuildResult::aborted;
    end.now = at(i);
    moves::finish_build(db, end).value();
  }
  const auto left = [&] { return db.get<std::int64_t>("SELECT count(*) FROM builds"); };
  CHECK(moves::forget_builds(db, JobPath(), 10, {}).value().empty());  // no streams: none was assigned
  CHECK(left() == 300);
  CHECK(moves::forget_builds(db, JobPath(), 10, {}));
  CHECK(moves::forget_builds(db, JobPath(), 10, {}));
  CHECK(left() == 10);
  CHECK(moves::list_builds(db, {}).value().front().id == BuildId(500));
}
