#include <doctest/doctest.h>

#include <set>
#include <string>

#include "model/agent.hpp"
#include "model/work.hpp"

using namespace footman::model;

namespace {

// Every value from 0 to `last` has its own word, and the word leads back.
template <class Enum, class Find>
void check_round_trip(Enum last, Find find) {
  std::set<std::string> seen;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<Enum>(i);
    const auto word = to_string(value);
    CHECK(find(word) == value);
    CHECK(seen.insert(std::string(word)).second);
  }
  CHECK_FALSE(find("no such word").has_value());
}

}  // namespace

TEST_CASE("enumerators and words lead to each other") {
  check_round_trip(AgentState::lost, find_agent_state);
  check_round_trip(LaunchReason::breaker_probe, find_launch_reason);
  check_round_trip(EndReason::orphan, find_end_reason);
  check_round_trip(FailureClass::connect, find_failure_class);
  check_round_trip(BuildState::finished, find_build_state);
  check_round_trip(BuildResult::aborted, find_build_result);
  check_round_trip(ItemState::left, find_item_state);
  check_round_trip(AssignmentState::lost, find_assignment_state);
}

TEST_CASE("words that others rely on") {
  CHECK(to_string(BuildResult::not_built) == "NOT_BUILT");
  CHECK(to_string(BuildResult::none).empty());
  CHECK(to_string(ItemView::buildable) == "buildable");
  CHECK(to_string(EndReason::launch_deadline) == "launch_deadline");
}

TEST_CASE("every end reason is a sentence") {
  for (int i = 0; i <= static_cast<int>(EndReason::orphan); ++i)
    CHECK(sentence(static_cast<EndReason>(i)).ends_with('.'));
}

TEST_CASE("serving and costing") {
  CHECK(is_serving(AgentState::planned));
  CHECK(is_serving(AgentState::online));
  CHECK_FALSE(is_serving(AgentState::draining));
  CHECK_FALSE(is_serving(AgentState::lost));
  CHECK(may_hold_resource(AgentState::lost));
  CHECK_FALSE(may_hold_resource(AgentState::terminated));
}

TEST_CASE("an end is told once, whatever its details repeat") {
  constexpr auto kIdle = EndReason::idle_too_long;
  CHECK(describe_end(kIdle, "") == sentence(kIdle));
  CHECK(describe_end(kIdle, sentence(kIdle)) == sentence(kIdle));
  const std::string more = "It was idle for longer than its template allows (idle for 1 min, of 1 min).";
  CHECK(describe_end(kIdle, more) == more);
  CHECK(describe_end(EndReason::drained, "by admin") == "A person asked for its end. by admin");
}
