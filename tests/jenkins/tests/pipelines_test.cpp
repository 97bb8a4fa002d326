// node() blocks whose agent is lost, whose node is deleted, and what a restart makes of them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tests/jenkins/tests/story.hpp"

using namespace footman;
using namespace footman::fake_jenkins;
using namespace footman::fake_jenkins::test;

namespace {

constexpr auto kPatience = 300s;

// One pipeline runs on the node "n-1".
struct Running {
  explicit Running(NodeBlock what) : story(nullptr) {
    story.node("n-1", "linux");
    connection = story.connect("n-1");
    story.pipeline("pl", {std::move(what)});
    REQUIRE(story.jenkins.trigger("pl", story.now).has_value());
    story.wait(1s);
    REQUIRE(block().state == BlockRun::State::running);
  }
  const Run& run() const { return *story.jenkins.find_run("pl", 1); }
  const BlockRun& block() const { return run().blocks[0]; }
  void connect(const std::string& name, bool same_workspace) {
    REQUIRE(story.jenkins.connect_agent({name, story.jenkins.secret_of(name), same_workspace}, story.now)
                .has_value());
    story.wait(100ms);
  }
  void restart(bool clean) {
    story.jenkins.restart(clean, 2s, story.now);
    while (!story.jenkins.is_up()) story.wait(100ms);
    story.wait(5s);
  }

  Story story;
  std::uint64_t connection = 0;
};

NodeBlock taking(base::Duration takes, int retries = 0) {
  return {.label = "linux", .work = {.takes = takes}, .agent_retries = retries};
}

std::string why(Story& story) { return story.call("GET", "/queue/api/json?tree=items[id,why,stuck]").body; }

}  // namespace

TEST_CASE("an agent is lost: the pipeline waits for five minutes, its executor stays busy") {
  Running world(taking(60s));
  auto& story = world.story;
  story.drop("n-1");
  story.wait(kPatience - 1s);
  CHECK(world.block().state == BlockRun::State::lost);
  CHECK_FALSE(story.jenkins.computers().at("n-1").is_idle());
  SUBCASE("it comes back with its processes: the build ends well") {
    world.connect("n-1", true);
    CHECK(world.run().result == BuildResult::success);
  }
  SUBCASE("another one of that name comes: its shell is not there") {
    world.connect("n-1", false);
    story.wait(1s);
    CHECK(world.run().result == BuildResult::failure);
  }
  SUBCASE("nobody comes") {
    story.wait(2s);
    CHECK(world.run().result == BuildResult::aborted);
    CHECK(story.jenkins.computers().at("n-1").is_idle());
  }
}

TEST_CASE("a node is deleted after its agent died: five minutes from the deletion on") {
  Running world(taking(60s, 1));
  auto& story = world.story;
  story.drop("n-1");
  story.wait(200s);
  story.remove("n-1");
  CHECK(story.jenkins.computers().at("n-1").deleted);
  story.wait(kPatience - 1s);
  CHECK(world.block().state == BlockRun::State::lost);
  story.wait(2s);
  // retry(conditions: [agent()]) asks for another one.
  CHECK(world.block().state == BlockRun::State::queued);
  CHECK_FALSE(story.jenkins.computers().contains("n-1"));
  story.node("n-2", "linux");
  story.connect("n-2");
  story.wait(62s);
  CHECK(world.run().result == BuildResult::success);
  CHECK(story.jenkins.violations().empty());
}

TEST_CASE("a node is deleted under a running pipeline: it is listed until the pipeline gives up") {
  Running world(taking(60s));
  auto& story = world.story;
  story.remove("n-1");
  const auto events = story.jenkins.take_agent_events();
  REQUIRE_FALSE(events.empty());
  CHECK(events.back().kind == AgentEvent::Kind::closed);
  CHECK(events.back().connection == world.connection);
  CHECK(story.jenkins.violations().size() == 1);
  CHECK(story.call("GET", "/computer/api/json?tree=computer[displayName]").body.contains("n-1"));
  CHECK_FALSE(story.jenkins.connect_agent({"n-1", story.jenkins.secret_of("n-1")}, story.now).has_value());
  story.wait(kPatience + 1s);
  CHECK(world.run().result == BuildResult::aborted);
  CHECK_FALSE(story.call("GET", "/computer/api/json?tree=computer[displayName]").body.contains("n-1"));
}

TEST_CASE("a restart: the item of a pipeline that had a node waits for that node by name") {
  Running world(taking(60s));
  auto& story = world.story;
  const bool held = true;
  for (const bool clean : {true, false}) {
    CAPTURE(clean);
    story.hold("n-1", "single+use");
    world.restart(clean);
    CHECK(world.block().state == BlockRun::State::resuming);
    CHECK(why(story).contains("‘n-1’ is offline"));
    world.connect("n-1", true);
    // A held node is no help: only a released one takes the pipeline.
    CHECK(why(story).contains("‘n-1’ is offline"));
    CHECK(story.jenkins.computers().at("n-1").held.has_value() == held);
    story.hold("n-1", "");
    story.wait(100ms);
    CHECK(world.block().state == BlockRun::State::running);
    CHECK_FALSE(story.jenkins.computers().at("n-1").is_idle());
  }
  story.wait(60s);
  CHECK(world.run().result == BuildResult::success);
}

TEST_CASE("a restart: held for five minutes, the pipeline is given up") {
  Running world(taking(600s));
  auto& story = world.story;
  story.hold("n-1", "single+use");
  world.restart(true);
  world.connect("n-1", true);
  story.wait(kPatience - 10s);
  CHECK(world.block().state == BlockRun::State::resuming);
  story.wait(10s);
  CHECK(world.run().result == BuildResult::aborted);
}

TEST_CASE("a restart ends freestyle builds, and agents hear of it") {
  Story story(nullptr);
  story.node("n-1", "linux");
  const auto connection = story.connect("n-1");
  story.freestyle("fs", "linux");
  REQUIRE(story.jenkins.trigger("fs", story.now).has_value());
  story.wait(1s);
  (void)story.jenkins.take_agent_events();
  const auto session = story.call("HEAD", "/").headers;
  story.jenkins.restart(false, 2s, story.now);
  const auto events = story.jenkins.take_agent_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].connection == connection);
  CHECK(story.call("GET", "/queue/api/json").status == 0);
  CHECK_FALSE(story.jenkins.connect_agent({"n-1", story.jenkins.secret_of("n-1")}, story.now).has_value());
  while (!story.jenkins.is_up()) story.wait(100ms);
  CHECK(story.jenkins.find_run("fs", 1)->result == BuildResult::aborted);
  CHECK(find_header(story.call("HEAD", "/").headers, "X-Jenkins-Session") !=
        find_header(session, "X-Jenkins-Session"));
  CHECK(story.jenkins.connect_agent({"n-1", story.jenkins.secret_of("n-1")}, story.now).has_value());
}

TEST_CASE("a crash gives item ids out again, a clean end does not") {
  Story story(nullptr);
  story.freestyle("a", "linux");
  story.freestyle("b", "linux");
  story.wait(61s);
  const auto first = story.jenkins.trigger("a", story.now);
  bool clean = false;
  SUBCASE("crash") {}
  SUBCASE("clean") { clean = true; }
  story.wait(1s);
  story.jenkins.restart(clean, 2s, story.now);
  while (!story.jenkins.is_up()) story.wait(100ms);
  const auto next = story.jenkins.trigger("b", story.now);
  REQUIRE(next.has_value());
  CHECK((*next == *first) == !clean);
  story.wait(1s);
  CHECK(story.jenkins.waiting_items().size() == (clean ? 2 : 1));
}

TEST_CASE("stages come one after the other, blocks of one together") {
  Story story(nullptr);
  story.jenkins.add_job(
      {.name = "pl", .kind = Job::Kind::pipeline, .stages = {{taking(1s), taking(2s)}, {taking(1s)}}});
  story.node("n-1", "linux", 2);
  story.connect("n-1");
  REQUIRE(story.jenkins.trigger("pl", story.now).has_value());
  story.wait(1500ms);
  CHECK(story.jenkins.starts().size() == 2);
  story.wait(3s);
  CHECK(story.jenkins.starts().size() == 3);
  CHECK(story.jenkins.find_run("pl", 1)->result == BuildResult::success);
}

TEST_CASE("a restart at any moment of a pipeline's start: each block runs once, and the run ends") {
  for (const bool clean : {true, false}) {
    for (int at_ms = 0; at_ms < 800; at_ms += 7) {
      for (const int again_ms : {0, 20, 3000, 11'700, 12'050, 15'000}) {
        CAPTURE(clean);
        CAPTURE(at_ms);
        CAPTURE(again_ms);
        Story story(nullptr);
        story.node("n-1", "linux", 3);
        story.connect("n-1");
        story.pipeline("pl", {taking(2s), taking(2s), taking(2s)});
        story.wait(61s);  // a crash forgets no id
        REQUIRE(story.jenkins.trigger("pl", story.now).has_value());
        story.wait(base::Duration(1ms) * at_ms);
        story.jenkins.restart(clean, 2s, story.now);
        if (again_ms > 0) {
          story.wait(base::Duration(1ms) * again_ms);
          story.jenkins.restart(clean, 2s, story.now);
        }
        while (!story.jenkins.is_up()) story.wait(50ms);
        if (story.jenkins.find_run("pl", 1) == nullptr && !clean)
          continue;  // the trigger itself was forgotten
        const auto connection =
            story.jenkins.connect_agent({"n-1", story.jenkins.secret_of("n-1"), true}, story.now);
        REQUIRE(connection.has_value());
        story.wait(60s);
        const auto* run = story.jenkins.find_run("pl", 1);
        REQUIRE(run != nullptr);
        CHECK(run->result == BuildResult::success);
        CHECK(std::ranges::count_if(run->log, [](const std::string& line) {
                return line.ends_with("[Pipeline] Start of Pipeline");
              }) == 1);
        CHECK(story.jenkins.starts().size() == 3);
        CHECK(story.jenkins.computers().at("n-1").is_idle());
        CHECK(story.jenkins.waiting_items().empty());
      }
    }
  }
}

TEST_CASE("a console is read on from where it ended; its notes and line ends are as Jenkins sends them") {
  Running world(taking(2s));
  auto& story = world.story;
  const auto read = [&](std::size_t start) {
    return story.call("GET", fmt::format("/job/pl/1/logText/progressiveText?start={}", start));
  };
  const auto first = read(0);
  REQUIRE(find_header(first.headers, "X-Text-Size").has_value());
  const std::string size(*find_header(first.headers, "X-Text-Size"));
  const auto lines = std::ranges::count(first.body, '\n');
  CHECK(first.body.size() - static_cast<std::size_t>(lines) == std::stoul(size));
  CHECK(find_header(first.headers, "X-More-Data") == "true");
  const auto at = first.body.find("Running on \x1b[8mha:////");
  REQUIRE(at != std::string::npos);
  CHECK(first.body.substr(first.body.find("\x1b[0m", at))
            .starts_with("\x1b[0mn-1 in /home/jenkins/workspace/pl\r\n"));
  story.wait(5s);
  REQUIRE(world.run().result == BuildResult::success);
  const auto rest = read(std::stoul(size));
  CHECK(rest.body.ends_with("Finished: SUCCESS\r\n"));
  CHECK_FALSE(rest.body.contains("Running on"));
  CHECK_FALSE(find_header(rest.headers, "X-More-Data").has_value());
  const std::string whole(*find_header(rest.headers, "X-Text-Size"));
  CHECK(read(std::stoul(whole)).body.empty());
  CHECK(read(std::stoul(whole) + 1).body == first.body + rest.body);
  CHECK(read(0).body == first.body + rest.body);
}
