// The node of one agent as Jenkins shows it, look by look. For tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "jenkins/node_life.hpp"

namespace footman::jenkins::testing {

using model::EndReason;
using ports::AgentActivity;

inline constexpr Instant kStart{1'795'456'000'000'000};
inline const std::string kFreestyle = "hudson.model.FreeStyleBuild";
inline const std::string kStep =
    "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask$"
    "PlaceholderExecutable";

// A node as Jenkins shows it, and what is told about it. Its own steps are done at once.
struct Life {
  NodeRecord record;
  Computer computer;
  bool listed = true;
  std::string session = "one";
  Instant links_since = kStart;
  Silence silence = Silence::away;
  Instant now = kStart + 1h;
  bool settled = true;
  QueueItem item;
  bool item_waits = true;
  bool wanted = true;
  ItemEnd item_end = ItemEnd::unknown;
  bool build_over = false;
  bool gone = false;
  const QueueItem* step_for_it = nullptr;
  bool is_in_doubt = false;
  bool is_served = true;
  std::vector<std::string> violations;
  std::vector<NodeStep> steps;
  bool forgotten = false;

  explicit Life(std::uint32_t max_builds = 1) {
    record.agent = AgentId("a1");
    record.node = computer.name = "footman-a1";
    record.max_builds = max_builds;
    record.phase = NodePhase::held;
    record.session = session;
    record.labels = {"linux"};
    item.id = 7;
    item.in_queue_since = 1;
    item.task = "job/x/";
    item.kind = TaskKind::freestyle;
    item.state = ItemState::buildable;
    record.item.key = item.key();
    computer.labels = {"footman-a1", "linux"};
    computer.executors.resize(1);
    computer.held = true;
    computer.reason = kHeldUntilWork;
  }

  // One look, and what comes of it.
  NodeStep look() {
    NodeSight sight;
    sight.computer = listed ? &computer : nullptr;
    sight.session = session;
    sight.links_since = links_since;
    sight.silence = silence;
    sight.now = now;
    sight.is_settled = settled;
    sight.open_for = wanted && item_waits ? &item : nullptr;
    sight.released_waits = item_waits || record.released_key.empty();
    sight.released_end = item_end;
    sight.build_over = build_over;
    sight.is_gone = gone;
    sight.step_for_it = step_for_it;
    sight.is_in_doubt = [this] { return is_in_doubt; };
    sight.is_served = is_served;
    JudgedItem judged{item, Verdict::wanted, true, "linux", {}, {}};
    sight.find_item = [&](const std::string& build) { return is_build_of(item, build) ? &judged : nullptr; };
    auto turn = look_at_node(record, sight);
    record = turn.record;
    if (!turn.violation.empty()) violations.push_back(turn.violation);
    forgotten = forgotten || turn.forget;
    if (turn.step == NodeStep::hold) {
      computer.held = true;
      computer.reason = std::string(turn.message);
    }
    if (turn.step == NodeStep::open) {
      computer.held = false;
      if (record.phase == NodePhase::held) note_opened(record, sight.open_for);
    }
    if (turn.step != NodeStep::none) steps.push_back(turn.step);
    return turn.step;
  }
  void connect() {
    computer.connected = true;
    computer.offline = computer.held;
  }
  void disconnect() { computer.connected = false; }
  void begin(const std::string& build, const std::string& type = kFreestyle) {
    computer.idle = false;
    computer.executors[0] = {false, build, type};
    item_waits = false;
  }
  void end() {
    computer.idle = true;
    computer.executors[0] = {};
  }
  AgentActivity activity() const { return observe_node(record).activity; }
  // Up to its build.
  Life& work(const std::string& build = "job/x/1/", const std::string& type = kFreestyle) {
    connect();
    look();
    begin(build, type);
    look();
    REQUIRE(record.phase == NodePhase::working);
    return *this;
  }
};

}  // namespace footman::jenkins::testing
