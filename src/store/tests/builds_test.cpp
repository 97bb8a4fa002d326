// Jobs, builds, assignments and steps: what each move promises.
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
using model::AssignmentState;
using model::BuildResult;
using model::BuildState;
using model::ItemState;

TEST_CASE("a submitted build is stored with all of its parts") {
  Fixture f;
  const auto made = f.submit();
  CHECK(!made.existed);
  CHECK(made.build.id == BuildId(1));
  CHECK(made.build.number == 1);
  CHECK(made.item.id == QueueItemId(1));
  const auto request = new_build();
  const auto build = f.get(f.store->get_build(made.build.id));
  CHECK(build.spec == request.spec);
  CHECK(build.parameters == request.parameters);
  CHECK(build.cause == "a test");
  CHECK(build.state == BuildState::queued);
  CHECK(build.result == BuildResult::none);
  CHECK(build.submitted == at(1));
  CHECK(!build.exit_status);
  const auto item = f.get(f.store->get_item(made.item.id));
  CHECK(item.build == made.build.id);
  CHECK(item.state == ItemState::queued);
  CHECK(item.label == "linux && !arm");
  CHECK(item.since == at(1));
  CHECK(item.quiet_until == at(2));
  CHECK(f.error(f.store->get_build(BuildId(2))) == Errc::not_found);
  CHECK(f.error(f.store->get_item(QueueItemId(2))) == Errc::not_found);
}

TEST_CASE("the same key answers the first build, another request with it is a conflict") {
  Fixture f;
  const auto first = f.submit("", "key", "hash");
  f.finish(f.start(first));
  const auto again = f.submit("", "key", "hash");
  CHECK(again.existed);
  CHECK(again.build.id == first.build.id);
  CHECK(again.build.state == BuildState::finished);
  CHECK(again.item.id == first.item.id);
  auto other = new_build();
  other.idempotency_key = "key";
  other.request_hash = "other";
  CHECK(f.error(f.store->submit_build(other)) == Errc::conflict);
  CHECK(f.submit("", "key 2", "hash").build.id == BuildId(2));
  CHECK(f.submit("", "", "hash").build.id != f.submit("", "", "hash").build.id);
}

TEST_CASE("builds of a job are numbered, and no number comes again") {
  Fixture f;
  CHECK(f.error(f.store->submit_build(new_build("team/app"))) == Errc::not_found);
  f.create_job("team/app");
  CHECK(f.submit("team/app").build.number == 1);
  const auto second = f.submit("team/app");
  CHECK(second.build.number == 2);
  CHECK(f.submit().build.number == 1);  // ad hoc: a sequence of its own
  CHECK(f.get(f.store->get_build_by_number(JobPath("team/app"), 2)).id == second.build.id);
  CHECK(f.get(f.store->get_build_by_number(JobPath(), 1)).job.empty());
  CHECK(f.error(f.store->get_build_by_number(JobPath("team/app"), 3)) == Errc::not_found);

  CHECK(f.error(f.store->delete_job(JobPath("team/app"))) == Errc::conflict);
  for (const auto& build : f.get(f.store->list_builds({.job = JobPath("team/app")}))) {
    FinishBuild end;
    end.build = build.id;
    end.result = BuildResult::aborted;
    end.now = at(5);
    f.get(f.store->finish_build(end));
  }
  CHECK(f.get(f.store->delete_job(JobPath("team/app"))));
  CHECK(f.get(f.store->list_builds({.job = JobPath("team/app")})).empty());
  CHECK(f.error(f.store->delete_job(JobPath("team/app"))) == Errc::not_found);
  CHECK(f.error(f.store->submit_build(new_build("team/app"))) == Errc::not_found);
  CHECK(f.create_job("team/app").next_number == 3);
  CHECK(f.submit("team/app").build.number == 3);
}

TEST_CASE("a job goes with its finished builds, a few hundred at a time") {
  Fixture f;
  f.create_job("app");
  const auto other = f.submit();
  const auto running = f.start(f.submit("app"));
  for (int i = 0; i < 250; ++i) f.finish(f.start(f.submit("app")));
  // Nothing goes while one is open.
  CHECK(f.error(f.store->delete_job(JobPath("app"))) == Errc::conflict);
  CHECK(f.get(f.store->list_builds({.job = JobPath("app"), .limit = 1000})).size() == 251);
  f.finish(running);
  CHECK(!f.get(f.store->delete_job(JobPath("app"))));
  CHECK(f.get(f.store->list_builds({.job = JobPath("app"), .limit = 1000})).size() == 51);
  CHECK(f.get(f.store->delete_job(JobPath("app"))));
  CHECK(f.get(f.store->list_builds({.job = JobPath("app")})).empty());
  CHECK(f.get(f.store->list_forgotten_streams()).size() == 251);
  CHECK(f.get(f.store->get_build(other.build.id)).state == model::BuildState::queued);
}

TEST_CASE("a job is created once, and saved without touching its numbers") {
  Fixture f;
  auto job = f.create_job("app");
  CHECK(f.error(f.store->create_job(job)) == Errc::already_exists);
  f.submit("app");
  job.description = "new";
  job.parameters = {{"COLOUR", "red", "of the roof", {"red", "green"}}};
  job.quiet_period = std::chrono::seconds(3);
  job.max_concurrent = 4;
  job.keep_builds = 5;
  job.keep_for = std::chrono::hours(6);
  job.enabled = false;
  job.changed = at(9);
  job.next_number = 1;
  const auto saved = f.get(f.store->save_job(job));
  CHECK(saved.next_number == 2);
  const auto state = f.get(f.store->load_open_state());
  REQUIRE(state.jobs.size() == 1);
  const auto& stored = state.jobs.front();
  CHECK(stored.description == "new");
  CHECK(stored.parameters == job.parameters);
  CHECK(stored.spec == job.spec);
  CHECK(stored.quiet_period == std::chrono::seconds(3));
  CHECK(stored.max_concurrent == 4);
  CHECK(stored.keep_builds == 5);
  CHECK(stored.keep_for == std::chrono::hours(6));
  CHECK(!stored.enabled);
  CHECK(stored.created == at(1));
  CHECK(stored.changed == at(9));
  job.path = JobPath("other");
  CHECK(f.error(f.store->save_job(job)) == Errc::not_found);
}

TEST_CASE("offer, accept, start, finish") {
  Fixture f;
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  const auto made = f.submit();
  const auto offered = f.get(f.store->offer_assignment(made.item.id, AgentId("a"), 7, at(10)));
  CHECK(offered.build == made.build.id);
  CHECK(offered.item == made.item.id);
  CHECK(offered.agent == AgentId("a"));
  CHECK(offered.epoch == 7);
  CHECK(offered.state == AssignmentState::offered);
  CHECK(!offered.stream.empty());
  CHECK(f.get(f.store->get_item(made.item.id)).state == ItemState::pending);
  CHECK(f.get(f.store->get_item(made.item.id)).assignment == offered.id);
  CHECK(f.get(f.store->get_build(made.build.id)).attempts == 1);
  CHECK(f.error(f.store->start_assignment(offered.id, at(11))) == Errc::conflict);  // not accepted

  CHECK(f.get(f.store->accept_assignment(offered.id, at(11))).accepted == at(11));
  CHECK(f.get(f.store->accept_assignment(offered.id, at(99))).accepted == at(11));
  CHECK(f.get(f.store->start_assignment(offered.id, at(12))).started == at(12));
  CHECK(f.get(f.store->start_assignment(offered.id, at(99))).started == at(12));
  CHECK(f.error(f.store->accept_assignment(offered.id, at(12))) == Errc::conflict);
  auto build = f.get(f.store->get_build(made.build.id));
  CHECK(build.state == BuildState::running);
  CHECK(build.started == at(12));

  CHECK(f.finish(offered).result == BuildResult::success);
  CHECK(f.finish(offered, BuildResult::failure).result == BuildResult::success);  // the first one stays
  build = f.get(f.store->get_build(made.build.id));
  CHECK(build.state == BuildState::finished);
  CHECK(build.finished == at(20));
  CHECK(build.exit_status == 0);
  CHECK(f.get(f.store->get_item(made.item.id)).state == ItemState::left);
  const auto assignments = f.get(f.store->list_assignments(made.build.id));
  REQUIRE(assignments.size() == 1);
  CHECK(assignments[0].state == AssignmentState::finished);
  CHECK(assignments[0].ended == at(20));
  const auto streams = f.get(f.store->list_streams(made.build.id));
  REQUIRE(streams.size() == 1);
  CHECK(streams[0].closed);
  CHECK(streams[0].final_bytes == 42);
  CHECK(streams[0].id == offered.stream);
  CHECK(streams[0].assignment == offered.id);
  CHECK(f.get(f.store->load_open_state()).nodes.at(0).builds_done == 1);
}

TEST_CASE("an item is offered once; the same offer again answers the same assignment") {
  Fixture f;
  const auto made = f.submit();
  const auto one = f.get(f.store->offer_assignment(made.item.id, AgentId("a"), 1, at(10)));
  CHECK(f.get(f.store->offer_assignment(made.item.id, AgentId("a"), 1, at(10))).id == one.id);
  CHECK(f.error(f.store->offer_assignment(made.item.id, AgentId("a"), 2, at(10))) == Errc::conflict);
  CHECK(f.error(f.store->offer_assignment(made.item.id, AgentId("b"), 1, at(10))) == Errc::conflict);
  CHECK(f.error(f.store->offer_assignment(QueueItemId(9), AgentId("b"), 1, at(10))) == Errc::not_found);
  CHECK(f.get(f.store->get_build(made.build.id)).attempts == 1);
  f.get(f.store->accept_assignment(one.id, at(11)));
  CHECK(f.error(f.store->offer_assignment(made.item.id, AgentId("a"), 1, at(10))) == Errc::conflict);
}

TEST_CASE("before the start work goes back to the queue with its old place, afterwards never") {
  Fixture f;
  const auto made = f.submit();
  const auto first = f.get(f.store->offer_assignment(made.item.id, AgentId("a"), 1, at(10)));
  f.get(f.store->accept_assignment(first.id, at(11)));
  f.get(f.store->return_assignment(first.id, "gone", at(12)));
  f.get(f.store->return_assignment(first.id, "gone again", at(13)));
  const auto item = f.get(f.store->get_item(made.item.id));
  CHECK(item.state == ItemState::queued);
  CHECK(item.since == at(1));
  CHECK(item.assignment.empty());
  const auto told = f.get(f.store->list_assignments(made.build.id)).at(0);
  CHECK(told.state == AssignmentState::revoked);
  CHECK(told.end_reason == "gone");
  CHECK(told.ended == at(12));
  CHECK(f.error(f.store->accept_assignment(first.id, at(14))) == Errc::conflict);
  CHECK(f.error(f.store->start_assignment(first.id, at(14))) == Errc::conflict);
  CHECK(f.get(f.store->list_streams(made.build.id)).at(0).closed);

  const auto second = f.start(made, "b");
  CHECK(second.id != first.id);
  CHECK(second.stream != first.stream);
  CHECK(f.get(f.store->get_build(made.build.id)).attempts == 2);
  CHECK(f.error(f.store->return_assignment(second.id, "no", at(15))) == Errc::conflict);
  CHECK(f.get(f.store->get_build(made.build.id)).state == BuildState::running);
  CHECK(f.error(f.store->return_assignment(AssignmentId(9), "no", at(15))) == Errc::not_found);
}

TEST_CASE("a build ends only with the assignment that is open") {
  Fixture f;
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  const auto made = f.submit();
  const auto offered = f.get(f.store->offer_assignment(made.item.id, AgentId("a"), 1, at(10)));
  FinishBuild end;
  end.build = made.build.id;
  end.result = BuildResult::aborted;
  end.reason = "why";
  end.now = at(20);
  CHECK(f.error(f.store->finish_build(end)) == Errc::conflict);  // not named
  end.assignment = AssignmentId(9);
  CHECK(f.error(f.store->finish_build(end)) == Errc::conflict);
  end.assignment = offered.id;
  CHECK(f.error(f.store->finish_build(end)) == Errc::conflict);  // an offer cannot become finished
  end.assignment_state = AssignmentState::revoked;
  end.result = BuildResult::none;
  CHECK(f.error(f.store->finish_build(end)) == Errc::invalid_argument);
  end.result = BuildResult::aborted;
  CHECK(f.get(f.store->get_build(made.build.id)).state == BuildState::queued);
  const auto build = f.get(f.store->finish_build(end)).build;
  CHECK(build.reason == "why");
  const auto one = f.get(f.store->list_assignments(made.build.id)).at(0);
  CHECK(one.state == AssignmentState::revoked);
  CHECK(one.end_reason == "why");
  CHECK(f.get(f.store->load_open_state()).nodes.at(0).builds_done == 0);  // it had not started
  CHECK(!f.get(f.store->list_streams(made.build.id)).at(0).closed);       // nobody said at which size
  end.build = BuildId(9);
  CHECK(f.error(f.store->finish_build(end)) == Errc::not_found);
}

TEST_CASE("a cancel is kept with its first reason, and refused once the build is over") {
  Fixture f;
  const auto made = f.submit();
  CHECK(f.get(f.store->request_cancel(made.build.id, "first", at(5))).cancel_requested);
  CHECK(f.get(f.store->request_cancel(made.build.id, "second", at(6))).cancel_reason == "first");
  f.finish(f.start(made));
  CHECK(f.error(f.store->request_cancel(made.build.id, "late", at(30))) == Errc::conflict);
  CHECK(f.error(f.store->request_cancel(BuildId(9), "x", at(30))) == Errc::not_found);
}

TEST_CASE("a step that has finished does not run again") {
  Fixture f;
  const auto one = f.start(f.submit());
  model::StepRecord step;
  step.assignment = one.id;
  step.index = 0;
  step.name = "build";
  step.started = at(13);
  f.get(f.store->record_step(step));
  CHECK(!f.get(f.store->list_steps(one.id)).at(0).finished.is_set());
  step.finished = at(14);
  step.signal = 9;
  step.out_of_memory = true;
  step.peak_memory_bytes = std::uint64_t{5} << 30;
  step.cpu_time = std::chrono::seconds(3);
  step.wall_time = std::chrono::seconds(4);
  f.get(f.store->record_step(step));
  auto late = model::StepRecord{};
  late.assignment = one.id;
  late.name = "build";
  late.started = at(13);
  f.get(f.store->record_step(late));
  late.index = 1;
  late.exit_status = 3;
  late.finished = at(15);
  f.get(f.store->record_step(late));
  const auto steps = f.get(f.store->list_steps(one.id));
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].finished == at(14));
  CHECK(!steps[0].exit_status);
  CHECK(steps[0].signal == 9);
  CHECK(steps[0].out_of_memory);
  CHECK(steps[0].peak_memory_bytes == std::uint64_t{5} << 30);
  CHECK(steps[0].cpu_time == std::chrono::seconds(3));
  CHECK(steps[0].wall_time == std::chrono::seconds(4));
  CHECK(steps[1].exit_status == 3);
  step.assignment = AssignmentId(9);
  CHECK(f.error(f.store->record_step(step)) == Errc::not_found);
}

TEST_CASE("builds are listed newest first, by job, state, result and place") {
  Fixture f;
  f.create_job("a");
  f.create_job("b");
  std::vector<SubmittedBuild> made;
  made.reserve(9);
  for (int i = 0; i < 9; ++i) made.push_back(f.submit(i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : ""));
  f.finish(f.start(made[0]), BuildResult::failure);
  f.finish(f.start(made[1]));
  f.start(made[3]);
  const auto ids = [&](BuildFilter filter) {
    std::vector<std::int64_t> found;
    for (const auto& build : f.get(f.store->list_builds(std::move(filter))))
      found.push_back(build.id.value());
    return found;
  };
  using Ids = std::vector<std::int64_t>;
  CHECK(ids({}) == Ids{9, 8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(ids({.limit = 2}) == Ids{9, 8});
  CHECK(ids({.before = BuildId(4), .limit = 2}) == Ids{3, 2});
  CHECK(ids({.job = JobPath("a")}) == Ids{7, 4, 1});
  CHECK(ids({.job = JobPath("a"), .before = BuildId(4)}) == Ids{1});
  CHECK(ids({.job = JobPath()}) == Ids{9, 6, 3});
  CHECK(ids({.state = BuildState::running}) == Ids{4});
  CHECK(ids({.state = BuildState::finished}) == Ids{2, 1});
  CHECK(ids({.state = BuildState::queued, .limit = 3}) == Ids{9, 8, 7});
  CHECK(ids({.result = BuildResult::failure}) == Ids{1});
  CHECK(ids({.state = BuildState::running, .result = BuildResult::failure}).empty());
  CHECK(ids({.result = BuildResult::none}).empty());
  CHECK(ids({.job = JobPath("b"), .state = BuildState::finished, .result = BuildResult::success}) == Ids{2});
}

TEST_CASE("retention forgets the oldest finished builds, with all that hangs on them") {
  Fixture f;
  f.create_job("a");
  std::vector<StreamId> streams;
  for (int i = 0; i < 6; ++i) {
    const auto made = f.submit("a", "key " + std::to_string(i), "h");
    if (i == 5) break;  // stays open
    const auto one = f.start(made);
    streams.push_back(one.stream);
    model::StepRecord step;
    step.assignment = one.id;
    f.get(f.store->record_step(step));
    f.get(f.store->add_timeline("build:" + made.build.id.str(), {{at(1), "k", "t"}}));
    FinishBuild end;
    end.build = made.build.id;
    end.assignment = one.id;
    end.result = BuildResult::success;
    end.now = at(20 + i);
    f.get(f.store->finish_build(end));
  }
  const auto other = f.submit();
  f.finish(f.start(other));
  CHECK(f.get(f.store->forget_builds(JobPath("a"), 0, {})).empty());  // no limit
  CHECK(f.get(f.store->forget_builds(JobPath("a"), 9, at(20))).empty());
  CHECK(f.get(f.store->forget_builds(JobPath("a"), 3, {})) == std::vector{streams[0], streams[1]});
  CHECK(f.get(f.store->forget_builds(JobPath("a"), 3, {})).empty());
  CHECK(f.get(f.store->list_forgotten_streams()) == std::vector{streams[0], streams[1]});
  // Both limits, and a build that is beyond both is told once.
  CHECK(f.get(f.store->forget_builds(JobPath("a"), 2, at(24))) == std::vector{streams[2], streams[3]});
  // Listed until their logs are gone.
  f.get(f.store->confirm_removed_streams({streams[0], streams[3]}));
  f.get(f.store->confirm_removed_streams({streams[0]}));
  CHECK(f.get(f.store->list_forgotten_streams()) == std::vector{streams[1], streams[2]});
  CHECK(f.error(f.store->get_build(BuildId(1))) == Errc::not_found);
  CHECK(f.get(f.store->list_assignments(BuildId(1))).empty());
  CHECK(f.get(f.store->list_assignments_of_agent(AgentId("a"))).size() == 2);
  CHECK(f.get(f.store->list_steps(AssignmentId(1))).empty());
  CHECK(f.get(f.store->list_timeline("build:1")).empty());
  CHECK(f.get(f.store->list_timeline("build:5")).size() == 1);
  CHECK(f.error(f.store->get_item(QueueItemId(1))) == Errc::not_found);
  CHECK(f.get(f.store->list_builds({.job = JobPath("a")})).size() == 2);
  CHECK(f.get(f.store->get_build(other.build.id)).state == BuildState::finished);
  // Its key is forgotten, too; its number and id are not.
  const auto again = f.submit("a", "key 0", "h");
  CHECK(!again.existed);
  CHECK(again.build.number == 7);
  CHECK(again.build.id == BuildId(8));
  CHECK(f.get(f.store->forget_builds(JobPath(), 1, {})).empty());
  CHECK(f.get(f.store->forget_builds(JobPath(), 0, at(21))).size() == 1);  // the ad-hoc one
}

TEST_CASE("no id comes again, also when the newest build was forgotten") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  const auto one = f.start(f.submit());
  f.finish(one);
  CHECK(f.get(f.store->forget_builds(JobPath(), 0, at(99))).size() == 1);
  f.reopen();
  const auto next = f.submit();
  CHECK(next.build.id == BuildId(2));
  CHECK(next.item.id == QueueItemId(2));
  const auto started = f.start(next);
  CHECK(started.id == AssignmentId(2));
  CHECK(started.stream == StreamId(2));
  CHECK(next.build.number == 2);
}

TEST_CASE("the newest stream is known until its log is gone") {
  Fixture f;
  CHECK(f.get(f.store->load_open_state()).newest_stream.empty());
  f.create_job("a");
  const auto older = f.start(f.submit("a"));
  f.finish(older);
  f.create_job("b");
  const auto newer = f.start(f.submit("b"));
  f.finish(newer);
  CHECK(f.get(f.store->load_open_state()).newest_stream == newer.stream);
  REQUIRE(f.get(f.store->forget_builds(JobPath("b"), 0, at(1000))) == std::vector{newer.stream});
  CHECK(f.get(f.store->load_open_state()).newest_stream == newer.stream);
  f.get(f.store->confirm_removed_streams({newer.stream}));
  CHECK(f.get(f.store->load_open_state()).newest_stream == older.stream);
}

TEST_CASE("a build that is run again: both know each other, and it happens once") {
  Fixture f;
  f.create_job("app");
  const auto lost = f.submit("app");
  const auto one = f.start(lost);
  FinishBuild end;
  end.build = lost.build.id;
  end.assignment = one.id;
  end.assignment_state = AssignmentState::lost;
  end.reason = "its machine went";
  end.retry_cause = "retry 1 of build 1";
  end.now = at(30);
  model::StepRecord step;
  step.assignment = one.id;
  step.started = at(13);
  f.get(f.store->record_step(step));
  const auto done = f.get(f.store->finish_build(end));
  const auto steps = f.get(f.store->list_steps(one.id));
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].finished == at(30));  // it does not run any more
  CHECK(steps[0].wall_time == at(30) - at(13));
  CHECK(!steps[0].exit_status);
  REQUIRE(done.retry);
  const auto& next = done.retry->build;
  CHECK(done.build.retried_by == next.id);
  CHECK(next.retry_of == lost.build.id);
  CHECK(next.retry == 1);
  CHECK(next.number == lost.build.number + 1);
  CHECK(next.job == lost.build.job);
  CHECK(next.spec == lost.build.spec);
  CHECK(next.cause == "retry 1 of build 1");
  CHECK(next.submitted == at(30));
  CHECK(done.retry->item.state == ItemState::queued);
  CHECK(done.retry->item.label == next.spec.label);

  const auto again = f.get(f.store->finish_build(end));  // its answer was lost
  CHECK(!again.retry);
  CHECK(again.build.retried_by == next.id);
  CHECK(f.get(f.store->load_open_state()).builds.size() == 1);
  CHECK(f.get(f.store->get_build(next.id)).retry_of == lost.build.id);
  CHECK(f.get(f.store->get_build(lost.build.id)).retried_by == next.id);
}

TEST_CASE("a build in place of a lost one knows the agent of that one while its record is open") {
  Fixture f;
  f.create_job("app");
  f.get(f.store->record_launch_intents({new_agent("a")}));
  const auto lost = f.submit("app");
  FinishBuild end;
  end.build = lost.build.id;
  end.assignment = f.start(lost).id;
  end.assignment_state = AssignmentState::lost;
  end.retry_cause = "retry 1 of build 1";
  end.now = at(30);
  AgentChange gone;
  gone.id = AgentId("a");
  const auto close = [&] {
    for (const auto state : {model::AgentState::terminating, model::AgentState::terminated}) {
      gone.state = state;
      f.get(f.store->change_agent(gone));
    }
  };
  SUBCASE("open") {
    const auto next = f.get(f.store->finish_build(end)).retry;
    REQUIRE(next);
    CHECK(next->lost_agent == AgentId("a"));
    CHECK(f.get(f.store->load_open_state()).lost_agents ==
          std::map<BuildId, AgentId>{{next->build.id, AgentId("a")}});
    close();
    CHECK(f.get(f.store->load_open_state()).lost_agents.empty());
  }
  SUBCASE("closed before") {
    close();
    const auto next = f.get(f.store->finish_build(end)).retry;
    REQUIRE(next);
    CHECK(next->lost_agent.empty());
  }
  SUBCASE("no step ran, as the agent says") {
    end.assignment_state = AssignmentState::finished;
    CHECK(f.get(f.store->finish_build(end)).retry->lost_agent.empty());
    CHECK(f.get(f.store->load_open_state()).lost_agents.empty());
  }
}

TEST_CASE("a build that was to be cancelled is not run again, whoever asked last") {
  Fixture f;
  f.create_job("app");
  const auto lost = f.submit("app");
  const auto one = f.start(lost);
  f.get(f.store->request_cancel(lost.build.id, "no more of it", at(20)));
  FinishBuild end;
  end.build = lost.build.id;
  end.assignment = one.id;
  end.assignment_state = AssignmentState::lost;
  end.reason = "its machine went";
  end.retry_cause = "retry 1 of build 1";
  end.now = at(30);
  const auto done = f.get(f.store->finish_build(end));
  CHECK(!done.retry);
  CHECK(done.build.retried_by.empty());
  CHECK(f.get(f.store->load_open_state()).builds.empty());
}
