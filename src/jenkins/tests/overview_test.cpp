#include "jenkins/overview.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace footman;
using namespace footman::jenkins;

namespace {

constexpr Instant kTime{1'795'456'000'000'000};

JenkinsSettings make_settings() {
  JenkinsSettings settings;
  settings.name = ControllerName("ci");
  settings.installation = "i1";
  settings.demand.served = {{{"linux"}, false}};
  return settings;
}

NodeRecord make_record(const Overview& overview, NodePhase phase) {
  NodeRecord record;
  record.agent = AgentId("a1");
  record.node = overview.node_name(record.agent);
  record.labels = {"linux"};
  record.phase = phase;
  return record;
}

Computer make_node(const NodeRecord& record, bool held) {
  Computer computer;
  computer.name = record.node;
  computer.labels = {record.node, "linux"};
  computer.executors.resize(1);
  computer.held = held;
  return computer;
}

QueueItem make_item(std::int64_t id) {
  QueueItem item;
  item.id = id;
  item.state = ItemState::buildable;
  item.kind = TaskKind::freestyle;
  item.task = "job/x/";
  item.why = "All nodes of label ‘linux’ are offline";
  item.in_queue_since = kTime.us / 1000;
  return item;
}

Reading make_reading(std::uint64_t number, std::vector<QueueItem> items, std::vector<Computer> computers,
                     std::string session = "one") {
  return {{std::move(items), {}}, Computers{std::move(computers)}, std::move(session), kTime, number, {}};
}

// A node that is open for item 7, connected and idle, while that one still waits.
struct Opened {
  Opened() {
    auto record = make_record(overview, NodePhase::open);
    record.link = NodeLink::up;
    record.released_key = make_item(7).key();
    node = overview.add(record);
    computer = make_node(record, false);
    computer.connected = true;
    (void)overview.take_in(make_reading(1, {make_item(7)}, {computer}), 1s);
  }
  Overview overview{make_settings()};
  LiveNodePtr node;
  Computer computer;
};

}  // namespace

TEST_CASE("what was read before a step was done is too old to judge the node") {
  Overview overview(make_settings());
  const auto record = make_record(overview, NodePhase::held);
  overview.add(record)->fresh_after = 5;
  CHECK(overview.take_in(make_reading(5, {}, {make_node(record, false)}), 1s).work.empty());
  const auto steps = overview.take_in(make_reading(6, {}, {make_node(record, false)}), 2s);
  REQUIRE(steps.work.size() == 1);
  CHECK(steps.work[0].step == NodeStep::hold);
}

TEST_CASE("a node that somebody does something about, or waits to, is left alone") {
  Overview overview(make_settings());
  const auto record = make_record(overview, NodePhase::held);
  const auto node = overview.add(record);
  node->taken = true;
  CHECK(overview.take_in(make_reading(1, {}, {make_node(record, false)}), 1s).work.empty());
  node->taken = false;
  node->waiting = 1;
  CHECK(overview.take_in(make_reading(2, {}, {make_node(record, false)}), 2s).work.empty());
}

TEST_CASE("before the first look the items of agents on their way are the demand") {
  Overview overview(make_settings());
  auto waiting = make_record(overview, NodePhase::held);
  waiting.item = {"7-1-job/x/", "linux", kTime, "x"};
  auto working = make_record(overview, NodePhase::working);
  working.agent = AgentId("a2");
  working.item = {"8-1-job/y/", "linux", kTime, "y"};
  overview.load({waiting, working});
  REQUIRE(overview.demand().size() == 1);
  CHECK(overview.demand()[0] == waiting.item);
  // Jenkins is the same one, and does not have it any more.
  (void)overview.take_in(make_reading(1, {}, {}), 1s);
  CHECK(overview.demand().empty());
}

TEST_CASE("at the first look, too, an item that has left the queue for its open node wants no other agent") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.session = "one";
  record.item = {"7-1-job/x/", "linux", kTime, "x"};
  record.released_key = record.item.key;
  record.released_id = 7;
  overview.load({record});
  // Another session: an empty queue says nothing of items whose node is held.
  (void)overview.take_in(make_reading(1, {}, {}, "two"), 1s);
  CHECK(overview.is_given(overview.find(record.agent)->record));
  CHECK(overview.demand().empty());
}

TEST_CASE("while it is not told what a node that was opened for nobody has, nothing wants another agent") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.max_builds = 3;
  record.link = NodeLink::up;
  overview.add(record);
  const auto read = [&](std::uint64_t number, std::vector<QueueItem> items, const std::string& build) {
    auto node = make_node(record, false);
    node.connected = true;
    if (number > 1) node.executors[0] = {.idle = false, .build = build, .build_class = ""};
    node.idle = number == 1;
    (void)overview.take_in(make_reading(number, std::move(items), {node}, number == 1 ? "one" : "two"), 1s);
    return overview.demand().size();
  };
  CHECK(read(1, {make_item(7)}, "") == 1);
  CHECK(read(2, {}, "") == 0);
  SUBCASE("it has that item") { CHECK(read(3, {}, "job/x/1/") == 0); }
  SUBCASE("it has another one") { CHECK(read(3, {}, "job/y/1/") == 1); }
}

TEST_CASE("after a restart of Jenkins an empty queue says nothing for a while") {
  Overview overview(make_settings());
  (void)overview.take_in(make_reading(1, {make_item(7)}, {}), 1s);
  REQUIRE(overview.demand().size() == 1);
  auto reading = make_reading(2, {}, {}, "two");
  (void)overview.take_in(reading, 2s);
  CHECK(overview.demand().size() == 1);
  CHECK(!overview.waits(overview.demand()[0].key));
  reading.now = kTime + kRestartGrace;
  reading.number = 3;
  (void)overview.take_in(reading, 2s + kRestartGrace);
  CHECK(overview.demand().empty());
}

TEST_CASE(
    "after a restart of Jenkins what is back under another id gets the agent that is on its way for it") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::held);
  record.session = "one";
  record.item = {make_item(7).key(), "linux", kTime, make_item(7).title()};
  overview.load({record});
  std::vector<QueueItem> items{make_item(3)};
  SUBCASE("one") {}
  SUBCASE("and another one that waits, too") {
    items.push_back(make_item(4));
    items[1].task = "job/y/";
  }
  for (const std::uint64_t number : {1, 2}) {
    (void)overview.take_in(make_reading(number, items, {make_node(record, true)}, "two"), 1s * number);
    const auto demand = overview.demand();
    REQUIRE(demand.size() == items.size());
    for (const auto& one : demand) CHECK(overview.waits(one.key));
  }
}

TEST_CASE(
    "soon after a restart of Jenkins, too, what left the queue for its opened node wants no other agent") {
  Overview overview(make_settings());
  (void)overview.take_in(make_reading(1, {make_item(7)}, {}), 1s);
  auto record = make_record(overview, NodePhase::open);
  record.released_key = make_item(7).key();
  (void)overview.take_in(make_reading(2, {make_item(7)}, {make_node(record, true)}, "two"), 2s);
  REQUIRE(overview.demand().size() == 1);
  overview.add(record)->fresh_after = 3;  // it was opened while the next look was under way
  (void)overview.take_in(make_reading(3, {}, {make_node(record, false)}, "two"), 3s);
  CHECK(overview.is_given(record));
  CHECK(overview.demand().empty());
}

TEST_CASE(
    "what an agent was launched for wants it after a restart of the server, though nothing tells its label") {
  Overview overview(make_settings());
  auto item = make_item(7);
  item.kind = TaskKind::node_step;
  item.task = "job/x/1/";
  item.why = "Waiting for next available executor";  // as long as no placeholders stand
  auto record = make_record(overview, NodePhase::held);
  record.item = {item.key(), "linux", kTime, "x"};
  overview.load({record});
  (void)overview.take_in(make_reading(1, {item}, {make_node(record, true)}), 1s);
  REQUIRE(overview.demand().size() == 1);
  CHECK(overview.demand()[0].label == "linux");
}

TEST_CASE("a clock that is set back or ahead makes no time longer or shorter") {
  for (const auto by : {Duration(-5h), Duration(5h)}) {
    CAPTURE(by.count());
    Overview overview(make_settings());
    auto record = make_record(overview, NodePhase::held);
    record.link = NodeLink::down;
    record.silent_since = kTime;
    overview.add(record);
    (void)overview.take_in(make_reading(1, {make_item(7)}, {make_node(record, true)}), 1s);
    auto reading = make_reading(2, {}, {make_node(record, true)}, "two");
    reading.now = kTime + by + 10s;
    (void)overview.take_in(reading, 11s);
    CHECK(overview.find(record.agent)->record.phase == NodePhase::held);
    CHECK(!overview.is_settled(reading.now + kRestartGrace - 1s));
    reading.now = reading.now - by * 2;
    reading.number = 3;
    (void)overview.take_in(reading, 11s);
    CHECK(!overview.is_settled(reading.now + kRestartGrace - 1s));
    CHECK(overview.is_settled(reading.now + kRestartGrace));
  }
}

TEST_CASE("what was noted while the clock showed a later time does not stay for hours") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::noted);
  record.note_until = kTime + 5h;
  record.silent_since = record.build.resume_since = kTime + 4h;
  overview.load({record});
  (void)overview.take_in(make_reading(1, {}, {make_node(record, true)}), 1s);
  const auto node = overview.find(record.agent);
  REQUIRE(node != nullptr);
  CHECK(node->record.note_until == kTime + make_settings().note_time);
  CHECK(node->record.silent_since == kTime);
  CHECK(node->record.build.resume_since == kTime);
}

TEST_CASE("what was noted after the clock was set, and before that was noticed, is not moved with it") {
  Overview overview(make_settings());
  const auto record = make_record(overview, NodePhase::noted);
  const auto node = overview.add(record);
  (void)overview.take_in(make_reading(1, {}, {make_node(record, true)}), 1s);
  node->record.note_until = kTime + 5h + make_settings().note_time;
  auto reading = make_reading(2, {}, {make_node(record, true)});
  reading.now = kTime + 5h;
  (void)overview.take_in(reading, 2s);
  CHECK(node->record.note_until == reading.now + make_settings().note_time);
}

TEST_CASE("a restart of Jenkins while the server was away is seen by what the records say") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::held);
  record.item = {"7-1-job/x/", "linux", kTime, "x"};
  record.session = "one";
  overview.load({record});
  (void)overview.take_in(make_reading(1, {}, {}, "two"), 1s);
  CHECK(overview.demand().size() == 1);
  CHECK(overview.find(AgentId("a1"))->record.phase == NodePhase::held);
}

TEST_CASE("an item that is about to start stays what it was") {
  Overview overview(make_settings());
  (void)overview.take_in(make_reading(1, {make_item(7)}, {}), 1s);
  auto item = make_item(7);
  item.state = ItemState::pending;
  (void)overview.take_in(make_reading(2, {item}, {}), 2s);
  CHECK(overview.demand().size() == 1);
  auto other = make_item(8);
  other.state = ItemState::pending;
  (void)overview.take_in(make_reading(3, {item, other}, {}), 3s);
  CHECK(overview.demand().size() == 1);
}

TEST_CASE("what a node was seen to have wants no other agent, by what was read before, too") {
  Opened opened;
  auto& [overview, node, computer] = opened;
  REQUIRE(overview.demand().size() == 1);
  computer.executors[0] = {.idle = false, .build = "", .build_class = ""};
  NextSteps out;
  CHECK(overview.look_now(node, &computer, kTime, out).step == NodeStep::hold);
  CHECK(overview.demand().empty());
  node->fresh_after = 2;
  (void)overview.take_in(make_reading(2, {make_item(7)}, {make_node(node->record, false)}), 2s);
  CHECK(overview.demand().empty());
  (void)overview.take_in(make_reading(3, {make_item(7)}, {computer}), 3s);
  CHECK(overview.demand().size() == 1);  // it has another one
}

TEST_CASE(
    "a node has not the item that it was opened for when that one waits on, but another one of its job") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.link = NodeLink::up;
  record.session = "one";
  record.released_key = make_item(8).key();
  const auto node = overview.add(record);
  auto computer = make_node(record, false);
  computer.connected = true;
  (void)overview.take_in(make_reading(1, {make_item(7), make_item(8)}, {computer}), 1s);
  computer.executors[0] = {.idle = false, .build = "job/x/3/", .build_class = "hudson.model.FreeStyleBuild"};
  (void)overview.take_in(make_reading(2, {make_item(8)}, {computer}), 2s);
  SUBCASE("it was named at once") {
    CHECK(node->record.build.item == make_item(8).key());  // it may just have left
    CHECK(overview.take_in(make_reading(3, {make_item(8)}, {computer}), 3s).changed);
  }
  SUBCASE("it was seen first, and named later") {
    node->record.build = {.since = kTime};
    (void)overview.take_in(make_reading(3, {make_item(8)}, {computer}), 3s);
  }
  CHECK(node->record.build.item == make_item(7).key());
  node->taken = true;  // its end may take time, and 8 waits on
  (void)overview.take_in(make_reading(4, {make_item(8)}, {}), 4s);
  REQUIRE(overview.demand().size() == 1);
  CHECK(overview.demand()[0].key == make_item(8).key());
}

TEST_CASE("of two nodes that got each other's items neither is said to have one that waits on") {
  Overview overview(make_settings());
  auto other = make_item(9);
  other.task = "job/y/";
  std::vector<LiveNodePtr> nodes;
  std::vector<Computer> busy;
  for (const auto& [name, item] : {std::pair("a1", other.key()), std::pair("a2", make_item(7).key())}) {
    auto record = make_record(overview, NodePhase::open);
    record.agent = AgentId(name);
    record.node = overview.node_name(record.agent);
    record.link = NodeLink::up;
    record.session = "one";
    record.released_key = item;
    nodes.push_back(overview.add(record));
    auto& computer = busy.emplace_back(make_node(record, false));
    computer.connected = true;
    computer.executors[0] = {.idle = false, .build = "", .build_class = ""};
  }
  (void)overview.take_in(make_reading(1, {make_item(7), make_item(8), other}, {}), 1s);
  (void)overview.take_in(make_reading(2, {make_item(8)}, busy), 2s);
  REQUIRE(overview.demand().size() == 1);
  busy[0].executors[0] = {.idle = false, .build = "job/x/3/", .build_class = "hudson.model.FreeStyleBuild"};
  NextSteps out;
  (void)overview.look_now(nodes[0], busy.data(), kTime, out);
  CHECK(nodes[0]->record.build.item == make_item(7).key());
  CHECK(overview.demand().size() == 1);
  // The other one cannot have it, too: either item may have left since.
  busy[1].executors[0] = {.idle = false, .build = "job/x/4/", .build_class = "hudson.model.FreeStyleBuild"};
  (void)overview.look_now(nodes[1], &busy[1], kTime, out);
  CHECK(nodes[1]->record.build.item == make_item(8).key());
}

TEST_CASE("the agent on its way for an item is not ended on a guess that another node has it") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.link = NodeLink::up;
  record.session = "one";
  record.max_builds = 0;
  const auto node = overview.add(record);
  auto coming = make_record(overview, NodePhase::held);
  coming.agent = AgentId("a2");
  coming.node = overview.node_name(coming.agent);
  coming.item.key = make_item(8).key();
  overview.add(coming);
  auto busy = make_node(record, false);
  busy.connected = true;
  busy.executors[0] = {.idle = false, .build = "", .build_class = ""};
  (void)overview.take_in(make_reading(1, {make_item(8)}, {busy, make_node(coming, true)}), 1s);
  REQUIRE(overview.demand().size() == 1);
  // The build of an item that no look has shown, or of 8.
  busy.executors[0] = {.idle = false, .build = "job/x/3/", .build_class = "hudson.model.FreeStyleBuild"};
  NextSteps out;
  (void)overview.look_now(node, &busy, kTime, out);
  REQUIRE(node->record.build.item == make_item(8).key());
  CHECK(overview.demand().size() == 1);
  node->fresh_after = 2;  // the look at one node came later
  std::vector<QueueItem> waiting;
  SUBCASE("it waits on") { waiting.push_back(make_item(8)); }
  SUBCASE("it does not"){}(void)overview.take_in(make_reading(2, waiting, {busy, make_node(coming, true)}),
                                                 2s);
  CHECK(overview.demand().size() == waiting.size());
}

TEST_CASE("what is about to start, and was seen on its node, wants no other agent") {
  Opened opened;
  auto& [overview, node, computer] = opened;
  auto pending = make_item(7);
  pending.state = ItemState::pending;
  (void)overview.take_in(make_reading(2, {pending}, {computer}), 2s);
  REQUIRE(overview.demand().size() == 1);
  computer.executors[0] = {.idle = false, .build = "", .build_class = ""};
  NextSteps out;
  (void)overview.look_now(node, &computer, kTime, out);
  CHECK(overview.demand().empty());
}

TEST_CASE(
    "the agent on its way for what left the queue for an open node is not ended while others may have it") {
  Overview overview(make_settings());
  const auto add = [&](const char* name, NodePhase phase) {
    auto record = make_record(overview, phase);
    record.agent = AgentId(name);
    record.node = overview.node_name(record.agent);
    record.link = NodeLink::up;
    record.session = "one";
    return overview.add(std::move(record));
  };
  const auto node_of = [](const LiveNodePtr& node, bool held) {
    auto computer = make_node(node->record, held);
    computer.connected = true;
    return computer;
  };
  const auto opened = add("a1", NodePhase::open);
  opened->record.released_key = make_item(7).key();
  const auto coming = add("a2", NodePhase::held);
  coming->record.link = NodeLink::never;
  coming->record.item.key = make_item(7).key();
  const auto other = add("a3", NodePhase::open);
  other->record.released_key = make_item(6).key();
  auto busy = node_of(other, false);
  busy.executors[0] = {.idle = false, .build = "", .build_class = ""};
  const std::vector<Computer> all{node_of(opened, false), make_node(coming->record, true), busy};
  (void)overview.take_in(make_reading(1, {make_item(6), make_item(7)}, all), 1s);
  opened->fresh_after = 2;
  (void)overview.take_in(make_reading(2, {}, all), 2s);
  REQUIRE(overview.is_given(opened->record));
  SUBCASE("one that has a build without a name") {
    REQUIRE(overview.demand().size() == 1);
    CHECK(overview.demand()[0].key == make_item(7).key());
  }
  SUBCASE("an agent that is drained is on its way no more") {
    coming->record.drained = true;
    CHECK(overview.demand().empty());
  }
}

TEST_CASE("a look at one node takes nothing from the demand that it says nothing new of") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.link = NodeLink::up;
  record.session = "one";
  record.max_builds = 0;
  const auto node = overview.add(record);
  auto computer = make_node(record, false);
  computer.connected = true;
  computer.executors[0] = {.idle = false, .build = "job/x/3/", .build_class = "hudson.model.FreeStyleBuild"};
  // The build of an item that no look has shown: it may be 8's, which may just have left.
  (void)overview.take_in(make_reading(1, {make_item(8)}, {computer}), 1s);
  REQUIRE(node->record.build.item == make_item(8).key());
  REQUIRE(overview.demand().size() == 1);
  NextSteps out;
  (void)overview.look_now(node, &computer, kTime, out);
  CHECK(overview.demand().size() == 1);
}

TEST_CASE("nodes are asked for when something may come of it, and now and then") {
  Overview overview(make_settings());
  CHECK(overview.wants_computers({}, 1s));
  std::vector<Computer> stand;
  for (const auto& one : overview.placeholders()) {
    Computer computer;
    computer.name = one.name;
    computer.labels = {one.name, "linux"};
    std::ranges::sort(computer.labels);
    computer.held = true;
    computer.description = overview.describe_placeholder();
    stand.push_back(std::move(computer));
  }
  (void)overview.take_in(make_reading(1, {}, stand), 1s);
  CHECK(!overview.wants_computers({}, 2s));
  CHECK(overview.wants_computers({{make_item(7)}, {}}, 2s));
  CHECK(overview.wants_computers({}, 1s + kRegularLook));
  CHECK(overview.pace() == make_settings().idle_pace);
  auto reading = make_reading(2, {make_item(7)}, stand);
  (void)overview.take_in(reading, 2s);
  CHECK(overview.pace() == make_settings().busy_pace);
  overview.add(make_record(overview, NodePhase::open));
  CHECK(overview.pace() == make_settings().open_pace);
}

TEST_CASE("what left the queue and was seen nowhere is asked for once, where a kept node may have had it") {
  Overview overview(make_settings());
  auto record = make_record(overview, NodePhase::open);
  record.max_builds = 3;
  record.link = NodeLink::up;
  const auto node = overview.add(record);
  std::uint64_t number = 0;
  const auto read = [&](Duration at, std::vector<QueueItem> items, std::vector<Computer> others = {}) {
    auto own = make_node(record, false);
    own.connected = true;
    others.push_back(own);
    return overview.take_in(make_reading(++number, std::move(items), std::move(others)), at).missed;
  };
  SUBCASE("it is") {
    (void)read(1s, {make_item(7)});
    CHECK(read(2s, {}).empty());
    const auto missed = read(2s + kMissedAfter, {});
    REQUIRE(missed.size() == 1);
    CHECK(missed[0].id == 7);
    CHECK(read(20s, {}).empty());
  }
  SUBCASE("not so many at once") {
    std::vector<QueueItem> items;
    for (int id = 1; id <= 6; ++id) items.push_back(make_item(id));
    (void)read(1s, items);
    (void)read(2s, {});
    CHECK(read(5s, {}).size() == kMissedAtOnce);
    CHECK(read(6s, {}).size() == 6 - kMissedAtOnce);
  }
  SUBCASE("another's node has it") {
    Computer rack;
    rack.name = "rack";
    rack.labels = {"linux"};
    rack.executors = {{.idle = false, .build = "job/x/4/", .build_class = ""}};
    (void)read(1s, {make_item(7)}, {rack});
    (void)read(2s, {}, {rack});
    CHECK(read(5s, {}, {rack}).empty());
  }
  SUBCASE("a node was opened for it, and it is asked for there") {
    (void)read(1s, {make_item(7)});
    node->record.released_key = make_item(7).key();
    node->record.released_id = 7;
    (void)read(2s, {});
    CHECK(read(5s, {}).empty());
  }
  SUBCASE("at once where a node should have had one build, as it may have been that one") {
    node->record.max_builds = 1;
    node->record.released_key = make_item(8).key();
    (void)read(1s, {make_item(7), make_item(8)});
    CHECK(read(2s, {make_item(8)}).size() == 1);
    CHECK(read(3s, {make_item(8)}).empty());
    overview.ask_missed_later(make_item(7).key(), 3s);
    CHECK(read(4s, {make_item(8)}).empty());
    CHECK(read(3s + kMissedAfter, {make_item(8)}).size() == 1);
    overview.drop_missed(make_item(7).key());
    overview.ask_missed_later(make_item(7).key(), 6s);
    CHECK(read(10s, {make_item(8)}).empty());
  }
  SUBCASE("the parent of a matrix takes no executor") {
    auto parent = make_item(7);
    parent.kind = TaskKind::other;
    SUBCASE("it is one") { parent.task_class = "hudson.matrix.MatrixProject"; }
    SUBCASE("it is a cell") { parent.task_class = "hudson.matrix.MatrixConfiguration"; }
    (void)read(1s, {parent});
    (void)read(2s, {});
    CHECK(read(5s, {}).empty() == parent.task_class.ends_with("Project"));
  }
  SUBCASE("the node that it was opened for did not have it") {
    (void)read(1s, {make_item(7)});
    node->record.released_key = make_item(7).key();
    node->released_end = ItemEnd::not_started;
    (void)read(2s, {});
    CHECK(read(5s, {}).size() == 1);
  }
  SUBCASE("Jenkins was started anew: its id may be another's") {
    (void)read(1s, {make_item(7)});
    (void)read(2s, {});
    (void)overview.take_in(make_reading(++number, {}, {}, "two"), 3s);
    (void)overview.take_in(make_reading(++number, {}, {make_node(record, false)}, "two"), 8s);
    CHECK(
        overview.take_in(make_reading(++number, {}, {make_node(record, false)}, "two"), 12s).missed.empty());
  }
}

TEST_CASE("a build that was missed counts, and is one too many on a node that has had its last one") {
  Overview overview(make_settings());
  LiveNode node;
  auto& record = node.record;
  record = make_record(overview, NodePhase::open);
  const auto note = [&](const std::string& build) {
    NextSteps out;
    const BuildRun run{record.agent, record.node, "key of " + build, build, build, kTime, kTime + 1s};
    CHECK(overview.note_missed(node, run, kTime + 2s, out));
    return out;
  };
  const auto first = note("job/x/1/");
  CHECK(record.builds_done == 1);
  CHECK(first.builds.size() == 2);
  CHECK(first.violations.empty());
  SUBCASE("it is over") { record.phase = NodePhase::over; }
  SUBCASE("it is going") { record.phase = NodePhase::going; }
  SUBCASE("it was for two") {
    record.max_builds = 2;
    CHECK(note("job/z/1/").violations.empty());
  }
  const auto second = note("job/y/1/");
  CHECK(second.builds.size() == 2);
  REQUIRE(second.violations.size() == 1);
  CHECK(second.violations[0].text ==
        "Node footman-a1 had a build too many: job/y/1/ was there, and over before it was seen.");
  CHECK(record.violations == 1);
  CHECK(overview.violations().size() == 1);
  CHECK(note("job/y/1/").builds.empty());  // it was told
}

TEST_CASE("a build that was missed beside one that is there, or is waited for, is one too many") {
  Overview overview(make_settings());
  LiveNode node;
  auto& record = node.record;
  record = make_record(overview, NodePhase::working);
  record.build.since = kTime;
  record.build.path = "job/p/1/";
  SUBCASE("it is there") {}
  SUBCASE("it was lost with its agent") { record.phase = NodePhase::noted; }
  SUBCASE("it is waited for") { std::swap(record.awaited, record.build); }
  const BuildRun run{record.agent, record.node, "key", "x #1", "job/x/1/", kTime, kTime + 1s};
  NextSteps out;
  if (record.build.since.is_set()) CHECK(overview.note_missed(node, run, kTime + 2s, out));
  if (!record.build.since.is_set()) {
    record.build.since = kTime;
    CHECK(!overview.note_missed(node, run, kTime + 2s, out));  // it may be the one that is there
    record.build.path = "job/y/1/";
    CHECK(overview.note_missed(node, run, kTime + 2s, out));
  }
  CHECK(out.violations.size() == 1);
}

TEST_CASE("a build that was missed is the one that was seen, and over before it was named") {
  Overview overview(make_settings());
  LiveNode node;
  auto& record = node.record;
  record = make_record(overview, NodePhase::over);
  record.builds_done = 1;
  record.build.since = kTime;
  NextSteps out;
  const BuildRun run{record.agent, record.node, "key", "x #1", "job/x/1/", kTime, kTime + 1s};
  CHECK(overview.note_missed(node, run, kTime + 2s, out));
  CHECK(out.violations.empty());
  CHECK(out.builds.size() == 2);
  CHECK(record.builds_done == 1);
  CHECK(record.build.path == "job/x/1/");
}
