// The double's order and pace against the figures that were measured of a real Jenkins.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "tests/jenkins/tests/story.hpp"

using namespace footman;
using namespace footman::fake_jenkins;
using namespace footman::fake_jenkins::test;

namespace {

// A story whose delays are thrown anew with each seed.
struct Diced {
  explicit Diced(unsigned seed) : random(seed), story(nullptr, dice()) {}

  Settings dice() {
    Settings settings;
    settings.dice = [this](base::Duration low, base::Duration high) {
      return base::Duration(std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(random));
    };
    return settings;
  }
  std::mt19937 random;
  Story story;
};

const Cause& cause_of(const Story& story, std::int64_t id) { return story.jenkins.find_item(id)->cause; }

std::int64_t trigger_now(Story& story, const std::string& job) {
  const auto id = story.jenkins.trigger(job, story.now);
  REQUIRE(id.has_value());
  return *id;
}

// Until the condition holds, in steps as a client polls; false: not within the time.
template <class Condition>
bool wait_until(Story& story, base::Duration longest, Condition condition, base::Duration step = 1ms) {
  const auto end = story.now + longest;
  while (!condition()) {
    if (story.now > end) return false;
    story.wait(step);
  }
  return true;
}

}  // namespace

TEST_CASE("a build's way from the trigger to its executor") {
  Diced world(1);
  auto& story = world.story;
  story.node("n-1", "linux");
  story.connect("n-1");
  story.freestyle("quick", "linux", {.takes = 25ms});
  const auto start = story.now;
  SUBCASE("without a quiet period: some milliseconds in the queue, pending with what it waited for before") {
    story.hold("n-1", "no");
    const auto id = trigger_now(story, "quick");
    story.wait(20ms);
    CHECK(cause_of(story, id).kind == Cause::Kind::node_offline);
    const auto released = story.now;
    REQUIRE(story.call("POST", "/computer/n-1/toggleOffline").status == 302);
    const auto* item = story.jenkins.find_item(id);
    REQUIRE(wait_until(story, 1s, [&] { return item->state == QueueItem::State::pending; }));
    CHECK(item->cause.kind == Cause::Kind::node_offline);
    REQUIRE(wait_until(story, 1s, [&] { return item->state == QueueItem::State::left; }));
    CHECK(story.now - released <= 10ms);
    REQUIRE(wait_until(story, 1s, [&] { return story.jenkins.starts().size() == 1; }));
    CHECK(story.now - released >= 40ms);
    CHECK(story.now - released <= 600ms);
  }
  SUBCASE("with the default quiet period: it ends at a beat of the queue") {
    REQUIRE(story.jenkins.trigger("quick", start, std::nullopt).has_value());
    REQUIRE(wait_until(story, 20s, [&] { return story.jenkins.starts().size() == 1; }, 10ms));
    CHECK(story.now - start >= 5s);
    CHECK(story.now - start <= 11s);
  }
}

TEST_CASE("the second build follows the first one within 31 to 67 ms: acting after the first is too late") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Diced world(seed);
    auto& story = world.story;
    story.node("n-1", "linux");
    story.connect("n-1");
    story.freestyle("warm-up", "linux", {.takes = 25ms});
    trigger_now(story, "warm-up");
    story.wait(2s);
    story.freestyle("one", "linux", {.takes = 25ms});
    story.freestyle("two", "linux", {.takes = 25ms});
    trigger_now(story, "one");
    trigger_now(story, "two");
    story.wait(2s);
    const auto& starts = story.jenkins.starts();
    REQUIRE(starts.size() == 3);
    const auto gap = starts[2].at - starts[1].at;
    CHECK_MESSAGE(gap >= 31ms, gap.count());
    CHECK_MESSAGE(gap <= 67ms, gap.count());
  }
}

TEST_CASE("hold, connect, release, busy, hold: one build on the node, whatever waits") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Diced world(seed);
    auto& story = world.story;
    for (int i = 0; i < 4; ++i) {
      story.freestyle(fmt::format("true-{}", i), "linux", {.takes = 0ms});
      trigger_now(story, fmt::format("true-{}", i));
    }
    story.node("n-1", "linux");
    story.hold("n-1", "hold");
    story.connect("n-1");
    CHECK(story.jenkins.starts().empty());
    story.hold("n-1", "");
    const auto& node = story.jenkins.computers().at("n-1");
    const auto is_busy = [&] { return node.slots[0].has_value() && node.slots[0]->visible; };
    // As slow as the slowest client that was measured.
    REQUIRE(wait_until(story, 5s, is_busy, 35ms));
    story.hold("n-1", "single+use");
    REQUIRE(wait_until(story, 5s, [&] { return node.is_idle(); }));
    story.wait(10s);
    CHECK(story.jenkins.starts().size() == 1);
    story.remove("n-1");
    CHECK(story.jenkins.waiting_items().size() == 3);
    CHECK(story.jenkins.violations().empty());
  }
}

TEST_CASE(
    "an exclusive node takes no build without a label, and nothing waits for a node it does not match") {
  Story story(nullptr);
  story.freestyle("any", "");
  story.freestyle("other", "mac");
  story.node("n-1", "linux", 2);
  story.connect("n-1");
  const auto any = trigger_now(story, "any");
  const auto other = trigger_now(story, "other");
  story.wait(30s);
  CHECK(story.jenkins.starts().empty());
  CHECK(cause_of(story, any).kind == Cause::Kind::needs_executor);
  CHECK(cause_of(story, other) == Cause{Cause::Kind::label_unknown, "mac"});
}

TEST_CASE(
    "a job that is not concurrent runs one build at a time, and a trigger falls into the item that waits") {
  Story story(nullptr);
  story.freestyle("job", "linux", {.takes = 10s});
  story.node("n-1", "linux", 3);
  story.connect("n-1");
  trigger_now(story, "job");
  story.wait(1s);
  const auto second = trigger_now(story, "job");
  CHECK(trigger_now(story, "job") == second);
  story.wait(1s);
  CHECK(story.jenkins.find_item(second)->state == QueueItem::State::blocked);
  CHECK(story.jenkins.starts().size() == 1);
  story.wait(10s);
  CHECK(story.jenkins.starts().size() == 2);
}

TEST_CASE("cells of a matrix: the label is in why, never in the exported one") {
  Story story(nullptr);
  story.jenkins.add_job(
      {.name = "mx", .kind = Job::Kind::matrix, .cells = {{"OS=linux", "linux"}, {"OS=mac", "mac"}}});
  story.node("other-1", "other");
  trigger_now(story, "mx");
  story.wait(100ms);
  const auto queue =
      story.call("GET", "/queue/api/json?tree=items[why,task[_class,name,labelExpression]]").body;
  CHECK(queue.contains(
      R"({"_class":"hudson.matrix.MatrixConfiguration","name":"OS=mac","labelExpression":null},)"
      R"("why":"There are no nodes with the label ‘mac’"})"));
  story.node("n-1", "linux mac");
  story.connect("n-1");
  story.wait(5s);
  CHECK(story.jenkins.starts().size() == 2);
  CHECK(story.jenkins.find_run("mx", 1)->result == BuildResult::success);
}

TEST_CASE("500 items at once: all are shown, in one answer") {
  Story story(nullptr);
  for (const auto* name : {"ph-1", "ph-2"}) {
    story.node(name, "linux");
    story.hold(name, "placeholder");
  }
  for (int i = 0; i < 500; ++i) {
    story.freestyle(fmt::format("job-{}", i), "linux");
    trigger_now(story, fmt::format("job-{}", i));
  }
  story.wait(10ms);
  const auto queue = story.call("GET", "/queue/api/json?tree=items[id,why]").body;
  std::size_t count = 0;
  for (auto at = queue.find("All nodes of label"); at != std::string::npos;
       at = queue.find("All nodes of label", at + 1)) {
    ++count;
  }
  CHECK(count == 500);
}
