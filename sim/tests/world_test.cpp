#include "sim/world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "sim/canaries.hpp"
#include "sim/runner.hpp"
#include "sim/script.hpp"

using namespace footman;
using namespace footman::sim;

TEST_CASE("a world without faults does its work") {
  WorldOptions options;
  options.seed = 3;
  options.calm = true;
  const auto outcome = run_world(options);
  if (outcome.violation) FAIL(outcome.violation->text);
  CHECK(outcome.builds > 0);
  CHECK(outcome.launches > 0);
  CHECK(outcome.crashes == 0);
}

TEST_CASE("a seed is a world: the same twice, another one with another seed") {
  WorldOptions options;
  options.seed = 4;
  const auto first = run_world(options);
  CHECK(run_world(options).trace_hash == first.trace_hash);
  options.trace = Trace::Mode::keep;  // looking changes nothing
  const auto seen = run_world(options);
  CHECK(seen.trace_hash == first.trace_hash);
  CHECK(seen.trace.size() > 100);
  options.seed = 5;
  CHECK(run_world(options).trace_hash != first.trace_hash);
}

TEST_CASE("every invariant has a planted bug, and every planted bug an invariant") {
  std::set<std::string_view> broken;
  for (const auto& canary : canaries()) broken.insert(canary.invariant);
  for (const auto& one : kInvariants) CHECK_MESSAGE(broken.contains(one.name), one.name);
  CHECK(broken.size() == kInvariants.size());
}

TEST_CASE("scripts say all that is to be known of them") {
  Script script{"u1.2", 1, 12, Duration(2500), 3, true, true};
  CHECK(parse_script(to_text(script)) == script);
  CHECK_FALSE(parse_script("true"));
  CHECK_FALSE(parse_script("simulate lines=many"));
  const auto line = line_of(script, 3, "secret");
  CHECK(line.find("secret") != std::string::npos);
  const auto found = find_line(line);
  REQUIRE(found);
  CHECK(found->key == "u1.2");
  CHECK(found->step == 1);
  CHECK(found->number == 3);
  CHECK(found->of == 12);
  CHECK_FALSE(find_line("Step 1 exited with status 3.\n"));
}

namespace {
void kill_program(WorldOptions& options) {
  if (options.seed == 12) std::_Exit(7);
}
void plant_first(WorldOptions& options) { canaries().front().plant(options); }
}  // namespace

TEST_CASE("the runner reports each failing seed, also one that ends its program") {
  RunOptions run;
  run.first_seed = 10;
  run.seeds = 6;
  run.jobs = 2;
  SUBCASE("ends the program") {
    run.plant = kill_program;
    const auto summary = run_seeds(run);
    CHECK(summary.done == 6);
    REQUIRE(summary.failures.size() == 1);
    CHECK(summary.failures[0].seed == 12);
    CHECK(summary.failures[0].invariant == "the_program_lives");
    CHECK(summary.total.builds > 0);
  }
  SUBCASE("a broken invariant") {
    run.plant = plant_first;
    const auto summary = run_seeds(run);
    CHECK(summary.done == 6);
    REQUIRE_FALSE(summary.failures.empty());
    CHECK(summary.failures[0].invariant == canaries().front().invariant);
  }
  SUBCASE("stops at what it looks for") {
    run.plant = plant_first;
    run.seeds = 1000;
    run.stop_at = canaries().front().invariant;
    CHECK(run_seeds(run).done < 100);
  }
}
