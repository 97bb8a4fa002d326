// Builds, the queue and agents over the API, from the submission to the end of the agent.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/tests/world.hpp"
#include "model/price_list.hpp"

using namespace footman::api::testing;
using namespace footman::base;

namespace {

constexpr auto kAdHoc = R"({"spec":{"steps":[{"script":"true"}]}})";

std::vector<std::int64_t> ids_of(const json::object& list) {
  std::vector<std::int64_t> ids;
  for (const auto& build : list.at("builds").as_array()) ids.push_back(build.at("id").as_int64());
  return ids;
}

std::vector<std::string> kinds_of(const json::value& timeline) {
  std::vector<std::string> kinds;
  for (const auto& line : timeline.as_array()) kinds.emplace_back(line.at("kind").as_string());
  return kinds;
}
bool has(const std::vector<std::string>& kinds, const std::string& kind) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

TEST_CASE("from the submission to the end of the agent") {
  World world;
  const auto made =
      world.post("/api/v1/builds", R"({"spec":{"label":"linux","steps":[{"script":"true"}]},"cause":"try"})");
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/api/v1/builds/1");
  CHECK(made.json().at("state") == "queued");
  CHECK(made.json().at("cause") == "started by admin: try");
  CHECK(made.json().at("title") == "ad hoc #1");

  // It waits for the agent that was launched for it.
  const auto waiting = world.get("/api/v1/builds/1").json();
  CHECK(waiting.at("queue").at("state") == "buildable");
  CHECK(waiting.at("queue").at("reason").at("code") == "launching");
  const auto agents = world.get("/api/v1/agents").json().at("agents").as_array();
  REQUIRE(agents.size() == 1);
  const std::string agent(agents[0].at("id").as_string());
  CHECK(text_of(waiting.at("queue").at("reason").at("agent")) == agent);
  auto explained = world.get("/api/v1/builds/1/explain").json();
  CHECK(text_of(explained.at("sentence")).starts_with("It waits: "));
  CHECK(text_of(explained.at("agent").at("id")) == agent);

  auto worker = world.connect_worker();
  const auto running = world.get("/api/v1/builds/1").json();
  CHECK(running.at("state") == "running");
  CHECK(text_of(running.at("agent")) == agent);
  CHECK(!running.contains("queue"));
  CHECK(running.contains("duration_ms"));
  const auto busy = world.get("/api/v1/agents/" + agent).json();
  CHECK(busy.at("activity") == "busy");
  CHECK(busy.at("build") == 1);
  CHECK(busy.at("host").at("hostname") == "box\xef\xbf\xbd");
  CHECK(text_of(world.get("/api/v1/builds/1/explain").json().at("sentence")) ==
        "It runs on agent " + agent + ".");

  world.print(worker, "hello\n");
  world.finish(worker, 2);
  const auto finished = world.get("/api/v1/builds/1").json();
  CHECK(finished.at("state") == "finished");
  CHECK(finished.at("result") == "FAILURE");
  CHECK(finished.at("exit_status") == 2);
  CHECK(finished.contains("finished_at"));
  const auto steps = world.get("/api/v1/builds/1/steps").json();
  CHECK(steps.at("attempt") == 1);
  CHECK(steps.at("steps").as_array().at(0).at("exit_status") == 2);
  const auto attempts = world.get("/api/v1/builds/1/attempts").json().at("attempts").as_array();
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0].at("state") == "finished");
  CHECK(attempts[0].at("log_bytes") == 6);

  worker.agent->close();
  world.advance(10s);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.get("/api/v1/agents").json().at("agents").as_array().empty());
  const auto all = world.get("/api/v1/agents?ended=true").json().at("agents").as_array();
  REQUIRE(all.size() == 1);
  CHECK(all[0].at("state") == "terminated");
  CHECK(all[0].at("end").at("reason") == "build_finished");

  // The story is told after the agent is gone.
  explained = world.get("/api/v1/builds/1/explain").json();
  CHECK(text_of(explained.at("sentence")).starts_with("It ended with FAILURE"));
  for (const auto* measured : {"cpu_time_ms", "wall_time_ms", "peak_memory_bytes"}) {
    CAPTURE(measured);
    CHECK(explained.at("steps").at(0).as_object().contains(measured));
  }
  const auto kinds = kinds_of(explained.at("timeline"));
  for (const auto* kind : {"submitted", "decided", "connected", "started", "step_started", "finished"}) {
    CAPTURE(kind);
    CHECK(std::ranges::count(kinds, kind) == 1);  // each moment once
  }
  for (const auto* kind : {"session_began", "first_step"}) CHECK(!has(kinds, kind));
  const auto story = world.get("/api/v1/agents/" + agent + "/explain").json();
  CHECK(story.at("builds").as_array().at(0).at("build") == 1);
  CHECK(story.at("agent").at("launch").at("reason") == "waiting_item");
  CHECK(text_of(story.at("agent").at("launch").at("text")).find("template 'small' is choice 1") !=
        std::string::npos);
  CHECK(!text_of(story.at("sentence")).empty());
  CHECK(has(kinds_of(story.at("timeline")), "decided"));
}

TEST_CASE("a build that is lost with its agent and run again tells both of it") {
  World world;
  REQUIRE(world.post("/api/v1/builds", R"({"spec":{"retries":1,"steps":[{"script":"true"}]}})").status ==
          201);
  auto worker = world.connect_worker();
  worker.agent->send(footman::protocol::StepStarted{worker.assign.assignment, 1, 0, world.clock.now(), 0});
  world.settle();
  const auto running = world.get("/api/v1/builds/1/explain").json().at("steps").at(0);
  CHECK(!running.as_object().contains("cpu_time_ms"));
  REQUIRE(world.run(world.controller->remove_agent(
      worker.id, {footman::model::EndReason::resource_gone, "its machine was reclaimed"})));
  const auto lost = world.get("/api/v1/builds/1/explain").json();
  CHECK(text_of(lost.at("sentence")) ==
        "It ended with FAILURE: Agent " + worker.id.str() +
            " was lost: its machine was reclaimed. It is run again as build 2.");
  CHECK(lost.at("build").at("retried_by") == 2);
  // What the step used nobody measured.
  const auto step = lost.at("steps").at(0).as_object();
  CHECK(step.contains("finished_at"));
  CHECK(step.contains("wall_time_ms"));
  for (const auto* unknown : {"exit_status", "cpu_time_ms", "peak_memory_bytes"}) {
    CAPTURE(unknown);
    CHECK(!step.contains(unknown));
  }
  const auto next = world.get("/api/v1/builds/2/explain").json();
  CHECK(
      text_of(next.at("sentence")).ends_with(" It runs in place of build 1, which was lost with its agent."));
  CHECK(next.at("build").at("retry_of") == 1);
}

TEST_CASE("a build of a job takes its parameters") {
  World world;
  REQUIRE(
      world
          .post(
              "/api/v1/jobs",
              R"({"path":"team/app","spec":{"steps":[{"script":"make"}],"env":[{"name":"A","value":"1"}]},)"
              R"("parameters":[{"name":"BRANCH","default":"main"},{"name":"MODE","choices":["fast","slow"]}]})")
          .status == 201);
  const auto made = world.post("/api/v1/builds", R"({"job":"team/app","parameters":{"BRANCH":"next"}})");
  CHECK(made.status == 201);
  CHECK(made.json().at("title") == "team/app #1");
  CHECK(made.json().at("parameters") == json::object{{"BRANCH", "next"}, {"MODE", "fast"}});
  CHECK(world.post("/api/v1/builds", R"({"job":"team/app","parameters":{"BRANHC":"x"}})").error() ==
        "400 invalid_argument parameters.BRANHC");
  CHECK(world.post("/api/v1/builds", R"({"job":"team/app","parameters":{"MODE":"x"}})").error() ==
        "400 invalid_argument parameters.MODE");
  CHECK(world.post("/api/v1/builds", R"({"job":"team/ap"})").error() == "404 not_found job");
  const auto quiet = world.post("/api/v1/builds", R"({"job":"team/app","quiet_period_ms":60000})").json();
  CHECK(quiet.at("queue").at("state") == "waiting");
  CHECK(quiet.at("queue").at("reason").at("code") == "quiet_period");
  CHECK(quiet.at("queue").as_object().contains("quiet_until_at"));
}

TEST_CASE("the same key is the same build, whatever happens in between") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    World world;
    const auto rng = footman::runtime::make_seeded_rng(seed);
    std::map<std::string, std::int64_t> known;
    for (int i = 0; i < 40; ++i) {
      const auto key = fmt::format("key-{}", rng->next() % 8);
      const auto body = fmt::format(R"({{"spec":{{"steps":[{{"script":"echo {}"}}]}}}})", key);
      if (rng->next() % 4 == 0) world.restart_api();
      const auto answer = world.post("/api/v1/builds", body, {{"Idempotency-Key", key}});
      CHECK(answer.status == (known.contains(key) ? 200 : 201));
      const auto id = answer.json().at("id").as_int64();
      CHECK(known.try_emplace(key, id).first->second == id);
      if (rng->next() % 3 == 0) {
        REQUIRE(world.post(fmt::format("/api/v1/builds/{}/cancel", id)).status == 200);
      }
    }
    CHECK(ids_of(world.get("/api/v1/builds").json()).size() == known.size());
  }
}

TEST_CASE("a key is for one request of one token") {
  World world;
  const HeaderList key{{"Idempotency-Key", "k"}};
  REQUIRE(world.post("/api/v1/builds", kAdHoc, key).status == 201);
  CHECK(world.post("/api/v1/builds", R"({"spec":{"steps":[{"script":"false"}]}})", key).error() ==
        "409 conflict Idempotency-Key");
  const auto token = world.post("/api/v1/tokens", R"({"name":"other"})").json().at("token").as_string();
  const auto other =
      world.post("/api/v1/builds", kAdHoc,
                 {{"Idempotency-Key", "k"}, {"Authorization", "Bearer " + std::string(token)}});
  CHECK(other.status == 201);
  CHECK(other.json().at("cause") == "started by other");
  CHECK(world.post("/api/v1/builds", kAdHoc, {{"Idempotency-Key", std::string(129, 'k')}}).error() ==
        "400 invalid_argument Idempotency-Key");
}

TEST_CASE("builds come newest first, in pages, filtered") {
  World world;
  REQUIRE(world.post("/api/v1/jobs", R"({"path":"a/b","spec":{"steps":[{"script":"true"}]}})").status == 201);
  for (int i = 0; i < 3; ++i) world.submit();
  for (int i = 0; i < 2; ++i) REQUIRE(world.post("/api/v1/builds", R"({"job":"a/b"})").status == 201);
  REQUIRE(world.post("/api/v1/builds/2/cancel").status == 200);

  const auto list = [&](const std::string& query) {
    return ids_of(world.get("/api/v1/builds" + query).json());
  };
  using Ids = std::vector<std::int64_t>;
  CHECK(list("") == Ids{5, 4, 3, 2, 1});
  CHECK(list("?job=a/b") == Ids{5, 4});
  CHECK(list("?job=") == Ids{3, 2, 1});
  CHECK(list("?job=a/b&number=1") == Ids{4});
  CHECK(list("?job=a/b&number=9").empty());
  CHECK(list("?state=finished") == Ids{2});
  CHECK(list("?result=ABORTED") == Ids{2});
  CHECK(list("?result=SUCCESS").empty());
  const auto page = world.get("/api/v1/builds?limit=2").json();
  CHECK(ids_of(page) == Ids{5, 4});
  const std::string next(page.at("next").as_string());
  CHECK(list("?limit=3&cursor=" + next) == Ids{3, 2, 1});
  CHECK(!world.get("/api/v1/builds?limit=3&cursor=" + next).json().contains("next"));

  for (const auto* query :
       {"?state=done", "?result=success", "?cursor=x", "?number=1", "?limit=1001", "?stat=queued"}) {
    CAPTURE(query);
    CHECK(world.get(std::string("/api/v1/builds") + query).error().starts_with("400 invalid_argument"));
  }
  CHECK(world.get("/api/v1/builds/99").error() == "404 not_found");
  CHECK(world.get("/api/v1/builds/x").error() == "400 invalid_argument id");
  CHECK(world.get("/api/v1/builds/0").error() == "400 invalid_argument id");
}

TEST_CASE("a long list is whole, and big builds make small pages") {
  World world;
  for (int i = 0; i < 230; ++i) world.submit();
  const auto all = world.get("/api/v1/builds?limit=1000").json();
  CHECK(!all.contains("next"));
  const auto ids = ids_of(all);
  REQUIRE(ids.size() == 230);
  CHECK(std::ranges::is_sorted(ids, std::ranges::greater()));
  CHECK(ids_of(world.get("/api/v1/builds?limit=200").json()).size() == 200);
  CHECK(ids_of(world.get("/api/v1/builds?limit=230").json()).size() == 230);
  CHECK(!world.get("/api/v1/builds?limit=230").json().contains("next"));

  REQUIRE(world
              .post("/api/v1/jobs", R"({"path":"big","spec":{"steps":[{"script":"true"}]},)"
                                    R"("parameters":[{"name":"A"},{"name":"B"},{"name":"C"}]})")
              .status == 201);
  const std::string value(100'000, 'x');
  for (int i = 0; i < 30; ++i)
    REQUIRE(world
                .post("/api/v1/builds",
                      fmt::format(R"({{"job":"big","parameters":{{"A":"{0}","B":"{0}","C":"{0}"}}}})", value))
                .status == 201);
  std::vector<std::int64_t> seen;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = world.get("/api/v1/builds?job=big" + cursor).json();
    for (const auto id : ids_of(page)) seen.push_back(id);
    cursor = page.contains("next") ? "&cursor=" + text_of(page.at("next")) : "";
    ++pages;
  } while (!cursor.empty());
  CHECK(pages > 1);
  CHECK(seen.size() == 30);
  CHECK(std::ranges::adjacent_find(seen, std::ranges::less_equal()) == seen.end());
}

TEST_CASE("a build is cancelled in every state") {
  World world;
  world.submit();
  const auto waiting = world.post("/api/v1/builds/1/cancel", R"({"reason":"wrong branch"})");
  CHECK(waiting.status == 200);
  CHECK(waiting.json().at("result") == "ABORTED");
  CHECK(waiting.json().at("reason") == "Cancelled by admin: wrong branch");
  const auto again = world.post("/api/v1/builds/1/cancel", R"({"reason":"other"})");
  CHECK(again.json().at("reason") == "Cancelled by admin: wrong branch");

  world.submit();
  auto worker = world.connect_worker();
  const auto running = world.post("/api/v1/builds/2/cancel");
  CHECK(running.json().at("state") == "running");
  CHECK(running.json().at("cancel_requested") == true);
  CHECK(worker.agent->count<footman::protocol::Cancel>() == 1);

  CHECK(world.post("/api/v1/builds/99/cancel").error() == "404 not_found");
  CHECK(world.post("/api/v1/builds/1/cancel", R"({"why":""})").error() == "400 invalid_argument why");
}

TEST_CASE("attempts that are not there") {
  World world;
  world.submit();
  CHECK(world.get("/api/v1/builds/1/steps").json() == json::object{{"steps", json::array()}});
  CHECK(world.get("/api/v1/builds/1/steps?attempt=1").error() == "404 not_found attempt");
  CHECK(world.get("/api/v1/builds/1/attempts").json().at("attempts").as_array().empty());
  CHECK(world.get("/api/v1/builds/9/attempts").error() == "404 not_found");
  CHECK(world.get("/api/v1/builds/9/steps").error() == "404 not_found");
  CHECK(world.get("/api/v1/builds/9/explain").error() == "404 not_found");
}

TEST_CASE("the queue says what waits and why") {
  World world;
  for (int i = 0; i < 3; ++i) world.submit();
  const auto unknown = world.submit("linus");
  const auto queue = world.get("/api/v1/queue").json();
  CHECK(queue.at("total") == 4);
  const auto& items = queue.at("items").as_array();
  REQUIRE(items.size() == 4);
  CHECK(items[0].at("build") == 1);
  CHECK(items[3].at("build") == unknown);
  CHECK(items[3].at("reason").at("code") == "no_template");
  for (const auto& item : items) CHECK(!item.at("reason").at("text").as_string().empty());

  // Builds say the same.
  const auto builds = world.get("/api/v1/builds").json().at("builds").as_array();
  REQUIRE(builds.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(builds[i].at("reason") == items[3 - i].at("reason").at("text"));
  CHECK(world.get("/api/v1/builds/1").json().at("reason") == items[0].at("reason").at("text"));
  CHECK(world.get("/api/v1/builds?job=&number=1").json().at("builds").as_array().at(0).at("reason") ==
        items[0].at("reason").at("text"));

  const auto page = world.get("/api/v1/queue?limit=3").json();
  CHECK(page.at("items").as_array().size() == 3);
  const auto rest = world.get("/api/v1/queue?limit=3&cursor=" + text_of(page.at("next"))).json();
  CHECK(rest.at("items").as_array().size() == 1);
  CHECK(!rest.contains("next"));

  const auto id = items[0].at("id").as_int64();
  const auto path = fmt::format("/api/v1/queue/{}", id);
  CHECK(world.get(path).json().at("state") == "buildable");
  REQUIRE(world.post("/api/v1/builds/1/cancel").status == 200);
  const auto left = world.get(path).json();
  CHECK(left.at("state") == "left");
  CHECK(!left.contains("reason"));
  CHECK(world.get("/api/v1/queue/999").error() == "404 not_found");
  CHECK(world.get("/api/v1/queue/x").error() == "400 invalid_argument id");
}

TEST_CASE("what builds and agents cost, so far and at last") {
  World world;
  world.submit();
  CHECK(world.get("/api/v1/builds/1").json().at("cost").at("total_micro_usd") == 0);
  world.advance(5s);
  auto worker = world.connect_worker();
  const auto path = "/api/v1/agents/" + worker.id.str();
  world.advance(30s);
  for (const auto* about : {"/api/v1/builds/1", path.c_str()}) {
    CAPTURE(about);
    const auto cost = world.get(about).json().at("cost");
    CHECK(cost.at("final") == false);
    CHECK(cost.at("useful_micro_usd") == 30'000);
    CHECK(cost.at("idle_micro_usd") == 5'000);
    CHECK(cost.at("total_micro_usd") == 35'000);
    CHECK(cost.at("useful_ms") == 30'000);
  }
  CHECK(world.get(path).json().at("micro_usd_per_hour") == 3'600'000);
  CHECK(world.get(path).json().at("size").at("milli_vcpus") == 500);
  auto report = world.get("/api/v1/costs").json();
  CHECK(report.at("rows").as_array().empty());
  CHECK(report.at("running").at("agents") == 1);
  CHECK(report.at("running").at("total_micro_usd") == 35'000);
  const auto& lists = report.at("price_lists").as_array();
  REQUIRE(lists.size() == footman::model::price_lists().size());
  CHECK(text_of(lists[0].at("name")) == footman::model::price_lists()[0].name);
  CHECK(text_of(lists[0].at("date")) == footman::model::price_lists()[0].date);
  CHECK(text_of(lists[0].at("source")).starts_with("https://"));

  world.finish(worker);
  worker.agent->close();
  world.advance(10s);
  const auto agent = world.get(path).json();
  CHECK(agent.at("state") == "terminated");
  const auto& cost = agent.at("cost");
  CHECK(cost.at("final") == true);
  CHECK(cost.at("useful_micro_usd") == 30'000);
  CHECK(world.get("/api/v1/builds/1").json().at("cost") == cost);
  CHECK(world.get("/api/v1/builds/1/explain").json().at("build").at("cost") == cost);
  CHECK(world.get(path + "/explain").json().at("agent").at("cost") == cost);
  CHECK(world.get("/api/v1/agents?ended=true").json().at("agents").at(0).at("cost") == cost);
  for (const auto* by : {"job", "label", "template", "cloud", "day"}) {
    report = world.get(std::string("/api/v1/costs?by=") + by).json();
    CHECK(report.at("by") == by);
    REQUIRE(report.at("rows").as_array().size() == 1);
    CHECK(report.at("rows").at(0).at("builds") == 1);
    CHECK(report.at("rows").at(0).at("cost").at("total_micro_usd") == cost.at("total_micro_usd"));
    CHECK(report.at("total").at("cost").at("useful_ms") == 30'000);
  }
  CHECK(report.at("running").at("agents") == 0);
  const auto later = format_rfc3339(world.clock.now() + 1s);
  CHECK(world.get("/api/v1/costs?since=" + later).json().at("rows").as_array().empty());
  CHECK(world.get("/api/v1/costs?until=" + later).json().at("rows").as_array().size() == 1);
  CHECK(world.get("/api/v1/costs?by=week").error() == "400 invalid_argument by");
  CHECK(world.get("/api/v1/costs?since=yesterday").error() == "400 invalid_argument since");
}

TEST_CASE("what every template says to a build that waits") {
  World world;
  for (int i = 0; i < 4; ++i) world.submit();  // one more than the cap
  const auto told = world.get("/api/v1/builds/4/explain").json();
  CHECK(told.at("build").at("queue").at("reason").at("code") == "template_cap");
  const auto& considered = told.at("considered").as_array();
  REQUIRE(considered.size() == 1);
  CHECK(considered[0].at("template") == "small");
  CHECK(!considered[0].at("text").as_string().empty());

  const auto served = world.get("/api/v1/builds/1/explain").json();  // its agent is on its way
  REQUIRE(served.at("considered").as_array().size() == 1);
  CHECK(served.at("considered").at(0).at("template") == "small");
  CHECK(served.at("considered").at(0).at("code") == "launching");
  CHECK(served.at("considered").at(0).at("text") == served.at("build").at("queue").at("reason").at("text"));
}

TEST_CASE("the queue, the plan and the clouds agree") {
  World world;
  world.submit();
  const auto plan = world.get("/api/v1/plan").json();
  CHECK(plan.at("items").as_array().size() == 1);
  const auto cloud = world.get("/api/v1/clouds").json().at("clouds").as_array().at(0);
  CHECK(cloud.at("name") == "cloud");
  CHECK(cloud.at("starting") == 1);
  CHECK(cloud.at("templates").as_array().at(0).at("cap") == 3);
  CHECK(cloud.at("templates").as_array().at(0).at("default") == true);
  CHECK_FALSE(cloud.as_object().contains("warning"));
  world.cloud.warning = "half of it is deaf";
  CHECK(world.get("/api/v1/clouds").json().at("clouds").at(0).at("warning") == "half of it is deaf");
  CHECK(world.get("/api/v1/reconcile").json().contains("findings"));
}

TEST_CASE("a template's pool is shown with what it was good for") {
  World world;
  const auto one = [&] {
    return world.get("/api/v1/clouds").json().at("clouds").at(0).at("templates").as_array().at(0).as_object();
  };
  CHECK_FALSE(one().contains("pool"));
  world.keep_ready(2);
  const auto pool = one().at("pool").as_object();
  CHECK(pool.at("size") == "2 idle");
  CHECK(pool.at("target") == 2);
  CHECK(pool.at("on_way") == 2);
  CHECK(pool.at("hits") == 0);
  CHECK_FALSE(pool.contains("hold"));
}

TEST_CASE("a template whose launches fail shows its breaker") {
  World world;
  const auto breaker = [&] {
    const auto one =
        world.get("/api/v1/clouds").json().at("clouds").at(0).at("templates").as_array().at(0).as_object();
    CHECK(one.at("held").as_bool() == (one.at("breaker").at("state") != "closed"));
    return one.at("breaker").as_object();
  };
  CHECK(breaker().at("state") == "closed");
  CHECK(breaker().size() == 1);
  SUBCASE("it is tried again later") {
    world.cloud.launching = footman::fleet::testing::Launching::refused;
    world.submit();
    CHECK(breaker().at("state") == "open");
    CHECK(breaker().at("failure") == "capacity");
    CHECK(breaker().at("reason") == "no capacity here");
    CHECK(breaker().at("failures") == 1);
    CHECK(breaker().contains("since_at"));
    CHECK(breaker().contains("next_probe_at"));
    world.cloud.launching = footman::fleet::testing::Launching::hangs;
    world.advance(2s);
    CHECK(breaker().at("state") == "half_open");
    CHECK(breaker().contains("probe"));
    CHECK_FALSE(breaker().contains("next_probe_at"));
  }
  SUBCASE("it is not") {
    world.cloud.refusal = {footman::model::FailureClass::image, true, {}, "no such image"};
    world.cloud.launching = footman::fleet::testing::Launching::refused;
    world.submit();
    CHECK(breaker().at("state") == "disabled");
    CHECK(breaker().at("failure") == "image");
  }
}

TEST_CASE("agents are drained and terminated") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  const auto path = "/api/v1/agents/" + worker.id.str();
  const auto drained = world.post(path + "/drain");
  CHECK(drained.status == 200);
  CHECK(drained.json().at("state") == "draining");
  CHECK(world.post(path + "/drain").status == 200);
  CHECK(world.post(path + "/terminate", R"({"reason":"on fire"})").status == 200);
  world.advance(10s);
  CHECK(world.get(path).json().at("state") == "terminated");
  const auto build = world.get("/api/v1/builds/1").json();
  CHECK(build.at("result") == "FAILURE");
  CHECK(text_of(build.at("reason")).find("Terminated by admin: on fire") != std::string::npos);
  for (const auto* verb : {"/terminate", "/drain"}) {
    const auto late = world.post(path + verb);
    CHECK(late.error() == "404 not_found");
    CHECK(late.body.find(" has ended, at ") != std::string::npos);
  }
  CHECK(world.post(path + "/terminate", "[]").error() == "400 invalid_argument");
  CHECK(world.get("/api/v1/agents/nobody").error() == "404 not_found");
  CHECK(world.get("/api/v1/agents/nobody/explain").error() == "404 not_found");
  CHECK(world.post("/api/v1/agents/nobody/drain").error() == "404 not_found");
}

TEST_CASE("clouds are paused and resumed") {
  World world;
  const auto name = text_of(world.get("/api/v1/clouds").json().at("clouds").at(0).at("name"));
  const auto path = "/api/v1/clouds/" + name;
  const auto paused = world.post(path + "/pause", R"({"reason":"new disk"})");
  CHECK(paused.status == 200);
  CHECK(paused.json().at("paused") == "by admin: new disk");
  CHECK(paused.json().contains("paused_at"));
  world.submit();
  world.advance(1s);
  CHECK(text_of(world.get("/api/v1/queue").json().at("items").at(0).at("reason").at("text")) ==
        "cloud '" + name + "' is paused by admin: new disk");
  const auto resumed = world.post(path + "/resume");
  CHECK(resumed.status == 200);
  CHECK_FALSE(resumed.json().contains("paused"));
  CHECK(world.post(path + "/pause", R"({"why":"x"})").error() == "400 invalid_argument why");
  CHECK(world.post("/api/v1/clouds/nowhere/pause").error() == "404 not_found");
  CHECK(world.post("/api/v1/clouds/nowhere/resume").error() == "404 not_found");
}

TEST_CASE("what a start-up comparison holds back is shown and applied") {
  World world(12);
  const auto found = world.get("/api/v1/reconcile").json();
  const auto& held = found.at("held").as_object();
  CHECK(held.at("reason") == "too_many");
  CHECK(held.at("would_end") == 12);
  CHECK(held.at("seen") == 12);
  const auto& first = found.at("findings").as_array().at(0);
  CHECK(first.at("verdict") == "orphan");
  CHECK(first.at("held") == true);
  CHECK(text_of(first.at("text")).ends_with("Not ended: waits for `footman reconcile --apply`."));
  CHECK(world.cloud.alive() == 12);
  const auto applied = world.post("/api/v1/reconcile/apply");
  CHECK(applied.status == 200);
  CHECK(applied.json().at("applied") == 12);
  CHECK_FALSE(applied.json().contains("held"));
  world.settle();
  CHECK(world.cloud.alive() == 0);
  CHECK(world.post("/api/v1/reconcile/apply").json().at("applied") == 0);
  CHECK(world.post("/api/v1/reconcile/apply", {}, {{"Authorization", "Bearer nobody"}}).status == 401);
}

TEST_CASE("what waited in a database in doubt is shown and let run") {
  World world(0, 2);
  CHECK(world.get("/api/v1/reconcile").json().at("held_builds") == 2);
  const auto item = world.get("/api/v1/queue").json().at("items").at(0);
  CHECK(item.at("reason").at("code") == "state_unknown");
  const auto applied = world.post("/api/v1/reconcile/apply").json();
  CHECK(applied.at("released_builds") == 2);
  CHECK(applied.at("held_builds") == 0);
  CHECK(applied.at("applied") == 0);
  world.settle();
  CHECK(world.get("/api/v1/queue").json().at("items").at(0).at("reason").at("code") == "launching");
}

TEST_CASE("agents come newest first, in pages") {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.submit();
    world.advance(1s);
  }
  const auto ids = [](const json::object& list) {
    std::vector<std::string> found;
    for (const auto& agent : list.at("agents").as_array()) found.emplace_back(agent.at("id").as_string());
    return found;
  };
  for (const auto* ended : {"false", "true"}) {
    CAPTURE(ended);
    const auto base = fmt::format("/api/v1/agents?ended={}", ended);
    const auto all = ids(world.get(base).json());
    REQUIRE(all.size() == 3);
    const auto first = world.get(base + "&limit=2").json();
    const auto second = world.get(base + "&limit=2&cursor=" + text_of(first.at("next"))).json();
    auto seen = ids(first);
    for (auto& id : ids(second)) seen.push_back(id);
    CHECK(seen == all);
    CHECK(!second.contains("next"));
    CHECK(world.get("/api/v1/agents/" + all[0]).json().at("for_item") == "3");
  }
  CHECK(world.get("/api/v1/agents?ended=yes").error() == "400 invalid_argument ended");
  CHECK(world.get("/api/v1/agents?cursor=nobody").error() == "404 not_found");

  // The last one of a page may end before the next page is asked for.
  const auto all = ids(world.get("/api/v1/agents").json());
  const auto page = world.get("/api/v1/agents?limit=2").json();
  REQUIRE(world.post("/api/v1/agents/" + all[1] + "/terminate").status == 200);
  world.advance(10s);
  REQUIRE(world.get("/api/v1/agents/" + all[1]).json().at("state") == "terminated");
  const auto rest = ids(world.get("/api/v1/agents?limit=2&cursor=" + text_of(page.at("next"))).json());
  CHECK(rest == std::vector<std::string>{all[2]});
}

TEST_CASE("an agent whose item is gone tells for which one it comes now") {
  World world;
  world.submit();
  world.advance(1s);
  const auto agent = [&] { return world.get("/api/v1/agents").json().at("agents").at(0).as_object(); };
  CHECK(agent().at("for_item") == "1");
  CHECK_FALSE(agent().contains("promised_to"));
  const auto cloud = text_of(agent().at("cloud"));
  REQUIRE(world.post("/api/v1/clouds/" + cloud + "/pause").status == 200);
  world.submit();
  world.advance(1s);
  REQUIRE(world.post("/api/v1/builds/1/cancel").status == 200);
  world.advance(1s);
  CHECK(agent().at("for_item") == "1");
  CHECK(agent().at("promised_to") == "2");
}
