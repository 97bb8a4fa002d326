#include "model/pool.hpp"

#include <doctest/doctest.h>

using namespace footman::model;

TEST_CASE("how many agents a pool wants without work") {
  struct Row {
    PoolSize size;
    std::uint32_t at_work;
    std::uint32_t target;
  };
  const Row rows[] = {
      {{}, 7, 0},
      {{2, 0, kMaxPoolIdle}, 0, 2},
      {{2, 0, kMaxPoolIdle}, 100, 2},
      {{0, 200, kMaxPoolIdle}, 0, 0},
      {{0, 200, kMaxPoolIdle}, 1, 1},  // rounded up
      {{0, 200, kMaxPoolIdle}, 5, 1},
      {{0, 200, kMaxPoolIdle}, 6, 2},
      {{0, 100, kMaxPoolIdle}, 30, 3},  // exactly
      {{2, 200, 3}, 0, 2},
      {{2, 200, 3}, 11, 3},
      {{2, 200, 3}, 4'000'000'000, 3},
      {{5, 0, 0}, 0, 0},
      {{0, kMaxPoolPerMille, kMaxPoolIdle}, 4'000'000'000, kMaxPoolIdle},
  };
  for (const auto& row : rows) {
    CAPTURE(row.at_work);
    CHECK(pool_target(row.size, row.at_work) == row.target);
  }
}

TEST_CASE("more at work never want fewer") {
  for (const auto& size : {PoolSize{3, 333, 20}, PoolSize{0, 1, 7}, PoolSize{1, 1500, kMaxPoolIdle}})
    for (std::uint32_t at_work = 0; at_work < 3000; ++at_work)
      CHECK(pool_target(size, at_work) <= pool_target(size, at_work + 1));
}

TEST_CASE("goals of waits") {
  const auto goal = parse_wait_goal("p90 <= 5s").value();
  CHECK(goal == WaitGoal{90, std::chrono::seconds(5)});
  CHECK(describe(goal) == "p90 wait <= 5.0 s");
  CHECK(parse_wait_goal(" p100wait<=1m30s ") == WaitGoal{100, std::chrono::seconds(90)});
  for (const auto* wrong : {"", "p90", "90 <= 5s", "wait <= 5s", "p0 <= 5s", "p101 <= 5s", "p90 < 5s",
                            "p90 <= 5", "p90 cost <= 5s", "p90 <= 5s a day"})
    CHECK_FALSE(parse_wait_goal(wrong).has_value());
}

TEST_CASE("a goal in words") {
  PoolGoal goal{{90, std::chrono::seconds(5)}, {}};
  CHECK(describe(goal) == "p90 wait <= 5.0 s");
  goal.per_day = Money{20'000'000};
  CHECK(describe(goal) == "p90 wait <= 5.0 s, at most $20.00 a day");
}

TEST_CASE("a pool with a goal may want agents, whatever its size") {
  PoolRules rules;
  CHECK(rules.empty());
  rules.goal = PoolGoal{};
  CHECK_FALSE(rules.empty());
}

TEST_CASE("a pool in words") {
  CHECK(describe(PoolSize()) == "none");
  CHECK(describe(PoolSize{4, 0, 0}) == "none");
  CHECK(describe(PoolSize{2, 0, kMaxPoolIdle}) == "2 idle");
  CHECK(describe(PoolSize{2, 200, 5}) == "2 idle or 20% of those at work, 5 at most");
  CHECK(describe(PoolSize{0, 25, kMaxPoolIdle}) == "2.5% of those at work");
}
