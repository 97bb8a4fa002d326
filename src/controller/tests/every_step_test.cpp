// One build with a good agent, and a fault after every single step of the executors: the connection is cut,
// the server dies, or both. Whatever happens: the build runs once, its log is complete, its result is right.
#include <doctest/doctest.h>

#include <deque>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using protocol::AssignmentPhase;

namespace {

constexpr std::string_view kLog = "first line\nsecond line\nthird line\n";

// Does what docs/PROTOCOL.md asks of an agent, on ever new connections.
class GoodAgent {
 public:
  GoodAgent(World& world, std::string id, Secret secret)
      : world_(world), id_(std::move(id)), secret_(std::move(secret)) {}

  int runs = 0;       // times the script began
  bool done = false;  // the server has acknowledged the end
  bool refused = false;

  void tick() {
    if (done || refused || dead_) return;
    if (!link_) return connect();
    while (handled_ < link_->received.size() && link_) {
      const auto message = link_->received[handled_++];
      handle(message);
      if (done || refused) return;
    }
    if (link_->ended) return connect();
    work();
  }
  void beat() {
    if (link_ && welcome_) link_->send(protocol::Heartbeat{1, world_.clock.now()});
  }
  void die() {
    dead_ = true;
    cut();
  }
  void cut() {
    if (link_) link_->wire->cut();
  }

 private:
  void connect() {
    link_ = world_.connect();
    handled_ = 0;
    welcome_ = false;
    link_->send_raw(std::string(protocol::kPreface));
    link_->send(world_.hello(id_, secret_, ++connection_));
  }

  void handle(const protocol::Message& message) {
    if (const auto* welcome = std::get_if<protocol::Welcome>(&message)) return resume(*welcome);
    if (std::holds_alternative<protocol::Refused>(message))
      refused = !std::get<protocol::Refused>(message).retry;
    if (const auto* assign = std::get_if<protocol::Assign>(&message)) {
      if (held_ && held_->assignment != assign->assignment)
        return link_->send(protocol::Rejected{assign->assignment, "full"});
      held_ =
          protocol::HeldAssignment{assign->assignment, AssignmentPhase::accepted, assign->stream, 0, 0, 0};
      link_->send(protocol::Accepted{assign->assignment});
    }
    if (const auto* start = std::get_if<protocol::Start>(&message);
        start && held_ && start->assignment == held_->assignment)
      begin();
    if (const auto* withdraw = std::get_if<protocol::Withdraw>(&message);
        withdraw && held_ && withdraw->assignment == held_->assignment)
      held_.reset();
    if (const auto* ack = std::get_if<protocol::LogAck>(&message);
        ack && held_ && ack->stream == held_->stream)
      held_->first_unacknowledged = std::max(held_->first_unacknowledged, ack->durable_offset);
    if (const auto* ack = std::get_if<protocol::ReportAck>(&message);
        ack && held_ && ack->assignment == held_->assignment)
      while (!reports_.empty() && reports_.front().first <= ack->report) reports_.pop_front();
    if (const auto* ack = std::get_if<protocol::FinishedAck>(&message);
        ack && held_ && ack->assignment == held_->assignment)
      done = true;
  }

  void resume(const protocol::Welcome& welcome) {
    welcome_ = true;
    protocol::Resume resume;
    if (held_) resume.assignments.push_back(*held_);
    link_->send(resume);
    sent_ = held_ ? held_->first_unacknowledged : 0;
    for (const auto& position : welcome.streams) {
      if (!held_ || position.stream != held_->stream) continue;
      CHECK(position.durable_offset >= held_->first_unacknowledged);
      CHECK(position.durable_offset <= held_->end_offset);
      sent_ = position.durable_offset;
    }
    reports_sent_ = false;
  }

  void begin() {
    if (held_->phase != AssignmentPhase::accepted) return;
    ++runs;
    held_->phase = AssignmentPhase::finished;
    held_->end_offset = kLog.size();
    protocol::StepFinished step;
    step.assignment = held_->assignment;
    step.report = 2;
    protocol::BuildFinished end;
    end.assignment = held_->assignment;
    end.report = 3;
    end.log_end = kLog.size();
    reports_.emplace_back(1, protocol::StepStarted{held_->assignment, 1, 0, world_.clock.now(), 0});
    reports_.emplace_back(2, step);
    reports_.emplace_back(3, end);
    held_->last_report = 3;
  }

  void work() {
    if (!welcome_ || !held_ || held_->phase == AssignmentPhase::accepted) return;
    for (; sent_ < kLog.size(); sent_ += 7)
      link_->send(protocol::LogData{held_->stream, sent_, {}, std::string(kLog.substr(sent_, 7))});
    if (std::exchange(reports_sent_, true)) return;
    for (const auto& [number, report] : reports_) link_->send(report);
  }

  World& world_;
  std::string id_;
  Secret secret_;
  std::unique_ptr<ScriptedAgent> link_;
  std::size_t handled_ = 0;
  std::uint32_t connection_ = 0;
  bool welcome_ = false;
  std::optional<protocol::HeldAssignment> held_;
  std::uint64_t sent_ = 0;
  bool reports_sent_ = false;
  bool dead_ = false;
  std::deque<std::pair<std::uint64_t, protocol::Message>> reports_;
};

enum class Fault { cut, crash, both };

// False: the build was over before `fault_at` steps.
bool run_with_fault(Fault fault, int fault_at) {
  World world;
  world.submit();
  GoodAgent agent(world, "a", world.register_agent("a", 1, 1, {}, "1"));
  int steps = 0;
  bool faulted = false;
  for (int quiet = 0; quiet < 300 && !agent.done && !agent.refused;) {
    agent.tick();
    world.io.restart();
    world.server_io->restart();
    world.store_io.restart();
    const auto moved = world.server_io->poll_one() + world.io.poll_one() + world.store_io.poll_one();
    if (moved > 0 && ++steps == fault_at) {
      faulted = true;
      if (fault != Fault::crash) agent.cut();
      if (fault != Fault::cut) world.restart();
    }
    if (moved > 0) continue;
    ++quiet;
    world.advance(1s);
  }
  world.settle();
  CAPTURE(fault_at);
  CHECK(agent.done);
  CHECK(agent.runs == 1);
  CHECK(world.build(1).result == model::BuildResult::success);
  CHECK(world.build(1).exit_status == 0);
  const auto stream = world.last_assignment().stream;
  CHECK(world.logs.streams[stream].bytes == kLog);
  CHECK(world.logs.streams[stream].finished);
  CHECK(world.node("a").builds_done == 1);
  CHECK(world.node("a").refused_attempts == 0);
  CHECK(world.activity("a") == ports::AgentActivity::done);
  return faulted;
}

int run_all(Fault fault) {
  int at = 1;
  while (run_with_fault(fault, at)) ++at;
  return at - 1;
}

// The agent that has the build dies for good after some step, with the server or without it; another agent is
// there.
bool run_with_death(bool crash, int death_at) {
  World world;
  world.submit();
  GoodAgent first(world, "first", world.register_agent("first", 1, 1, {}, "1"));
  GoodAgent second(world, "second", world.register_agent("second", 1, 1, {}, "2"));
  int steps = 0;
  bool died = false;
  for (int quiet = 0; quiet < 300 && !first.done && !second.done;) {
    first.tick();
    if (died) second.tick();
    world.io.restart();
    world.server_io->restart();
    world.store_io.restart();
    const auto moved = world.server_io->poll_one() + world.io.poll_one() + world.store_io.poll_one();
    if (moved > 0 && ++steps == death_at) {
      died = true;
      first.die();
      if (crash) world.restart();
    }
    if (moved > 0) continue;
    ++quiet;
    second.beat();
    world.advance(1s);
    if (world.build(1).state == model::BuildState::finished) break;
  }
  world.settle();
  CAPTURE(death_at);
  CAPTURE(crash);
  CHECK(first.runs + second.runs <= 1);  // no build runs twice in the world
  REQUIRE(world.build(1).state == model::BuildState::finished);
  if (world.build(1).result == model::BuildResult::success) {
    CHECK(first.runs + second.runs == 1);
  } else {
    CHECK(second.runs == 0);
    CHECK(world.build(1).reason.starts_with("Agent first was lost: "));
    const auto& log = world.logs.streams[world.last_assignment().stream].bytes;
    // A log that was complete when the server died has no place where it broke off.
    const bool told = log.find("[footman] agent first was lost here: ") != std::string::npos;
    CHECK((told || log == kLog));
    CHECK(log.find("[footman]") == log.rfind("[footman]"));
  }
  CHECK(world.item(1).state == model::ItemState::left);
  return died;
}

}  // namespace

TEST_CASE("the connection is cut after every step") { CHECK(run_all(Fault::cut) > 50); }
TEST_CASE("the server dies after every step") { CHECK(run_all(Fault::crash) > 50); }
TEST_CASE("the connection is cut and the server dies after every step") { CHECK(run_all(Fault::both) > 50); }

TEST_CASE("an agent dies after every step: its build moves on, or is over with a reason") {
  for (const bool crash : {false, true}) {
    int at = 1;
    while (run_with_death(crash, at)) ++at;
    CHECK(at > 50);
  }
}

TEST_CASE("an agent that comes back is idle once all is settled that it came with, and since then") {
  World world;
  {
    const auto before = world.join("a", 0);
  }
  world.settle();
  const auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(world.hello("a", Secret(), 2));
  world.settle();
  world.advance(1s);
  agent->send(protocol::Resume{{{AssignmentId(7), AssignmentPhase::accepted, StreamId(7), 0, 0, 0}}});
  int idle = 0;
  for (std::size_t moved = 1; moved > 0;) {
    world.io.restart();
    world.server_io->restart();
    world.store_io.restart();
    moved = world.server_io->poll_one() + world.io.poll_one() + world.store_io.poll_one();
    const auto seen = world.controller->observe_agent(AgentId("a"));
    if (seen.activity != ports::AgentActivity::idle) continue;
    ++idle;
    CHECK(seen.idle_since == world.clock.now());
  }
  CHECK(idle > 0);
}
