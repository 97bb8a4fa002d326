#include "web/phases.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace footman;
using namespace footman::web;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1'000'000'000'000};

std::string names(const std::vector<Phase>& phases) {
  std::string all;
  for (const auto& phase : phases)
    all +=
        phase.name + (phase.to.is_set() ? " " + std::to_string((phase.to - phase.from) / 1ms) : " …") + "; ";
  return all;
}

struct Story {
  controller::BuildExplanation told;
  std::optional<model::Agent> agent;

  Story() {
    told.build.submitted = kStart;
    told.build.state = model::BuildState::queued;
  }
  void launch() {
    agent.emplace();
    agent->planned = kStart + 5ms;
    agent->launched = kStart + 10ms;
    agent->connected = kStart + 30ms;
  }
  void start() {
    model::Assignment one;
    one.offered = kStart + 32ms;
    one.started = kStart + 40ms;
    told.assignments.push_back(one);
    told.build.started = one.started;
    told.build.state = model::BuildState::running;
    model::StepRecord step;
    step.name = "build";
    step.started = kStart + 41ms;
    told.steps.push_back(step);
  }
  void finish() {
    told.steps.back().finished = kStart + 141ms;
    told.steps.back().exit_status = 0;
    told.build.finished = kStart + 145ms;
    told.build.state = model::BuildState::finished;
    told.build.result = model::BuildResult::success;
  }
  std::string phases() const { return names(phases_of(told, agent)); }
};

}  // namespace

TEST_CASE("the course of a build grows with it") {
  Story story;
  CHECK(story.phases() == "Waiting …; ");
  story.launch();
  story.agent->launched = story.agent->connected = {};
  CHECK(story.phases() == "Waiting 5; Launching …; ");
  story.agent->launched = kStart + 10ms;
  CHECK(story.phases() == "Waiting 5; Launching 5; Agent starting …; ");
  story.agent->connected = kStart + 30ms;
  CHECK(story.phases() == "Waiting 5; Launching 5; Agent starting 20; Handing over …; ");
  story.start();
  CHECK(story.phases() == "Waiting 5; Launching 5; Agent starting 20; Handing over 10; Step build …; ");
  story.finish();
  CHECK(story.phases() ==
        "Waiting 5; Launching 5; Agent starting 20; Handing over 10; Step build 100; Finishing 4; Agent "
        "ending …; ");
  story.agent->ended = kStart + 160ms;
  CHECK(story.phases().ends_with("Agent ending 15; "));
}

TEST_CASE("an agent that was there, one that is quicker than its cloud, one that never came") {
  Story warm;
  warm.launch();
  warm.agent->planned = kStart - 60s;
  warm.agent->max_builds = 0;
  warm.start();
  CHECK(warm.phases() == "Waiting 32; Handing over 8; Step build …; ");

  Story quick;
  quick.launch();
  quick.agent->launched = kStart + 35ms;
  CHECK(quick.phases() == "Waiting 5; Launching 25; Handing over …; ");

  Story lost;
  lost.launch();
  lost.agent->connected = {};
  lost.agent->ended = kStart + 300ms;
  CHECK(lost.phases() == "Waiting 5; Launching 5; Agent starting 290; ");
}

TEST_CASE("a build that was cancelled while it waited has no open phase") {
  Story story;
  story.told.build.state = model::BuildState::finished;
  story.told.build.finished = kStart + 50ms;
  CHECK(story.phases() == "Waiting 50; ");
  story.launch();
  story.agent->launched = story.agent->connected = {};
  CHECK(story.phases().starts_with("Waiting 5; Launching 45; "));
}

TEST_CASE("a failed step is shown as failed, an earlier attempt as an attempt") {
  Story story;
  story.launch();
  model::Assignment first;
  first.offered = kStart + 31ms;
  first.ended = kStart + 32ms;
  story.told.assignments.push_back(first);
  story.start();
  story.finish();
  SUBCASE("by its exit status") { story.told.steps.back().exit_status = 2; }
  SUBCASE("by a signal") { story.told.steps.back().signal = 9; }
  SUBCASE("nobody saw how it ended: its agent was lost") { story.told.steps.back().exit_status.reset(); }
  const auto phases = phases_of(story.told, story.agent);
  CHECK(phases.front().name == "Attempt 1");
  CHECK(std::ranges::find(phases, "Step build", &Phase::name)->tone == Tone::bad);
}

TEST_CASE("times for people") {
  CHECK(relative_time(kStart, kStart) == "just now");
  CHECK(relative_time(kStart, kStart + 59s) == "59 s ago");
  CHECK(relative_time(kStart, kStart + 61min) == "1 h ago");
  CHECK(relative_time(kStart + 3min, kStart) == "in 3 min");
  CHECK(utc_time(kStart) == "1970-01-12 13:46:40 UTC");
}
