// Jobs, the queue's reasons, cancel in every state.
#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <set>
#include <vector>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using model::BuildResult;
using model::BuildState;
using model::ItemView;
using ports::AgentActivity;

namespace {

model::Job job(const std::string& path) {
  model::Job job;
  job.path = JobPath(path);
  job.spec.steps.push_back({"", "", "make"});
  return job;
}

SubmitRequest of_job(const std::string& path) {
  SubmitRequest request;
  request.job = JobPath(path);
  return request;
}

Result<store::SubmittedBuild> submit(World& world, SubmitRequest request) {
  return world.run(world.controller->submit_build(std::move(request)));
}

std::shared_ptr<ports::WaitReason> share(ports::WaitReason reason) {
  return std::make_shared<ports::WaitReason>(std::move(reason));
}

QueueEntry entry(World& world, std::int64_t build) {
  auto found = world.controller->find_queue_entry(BuildId(build));
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("a job tells the number of its next build") {
  World world;
  REQUIRE(world.run(world.controller->create_job(job("team/app"))));
  const auto next = [&] { return world.controller->find_job(JobPath("team/app"))->next_number; };
  CHECK(next() == 1);
  auto request = of_job("team/app");
  request.idempotency_key = "k";
  REQUIRE(submit(world, request));
  REQUIRE(submit(world, of_job("team/app")));
  CHECK(next() == 3);
  REQUIRE(submit(world, request));  // the first one again
  CHECK(next() == 3);
  auto changed = job("team/app");
  changed.description = "other";
  CHECK(world.run(world.controller->save_job(changed)).value().next_number == 3);
  CHECK(next() == 3);
  world.restart();
  CHECK(next() == 3);
}

TEST_CASE("parameters are merged into the environment and checked") {
  World world;
  auto with = job("team/app");
  with.parameters.push_back({"TARGET", "debug", "", {"debug", "release"}});
  with.parameters.push_back({"NAME", "", "", {}});
  REQUIRE(world.run(world.controller->create_job(with)));
  CHECK(world.run(world.controller->create_job(with)).error().code == Errc::already_exists);
  auto request = of_job("team/app");
  request.parameters = {{"TARGET", "release"}};
  REQUIRE(submit(world, request));
  CHECK(world.build(1).parameters == std::map<std::string, std::string>{{"NAME", ""}, {"TARGET", "release"}});
  CHECK(world.build(1).spec.env.size() == 2);
  request.parameters = {{"TARGET", "other"}};
  CHECK(submit(world, request).error().field == "parameters.TARGET");
  request.parameters = {{"NOPE", "x"}};
  CHECK(submit(world, request).error().code == Errc::invalid_argument);
  CHECK(submit(world, of_job("none")).error().code == Errc::not_found);
  with.enabled = false;
  REQUIRE(world.run(world.controller->save_job(with)));
  CHECK(submit(world, of_job("team/app")).error().code == Errc::conflict);
  CHECK(entry(world, 1).reason.code == "job_disabled");
  CHECK(world.controller->demand().empty());
  CHECK(world.run(world.controller->delete_job(JobPath("team/app"))).error().code == Errc::conflict);
}

TEST_CASE("the demand since an answer: what came and went; all of it when that was not the last one") {
  World world;
  REQUIRE(world.run(world.controller->create_job(job("team/app"))));
  const auto another = [&] { REQUIRE(submit(world, of_job("team/app"))); };
  another();
  another();
  const auto first = world.controller->demand_since(0);
  CHECK(first.complete);
  REQUIRE(first.items.size() == 2);
  CHECK(first.items[0].key == "1");
  CHECK(first.items[0].title == world.controller->demand()[0].title);

  const auto nothing = world.controller->demand_since(first.version);
  CHECK_FALSE(nothing.complete);
  CHECK(nothing.items.empty());
  CHECK(nothing.gone.empty());

  another();
  REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "me")));
  const auto news = world.controller->demand_since(nothing.version);
  CHECK_FALSE(news.complete);
  REQUIRE(news.items.size() == 1);
  CHECK(news.items[0].key == "3");
  CHECK(news.gone == std::vector<std::string>{"1"});

  const auto all = world.controller->demand_since(first.version);  // somebody else was answered since
  CHECK(all.complete);
  CHECK(all.items.size() == 2);
  CHECK(all.gone.empty());
}

TEST_CASE("what the news of the demand add up to is the demand, whatever happens") {
  World world;
  std::mt19937 random(5);
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random()) % below; };
  std::vector<model::Job> jobs{job("plain"), job("single"), job("quiet"), job("other")};
  jobs[1].max_concurrent = 1;
  for (const auto& one : jobs) REQUIRE(world.run(world.controller->create_job(one)));
  std::vector<std::unique_ptr<ScriptedAgent>> agents;
  std::size_t removed = 0;  // of them
  std::int64_t builds = 0;
  std::set<std::string> told;
  std::uint64_t version = 0;
  std::size_t changes = 0;
  const auto change = [&] {
    switch (pick(8)) {
      case 0:
      case 1:
      case 2: {
        auto request = of_job(jobs[pick(jobs.size())].path.str());
        if (request.job.str() == "quiet") request.quiet_period = 5s;
        builds += submit(world, std::move(request)) ? 1 : 0;
        return;
      }
      case 3:
        if (builds > 0)
          (void)world.run(world.controller->cancel_build(
              BuildId(1 + static_cast<std::int64_t>(pick(static_cast<std::size_t>(builds)))), "me"));
        return;
      case 4:
        return world.advance(std::chrono::seconds(1 + pick(4)));
      case 5:  // it takes the oldest, and leaves without having begun
        agents.push_back(world.join("a" + std::to_string(agents.size())));
        return;
      case 6:
        for (; removed < agents.size(); ++removed)
          (void)world.run(world.controller->remove_agent(AgentId("a" + std::to_string(removed)), {}));
        return;
      default: {
        auto& one = jobs[pick(jobs.size())];
        one.enabled = !one.enabled;
        if (one.path.str() == "other") one.max_concurrent = static_cast<std::uint32_t>(pick(3));
        REQUIRE(world.run(world.controller->save_job(one)));
      }
    }
  };
  for (int step = 0; step < 1'500; ++step) {
    change();
    const auto news = world.controller->demand_since(version);
    CHECK(news.complete == (version == 0));
    version = news.version;
    for (const auto& key : news.gone) CHECK(told.erase(key) == 1);
    for (const auto& item : news.items) CHECK(told.insert(item.key).second);
    changes += news.gone.size() + news.items.size();
    std::set<std::string> wanted;
    for (const auto& item : world.controller->demand()) wanted.insert(item.key);
    INFO("step ", step);
    REQUIRE(told == wanted);
  }
  CHECK(changes > 1'000);
}

TEST_CASE("what is malformed is refused with its field") {
  World world;
  SubmitRequest request;
  CHECK(submit(world, request).error().field.find("steps") != std::string::npos);
  request.spec.steps.push_back({"", "", "true"});
  request.spec.label = "a && (";
  CHECK(submit(world, request).error().field == "spec.label");
  request.spec.label = "a&&b";
  request.spec.timeout = 1000h;
  CHECK(submit(world, request).error().field == "spec.timeout");
  CHECK(world.ask(world.store->list_builds({}))->empty());
}

TEST_CASE("the same idempotency key gives the same build, another request with it a conflict") {
  World world;
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  request.idempotency_key = "k1";
  const auto first = submit(world, request);
  const auto again = submit(world, request);
  REQUIRE(again);
  CHECK(again->existed);
  CHECK(again->build.id == first->build.id);
  CHECK(world.controller->queue().size() == 1);
  using Change = void (*)(SubmitRequest&);
  const Change changes[] = {[](SubmitRequest& r) { r.spec.steps[0].script = "false"; },
                            [](SubmitRequest& r) { r.spec.steps[0].name = "x"; },
                            [](SubmitRequest& r) { r.spec.steps[0].interpreter = "/bin/bash"; },
                            [](SubmitRequest& r) { r.spec.steps[0].unstable_exit_status = 3; },
                            [](SubmitRequest& r) { r.spec.steps.push_back({"", "", "true"}); },
                            [](SubmitRequest& r) { r.spec.label = "x"; },
                            [](SubmitRequest& r) { r.spec.env.push_back({"A", "", ""}); },
                            [](SubmitRequest& r) { r.spec.env.push_back({"A", "1", ""}); },
                            [](SubmitRequest& r) { r.spec.env.push_back({"A", "", "env:A"}); },
                            [](SubmitRequest& r) { r.spec.timeout = 1min; },
                            [](SubmitRequest& r) { r.spec.grace = 1min; },
                            [](SubmitRequest& r) { r.spec.log_limit_bytes = 4096; },
                            [](SubmitRequest& r) { r.spec.retries = 1; },
                            [](SubmitRequest& r) { r.cause = "another"; },
                            [](SubmitRequest& r) { r.quiet_period = 0s; }};
  for (const auto change : changes) {
    CAPTURE(&change - changes);
    auto other = request;
    change(other);
    const auto answer = submit(world, other);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::conflict);
  }
  CHECK(world.controller->queue().size() == 1);
}

TEST_CASE("requests that would read the same in a row are told apart") {
  World world;
  SubmitRequest request;
  request.spec.steps = {{"n", "", "steps"}, {"", "", "true"}};
  request.idempotency_key = "k1";
  REQUIRE(submit(world, request));
  request.spec.env = {{"steps", "n", ""}};
  request.spec.steps = {{"", "", "true"}};
  const auto other = submit(world, request);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::conflict);
}

TEST_CASE("the queue has a limit") {
  World world;
  world.config.max_queue = 2;
  world.restart();
  world.submit();
  world.submit();
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  CHECK(submit(world, request).error().code == Errc::resource_exhausted);
}

TEST_CASE("every waiting item has a true reason") {
  World world;
  auto one = job("one");
  one.max_concurrent = 1;
  REQUIRE(world.run(world.controller->create_job(one)));
  REQUIRE(submit(world, of_job("one")));
  auto agent = world.join("a", 0);
  REQUIRE(agent->count<protocol::Assign>() == 1);
  CHECK(entry(world, 1).view == ItemView::pending);
  CHECK(entry(world, 1).reason.code == "offered");
  CHECK(entry(world, 1).reason.agent == AgentId("a"));
  REQUIRE(submit(world, of_job("one")));
  CHECK(entry(world, 2).view == ItemView::blocked);
  CHECK(entry(world, 2).reason.text == "Build #1 comes first; the job allows one at a time.");
  agent->send(protocol::Accepted{AssignmentId(1)});
  world.settle();
  CHECK(entry(world, 2).reason.text == "Build #1 is running; the job allows one at a time.");
  CHECK(world.controller->demand().empty());

  auto quiet = of_job("one");
  quiet.quiet_period = 30s;
  REQUIRE(submit(world, quiet));
  CHECK(entry(world, 3).view == ItemView::waiting);
  CHECK(entry(world, 3).reason.code == "quiet_period");

  world.finish(*agent, AssignmentId(1), 1, 0);
  REQUIRE(agent->count<protocol::Assign>() == 2);  // the next one of the job
  world.advance(31s);
  CHECK(entry(world, 3).view == ItemView::blocked);

  world.submit("mars");
  CHECK(entry(world, 4).view == ItemView::buildable);
  CHECK(entry(world, 4).reason.code == "no_idle_agent");
  world.controller->set_wait_reason("4", share({"no_template", "no template offers mars", {}, {}, {}}));
  CHECK(entry(world, 4).reason.code == "no_template");
  CHECK(world.controller->queue().size() == 3);
}

TEST_CASE("what many items wait for is shown as it is when somebody looks") {
  World world;
  world.submit("linux");
  world.submit("linux");
  const auto reason = share({"vcpu_cap", "3 of 4 vCPU are taken", {}, {}, {}});
  world.controller->set_wait_reason("1", reason);
  world.controller->set_wait_reason("2", reason);
  reason->text = "4 of 4 vCPU are taken";
  CHECK(entry(world, 1).reason.text == "4 of 4 vCPU are taken");
  CHECK(world.controller->queue().at(1).reason.text == "4 of 4 vCPU are taken");
}

TEST_CASE("the end of a quiet period is told to whoever launches agents, at once") {
  World world;
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  request.quiet_period = 7s;
  REQUIRE(submit(world, request));
  std::vector<std::size_t> demands;
  world.controller->set_on_change([&] { demands.push_back(world.controller->demand().size()); });
  world.advance(6s);
  CHECK(demands.empty());
  world.advance(1s);
  REQUIRE_FALSE(demands.empty());
  CHECK(demands.back() == 1);
}

TEST_CASE("a quiet period lasts as long as it was to, whatever is done to the clock") {
  for (const auto step : {Duration(-5h), Duration(5h)}) {
    CAPTURE(step.count());
    World world;
    SubmitRequest request;
    request.spec.steps.push_back({"", "", "true"});
    request.quiet_period = 7s;
    REQUIRE(submit(world, request));
    world.clock.set_wall(step);
    world.advance(2s);
    CHECK(entry(world, 1).reason.look_again == world.clock.now() + 5s);
    CHECK(entry(world, 1).item.quiet_until == world.clock.now() + 5s);
    SUBCASE("in this run") {
      world.advance(4s);
      CHECK(entry(world, 1).view == ItemView::waiting);
    }
    SUBCASE("in the next run, never longer than all of it") {
      world.restart();
      world.advance(2s);
    }
    world.advance(5s);
    CHECK(entry(world, 1).view == ItemView::buildable);
  }
}

TEST_CASE("items stay in their order when the clock is set back") {
  World world;
  world.submit();
  world.clock.set_wall(-5h);
  world.advance(1s);
  world.submit();
  const auto demand = world.controller->demand();
  REQUIRE(demand.size() == 2);
  CHECK(demand[0].since < demand[1].since);
}

TEST_CASE("an item goes to an agent that fits, first of all to the one launched for it") {
  World world;
  auto linux_agent = world.join("linux-1", 0, {"linux"});
  world.submit("arm");
  CHECK(linux_agent->count<protocol::Assign>() == 0);
  world.submit("linux");
  REQUIRE(linux_agent->count<protocol::Assign>() == 1);
  CHECK(linux_agent->last<protocol::Assign>()->build == BuildId(2));
}

TEST_CASE("an item without a label goes to agents that take such items, also after a restart") {
  World world;
  world.takes_unlabelled = false;
  auto agent = world.join("special", 0, {"linux"});
  world.submit();
  CHECK(entry(world, 1).view == ItemView::buildable);
  CHECK(agent->count<protocol::Assign>() == 0);
  world.restart();
  world.settle();
  CHECK_FALSE(world.node("special").is_default);
  CHECK(entry(world, 1).view == ItemView::buildable);
  world.takes_unlabelled = true;
  const auto general = world.join("general", 0, {"linux"});
  CHECK(general->count<protocol::Assign>() == 1);
}

TEST_CASE("cancel in every state") {
  World world;
  const auto cancel = [&] { return world.run(world.controller->cancel_build(BuildId(1), "not needed")); };
  SUBCASE("waiting") {
    SubmitRequest request;
    request.spec.steps.push_back({"", "", "true"});
    request.quiet_period = 1min;
    REQUIRE(submit(world, request));
    CHECK(cancel()->result == BuildResult::aborted);
    CHECK(world.controller->queue().empty());
    CHECK(cancel()->result == BuildResult::aborted);  // again: no change
  }
  SUBCASE("offered") {
    world.submit();
    auto agent = world.join("a", 0);
    REQUIRE(agent->count<protocol::Assign>() == 1);
    CHECK(cancel()->result == BuildResult::aborted);
    CHECK(agent->count<protocol::Withdraw>() == 1);
    agent->send(protocol::Accepted{AssignmentId(1)});
    world.settle();
    CHECK(agent->count<protocol::Start>() == 0);
    CHECK(agent->count<protocol::Withdraw>() == 2);
    CHECK(world.activity("a") == AgentActivity::idle);
  }
  SUBCASE("while Accepted is being stored") {
    world.submit();
    auto agent = world.join("a", 0);
    agent->send(protocol::Accepted{AssignmentId(1)});
    REQUIRE(cancel());
    const auto build = world.build(1);
    const bool aborted = build.state == BuildState::finished && agent->count<protocol::Start>() == 0;
    const bool told = agent->count<protocol::Cancel>() >= 1;
    CHECK((aborted || told));
  }
  SUBCASE("running, the agent ends it") {
    auto agent = world.run_on_agent("a", 0);
    CHECK(cancel()->state == BuildState::running);
    REQUIRE(agent->count<protocol::Cancel>() == 1);
    CHECK(agent->last<protocol::Cancel>()->reason == "not needed");
    protocol::BuildFinished finished;
    finished.assignment = AssignmentId(1);
    finished.report = 1;
    finished.outcome = protocol::BuildOutcome::aborted;
    agent->send(finished);
    world.settle();
    CHECK(world.build(1).result == BuildResult::aborted);
    CHECK(world.build(1).reason == "not needed");
    CHECK(world.activity("a") == AgentActivity::idle);
  }
  SUBCASE("running, Cancel is lost: it is said again after the reconnect") {
    auto agent = world.run_on_agent("a", 0);
    agent->wire->cut();
    world.settle();
    REQUIRE(cancel());
    auto back =
        world.rejoin("a", 2, {{AssignmentId(1), protocol::AssignmentPhase::running, StreamId(1), 0, 0, 0}});
    CHECK(back->count<protocol::Cancel>() == 1);
  }
  SUBCASE("running, the agent does not end it: given up after the hard limit") {
    auto agent = world.run_on_agent("a", 0);
    REQUIRE(cancel());
    for (int i = 0; i < 5; ++i) {
      world.advance(world.config.heartbeat);
      agent->send(protocol::Heartbeat{1, world.clock.now()});
    }
    world.settle();
    CHECK(world.build(1).result == BuildResult::aborted);
    CHECK(world.activity("a") == AgentActivity::lost);
    CHECK(agent->ended);
  }
  SUBCASE("asked before a crash, done after it") {
    auto agent = world.run_on_agent("a", 0);
    REQUIRE(cancel());
    world.restart();
    auto back =
        world.rejoin("a", 2, {{AssignmentId(1), protocol::AssignmentPhase::running, StreamId(1), 0, 0, 0}});
    CHECK(back->count<protocol::Cancel>() == 1);
  }
}

TEST_CASE("a build that outlives its time limit is ended by the server as a net") {
  World world;
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  request.spec.timeout = 1min;
  REQUIRE(submit(world, request));
  auto agent = world.join("a", 0);
  agent->send(protocol::Accepted{AssignmentId(1)});
  for (int i = 0; i < 10; ++i) {
    world.advance(world.config.heartbeat);
    agent->send(protocol::Heartbeat{1, world.clock.now()});
  }
  world.settle();
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.build(1).result == BuildResult::aborted);
  CHECK(world.build(1).reason.find("time limit") != std::string::npos);
  CHECK(world.build(1).timed_out);
}

TEST_CASE("a clock that is set by hours and a restart do not use up a build's time") {
  World world;
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  request.spec.timeout = 10min;
  REQUIRE(submit(world, request));
  const auto agent = world.join("a");
  agent->send(protocol::Accepted{AssignmentId(1)});
  world.settle();
  REQUIRE(world.build(1).state == BuildState::running);
  world.clock.set_wall(2h);
  world.restart();
  const auto back =
      world.rejoin("a", 2, {{AssignmentId(1), protocol::AssignmentPhase::running, StreamId(1), 0, 0, 0}});
  for (auto left = 3 * world.config.lease; left > Duration(0); left -= world.config.heartbeat) {
    world.advance(world.config.heartbeat);
    back->send(protocol::Heartbeat{1, world.clock.now()});
  }
  CHECK(world.build(1).state == BuildState::running);
}

TEST_CASE("an agent goes to the item that it was launched for, or else to the oldest that it fits") {
  World world;
  model::Job job;
  job.path = JobPath("app");
  job.spec.label = "linux && gpu";
  job.spec.steps.push_back({"", "", "true"});
  job.max_concurrent = 1;
  REQUIRE(world.run(world.controller->create_job(job)));
  const auto older = world.submit("linux");
  const auto newer = submit(world, of_job("app"))->build.id;
  const auto work_of = [](const ScriptedAgent& agent) {
    const auto assign = agent.last<protocol::Assign>();
    return assign ? assign->build : BuildId();
  };
  SUBCASE("its own item still waits, behind an older one that it fits, too") {
    const auto large = world.join("large", 1, {"linux", "gpu"}, "2");
    CHECK(work_of(*large) == newer);
    const auto small = world.join("small", 1, {"linux"}, "1");
    CHECK(work_of(*small) == older);
  }
  SUBCASE("its own item has left") {
    REQUIRE(world.run(world.controller->cancel_build(newer, "")));
    const auto large = world.join("large", 1, {"linux", "gpu"}, "2");
    CHECK(work_of(*large) == older);
  }
  SUBCASE("its own item waits for another build of its job") {
    const auto blocked = submit(world, of_job("app"))->build.id;
    const auto first = world.join("first", 1, {"linux", "gpu"}, "2");
    CHECK(work_of(*first) == newer);
    const auto second = world.join("second", 1, {"linux", "gpu"}, "3");
    CHECK(work_of(*second) == older);
    CHECK(entry(world, blocked.value()).reason.code == "concurrency");
  }
}

TEST_CASE("an agent that an item was told to wait for comes to that item") {
  World world;
  const auto work_of = [](const ScriptedAgent& agent) {
    const auto assign = agent.last<protocol::Assign>();
    return assign ? assign->build : BuildId();
  };
  const auto older = world.submit("linux");
  const auto newer = world.submit("gpu");
  (void)world.register_agent("kept", 1, 1, {"linux", "gpu"});
  world.controller->set_wait_reason("2", share({"launching", "kept is on its way", AgentId("kept"), {}, {}}));
  SUBCASE("whoever else could take it") {
    CHECK(work_of(*world.join("kept", 1, {"linux", "gpu"})) == newer);
    CHECK(work_of(*world.join("small", 1, {"linux"})) == older);
  }
  SUBCASE("unless another one was promised to it since") {
    (void)world.register_agent("other", 1, 1, {"gpu"});
    world.controller->set_wait_reason("2",
                                      share({"launching", "other is on its way", AgentId("other"), {}, {}}));
    CHECK(work_of(*world.join("kept", 1, {"linux", "gpu"})) == older);
  }
  SUBCASE("unless the item is gone") {
    REQUIRE(world.run(world.controller->cancel_build(newer, "")));
    CHECK(work_of(*world.join("kept", 1, {"linux", "gpu"})) == older);
  }
}

TEST_CASE("the places of a job go to its oldest items, though agents fit only younger ones") {
  World world;
  auto changed = job("app");
  changed.spec.label = "gpu";
  changed.max_concurrent = 1;
  REQUIRE(world.run(world.controller->create_job(changed)));
  REQUIRE(submit(world, of_job("app")));
  changed.spec.label = "linux";
  REQUIRE(world.run(world.controller->save_job(changed)));
  REQUIRE(submit(world, of_job("app")));
  world.submit("mars");
  const auto agent = world.join("a", 0, {"linux"});
  CHECK(agent->count<protocol::Assign>() == 0);
  world.submit("linux");
  REQUIRE(agent->count<protocol::Assign>() == 1);
  CHECK(agent->last<protocol::Assign>()->build == BuildId(4));
  const auto large = world.join("b", 0, {"gpu"});
  REQUIRE(large->count<protocol::Assign>() == 1);
  CHECK(large->last<protocol::Assign>()->build == BuildId(1));
  const auto another = world.join("c", 0, {"linux"});
  CHECK(another->count<protocol::Assign>() == 0);  // build 2 waits for build 1
}

TEST_CASE("of the idle agents that fit, one with the fewest labels takes the work; of these the oldest") {
  World world;
  auto large = world.join("a-large", 0, {"linux", "gpu"});
  auto young = world.join("c-young", 0, {"linux"});
  const auto work_of = [](const ScriptedAgent& agent) { return agent.last<protocol::Assign>().has_value(); };
  world.advance(1s);
  auto younger = world.join("b-younger", 0, {"linux"});
  world.submit("linux");
  CHECK(work_of(*young));
  world.submit("linux");
  CHECK(work_of(*younger));
  CHECK_FALSE(work_of(*large));
  world.submit("gpu");
  CHECK(work_of(*large));
}

TEST_CASE("every change is told") {
  World world;
  int changes = 0;
  world.controller->set_on_change([&] { ++changes; });
  world.submit();
  CHECK(changes > 0);
  const auto batch = world.changes.read_after(0);
  REQUIRE_FALSE(batch.values.empty());
  CHECK(batch.values[0].kind == "build");
  CHECK(batch.values[0].state == "queued");
  CHECK(batch.values[0].sequence == 1);
}

TEST_CASE(
    "old builds are forgotten with their logs: of a job by its limit, of those without one by the server's") {
  World world;
  world.config.keep_adhoc_builds = 7;
  world.restart();
  auto agent = world.join("a", 0);
  const auto run_one = [&](SubmitRequest request) {
    request.spec.steps.push_back({"", "", "true"});
    if (!request.job.empty()) request.spec = {};
    const auto id = submit(world, std::move(request))->build.id;
    const auto assign = agent->last<protocol::Assign>();
    agent->send(protocol::Accepted{assign->assignment});
    world.settle();
    world.send_log(*agent, assign->stream, 0, "x\n");
    world.finish(*agent, assign->assignment, 1, 2);
    REQUIRE(world.build(id.value()).state == model::BuildState::finished);
  };
  const auto builds_of = [&](const std::string& job) {
    return world.ask(world.store->list_builds({.job = JobPath(job)}))->size();
  };
  SUBCASE("of a job") {
    model::Job job;
    job.path = JobPath("app");
    job.spec.steps.push_back({"", "", "true"});
    job.keep_builds = 2;
    REQUIRE(world.run(world.controller->create_job(job)));
    SubmitRequest request;
    request.job = job.path;
    for (int i = 0; i < 4; ++i) run_one(request);
    CHECK(builds_of("app") == 2);
    CHECK(world.logs.streams.size() == 2);
  }
  SUBCASE("of a job that is deleted") {
    model::Job job;
    job.path = JobPath("app");
    job.spec.steps.push_back({"", "", "true"});
    REQUIRE(world.run(world.controller->create_job(job)));
    SubmitRequest request;
    request.job = job.path;
    run_one(request);
    run_one(request);
    run_one({});
    const auto deleted = world.begin(world.controller->delete_job(job.path));
    REQUIRE(deleted->has_value());
    CHECK((*deleted)->has_value());
    CHECK_FALSE(world.controller->find_job(job.path));
    CHECK(builds_of("app") == 0);
    CHECK(world.logs.streams.size() == 1);
    CHECK(submit(world, request).error().code == Errc::not_found);
    // Again with the same name: its numbers go on.
    REQUIRE(world.run(world.controller->create_job(job)));
    CHECK(submit(world, request)->build.number == 3);
  }
  SUBCASE("without a job") {
    for (int i = 0; i < 100; ++i) run_one({});
    CHECK(builds_of("") == 7);
    CHECK(world.logs.streams.size() == 7);
    CHECK(world.ask(world.store->list_forgotten_streams())->empty());
  }
  SUBCASE("also those that the server did not come to remove before it died") {
    for (int i = 0; i < 3; ++i) run_one({});
    world.crash();
    CHECK(world.ask(world.store->forget_builds(JobPath(), 1, {}))->size() == 2);
    CHECK(world.logs.streams.size() == 3);
    world.start();
    world.settle();
    CHECK(world.logs.streams.size() == 1);
    CHECK(world.ask(world.store->list_forgotten_streams())->empty());
  }
}
