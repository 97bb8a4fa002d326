// What pages show, against the real controller, fleet and store.
#include "web/pages.hpp"

#include <fmt/format.h>

#include "api/tests/scripted_desk.hpp"
#include "web/tests/site.hpp"

using namespace footman;
using namespace footman::web::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kStep0 = "spec.steps%5B0%5D.";

std::string job_form(const std::string& path, const std::string& more = {}) {
  return fmt::format("do=save&enabled=on&path={}&{}name=&{}interpreter=&{}script=make%0D%0Amake+test{}", path,
                     kStep0, kStep0, kStep0, more.empty() ? "" : "&" + more);
}

std::string build_of(const Answer& answer) {
  const auto location = answer.header("Location");
  REQUIRE(location.starts_with("/ui/builds/"));
  return location.substr(11);
}

}  // namespace

TEST_CASE("an empty server shows the first steps") {
  Site site;
  site.sign_in();
  CHECK(site.get("/ui/").status == 200);
  CHECK(site.shows("First steps"));
  CHECK(site.shows("footman run"));
  for (const auto* path : {"/ui/jobs", "/ui/builds", "/ui/queue", "/ui/agents", "/ui/agents?ended=true",
                           "/ui/clouds", "/ui/costs"})
    CHECK(site.get(path).status == 200);
}

TEST_CASE("costs by day, job and label, with a bar for each row") {
  Site site;
  site.sign_in();
  site.get("/ui/costs");
  CHECK(site.shows("Nothing has ended in this time."));
  site.world.submit();
  auto worker = site.world.connect_worker();
  site.world.advance(30s);
  site.world.finish(worker);
  worker.agent->close();
  site.world.advance(10s);

  const auto body = site.get("/ui/costs").body;
  CHECK(site.shows(base::format_rfc3339(site.world.clock.now()).substr(0, 10)));
  CHECK(site.shows("All together"));
  CHECK(body.find(R"(<rect class="work" x="0" y="0" width=")") != std::string::npos);
  for (const auto& one : web::kCostViews)
    CHECK(site.links_to(fmt::format("/ui/costs?by={}&days=30", one.word)));
  site.get("/ui/costs?by=job&days=7");
  CHECK(site.shows("no job"));
  CHECK(site.shows("$0.03"));
  site.get("/ui/costs?by=label&days=365");
  CHECK(site.shows("no label"));
  for (const auto* odd : {"/ui/costs?by=x", "/ui/costs?days=0", "/ui/costs?days=99999999999999999999"})
    CHECK(site.get(odd).status == 200);
  site.world.advance(48h);
  site.get("/ui/costs?days=1");
  CHECK(site.shows("Nothing has ended in this time."));
}

TEST_CASE("a build from its form to its end") {
  Site site;
  site.sign_in();
  CHECK(site.get("/ui/run").status == 200);
  const auto form = fmt::format("{}script=echo+hi&{}interpreter=&spec.label=linux&key=k1", kStep0, kStep0);
  const auto id = build_of(site.post("/ui/run", form));
  CHECK(build_of(site.post("/ui/run", form)) == id);  // sent twice: one build
  const auto page = "/ui/builds/" + id;

  CHECK(site.get(page).status == 200);
  CHECK(site.shows("Waiting"));
  CHECK(site.shows("started by admin"));
  const auto waits = site.world.controller->queue().at(0).reason.text;
  site.get("/ui/builds");
  CHECK(site.shows(waits));
  CHECK_FALSE(site.shows("started by admin"));
  CHECK(site.get("/ui/queue").status == 200);
  CHECK(site.links_to(page));
  CHECK(site.shows("1 build waits"));

  auto worker = site.world.connect_worker();
  site.world.print(worker, "\x1b[32mhello\x1b[0m <world>\nhalf");
  const auto running = site.get(page);
  CHECK(site.shows("Running"));
  CHECK(site.shows("hello <world>"));
  CHECK(running.body.contains(R"(<span class="f2">hello</span> &lt;world&gt;</div>)"));
  CHECK(running.body.contains(R"(data-open="")"));
  CHECK(running.body.contains(R"(data-follow="")"));
  CHECK(running.body.contains(fmt::format(R"(data-offset="{}")", worker.sent)));
  CHECK(running.body.contains(
      fmt::format(R"(data-events="/api/v1/events?build={}&amp;agent={}")", id, worker.id.str())));
  CHECK(site.links_to("/ui/agents/" + worker.id.str()));
  CHECK(site.links_to(page + "/cancel"));
  CHECK(site.get("/ui/").status == 200);
  CHECK(site.links_to(page));

  const auto live = site.get(page, {{"Footman-Live", "yes"}});
  CHECK(site.shows("Running"));
  CHECK_FALSE(site.shows("hello"));
  CHECK(live.body.contains(R"(data-offset="0")"));
  CHECK(live.body.contains(R"(data-follow="")"));

  site.world.advance(3s);
  site.world.finish(worker, 2);
  const auto finished = site.get(page);
  CHECK(site.shows("Failure"));
  CHECK(site.shows("Exit 2"));
  CHECK_FALSE(finished.body.contains("data-follow"));
  CHECK(site.links_to(page + "/repeat"));
  CHECK_FALSE(site.links_to(page + "/cancel"));
  site.get("/ui/builds?result=FAILURE");
  CHECK(site.links_to(page));
  site.get("/ui/builds?result=SUCCESS");
  CHECK_FALSE(site.links_to(page));

  const auto again = build_of(site.post(page + "/repeat", "key=k2"));
  CHECK(again != id);
  site.get("/ui/builds/" + again);
  CHECK(site.shows("as build " + id + " again"));
}

TEST_CASE("only an end that was not clean has a death certificate") {
  web::AgentData data;
  auto& agent = data.story.agent.agent;
  agent.state = model::AgentState::terminated;
  agent.end_reason = model::EndReason::build_finished;
  const auto heading = [&] {
    const auto body = web::agent_page(data, {}).body.str();
    return body.contains("Death certificate") ? "death" : body.contains("Its end") ? "end" : "none";
  };
  CHECK(heading() == std::string("end"));
  agent.death.exit_status = 0;
  CHECK(heading() == std::string("end"));
  agent.death.exit_status = 1;
  CHECK(heading() == std::string("death"));
  agent.death = {.exit_status = {}, .signal = 9, .out_of_memory = false, .text = "killed"};
  CHECK(heading() == std::string("death"));
  agent.death = {};
  agent.state = model::AgentState::lost;
  CHECK(heading() == std::string("death"));
}

TEST_CASE("a cloud is paused and resumed") {
  Site site;
  site.sign_in();
  const auto name = site.world.fleet->list_clouds()[0].name.str();
  const auto page = "/ui/clouds/" + name;
  site.get("/ui/clouds");
  REQUIRE(site.links_to(page + "/pause"));
  CHECK(site.post(page + "/pause").status == 303);
  site.get("/ui/clouds");
  CHECK(site.shows("Launches no agents: paused by admin"));
  REQUIRE(site.links_to(page + "/resume"));
  CHECK(site.post(page + "/resume").status == 303);
  site.get("/ui/clouds");
  CHECK_FALSE(site.shows("Launches no agents"));
  CHECK(site.post("/ui/clouds/nowhere/pause").status == 404);
}

TEST_CASE("the page of clouds shows what waits after a start, and ends it") {
  Site site(5);
  site.sign_in();
  site.get("/ui/clouds");
  CHECK(site.shows("5 of 5 agents that live in the clouds have no record here and are not ended"));
  CHECK(site.shows("footman reconcile --apply"));
  REQUIRE(site.links_to("/ui/reconcile/apply"));
  CHECK(site.post("/ui/reconcile/apply").status == 303);
  site.world.settle();
  CHECK(site.world.cloud.alive() == 0);
  site.get("/ui/clouds");
  CHECK_FALSE(site.shows("are not ended"));
}

TEST_CASE("the page of clouds shows builds that may have run already, and lets them run") {
  Site site(0, nullptr, 2);
  site.sign_in();
  site.get("/ui/clouds");
  CHECK(site.shows("2 builds that waited in this database may have run since"));
  CHECK(site.shows("Let these builds run"));
  CHECK(site.post("/ui/reconcile/apply").status == 303);
  site.get("/ui/clouds");
  CHECK_FALSE(site.shows("may have run since"));
}

TEST_CASE("an agent's page tells its life, also when it is over") {
  Site site;
  site.sign_in();
  const auto id = site.world.submit();
  auto worker = site.world.connect_worker();
  const auto page = "/ui/agents/" + worker.id.str();
  CHECK(site.get(page).status == 200);
  CHECK(site.shows("Busy"));
  CHECK(site.shows("x86_64"));
  CHECK(site.links_to(fmt::format("/ui/builds/{}", id)));
  CHECK(site.links_to(page + "/drain"));
  CHECK(site.post(page + "/drain").status == 303);
  site.get(page);
  CHECK_FALSE(site.links_to(page + "/drain"));
  CHECK(site.post(page + "/terminate").status == 303);
  site.world.advance(1min);
  CHECK(site.get(page).status == 200);
  CHECK(site.shows("Terminated"));
  CHECK(site.shows("Its end"));
  CHECK_FALSE(site.shows("Death certificate"));
  CHECK(site.shows("ended by admin"));
  CHECK_FALSE(site.links_to(page + "/terminate"));
  site.get("/ui/agents");
  CHECK_FALSE(site.links_to(page));
  site.get("/ui/agents?ended=true");
  CHECK(site.links_to(page));
  CHECK(site.post(page + "/terminate").status == 404);
}

TEST_CASE("the page of each Jenkins, and an agent by the name of its node") {
  api::testing::ScriptedDesk desk;
  desk.status.trouble = "It cannot be <b>reached</b>.";
  desk.add_item("team/app #7", "wanted", "").label = "linux";
  desk.add_item("odd", "not_served", "No template here has the label x.");
  ports::JenkinsNode node;
  node.name = "footman-here-a";
  node.agent = base::AgentId("here-a");
  node.state = "working";
  node.work = "team/app #6";
  node.created = node.working_since = base::Instant{1'000'000};
  desk.status.nodes.push_back(node);
  Site site(0, &desk);
  site.sign_in();
  CHECK(site.get("/ui/jenkins").status == 200);
  CHECK(site.links_to("/ui/jenkins"));
  for (const auto* text : {"It cannot be <b>reached</b>.", "team/app #7", "No template here has the label x.",
                           "footman-here-a", "team/app #6", "Not served"})
    CHECK(site.shows(text));
  CHECK(site.links_to("/ui/agents/here-a"));
  site.world.submit();
  const auto worker = site.world.connect_worker();
  CHECK(site.get("/ui/agents/footman-" + worker.id.str()).status == 200);
  CHECK(site.shows("Busy"));

  Site without;
  without.sign_in();
  CHECK(without.get("/ui/jenkins").status == 200);
  CHECK(without.shows("No Jenkins is configured."));
  without.get("/ui/");
  CHECK_FALSE(without.links_to("/ui/jenkins"));
}

TEST_CASE("a job is created, edited, started with parameters and deleted") {
  Site site;
  site.sign_in();
  CHECK(site.get("/ui/new-job").status == 200);
  auto answer = site.post("/ui/new-job", job_form("team%2Fapp",
                                                  "parameters%5B0%5D.name=BRANCH&parameters%5B0%5D.default="
                                                  "main&parameters%5B0%5D.choices=main%0D%0Anext"));
  CHECK(answer.status == 303);
  CHECK(answer.header("Location") == "/ui/jobs/team/app");
  const auto job = site.world.controller->find_job(base::JobPath("team/app"));
  REQUIRE(job);
  CHECK(job->spec.steps[0].script == "make\nmake test");
  CHECK(job->parameters[0].choices == std::vector<std::string>{"main", "next"});
  CHECK(site.get("/ui/jobs").status == 200);
  CHECK(site.links_to("/ui/jobs/team/app"));
  CHECK(site.get("/ui/jobs/team/app").status == 200);
  CHECK(site.shows("BRANCH"));

  answer = site.post("/ui/start/team/app", "parameters.BRANCH=other");
  CHECK(answer.status == 400);
  CHECK(site.shows("parameters.BRANCH"));
  CHECK(answer.body.contains(R"(aria-invalid="true")"));
  const auto id = build_of(site.post("/ui/start/team/app", "parameters.BRANCH=next&key=1"));
  site.get("/ui/builds/" + id);
  CHECK(site.shows("team/app #1"));
  CHECK(site.shows("next"));
  site.get("/ui/jobs/team/app");
  CHECK(site.links_to("/ui/builds/" + id));

  const auto changed = fmt::format("changed={}", job->changed.us);
  CHECK(site.get("/ui/edit-job/team/app")
            .body.contains(fmt::format(R"(name="changed" value="{}")", job->changed.us)));
  site.world.advance(1s);
  CHECK(site.post("/ui/edit-job/team/app", job_form("other", changed + "&description=new")).status == 303);
  CHECK(site.world.controller->find_job(base::JobPath("team/app"))->description == "new");
  CHECK_FALSE(site.world.controller->find_job(base::JobPath("other")));
  answer = site.post("/ui/edit-job/team/app", job_form("x", changed));
  CHECK(answer.status == 400);
  CHECK(site.shows("changed by somebody else"));

  CHECK(site.post("/ui/delete-job/team/app").status == 409);
  CHECK(site.post(fmt::format("/ui/builds/{}/cancel", id)).status == 303);
  CHECK(site.post("/ui/delete-job/team/app").status == 303);
  CHECK(site.get("/ui/jobs/team/app").status == 404);
  CHECK(site.shows("There is no job team/app"));
  CHECK(site.get("/ui/builds/" + id).status == 404);  // its builds go along
}

TEST_CASE("a form that is not accepted keeps what was typed and says what is wrong") {
  Site site;
  site.sign_in();
  auto answer = site.post("/ui/new-job", job_form("a%3Cb", "description=keep+%3Cme%3E"));
  CHECK(answer.status == 400);
  CHECK(site.shows("keep <me>"));
  CHECK(answer.body.contains(R"(value="a&lt;b" autocomplete="off" spellcheck="false" aria-invalid="true")"));
  answer = site.post("/ui/new-job", job_form("ok", "spec.label=a+%26%26"));
  CHECK(answer.status == 400);
  CHECK(answer.body.contains(
      R"(id="spec.label" name="spec.label" value="a &amp;&amp;" autocomplete="off" spellcheck="false" aria-invalid="true")"));
  answer = site.post("/ui/new-job", "do=add-step&path=ok&" + std::string(kStep0) + "name=one&" +
                                        std::string(kStep0) + "script=true");
  CHECK(answer.status == 200);
  CHECK(answer.body.contains("spec.steps[1].script"));
  CHECK(site.post("/ui/run", std::string(kStep0) + "script=").status == 400);
}

TEST_CASE("whatever builds print and people write stays text") {
  Site site;
  site.sign_in();
  const std::string evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
  const auto encoded = net::percent_encode(evil);
  auto answer = site.post(
      "/ui/new-job", job_form("it%27s%22quoted", "description=" + encoded +
                                                     "&parameters%5B0%5D.name=P&parameters%5B0%5D.default=" +
                                                     encoded + "&parameters%5B0%5D.description=" + encoded));
  CHECK(answer.status == 303);
  const auto job = answer.header("Location");
  CHECK(site.get(job).status == 200);
  CHECK(site.shows(evil));
  const auto id = build_of(site.post("/ui/start/" + job.substr(9), "parameters.P=" + encoded));
  auto worker = site.world.connect_worker();
  site.world.print(worker,
                   evil + "\x1b]0;" + evil + "\x07\x1b[31m" + evil + std::string("\0\xff\x08\x9b", 4) + "\n");
  CHECK(site.get("/ui/builds/" + id).status == 200);
  CHECK(site.shows(evil));
  for (const auto* path : {"/ui/", "/ui/jobs", "/ui/builds", "/ui/agents"})
    CHECK(site.get(path).status == 200);
  CHECK(site.get("/ui/edit-job/" + job.substr(9)).status == 200);
  CHECK(site.get("/ui/builds/" + id + "/log").status == 200);
  CHECK(site.shows(evil));
  CHECK(site.get("/ui/" + encoded).status == 404);
  CHECK(site.get("/ui/builds?state=" + encoded + "&before=" + encoded).status == 200);
}

TEST_CASE("a long log: its end on the build's page, all of it in parts") {
  Site site;
  site.sign_in();
  const auto id = site.world.submit();
  auto worker = site.world.connect_worker();
  std::string log;
  for (int i = 0; log.size() < 600'000; ++i) log += fmt::format("line {:06} ********************\n", i);
  site.world.append_log(worker, log);
  const auto page = site.get(fmt::format("/ui/builds/{}", id)).body;
  CHECK_FALSE(site.shows("line 000000"));
  CHECK(site.page.text.contains(log.substr(log.size() - 330, 32)));
  CHECK(page.size() < 250'000);
  CHECK(site.shows("are not shown here"));

  std::string all;
  std::string next = fmt::format("/ui/builds/{}/log?from=0", id);
  for (int parts = 0; !next.empty(); ++parts) {
    REQUIRE(parts < 10);
    const auto part = site.get(next);
    REQUIRE(part.status == 200);
    const auto begin = part.body.find(R"(aria-label="Log">)");
    auto lines = read_page(part.body.substr(begin + 17, part.body.find("\n<nav", begin) - begin - 17 - 6));
    CHECK(lines.text.size() % 32 == 0);  // whole lines only
    all += lines.text;
    const auto link = part.body.find(R"(rel="next" href=")");
    next.clear();
    if (link == std::string::npos) break;
    next = part.body.substr(link + 17, part.body.find('"', link + 17) - link - 17);
    for (auto at = next.find("&amp;"); at != std::string::npos; at = next.find("&amp;"))
      next.erase(at + 1, 4);
  }
  std::erase(log, '\n');
  CHECK(all.size() == log.size());
  CHECK((all == log));
  CHECK(site.get(fmt::format("/ui/builds/{}/log?attempt=7", id)).status == 404);
  CHECK(site.get(fmt::format("/ui/builds/{}/log?from=99999999", id)).status == 200);
}

TEST_CASE("lists have pages") {
  Site site;
  site.sign_in();
  const auto first = site.world.submit("nowhere");
  for (std::size_t i = 1; i < web::kPageRows + 5; ++i) site.world.submit("nowhere");
  const auto build = [&](std::int64_t number) { return fmt::format("/ui/builds/{}", first + number - 1); };
  CHECK(site.get("/ui/builds").status == 200);
  CHECK(site.links_to("/ui/builds?result=NOT_BUILT"));
  CHECK(site.links_to(build(55)));
  CHECK(site.links_to(build(6)));
  CHECK_FALSE(site.links_to(build(5)));
  const auto older = fmt::format("/ui/builds?before={}", first + 5);
  CHECK(site.links_to(older));
  site.get(older);
  CHECK(site.links_to(build(5)));
  CHECK(site.links_to(build(1)));
  CHECK(site.links_to("/ui/builds"));
  CHECK_FALSE(site.links_to(build(6)));
  site.get("/ui/queue");
  CHECK(site.shows("no template offers"));
  CHECK(site.shows("55 builds wait"));
  CHECK(site.links_to(build(50)));
  CHECK_FALSE(site.links_to(build(51)));
  const auto later = std::ranges::find_if(
      site.page.links, [](const auto& link) { return link.starts_with("/ui/queue?after="); });
  REQUIRE(later != site.page.links.end());
  site.get(std::string(*later));
  CHECK(site.links_to(build(51)));
  CHECK_FALSE(site.links_to(build(50)));
}

TEST_CASE("clouds show their templates, caps and troubles") {
  Site site;
  site.sign_in();
  for (int i = 0; i < 5; ++i) site.world.submit("linux");
  CHECK(site.get("/ui/clouds").status == 200);
  CHECK(site.shows("small"));
  CHECK(site.shows("3 of 3"));
  site.world.cloud.warning = "half of it is <deaf>";
  site.get("/ui/clouds");
  CHECK(site.shows("half of it is <deaf>"));
  site.get("/ui/queue");
  CHECK(site.shows("linux"));
}

TEST_CASE("the page of clouds shows the agents that are kept ready") {
  Site site;
  site.sign_in();
  site.world.keep_ready(2);
  site.get("/ui/clouds");
  CHECK(site.shows("pool: 0 ready of 2 wanted, 2 on the way; 0 of 0 builds served at once"));
}

TEST_CASE("a template that is held says in which state, why, since when and what comes next") {
  Site site;
  site.sign_in();
  site.get("/ui/clouds");
  CHECK(site.shows("Ready"));
  site.world.cloud.launching = fleet::testing::Launching::refused;
  SUBCASE("open, then half-open") {
    site.world.submit("linux");
    site.get("/ui/clouds");
    CHECK(site.shows("Open"));
    CHECK(site.shows("no capacity here"));
    CHECK(site.shows("capacity, 1 failure, "));
    CHECK(site.shows("One agent is tried"));
    site.world.cloud.launching = fleet::testing::Launching::hangs;
    site.world.advance(2s);
    site.get("/ui/clouds");
    CHECK(site.shows("Half-open"));
    CHECK(site.shows("the others wait for it"));
  }
  SUBCASE("disabled") {
    site.world.cloud.refusal = {model::FailureClass::permission, true, {}, "not <b>allowed</b>"};
    site.world.submit("linux");
    site.get("/ui/clouds");
    CHECK(site.shows("Disabled"));
    CHECK(site.shows("not <b>allowed</b>"));
    CHECK(site.shows("until its configuration changes"));
  }
}
