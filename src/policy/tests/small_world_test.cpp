#include "policy/tests/small_world.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace footman::policy::testing;

namespace {

std::string tell(const Exploration& found) {
  auto text = found.violation;
  for (const auto& step : found.story) text += "\n  " + step;
  return text;
}

}  // namespace

TEST_CASE("every life of two builds and two agents, with a crash between any two steps") {
  const auto found = explore_small_worlds(PlantedBug::none);
  INFO(tell(found));
  CHECK(found.violation == "");
  MESSAGE(found.worlds, " worlds");
  CHECK(found.worlds == 279'450);  // as docs/FLEET.md says: another number means other steps
}

TEST_CASE("each planted bug is found, by the rule that it breaks") {
  const std::vector<std::pair<PlantedBug, std::string>> bugs{
      {PlantedBug::row_after_call, "a resource is leaked"},
      {PlantedBug::new_token_each_time, "an agent has two resources"},
      {PlantedBug::no_word_is_gone, "a resource is leaked"},
      {PlantedBug::runs_again, "a build is run twice"},
      {PlantedBug::launching_does_not_count, "a surplus launch"},
      {PlantedBug::ends_without_drain, "the fleet ends an agent at work"},
      {PlantedBug::replaced_too_soon, "a build that waits has two agents"},
      {PlantedBug::untold, "a build waits without a reason"},
  };
  for (const auto& [bug, rule] : bugs) {
    const auto found = explore_small_worlds(bug);
    INFO(tell(found));
    CHECK(found.violation == rule);
    CHECK_FALSE(found.story.empty());
  }
}
