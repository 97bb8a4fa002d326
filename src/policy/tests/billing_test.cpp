#include "policy/billing.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;
using footman::model::BilledFrom;
using footman::model::BilledUntil;
using footman::model::BillingRule;
using footman::model::Money;

namespace {

constexpr Instant kAsked{1'000'000'000};
constexpr Instant at(Duration after) { return kAsked + after; }

// Asked at 0 s, answered at 2 s, connected at 30 s, told to stop at 90.5 s, gone at 95 s.
constexpr AgentLife kWhole{kAsked, at(2s), at(30s), at(90500ms), at(95s)};

AgentLife until(Duration now) {
  auto life = kWhole;
  for (auto* event : {&life.answered, &life.connected, &life.stop_asked, &life.gone})
    if (*event > at(now)) *event = {};
  return life;
}

constexpr BillingRule rule(BilledFrom from, BilledUntil until, Duration step, Duration minimum) {
  return {from, until, step, minimum};
}

}  // namespace

TEST_CASE("the time that is billed") {
  constexpr auto kFargate = rule(BilledFrom::answered, BilledUntil::gone, 1s, 1min);
  constexpr auto kInstance = rule(BilledFrom::answered, BilledUntil::stop_asked, 1s, 1min);
  constexpr auto kHourly = rule(BilledFrom::asked, BilledUntil::gone, 1h, 1h);
  constexpr auto kWork = rule(BilledFrom::connected, BilledUntil::gone, 1s, Duration(0));
  struct Case {
    const char* what;
    BillingRule rule;
    Duration now;
    Duration from;  // after it was asked for; -1 s: nothing is billed
    Duration time;
  };
  for (const auto& one : {
           Case{"nothing is there yet", kFargate, 1s, -1s, 0s},
           Case{"the minimum is due at once", kFargate, 2s, 2s, 1min},
           Case{"and for as long as it lasts", kFargate, 62s, 2s, 1min},
           Case{"then by the second", kFargate, 63s, 2s, 61s},
           Case{"rounded up", kFargate, 63500ms, 2s, 62s},
           Case{"also while it stops", kFargate, 93s, 2s, 91s},
           Case{"until it is gone", kFargate, 95s, 2s, 93s},
           Case{"and no longer", kFargate, 1000s, 2s, 93s},
           Case{"an instance costs nothing while it stops", kInstance, 1000s, 2s, 89s},
           Case{"but while it runs", kInstance, 80s, 2s, 78s},
           Case{"by the hour, from the question on", kHourly, 0s, 0s, 1h},
           Case{"the first hour", kHourly, 1000s, 0s, 1h},
           Case{"not before it is connected", kWork, 29s, -1s, 0s},
           Case{"nothing so far", kWork, 30s, 30s, 0s},
           Case{"from the connection", kWork, 1000s, 30s, 65s},
       }) {
    CAPTURE(one.what);
    const auto billed = find_billed_time(one.rule, until(one.now), at(one.now));
    CHECK(billed.from == (one.from < 0s ? Instant() : at(one.from)));
    CHECK(billed.time() == one.time);
  }
}

TEST_CASE("hours that have begun are paid for") {
  const auto hourly = rule(BilledFrom::answered, BilledUntil::gone, 1h, 0s);
  AgentLife life{kAsked, kAsked};
  CHECK(find_billed_time(hourly, life, at(1h)).time() == 1h);
  CHECK(find_billed_time(hourly, life, at(1h + Duration(1))).time() == 2h);
}

TEST_CASE("events that nobody saw") {
  const BillingRule usual;
  CHECK_FALSE(find_billed_time(usual, {.asked = kAsked, .gone = at(9s)}, at(10s)).from.is_set());  // refused
  const auto asked = rule(BilledFrom::asked, BilledUntil::gone, 1s, 1min);
  CHECK_FALSE(find_billed_time(asked, {.asked = kAsked, .gone = at(9s)}, at(10s)).from.is_set());
  // The answer was lost.
  const AgentLife lost{.asked = kAsked, .connected = at(5s), .gone = at(15s)};
  CHECK(find_billed_time(usual, lost, at(20s)).time() == 10s);
  // It ended by itself, or the clock was set back.
  const auto instance = rule(BilledFrom::answered, BilledUntil::stop_asked, 1s, 0s);
  const AgentLife alone{.asked = kAsked, .answered = kAsked, .gone = at(7s)};
  CHECK(find_billed_time(instance, alone, at(20s)).time() == 7s);
  CHECK(find_billed_time(usual, {.asked = kAsked, .answered = at(9s)}, at(1s)).time() == 0s);
}
