#include <doctest/doctest.h>
#include <fmt/format.h>

#include <initializer_list>

#include "tests/jenkins/tests/stories.hpp"

namespace footman::fake_jenkins::test {

namespace {

void check_each(Story& story, std::initializer_list<const char*> names) {
  for (const auto* name : names) story.check(name);
}

void add_usual_jobs(Story& story) {
  story.freestyle("build-linux", "linux");
  story.freestyle("build-expr", "linux && big");
  story.freestyle("build-any", "");
  story.pipeline("pipe-linux", {block("linux")});
  story.pipeline("pipe-expr", {block("linux && big")});
  story.pipeline("pipe-any", {block("")});
  story.pipeline("pipe-par", {block("linux", "unit"), block("gpu && big", "gpu")});
}

// One after the other in a queue of their own: the pipeline's item, the freestyle item.
struct Pair {
  std::int64_t pipeline_item;
  int pipeline_number;
  std::int64_t freestyle_item;
  std::string situation;
};
void check_pair(Story& story, const Pair& pair) {
  story.jenkins.set_next_number("pipe-linux", pair.pipeline_number);
  story.queue("pipe-linux", pair.pipeline_item);
  story.check("queue-pipeline-" + pair.situation);
  for (const auto* item : story.jenkins.waiting_items()) {
    if (item->task.job == "pipe-linux") (void)story.jenkins.cancel(item->id, story.now);
  }
  story.queue("build-linux", pair.freestyle_item);
  story.check("queue-freestyle-" + pair.situation);
  (void)story.jenkins.cancel(pair.freestyle_item, story.now);
  story.wait(10ms);
}

void check_expression_forms(Story& story) {
  const char* forms[] = {"linux||arm", "!windows", "\"with space\"", "linux && (big || gpu)",
                         "a -> b",     "a<->b",    "!(a && b)",      "(linux)",
                         "other-9"};
  const std::int64_t freestyle[] = {77, 78, 79, 80, 81, 82, 83, 84, 85};
  // The fifth came before the fourth.
  const std::pair<int, std::int64_t> pipelines[] = {{0, 89},  {1, 90},  {2, 92},  {4, 94}, {3, 95},
                                                    {5, 100}, {6, 101}, {7, 102}, {8, 103}};
  for (int i = 0; i < 9; ++i) {
    story.freestyle(fmt::format("ex-{}", i), forms[i]);
    story.queue(fmt::format("ex-{}", i), freestyle[i]);
  }
  for (const auto& [i, id] : pipelines) {
    story.pipeline(fmt::format("px-{}", i), {block(forms[i])});
    story.queue(fmt::format("px-{}", i), id);
  }
  story.check("queue-expression-forms");
  story.clear();
}

void occupy(Story& story, const std::string& job, std::int64_t id) {
  story.queue(job, id);
  story.wait(500ms);
}

}  // namespace

void tell_queue_without_nodes(Story& story) {
  add_usual_jobs(story);
  story.jenkins.set_next_item(59);
  REQUIRE(story.jenkins.trigger("build-linux", story.now, std::nullopt).has_value());
  story.wait(20ms);
  check_each(story, {"queue-freestyle-quiet-period", "queue-item-waiting", "job-in-quiet-period"});
  story.clear();
  check_pair(story, {61, 1, 62, "no-nodes-at-all"});
  story.queue("build-expr", 63);
  story.queue("build-any", 64);
  check_each(story, {"queue-freestyle-expr-and-any-no-nodes-at-all"});
  story.clear();
  story.queue("pipe-par", 66);
  check_each(story, {"queue-parallel-no-nodes-at-all"});
  story.clear();
  story.jenkins.add_job(
      {.name = "solo", .kind = Job::Kind::pipeline, .stages = {{block("linux")}}, .solo = true});
  story.queue("solo", 205);
  story.trigger("solo", 206);
  check_each(story, {"queue-pipeline-blocked-concurrency"});
}

void tell_queue_with_nodes(Story& story) {
  add_usual_jobs(story);
  story.freestyle("hold-linux", "linux");
  story.freestyle("hold-linux2", "linux");
  story.node("other-1", "other");
  check_pair(story, {69, 2, 70, "no-node-with-label"});

  story.queue("build-expr", 71);
  story.queue("build-any", 72);
  story.queue("pipe-any", 75);
  story.queue("pipe-expr", 76);
  check_each(story,
             {"queue-expr-and-any-no-node-with-label", "queue-no-tree", "flowGraphTable-nolabel-waiting"});
  story.clear();

  story.jenkins.set_next_number("pipe-par", 2);
  story.queue("pipe-par", 105);
  check_each(story, {"queue-parallel-no-node-with-label", "queue-parallel-no-node-with-label-de",
                     "queue-parallel-no-node-with-label-fr", "queue-parallel-no-node-with-label-ja",
                     "queue-parallel-no-node-with-label-no-accept-language", "build-pipeline-waiting",
                     "consoleText-pipeline-waiting", "flowGraphTable-parallel-waiting"});
  story.clear();
  story.pipeline("pipe-decl", {block("declared && gpu")});
  story.queue("pipe-decl", 110);
  check_each(story, {"flowGraphTable-declarative-waiting"});
  story.clear();
  check_expression_forms(story);
  story.jenkins.set_next_number("pipe-linux", 3);
  story.queue("pipe-linux", 112);
  check_each(story, {"flowGraphTable-simple-waiting"});
  story.clear();

  // One node has the label: offline, busy, busy and held.
  story.node("linux-1", "linux big");
  check_pair(story, {114, 4, 115, "one-match-offline"});
  story.connect("linux-1");
  occupy(story, "hold-linux", 116);
  check_pair(story, {118, 5, 119, "one-match-busy"});
  story.trigger("hold-linux", 120);
  check_each(story, {"queue-freestyle-blocked", "queue-freestyle-blocked-de", "queue-item-blocked"});
  (void)story.jenkins.cancel(120, story.now);
  story.hold("linux-1", "single+use");
  check_pair(story, {122, 6, 123, "one-match-busy-held"});
  story.hold("linux-1", "");

  // Two have it.
  story.node("linux-2", "linux big");
  check_pair(story, {125, 7, 126, "many-some-busy"});
  story.jenkins.set_quieting_down(true, story.now);
  story.as("admin");
  story.check("root-quieting-down");
  story.as("scaler");
  story.trigger("build-linux", 127);
  story.trigger("pipe-linux", 128);
  check_each(story, {"queue-quieting-down", "queue-quieting-down-de"});
  (void)story.jenkins.cancel(127, story.now);
  (void)story.jenkins.cancel(128, story.now);
  story.jenkins.set_quieting_down(false, story.now);
  story.drop("linux-1");
  story.wait(50ms);
  check_pair(story, {131, 9, 132, "many-all-offline"});
}

void tell_queue_with_placeholders(Story& story) {
  add_usual_jobs(story);
  story.freestyle("hold-linux", "linux");
  story.freestyle("hold-linux2", "linux");
  story.node("other-1", "other");
  for (const auto* name : {"pool-linux-ph1", "pool-linux-ph2"}) {
    story.node(name, "linux big");
    story.hold(name, "placeholder,+never+connects");
  }
  for (const auto* name : {"pool-gpu-ph1", "pool-gpu-ph2"}) {
    story.node(name, "gpu big");
    story.hold(name, "placeholder,+never+connects");
  }
  check_each(story, {"computer-list-placeholders", "label-placeholders"});
  check_pair(story, {134, 10, 135, "ph-none-real"});
  story.queue("build-expr", 137);
  story.queue("build-any", 139);
  story.jenkins.set_next_number("pipe-expr", 2);
  story.queue("pipe-expr", 140);
  story.jenkins.set_next_number("pipe-any", 3);
  story.queue("pipe-any", 141);
  check_each(story, {"queue-ph-expr-and-any"});
  story.clear();

  story.jenkins.set_next_number("pipe-par", 3);
  story.queue("pipe-par", 143);
  check_each(story,
             {"queue-parallel-ph", "queue-parallel-ph-de", "queue-parallel-ph-fr", "queue-parallel-ph-ja"});
  story.clear();

  story.node("linux-1", "linux big");
  check_pair(story, {146, 11, 147, "ph-one-offline"});
  story.connect("linux-1");
  occupy(story, "hold-linux", 148);
  check_pair(story, {150, 12, 151, "ph-one-busy"});
  story.node("linux-2", "linux big");
  check_pair(story, {153, 13, 154, "ph-many-some-busy"});
  story.connect("linux-2");
  occupy(story, "hold-linux2", 155);
  check_pair(story, {157, 14, 158, "ph-many-all-busy"});
  story.hold("linux-1", "single+use");
  story.hold("linux-2", "single+use");
  check_pair(story, {160, 15, 161, "ph-many-all-busy-held"});
  check_each(story, {"label-ph-and-busy-held"});
}

void tell_mixed_queue(Story& story) {
  add_usual_jobs(story);
  story.freestyle("hold-linux", "linux");
  story.freestyle("hold-linux2", "linux");
  story.node("other-1", "other");
  for (const auto* name : {"pool-linux-ph1", "pool-linux-ph2"}) {
    story.node(name, "linux big");
    story.hold(name, "placeholder,+never+connects");
  }
  for (const auto* name : {"pool-gpu-ph1", "pool-gpu-ph2"}) {
    story.node(name, "gpu big");
    story.hold(name, "placeholder,+never+connects");
  }
  story.node("linux-1", "linux big");
  story.node("linux-2", "linux big");
  story.connect("linux-1");
  story.jenkins.set_next_number("hold-linux", 2);
  occupy(story, "hold-linux", 148);
  story.connect("linux-2");
  occupy(story, "hold-linux2", 155);
  story.hold("linux-1", "single+use");
  story.hold("linux-2", "single+use");

  const std::pair<const char*, const char*> jobs[] = {{"mix-fs-0", "linux"},
                                                      {"mix-fs-1", "linux && big"},
                                                      {"mix-fs-2", "gpu"},
                                                      {"mix-fs-3", "nowhere"},
                                                      {"mix-fs-4", ""}};
  std::int64_t id = 162;
  for (const auto& [name, label] : jobs) {
    story.freestyle(name, label);
    story.queue(name, id++);
  }
  story.trigger("hold-linux", 170);
  story.jenkins.set_next_number("pipe-linux", 16);
  story.queue("pipe-linux", 171);
  story.jenkins.set_next_number("pipe-expr", 3);
  story.queue("pipe-expr", 172);
  story.freestyle("mix-quiet", "linux");
  story.trigger("mix-quiet", 173, 60s);
  story.jenkins.set_next_number("pipe-par", 4);
  story.queue("pipe-par", 174);
  story.wait(1s);
  check_each(story, {"queue-mixed", "queue-mixed-de", "computer-list-mixed"});
}

}  // namespace footman::fake_jenkins::test
