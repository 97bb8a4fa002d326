// Searches beside the server.
#include <doctest/doctest.h>

#include "simulate/tests/goals_world.hpp"

using namespace footman::simulate::testing;
using namespace std::chrono_literals;

TEST_CASE("a search on a thread of its own is given up at the end of the server") {
  World world({{90, 1s}, {}}, World::Search::on_a_thread);
  world.add_builds(60);
  world.start();
  SUBCASE("it is waited for") {
    while (!world.pool().answer) REQUIRE(world.io.run_one_for(std::chrono::seconds(30)) > 0);
    CHECK(world.pool().answer->min_idle == 2);
  }
  SUBCASE("it is not") {}  // ~World stops everything
}
