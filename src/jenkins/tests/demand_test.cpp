#include "jenkins/demand.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "jenkins/tests/captures.hpp"

using namespace footman;
using namespace footman::jenkins;
using testing::body_of;

namespace {

constexpr std::int64_t kBegan = 1'795'456'000'000;  // milliseconds

struct Scene {
  Queue queue;
  Computers computers;
  DemandRules rules{
      {{{"linux", "big"}, false}, {{"gpu", "big"}, false}, {{}, true}}, Overflow::when_busy, {}};
  KnownLabels known;
  bool stand = true;
  Duration waited{0};  // of each item

  std::vector<JudgedItem> judge() const {
    return judge_items({queue, computers, rules, known,
                        [](const Computer& one) { return one.name.starts_with("own-"); }, stand,
                        Instant{kBegan * 1000} + waited});
  }
  Scene& with(const std::string& name, std::vector<std::string> labels, std::size_t executors, bool idle,
              bool offline = false) {
    Computer one;
    one.name = name;
    one.labels = std::move(labels);
    one.labels.push_back(name);
    one.offline = offline;
    one.idle = idle;
    one.executors.assign(executors, Executor{idle, {}, {}});
    computers.all.push_back(std::move(one));
    return *this;
  }
  Scene& item(std::string why, TaskKind kind = TaskKind::node_step, std::optional<std::string> label = {}) {
    QueueItem one;
    one.id = static_cast<std::int64_t>(queue.items.size()) + 1;
    one.state = ItemState::buildable;
    one.kind = kind;
    one.task = kind == TaskKind::node_step ? "job/p/1/" : fmt::format("job/f{}/", one.id);
    one.why = std::move(why);
    one.label_expression = std::move(label);
    one.in_queue_since = one.buildable_since = kBegan;
    queue.items.push_back(std::move(one));
    return *this;
  }
};

const JudgedItem& find_id(const std::vector<JudgedItem>& items, std::int64_t id) {
  const auto found = std::ranges::find(items, id, [](const JudgedItem& one) { return one.item.id; });
  REQUIRE(found != items.end());
  return *found;
}

// Its only item.
JudgedItem judge_one(const Scene& scene) {
  const auto judged = scene.judge();
  REQUIRE(judged.size() == 1);
  return judged.front();
}

}  // namespace

TEST_CASE("a mixed queue: who wants an agent of which label, and who does not") {
  Scene scene;
  scene.queue = *parse_queue(body_of("queue-mixed"));
  scene.waited = 1h;
  const auto judged = scene.judge();
  CHECK(find_id(judged, 173).verdict == Verdict::quiet_period);
  CHECK(find_id(judged, 170).verdict == Verdict::blocked);
  CHECK(find_id(judged, 175).verdict == Verdict::wanted);
  CHECK(find_id(judged, 175).label == "gpu&&big");
  CHECK(find_id(judged, 174).label == "linux");
  CHECK(find_id(judged, 172).label == "linux&&big");
  CHECK(find_id(judged, 166).verdict == Verdict::wanted);
  CHECK(find_id(judged, 166).has_label);
  CHECK(find_id(judged, 166).label.empty());
  CHECK(find_id(judged, 165).verdict == Verdict::not_served);
  CHECK(find_id(judged, 165).text == "No template here has the label nowhere.");
}

TEST_CASE("with placeholders every recorded item of a served label names it") {
  for (const auto& name : testing::list_captures("queue-")) {
    if (!name.contains("-ph-") || name.ends_with("-de") || name.ends_with("-fr") || name.ends_with("-ja"))
      continue;
    Scene scene;
    scene.queue = *parse_queue(body_of(name));
    scene.waited = 1h;
    CAPTURE(name);
    for (const auto& one : scene.judge()) {
      CAPTURE(one.item.why);
      CHECK(one.verdict == Verdict::wanted);
      CHECK(one.label == (name.contains("expr-and-any") ? one.label : "linux"));
    }
  }
}

TEST_CASE(
    "nothing is launched for an item that is quiet, blocked, about to start, or that Jenkins will not "
    "start") {
  Scene scene;
  scene.queue = *parse_queue(body_of("queue-freestyle-pending"));
  scene.rules.served.push_back({{"pend"}, false});
  scene.with("pend-1", {"pend"}, 16, true);
  scene.waited = 0s;
  for (const auto& one : scene.judge()) CHECK(one.verdict != Verdict::wanted);
  for (const auto* name : {"queue-quieting-down", "queue-quieting-down-placeholder",
                           "queue-pipeline-quiet-period", "queue-freestyle-blocked"}) {
    scene.queue = *parse_queue(body_of(name));
    CAPTURE(name);
    for (const auto& one : scene.judge()) CHECK(one.verdict != Verdict::wanted);
  }
  scene.queue = *parse_queue(body_of("queue-quieting-down"));
  for (const auto& one : scene.judge()) CHECK(one.verdict == Verdict::shutting_down);
}

TEST_CASE("a text in another language launches nothing, and is shown") {
  Scene scene;
  scene.item("Alle Knoten des Labels „linux“ sind offline", TaskKind::freestyle, "linux");
  const auto judged = judge_one(scene);
  CHECK(judged.verdict == Verdict::not_understood);
  CHECK(judged.text.contains("„linux“"));
}

TEST_CASE("without a named label, that of a freestyle job counts; a matrix cell never launches") {
  const std::string any = "Waiting for next available executor";
  CHECK(judge_one(Scene().item(any, TaskKind::freestyle, "linux && big")).label == "linux&&big");
  CHECK(judge_one(Scene().item(any, TaskKind::freestyle)).verdict == Verdict::wanted);
  CHECK(judge_one(Scene().item(any, TaskKind::other, "linux")).verdict == Verdict::label_not_told);
  CHECK(judge_one(Scene().item(any, TaskKind::other)).verdict == Verdict::label_not_told);
  const auto cell = judge_one(Scene().item("All nodes of label ‘linux’ are offline", TaskKind::other));
  CHECK(cell.verdict == Verdict::wanted);
  CHECK(cell.label == "linux");
  // The text is what Jenkins goes by: a parameter may have given the build another label than its job has.
  CHECK(judge_one(Scene().item("All nodes of label ‘gpu’ are offline", TaskKind::freestyle, "linux")).label ==
        "gpu");
}

TEST_CASE("a node step without a named label has none when placeholders stand; else its run is asked") {
  Scene scene;
  scene.item("Waiting for next available executor");
  CHECK(judge_one(scene).verdict == Verdict::wanted);
  CHECK(judge_one(scene).label.empty());
  scene.stand = false;
  CHECK(judge_one(scene).verdict == Verdict::ask_flow_graph);
  scene.known[scene.queue.items[0].key()] = "linux";
  CHECK(judge_one(scene).verdict == Verdict::wanted);
  CHECK(judge_one(scene).label == "linux");
}

TEST_CASE("a text that names the one node that would do names no label") {
  Scene scene;
  scene.with("w-1", {"mac"}, 1, false);
  scene.item("‘w-1’ is offline");
  CHECK(judge_one(scene).verdict == Verdict::not_served);
  scene.queue.items[0].why = "Waiting for next available executor on ‘w-1’";
  CHECK(judge_one(scene).verdict == Verdict::not_served);
  scene.stand = false;
  CHECK(judge_one(scene).verdict == Verdict::ask_flow_graph);
  scene.queue.items[0].kind = TaskKind::freestyle;
  scene.queue.items[0].label_expression = "linux";
  CHECK(judge_one(scene).label == "linux");
}

TEST_CASE("a node that is called as a served label: the run is asked which of the two is meant") {
  Scene scene;
  scene.with("linux", {"mac"}, 1, false);
  scene.item("Waiting for next available executor on ‘linux’");
  CHECK(judge_one(scene).verdict == Verdict::ask_flow_graph);
}

TEST_CASE("a slot that another item took says nothing; what was known before holds") {
  Scene scene;
  scene.item("Executor slot already in use", TaskKind::freestyle, "linux");
  CHECK(judge_one(scene).verdict == Verdict::pending);
  scene.known[scene.queue.items[0].key()] = "linux";
  CHECK(judge_one(scene).label == "linux");
}

TEST_CASE("each idle executor of other nodes takes one item, the oldest first, if it does so at once") {
  Scene scene;
  scene.with("theirs", {"linux"}, 2, true);
  for (int i = 0; i < 3; ++i) scene.item("Waiting for next available executor on ‘linux’");
  auto judged = scene.judge();
  CHECK(judged[0].verdict == Verdict::idle_executor);
  CHECK(judged[1].verdict == Verdict::idle_executor);
  CHECK(judged[2].verdict == Verdict::wanted);
  // It would have: something keeps it from there that is not known here.
  scene.waited = kQueueBeat;
  for (const auto& one : scene.judge()) CHECK(one.verdict == Verdict::wanted);
}

TEST_CASE("executors of own nodes, of offline ones and of ghosts take nothing from anybody") {
  Scene scene;
  scene.with("own-1", {"linux"}, 1, true).with("theirs", {"linux"}, 1, true, true);
  Computer ghost;
  ghost.name = "gone";
  ghost.executors.resize(1);
  ghost.offline = false;
  scene.computers.all.push_back(ghost);
  scene.item("All nodes of label ‘linux’ are offline");
  CHECK(judge_one(scene).verdict == Verdict::wanted);
}

TEST_CASE("overflow: never, when other nodes are busy, after a while") {
  Scene scene;
  scene.with("theirs", {"linux"}, 1, false).with("elsewhere", {"mac"}, 1, false);
  scene.item("Waiting for next available executor on ‘linux’");
  CHECK(judge_one(scene).verdict == Verdict::wanted);
  scene.rules.overflow = Overflow::never;
  CHECK(judge_one(scene).verdict == Verdict::foreign_nodes);
  CHECK(judge_one(scene).text == "It is left to node theirs, which has its label and is not Footman's.");
  scene.rules.overflow = Overflow::after;
  scene.rules.overflow_after = 30s;
  scene.waited = 29s;
  CHECK(judge_one(scene).verdict == Verdict::foreign_nodes);
  scene.waited = 30s;
  CHECK(judge_one(scene).verdict == Verdict::wanted);
  // Labels that no other node has are served at once.
  scene.queue.items[0].why = "All nodes of label ‘gpu’ are offline";
  scene.rules.overflow = Overflow::never;
  CHECK(judge_one(scene).verdict == Verdict::wanted);
}

TEST_CASE("an item without a label is served by a template that takes such, and by no other") {
  Scene scene;
  scene.item("Waiting for next available executor", TaskKind::freestyle);
  scene.rules.served.pop_back();
  CHECK(judge_one(scene).verdict == Verdict::not_served);
}

TEST_CASE("an item without a label is left to no node that is reserved for those with one") {
  for (const auto overflow : {Overflow::when_busy, Overflow::never}) {
    Scene scene;
    scene.rules.overflow = overflow;
    scene.with("w1", {"windows"}, 1, true);
    SUBCASE("Jenkins names the one that has a free executor") {
      scene.item("‘w1’ is reserved for jobs with matching label expression");
      CHECK(judge_one(scene).verdict == Verdict::wanted);
    }
    SUBCASE("another one may take it") {
      scene.with("w2", {}, 1, true).item("‘w1’ is reserved for jobs with matching label expression");
      CHECK(judge_one(scene).text == "An idle executor of node w2 may be about to take it.");
    }
    SUBCASE("Jenkins does not tell") {
      scene.item("Waiting for next available executor");
      CHECK(judge_one(scene).text == "An idle executor of node w1 may be about to take it.");
      scene.waited = kQueueBeat;
      CHECK(judge_one(scene).text ==
            (overflow == Overflow::when_busy
                 ? ""
                 : "It is left to node w1, which may take builds without a label and is not Footman's."));
    }
  }
}

TEST_CASE("keys are never used again: an id that is handed out after a crash is another item") {
  const auto before = *parse_queue(body_of("queue-before-unclean-restart"));
  const auto after = *parse_queue(body_of("queue-after-unclean-restart"));
  for (const auto& one : before.items)
    for (const auto& other : after.items) CHECK(one.key() != other.key());
  const auto clean_before = *parse_queue(body_of("queue-before-clean-restart"));
  const auto clean_after = *parse_queue(body_of("queue-after-clean-restart"));
  for (const auto& one : clean_before.items)
    CHECK(std::ranges::count(clean_after.items, one.key(), [](const QueueItem& it) { return it.key(); }) ==
          1);
}

TEST_CASE("labels of a page of steps go to the items of its run, when they are as many") {
  auto scene = Scene().item("").item("").item("", TaskKind::freestyle);
  const auto& items = scene.queue.items;
  const auto labels = assign_flow_labels({"linux", "gpu && big"}, scene.queue, "job/p/1/", "own-");
  CHECK(labels == KnownLabels{{items[0].key(), "linux"}, {items[1].key(), "gpu&&big"}});
  CHECK(assign_flow_labels({"linux"}, scene.queue, "job/p/1/", "own-").empty());
  CHECK(assign_flow_labels({"linux", "gpu"}, scene.queue, "job/p/11/", "own-").empty());
  // Not one that waits for the node that it had: its label is not the one of its place.
  scene.queue.items[1].why = "‘own-a’ is offline";
  CHECK(assign_flow_labels({"linux", "gpu"}, scene.queue, "job/p/1/", "own-").empty());
  CHECK(assign_flow_labels({"linux"}, scene.queue, "job/p/1/", "own-") ==
        KnownLabels{{items[0].key(), "linux"}});
}

TEST_CASE("which item a build was") {
  auto scene = Scene()
                   .item("All nodes of label ‘gpu’ are offline")
                   .item("All nodes of label ‘linux’ are offline")
                   .item("All nodes of label ‘linux’ are offline")
                   .item("All nodes of label ‘linux’ are offline", TaskKind::freestyle);
  const auto judged = scene.judge();
  std::vector<const JudgedItem*> items;
  items.reserve(judged.size());
  for (const auto& one : judged) items.push_back(&one);
  const auto id_of = [&](const std::string& build, const std::string& preferred) {
    const auto* found = find_started(items, build, {"linux", "big"}, preferred);
    return found == nullptr ? 0 : found->item.id;
  };
  CHECK(id_of("job/p/1/", "") == 2);
  CHECK(id_of("job/p/1/", judged[2].item.key()) == 3);
  CHECK(id_of("job/p/12/", "") == 0);
  CHECK(id_of("job/f4/7/", "") == 4);
  CHECK(id_of("job/f4/job/x/7/", "") == 0);
  CHECK(id_of("job/f4/", "") == 0);
}

TEST_CASE("a step that waits for the node that it had before a restart wants no other") {
  Scene scene;
  scene.stand = false;
  scene.with("own-a", {"linux", "big"}, 1, true, true);
  scene.item("‘own-a’ is offline");
  CHECK(judge_one(scene).verdict == Verdict::label_not_told);
  CHECK(judge_one(scene).text == "It waits for node own-a.");
  scene.queue.items[0].why = "Waiting for next available executor on ‘own-a’";
  CHECK(judge_one(scene).verdict == Verdict::label_not_told);
  scene.queue.items[0].why = "‘other’ is offline";
  CHECK(judge_one(scene).verdict == Verdict::ask_flow_graph);
}
