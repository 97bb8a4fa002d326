// The warm pool of a template: how many of its agents shall be without work, so that builds need not wait for
// a launch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/cron.hpp"
#include "model/money.hpp"

namespace footman::model {

inline constexpr std::size_t kMaxPoolSchedules = 20;  // of one pool
inline constexpr Duration kMaxScheduleLength = std::chrono::hours(31 * 24);
inline constexpr std::uint32_t kMaxPoolIdle = 1000;        // agents kept idle by one pool
inline constexpr std::uint32_t kMaxPoolPerMille = 10'000;  // ten idle agents for one at work
// Of a template: from fewer no size can be found for a goal.
inline constexpr std::uint64_t kLeastBuildsForGoal = 30;

// min_idle agents, or `per_mille` of those at work, rounded up, whichever is more; at most max_idle.
struct PoolSize {
  std::uint32_t min_idle = 0;
  std::uint32_t per_mille = 0;  // of the agents at work: 200 keeps one idle for five that are busy
  std::uint32_t max_idle = kMaxPoolIdle;
  bool operator==(const PoolSize&) const = default;
  bool empty() const { return max_idle == 0 || (min_idle == 0 && per_mille == 0); }
};

// Another size from each time of the clock on, for so long.
struct PoolSchedule {
  Cron begins;
  Duration length{0};
  std::string zone_name = "UTC";
  TimeZone zone;
  PoolSize size;
  bool operator==(const PoolSchedule&) const = default;
};

// So many per cent of builds wait no longer than that for an agent.
struct WaitGoal {
  std::uint32_t percent = 90;
  Duration wait{0};
  bool operator==(const WaitGoal&) const = default;
};
Result<WaitGoal> parse_wait_goal(std::string_view text);  // "p90 <= 5s", "p90 wait <= 5s"; p1 to p100
std::string describe(const WaitGoal& goal);               // "p90 wait <= 5.0 s"

// What a pool is for, instead of a size that somebody has thought of: its min_idle is found out from the
// builds of the past (simulate/pool_goals.hpp).
struct PoolGoal {
  WaitGoal wait;                 // of the builds that run on the template's agents
  std::optional<Money> per_day;  // what its agents may cost, builds included
  bool operator==(const PoolGoal&) const = default;
};
std::string describe(const PoolGoal& goal);  // "p90 wait <= 5.0 s, at most $20.00 a day"

struct PoolRules {
  PoolSize size;                        // with a goal its min_idle is the least
  std::vector<PoolSchedule> schedules;  // the first one that is on is used; none with a goal
  std::optional<PoolGoal> goal;
  bool operator==(const PoolRules&) const = default;
  bool empty() const;  // it never wants an agent
};

// What a pool wants from `since` on until `until`, when it has to be asked again; not set: for ever.
struct PoolNow {
  PoolSize size;
  std::string schedule;  // "0 8 * * 1-5 Europe/Berlin"; empty: none is on
  Instant since;
  Instant until;
};
PoolNow pool_at(const PoolRules& rules, Instant now);

// How many agents it wants without work while so many are at work. Never less for more.
std::uint32_t pool_target(const PoolSize& size, std::uint32_t at_work);

// "2 idle or 20% of those at work, 5 at most"; "none"
std::string describe(const PoolSize& size);

}  // namespace footman::model
