#include "jenkins/node_life.hpp"

#include <algorithm>

#include "jenkins/tests/life.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

TEST_CASE("the life of a node for one build") {
  Life life;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::expected);
  life.connect();
  CHECK(life.look() == NodeStep::open);
  CHECK(life.activity() == AgentActivity::idle);
  CHECK(observe_node(life.record).connected_at == life.now);
  CHECK(life.record.released_key == life.item.key());
  life.begin("job/x/1/");
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.activity() == AgentActivity::busy);
  const auto busy = observe_node(life.record);
  CHECK(busy.working_on == life.item.key());
  CHECK(busy.started);
  CHECK(life.look() == NodeStep::none);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(observe_node(life.record).end_reason == EndReason::build_finished);
  CHECK(observe_node(life.record).builds_done == 1);
  CHECK(!is_exposed(life.record));
  life.record.phase = NodePhase::going;
  CHECK(life.activity() == AgentActivity::unknown);
  CHECK(life.look() == NodeStep::erase);
  CHECK(!life.forgotten);
  life.listed = false;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.forgotten);
  CHECK(life.steps == std::vector{NodeStep::open, NodeStep::hold, NodeStep::erase});
  CHECK(life.violations.empty());
}

TEST_CASE("a node is opened only for an item, and held again when that is gone without it") {
  Life life;
  life.wanted = false;
  life.connect();
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::idle);
  life.wanted = true;
  CHECK(life.look() == NodeStep::open);
  life.item_waits = false;  // cancelled, or quicker elsewhere
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.record.phase == NodePhase::open);
  CHECK(life.look() == NodeStep::ask_item);
  life.item_end = ItemEnd::not_started;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.record.phase == NodePhase::held);
  CHECK(life.record.builds_done == 0);
  CHECK(life.activity() == AgentActivity::idle);
}

TEST_CASE("a build that was over before it was seen counts") {
  Life life;
  life.connect();
  life.look();
  life.item_waits = false;
  life.look();
  CHECK(life.look() == NodeStep::ask_item);
  life.item_end = ItemEnd::started;
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(observe_node(life.record).builds_done == 1);
}

TEST_CASE("a build that came in the moment before the hold is seen") {
  Life life;
  life.connect();
  life.look();
  life.item_waits = false;
  CHECK(life.look() == NodeStep::hold);
  life.begin("job/x/1/");
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::busy);
}

TEST_CASE("an executor that is taken for a build that is not shown yet holds at once") {
  Life life;
  life.connect();
  life.look();
  life.begin("", "");
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.activity() == AgentActivity::busy);
  life.begin("job/x/1/");
  life.look();
  CHECK(life.record.build.item == life.item.key());
  CHECK(life.record.builds_done == 0);
}

TEST_CASE("the parent of a matrix takes no executor, and keeps the node as long as it is there") {
  Life life;
  life.connect();
  life.look();
  life.computer.idle = false;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::idle);
  life.begin("job/x/1/");
  CHECK(life.look() == NodeStep::hold);
  life.end();
  life.computer.idle = false;
  life.look();
  CHECK(life.activity() == AgentActivity::busy);
  life.computer.idle = true;
  life.look();
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("a second build on a node for one is a violation, and is not ended") {
  Life life;
  life.work();
  life.begin("job/y/1/");
  life.look();
  REQUIRE(life.violations.size() == 1);
  CHECK(life.violations[0] == "Node footman-a1 had a build too many: after job/x/1/ came job/y/1/.");
  CHECK(life.record.violations == 1);
  CHECK(life.activity() == AgentActivity::busy);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("a build that comes before a run that comes back gives the node back to it") {
  Life life;
  life.work("job/p/1/", kStep);
  life.session = "two";
  life.end();
  CHECK(life.look() == NodeStep::open);
  life.now = life.now + 10s;
  life.look();
  life.begin("");
  life.look();
  CHECK(life.record.build.path == "job/p/1/");
  life.begin("job/y/1/");
  CHECK(life.look() == NodeStep::hold);
  REQUIRE(life.violations.size() == 1);
  CHECK(life.violations[0] ==
        "Node footman-a1 had a build too many: while it waited for job/p/1/ came job/y/1/.");
  CHECK(life.record.build.path == "job/y/1/");
  CHECK(life.record.awaited.path == "job/p/1/");
  life.now = life.now + 1min;
  life.end();
  CHECK(life.look() == NodeStep::open);
  CHECK(life.activity() == AgentActivity::busy);
  CHECK(life.record.build.path == "job/p/1/");
  CHECK(life.look() == NodeStep::ask_build);
  life.begin("job/p/1/", kStep);
  CHECK(life.look() == NodeStep::hold);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(life.violations.size() == 1);
}

TEST_CASE("a build on a node for several beside a run that comes back is none too many") {
  Life life(3);
  life.work("job/p/1/", kStep);
  life.session = "two";
  life.begin("job/y/1/");
  life.look();
  CHECK(life.violations.empty());
  CHECK(life.record.build.path == "job/y/1/");
  life.build_over = true;
  life.end();
  life.look();
  life.look();
  CHECK(life.record.builds_done == 2);
  CHECK(life.activity() == AgentActivity::idle);
}

TEST_CASE("a run that another build was faster than is waited for no longer than Jenkins waits") {
  Life life;
  life.work("job/p/1/", kStep);
  life.session = "two";
  life.end();
  CHECK(life.look() == NodeStep::open);
  life.look();
  life.begin("job/y/1/");
  life.look();
  life.now = life.now + kResumePatience;
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("a build after the last one was seen to end is a violation too") {
  Life life;
  life.work().end();
  life.look();
  REQUIRE(life.activity() == AgentActivity::done);
  life.begin("job/y/1/");
  life.look();
  CHECK(life.violations.size() == 1);
  CHECK(life.activity() == AgentActivity::busy);
}

TEST_CASE("a node for several builds stays open until its last one") {
  Life life(3);
  life.wanted = false;
  life.connect();
  CHECK(life.look() == NodeStep::open);
  life.begin("job/x/1/");
  CHECK(life.look() == NodeStep::none);
  life.begin("job/y/1/");
  CHECK(life.look() == NodeStep::none);
  CHECK(life.record.builds_done == 1);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::idle);
  CHECK(life.record.builds_done == 2);
  // The last one is begun as the only one is.
  CHECK(life.look() == NodeStep::none);
  life.begin("job/z/1/");
  CHECK(life.look() == NodeStep::hold);
  life.end();
  life.look();
  CHECK(observe_node(life.record).end_reason == EndReason::max_builds);
  CHECK(life.violations.empty());
}

TEST_CASE("a node whose last builds were not seen takes no more") {
  Life life(3);
  life.wanted = false;
  life.connect();
  CHECK(life.look() == NodeStep::open);
  life.record.builds_done = 3;
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.activity() == AgentActivity::idle);
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("a node for several builds forgets an item that is gone without being seen there") {
  Life life(3);
  life.connect();
  CHECK(life.look() == NodeStep::open);
  CHECK_FALSE(life.record.released_key.empty());
  CHECK(life.look() == NodeStep::none);
  life.item_waits = false;
  CHECK(life.look() == NodeStep::ask_item);
  CHECK(is_lively(life.record));
  std::uint32_t done = 0;
  SUBCASE("it never began") { life.item_end = ItemEnd::not_started; }
  SUBCASE("it was short") {
    life.item_end = ItemEnd::started;
    done = 1;
  }
  life.now = life.now + 1min;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.record.released_key.empty());
  CHECK(life.record.builds_done == done);
  CHECK(life.record.phase == NodePhase::open);
  CHECK((life.record.idle_since == life.now) == (done == 1));
  CHECK_FALSE(is_lively(life.record));
}

TEST_CASE("a step that asks for the node by its name gets it, though it is drained; once") {
  QueueItem step;
  step.id = 9;
  step.in_queue_since = 3;
  step.task = "job/pipe/4/";
  step.kind = TaskKind::node_step;
  Life life(3);
  life.work();
  life.record.drained = true;
  CHECK(life.look() == NodeStep::hold);
  life.end();
  life.step_for_it = &step;
  CHECK(life.look() == NodeStep::open);
  CHECK(life.record.builds_done == 1);
  CHECK(life.record.build.path == "job/pipe/4/");
  CHECK(life.activity() == AgentActivity::busy);
  SUBCASE("it comes") {
    life.step_for_it = nullptr;
    life.begin("job/pipe/4/", kStep);
    CHECK(life.look() == NodeStep::hold);
    life.end();
    life.look();
    CHECK(life.record.builds_done == 2);
  }
  SUBCASE("it does not come") {
    life.now = life.now + kResumePatience;
    CHECK(life.look() == NodeStep::hold);
    life.look();
  }
  CHECK(observe_node(life.record).end_reason == EndReason::drained);
  CHECK(life.violations.empty());
}

TEST_CASE("a drained node gets no more builds, and is done when it has none") {
  Life idle(0);
  idle.connect();
  idle.look();
  idle.record.drained = true;
  CHECK(idle.look() == NodeStep::hold);
  CHECK(idle.activity() == AgentActivity::idle);
  idle.look();
  CHECK(observe_node(idle.record).end_reason == EndReason::drained);
  Life busy(0);
  busy.work();
  busy.record.drained = true;
  CHECK(busy.look() == NodeStep::hold);
  CHECK(busy.activity() == AgentActivity::busy);
  busy.end();
  busy.look();
  CHECK(busy.activity() == AgentActivity::done);
  Life held;
  held.record.drained = true;
  held.connect();
  held.look();
  CHECK(held.activity() == AgentActivity::done);
}

TEST_CASE("an agent that is away without a build comes back, or is lost") {
  Life life;
  life.wanted = false;
  life.connect();
  life.look();
  life.disconnect();
  life.look();
  CHECK(life.activity() == AgentActivity::disconnected);
  life.now = life.now + kSilence - 1s;
  life.look();
  life.connect();
  life.look();
  CHECK(life.activity() == AgentActivity::idle);
  life.disconnect();
  life.look();
  life.now = life.now + kSilence;
  life.look();
  CHECK(life.activity() == AgentActivity::lost);
  CHECK(observe_node(life.record).end_reason == EndReason::session_lost);
}

TEST_CASE("a build that is over before its node could be held is over, whatever comes next") {
  Life life;
  life.work("job/x/1/", kStep);
  life.computer.held = false;  // that was refused
  life.end();
  CHECK(life.look() == NodeStep::hold);
  life.computer.held = false;
  CHECK(life.record.build.ended == life.now);
  CHECK(life.activity() == AgentActivity::busy);
  SUBCASE("its agent goes") {
    life.disconnect();
    life.look();
    CHECK(life.activity() == AgentActivity::done);
    CHECK(life.record.end_reason == EndReason::build_finished);
  }
  SUBCASE("Jenkins is started anew: nobody comes back to it") {
    life.session = "two";
    CHECK(life.look() == NodeStep::hold);
    life.look();
    CHECK(life.activity() == AgentActivity::done);
  }
  SUBCASE("a second step of the same run is another build") {
    for (const auto* build : {"", "job/x/1/"}) {
      life.begin(build, kStep);
      CHECK(life.look() == (*build == '\0' ? NodeStep::hold : NodeStep::none));
      CHECK(life.violations.size() == 1);
      CHECK(life.record.builds_done == 1);
      CHECK_FALSE(life.record.build.ended.is_set());
    }
  }
}

TEST_CASE("an agent that never came is waited for: its launch has a deadline") {
  Life life;
  life.now = life.now + 24h;
  life.look();
  CHECK(life.activity() == AgentActivity::expected);
}

TEST_CASE("an agent that dies with a freestyle build is lost as soon as Jenkins has given the build up") {
  Life life;
  life.work();
  life.disconnect();
  life.look();
  CHECK(life.activity() == AgentActivity::disconnected);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::lost);
  CHECK(observe_node(life.record).detail == "Its agent was lost with build x #1.");
}

TEST_CASE("an agent that is away with a pipeline's build is waited for as long as Jenkins does") {
  Life life;
  life.work("job/p/1/", kStep);
  life.disconnect();
  life.look();
  life.now = life.now + 5min;
  life.look();
  CHECK(life.activity() == AgentActivity::disconnected);
  CHECK(observe_node(life.record).working_on == "build-job/p/1/");
  life.connect();
  life.look();
  CHECK(life.activity() == AgentActivity::busy);
  life.disconnect();
  life.look();
  life.now = life.now + kResumePatience;
  life.look();
  CHECK(life.activity() == AgentActivity::lost);
}

TEST_CASE("after a restart of Jenkins a held node with a pipeline is opened until its run is back") {
  Life life;
  life.work("job/p/1/", kStep);
  CHECK(life.computer.held);
  life.steps.clear();
  life.session = "two";
  life.links_since = life.now;
  life.settled = false;
  life.disconnect();
  life.end();
  CHECK(life.look() == NodeStep::open);
  CHECK(life.activity() == AgentActivity::disconnected);
  CHECK(life.look() == NodeStep::ask_build);
  life.connect();
  life.look();
  life.settled = true;
  life.now = life.now + 20s;
  CHECK(life.look() == NodeStep::ask_build);
  CHECK(life.activity() == AgentActivity::busy);
  life.begin("job/p/1/", kStep);
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.record.builds_done == 0);
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(life.violations.empty());
}

TEST_CASE("after a restart of Jenkins: the run is over, never comes back, or its agent does not") {
  const auto restart = [](Life& life) {
    life.work("job/p/1/", kStep);
    life.session = "two";
    life.links_since = life.now;
    life.disconnect();
    life.end();
    life.look();
  };
  Life over;
  restart(over);
  over.connect();
  over.build_over = true;
  CHECK(over.look() == NodeStep::hold);
  CHECK(over.activity() == AgentActivity::busy);
  over.look();
  CHECK(over.activity() == AgentActivity::done);
  Life idle;
  restart(idle);
  idle.connect();
  idle.look();
  idle.now = idle.now + kResumePatience;
  CHECK(idle.look() == NodeStep::hold);
  idle.look();
  CHECK(idle.activity() == AgentActivity::done);
  Life silent;
  restart(silent);
  silent.now = silent.now + kResumePatience;
  silent.look();
  CHECK(silent.activity() == AgentActivity::lost);
}

TEST_CASE("a freestyle build does not outlive a restart of Jenkins") {
  Life life;
  life.work();
  life.session = "two";
  life.disconnect();
  life.end();
  life.look();
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("after a restart of Jenkins all agents were away: their time begins anew") {
  Life life;
  life.wanted = false;
  life.connect();
  life.look();
  life.disconnect();
  life.look();
  life.now = life.now + 1h;
  life.session = "two";
  life.links_since = life.now;
  life.look();
  CHECK(life.activity() == AgentActivity::disconnected);
  life.now = life.now + kSilence;
  life.look();
  CHECK(life.activity() == AgentActivity::lost);
}

TEST_CASE("a node that somebody deleted ends its agent; while Jenkins starts, not being shown says nothing") {
  Life life;
  life.work();
  life.listed = false;
  life.settled = false;
  life.look();
  CHECK(life.activity() == AgentActivity::busy);
  life.settled = true;
  CHECK(life.look() == NodeStep::ask_node);  // that one list lacks it says nothing either
  CHECK(life.activity() == AgentActivity::busy);
  life.gone = true;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.activity() == AgentActivity::done);
  CHECK(observe_node(life.record).end_reason == EndReason::drained);
  Life ghost;
  ghost.work("job/p/1/", kStep);
  ghost.computer.labels.clear();
  ghost.look();
  CHECK(ghost.activity() == AgentActivity::done);
  ghost.record.phase = NodePhase::going;
  CHECK(ghost.look() == NodeStep::erase);
}

TEST_CASE("a node that somebody took offline gets no work from him") {
  Life life;
  life.connect();
  life.look();
  life.computer.held = true;
  life.computer.reason = "disk is full";
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(observe_node(life.record).detail == "Somebody took its node offline in Jenkins: disk is full.");
}

TEST_CASE("a server that ended between two steps goes on from what Jenkins shows") {
  Life made;  // made, not held yet
  made.record.phase = NodePhase::planned;
  made.computer.held = false;
  CHECK(made.look() == NodeStep::hold);
  made.look();
  CHECK(made.record.phase == NodePhase::held);
  Life opened;  // opened, not written down
  opened.connect();
  opened.computer.held = false;
  opened.look();
  CHECK(opened.record.phase == NodePhase::open);
  CHECK(opened.record.released_key == opened.item.key());
  Life unwanted;
  unwanted.connect();
  unwanted.computer.held = false;
  unwanted.item_waits = false;
  CHECK(unwanted.look() == NodeStep::hold);
  Life taken;  // and its build began and was held, not written down
  taken.connect();
  taken.look();
  taken.begin("job/x/1/");
  taken.computer.held = true;
  taken.computer.reason = kHeldSingleUse;
  CHECK(taken.look() == NodeStep::none);
  CHECK(taken.activity() == AgentActivity::busy);
}

TEST_CASE("the node of an agent that died with its build says why for a while, and goes") {
  Life life;
  life.work();
  life.record.phase = NodePhase::noted;
  life.record.note = "Footman: it was killed";
  life.record.note_until = life.now + 10min;
  CHECK(life.look() == NodeStep::none);  // its agent is there still
  life.disconnect();
  life.end();
  CHECK(life.look() == NodeStep::note);
  life.record.note_shown = true;
  CHECK(life.look() == NodeStep::none);
  life.now = life.record.note_until;
  CHECK(life.look() == NodeStep::erase);
  CHECK(life.record.phase == NodePhase::going);
}

TEST_CASE("who is opened for what: each its own item, then the ones that are left what they fit") {
  std::vector<JudgedItem> items;
  const auto add = [&](std::int64_t id, std::string label, Verdict verdict) {
    JudgedItem one;
    one.item.id = id;
    one.item.state = ItemState::buildable;
    one.verdict = verdict;
    one.has_label = true;
    one.label = std::move(label);
    items.push_back(std::move(one));
  };
  add(1, "linux", Verdict::wanted);
  add(2, "linux", Verdict::wanted);
  add(3, "gpu", Verdict::wanted);
  add(4, "linux", Verdict::foreign_nodes);
  std::vector<NodeRecord> nodes(4);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].agent = AgentId("a" + std::to_string(i));
    nodes[i].labels = {"linux"};
    nodes[i].phase = NodePhase::held;
    nodes[i].link = NodeLink::up;
    nodes[i].idle_since = kStart + std::chrono::seconds(i);
  }
  nodes[0].item.key = "gone";
  nodes[1].item.key = items[1].item.key();
  nodes[2].item.key = items[3].item.key();
  nodes[3].link = NodeLink::never;
  const auto is_up = [](const NodeRecord& node) { return node.link == NodeLink::up; };
  const auto plan = [&] {
    std::vector<const NodeRecord*> list;
    list.reserve(nodes.size());
    for (const auto& one : nodes) list.push_back(&one);
    std::map<std::string, std::int64_t> out;
    for (const auto& [agent, item] : plan_openings(items, list, is_up)) out[agent] = item->id;
    return out;
  };
  using Plan = std::map<std::string, std::int64_t>;
  // An item that is left to other nodes is not taken from the agent that was launched for it.
  CHECK(plan() == Plan{{"a0", 1}, {"a1", 2}, {"a2", 4}});
  nodes[1].phase = NodePhase::open;
  nodes[1].released_key = items[1].item.key();
  CHECK(plan() == Plan{{"a0", 1}, {"a2", 4}});
  nodes[0].drained = true;
  CHECK(plan() == Plan{{"a2", 4}});
  for (auto& one : items) one.verdict = Verdict::shutting_down;
  CHECK(plan().empty());
}
