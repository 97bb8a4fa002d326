// The process dies at every commit boundary: what was before it has not happened, what was after it has.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "store/crash_points.hpp"
#include "store/ids.hpp"
#include "store/tests/dump.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;

namespace {

struct ScriptedMove {
  std::string name;
  std::function<void(Fixture&)> run;
};

AgentChange launching() {
  AgentChange change;
  change.id = AgentId("a");
  change.state = model::AgentState::launching;
  change.timeline = {{at(1), "decided", "It is wanted"}};
  return change;
}

FinishBuild end_of_first() {
  FinishBuild end;
  end.build = BuildId(1);
  end.assignment = AssignmentId(2);
  end.result = model::BuildResult::success;
  end.log_bytes = 6;
  end.now = at(9);
  return end;
}

model::Job job(const std::string& path) {
  model::Job one;
  one.path = JobPath(path);
  return one;
}

NewBuild build_with_key() {
  auto build = new_build("app");
  build.idempotency_key = "key";
  build.request_hash = "hash";
  return build;
}

model::StepRecord first_step() {
  model::StepRecord step;
  step.assignment = AssignmentId(2);
  step.started = at(5);
  return step;
}

// Each kind of move at least once, each after what it needs.
const std::vector<ScriptedMove>& script() {
  static const std::vector<ScriptedMove> moves = {
      {"create_job", [](Fixture& f) { f.get(f.store->create_job(job("app"))); }},
      {"create_job", [](Fixture& f) { f.get(f.store->create_job(job("gone"))); }},
      {"save_job", [](Fixture& f) { f.get(f.store->save_job(job("app"))); }},
      {"delete_job", [](Fixture& f) { f.get(f.store->delete_job(JobPath("gone"))); }},
      {"submit_build", [](Fixture& f) { f.get(f.store->submit_build(build_with_key())); }},
      {"record_launch_intents",
       [](Fixture& f) { f.get(f.store->record_launch_intents({new_agent("a")}, {new_node("a")})); }},
      {"change_agent", [](Fixture& f) { f.get(f.store->change_agent(launching())); }},
      {"redeem_node", [](Fixture& f) { f.get(f.store->redeem_node({AgentId("a"), 1, "key", at(2)})); }},
      {"count_refused", [](Fixture& f) { f.get(f.store->count_refused(AgentId("a"))); }},
      {"offer_assignment",
       [](Fixture& f) { f.get(f.store->offer_assignment(QueueItemId(1), AgentId("a"), 1, at(3))); }},
      {"return_assignment",
       [](Fixture& f) { f.get(f.store->return_assignment(AssignmentId(1), "lost", at(4))); }},
      {"offer_assignment",
       [](Fixture& f) { f.get(f.store->offer_assignment(QueueItemId(1), AgentId("a"), 1, at(5))); }},
      {"accept_assignment", [](Fixture& f) { f.get(f.store->accept_assignment(AssignmentId(2), at(6))); }},
      {"start_assignment", [](Fixture& f) { f.get(f.store->start_assignment(AssignmentId(2), at(7))); }},
      {"record_step", [](Fixture& f) { f.get(f.store->record_step(first_step())); }},
      {"request_cancel", [](Fixture& f) { f.get(f.store->request_cancel(BuildId(1), "no", at(8))); }},
      {"finish_build", [](Fixture& f) { f.get(f.store->finish_build(end_of_first())); }},
      {"add_timeline", [](Fixture& f) { f.get(f.store->add_timeline("build:1", {{at(9), "k", "t"}})); }},
      {"change_node", [](Fixture& f) { f.get(f.store->change_node(AgentId("a"), true, true)); }},
      {"save_setting", [](Fixture& f) { f.get(f.store->save_setting("a", "1")); }},
      {"forget_builds", [](Fixture& f) { f.get(f.store->forget_builds(JobPath("app"), 0, at(99))); }},
      {"confirm_removed_streams",
       [](Fixture& f) { f.get(f.store->confirm_removed_streams({StreamId(1), StreamId(2)})); }},
      {"remove_node", [](Fixture& f) { f.get(f.store->remove_node(AgentId("a"))); }},
      {"record_shutdown", [](Fixture& f) { f.get(f.store->record_shutdown(true, at(99))); }},
      {"settle_doubt", [](Fixture& f) { f.get(f.store->settle_doubt()); }},
      {"release_items", [](Fixture& f) { f.get(f.store->release_items()); }},
  };
  return moves;
}

// Runs the script in a child that kills itself at the crash point. False: it came to its end.
bool dies_at(const std::string& point, const std::string& directory) {
  const auto child = ::fork();
  if (child == 0) {
    Fixture f({directory, runtime::make_crash_points(point)});
    for (const auto& move : script()) move.run(f);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

// What the database holds before the script, and after each of its moves.
std::vector<std::string> dumps_of_script() {
  TemporaryDirectory directory;
  std::vector<std::string> dumps;
  Fixture f({directory.path()});
  const auto look = [&] {
    f.store.reset();
    dumps.push_back(dump(directory.path()));
    f.reopen();
  };
  look();
  for (const auto& move : script()) {
    move.run(f);
    look();
  }
  return dumps;
}

}  // namespace

TEST_CASE("the list of crash points is what the moves hit") {
  std::vector<std::string> hits;
  Fixture f({{}, runtime::CrashPoints([&](std::string_view name) { hits.emplace_back(name); })});
  for (const auto& move : script()) {
    hits.clear();
    move.run(f);
    CHECK(hits == std::vector<std::string>{"before-commit:" + move.name, "after-commit:" + move.name});
  }
  std::set<std::string_view> visited;
  for (const auto& move : script()) visited.insert(move.name);
  CHECK(visited == std::set<std::string_view>(kWritingMoves.begin(), kWritingMoves.end()));
  hits.clear();
  f.get(f.store->load_open_state());
  CHECK(f.error(f.store->delete_job(JobPath("gone"))) == Errc::not_found);
  CHECK(hits.empty());  // questions and refused moves commit nothing
}

TEST_CASE("a crash at each commit: before it nothing has happened, after it everything") {
  const auto dumps = dumps_of_script();
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < script().size(); ++i) {
    const auto& name = script()[i].name;
    CAPTURE(name);
    const auto count = ++seen[name];
    for (const auto when : {kBeforeCommit, kAfterCommit}) {
      CAPTURE(when);
      TemporaryDirectory directory;
      REQUIRE(dies_at(fmt::format("{}{}#{}", when, name, count), directory.path()));
      CHECK(dump(directory.path()) == dumps[when == kBeforeCommit ? i : i + 1]);
      // The rest can follow: the server that was restarted goes on where it stood. (Without this file, which
      // makes a gap in the numbers after a crash, the dumps can be compared.)
      std::filesystem::remove(directory.path(kIdsFile));
      Fixture f({directory.path()});
      for (auto next = when == kBeforeCommit ? i : i + 1; next < script().size(); ++next)
        script()[next].run(f);
      f.store.reset();
      CHECK(dump(directory.path()) == dumps.back());
    }
  }
}

TEST_CASE("a child that nothing kills comes to its end") {
  TemporaryDirectory directory;
  CHECK(!dies_at("before-commit:no_such_move", directory.path()));
}
