#include "policy/breaker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

using namespace footman::policy;
using footman::model::FailureClass;

namespace {

constexpr Instant kNow{1'000'000'000};
const AgentId kProbe("local-probe");

Breaker fail(Breaker breaker, FailureClass failure, Instant now = kNow, Instant retry_at = {}) {
  const auto era = breaker.era;
  return on_failure(std::move(breaker), era, {failure, "it broke", retry_at}, 1, now);
}
Breaker opened(FailureClass failure) {
  Breaker breaker;
  while (breaker.state == BreakerState::closed) breaker = fail(breaker, failure);
  return breaker;
}
Breaker half_opened(FailureClass failure) {
  const auto breaker = opened(failure);
  return on_probe_launched(breaker, kProbe, breaker.until + 5min, breaker.until);
}
Breaker succeed(Breaker breaker, Stage stage) {
  const auto era = breaker.era;
  return on_success(std::move(breaker), era, stage, kNow + 10min);
}
std::uint32_t strikes(FailureClass failure) { return opened(failure).failures_in_a_row(); }

}  // namespace

TEST_CASE(
    "closed: what the cloud says counts at once, what may be chance three times, a permanent word for good") {
  using enum FailureClass;
  CHECK(strikes(throttled) == 1);
  CHECK(strikes(capacity) == 1);
  for (const auto failure : {transient, boot, connect}) CHECK(strikes(failure) == 3);
  for (const auto failure : {configuration, permission, image}) {
    const auto breaker = fail({}, failure);
    CHECK(breaker.state == BreakerState::disabled);
    CHECK(breaker.since == kNow);
    CHECK(breaker.reason == "it broke");
    CHECK(may_launch(breaker, kNow + 24h).launches == Permission::none);
  }
}

TEST_CASE("closed: a success between failures begins the count anew, an earlier stage does not") {
  auto breaker = fail(fail({}, FailureClass::boot), FailureClass::boot);
  SUBCASE("it got work") {
    breaker = fail(succeed(breaker, Stage::at_work), FailureClass::boot);
    CHECK(breaker.state == BreakerState::closed);
    CHECK(breaker.failures_in_a_row() == 1);
  }
  SUBCASE("it connected only") {
    breaker = fail(succeed(breaker, Stage::connected), FailureClass::boot);
    CHECK(breaker.state == BreakerState::open);
  }
}

TEST_CASE("open: nothing before its time, then one") {
  const auto breaker = opened(FailureClass::capacity);
  CHECK(breaker.failure == FailureClass::capacity);
  CHECK(breaker.since == kNow);
  CHECK(breaker.until == kNow + 1s);
  const auto before = may_launch(breaker, breaker.until - 1us);
  CHECK(before.launches == Permission::none);
  CHECK(before.look_again == breaker.until);
  CHECK(may_launch(breaker, breaker.until).launches == Permission::one_probe);
  CHECK(may_launch(breaker, breaker.until + 100h).launches == Permission::one_probe);
  // What is decided in the same plan, at a time that was taken a moment before, is no clock that was set
  // back.
  CHECK(may_launch(breaker, breaker.since - 1ms).launches == Permission::none);
  // A clock that was set back does not make the pause longer.
  CHECK(may_launch(breaker, kNow - 1h).launches == Permission::one_probe);
}

TEST_CASE(
    "open: launches that were made before tell nothing new, but a cloud's wish and a permanent word do") {
  const auto breaker = opened(FailureClass::throttled);
  for (const auto failure : {FailureClass::boot, FailureClass::throttled, FailureClass::connect}) {
    const auto after = fail(breaker, failure, kNow + 1ms);
    CHECK(after.state == BreakerState::open);
    CHECK(after.until == breaker.until);
    CHECK(after.failures_in_a_row() == 1);
  }
  for (const auto stage : {Stage::accepted, Stage::connected, Stage::at_work})
    CHECK(succeed(breaker, stage).state == BreakerState::open);
  CHECK(fail(breaker, FailureClass::throttled, kNow, kNow + 30s).until == kNow + 30s);
  CHECK(fail(breaker, FailureClass::image).state == BreakerState::disabled);
}

TEST_CASE("half-open: one probe, nothing besides it") {
  const auto breaker = half_opened(FailureClass::boot);
  CHECK(breaker.state == BreakerState::half_open);
  CHECK(breaker.probe == kProbe);
  const auto allowance = may_launch(breaker, breaker.since);
  CHECK(allowance.launches == Permission::none);
  CHECK(allowance.look_again == breaker.since + 5min);
  CHECK_FALSE(may_launch(breaker, breaker.since + 1h).look_again.is_set());
}

TEST_CASE("half-open: the probe closes it when it comes as far as the ones before had not") {
  using enum FailureClass;
  struct Row {
    FailureClass failure;
    Stage enough;
  };
  for (const auto& row :
       {Row{throttled, Stage::accepted}, Row{transient, Stage::accepted}, Row{capacity, Stage::accepted},
        Row{connect, Stage::connected}, Row{boot, Stage::at_work}}) {
    CAPTURE(to_string(row.failure));
    for (const auto stage : {Stage::accepted, Stage::connected, Stage::at_work}) {
      const auto after = succeed(half_opened(row.failure), stage);
      CHECK(after.state == (stage >= row.enough ? BreakerState::closed : BreakerState::half_open));
      if (after.state != BreakerState::closed) continue;
      CHECK(may_launch(after, kNow).launches == Permission::all);
      CHECK(after.failures_in_a_row() == 0);
      CHECK(after.probe.empty());
    }
  }
}

TEST_CASE("half-open: a probe that fails opens it for longer, whatever it fails with") {
  for (const auto failure : {FailureClass::boot, FailureClass::capacity, FailureClass::connect}) {
    auto breaker = opened(FailureClass::boot);
    auto pause = breaker.until - breaker.since;
    for (int i = 0; i < 20; ++i) {
      const auto now = breaker.until;
      breaker = fail(on_probe_launched(breaker, kProbe, now + 5min, now), failure, now);
      CHECK(breaker.state == BreakerState::open);
      const auto next = breaker.until - breaker.since;
      CHECK(next == std::min<Duration>(2 * pause, 5min));
      pause = next;
    }
    CHECK(pause == 5min);
  }
}

TEST_CASE("launches made before the probe tell nothing, neither now nor after it was closed") {
  auto breaker = half_opened(FailureClass::connect);
  const auto old = breaker.era - 1;
  CHECK(on_success(breaker, old, Stage::at_work, kNow).state == BreakerState::half_open);
  CHECK(on_failure(breaker, old, {FailureClass::connect, "late", {}}, 1, kNow).state ==
        BreakerState::half_open);
  breaker = succeed(breaker, Stage::connected);
  for (int i = 0; i < 100; ++i) breaker = on_failure(breaker, old, {FailureClass::boot, "late", {}}, 1, kNow);
  CHECK(breaker.state == BreakerState::closed);
  CHECK(breaker.failures_in_a_row() == 0);
}

TEST_CASE("the probe that closed it still counts when it breaks later") {
  auto breaker = succeed(half_opened(FailureClass::capacity), Stage::accepted);
  CHECK(breaker.state == BreakerState::closed);
  breaker = fail(fail(fail(breaker, FailureClass::boot), FailureClass::boot), FailureClass::boot);
  CHECK(breaker.state == BreakerState::open);
}

TEST_CASE("a probe that went without a word: soon another one, and no sooner") {
  const auto breaker = on_probe_gone(half_opened(FailureClass::boot), kNow);
  CHECK(breaker.state == BreakerState::open);
  CHECK(breaker.until == kNow + BreakerLimits().pause.shortest_pause);
  CHECK(breaker.failures_in_a_row() == 3);
  CHECK(on_probe_gone({}, kNow).state == BreakerState::closed);
}

TEST_CASE("a launch is a probe only where one is asked for") {
  CHECK(on_probe_launched({}, kProbe, kNow, kNow).state == BreakerState::closed);
  const auto half_open = half_opened(FailureClass::boot);
  CHECK(on_probe_launched(half_open, AgentId("local-other"), kNow, kNow).probe == kProbe);
}

TEST_CASE("people are told state, reason, time and what comes next") {
  CHECK(describe({}, kNow).empty());
  const auto open = opened(FailureClass::boot);
  CHECK(describe(open, kNow) ==
        "paused since 1970-01-01T00:16:40.000Z after 3 failures in a row (boot: it broke); one agent is "
        "tried at "
        "1970-01-01T00:16:44.000Z");
  CHECK(describe(open, open.until).ends_with("one agent is tried for the next item"));
  CHECK(describe(half_opened(FailureClass::throttled), kNow) ==
        "paused since 1970-01-01T00:16:41.000Z after a failure (throttled: it broke): agent local-probe is "
        "tried, the others wait for it");
  CHECK(describe(fail({}, FailureClass::image), kNow) ==
        "disabled since 1970-01-01T00:16:40.000Z (image: it broke), until its configuration changes or the "
        "server is restarted");
}

namespace {

// A template whose launches end as a coin says, and a crowd that waits for it.
class Drill {
 public:
  Drill(std::uint64_t seed, double failing) : random_(seed), failing_(failing) {}

  struct Launch {
    Instant ends;
    std::uint32_t era = 0;
    bool probe = false;
  };

  // As many as wait, but never more than `crowd` under way. False: nobody would ever look again.
  bool look(std::size_t crowd) {
    while (under_way_.size() < crowd) {
      const auto allowance = may_launch(breaker_, now_);
      if (allowance.launches == Permission::none) {
        next_look_ = allowance.look_again;
        break;
      }
      const bool probe = allowance.launches == Permission::one_probe;
      const auto ends = now_ + Duration(random_() % 2'000'000);
      if (probe)
        breaker_ = on_probe_launched(breaker_, AgentId("probe"), now_ + 5min, now_);
      else
        CHECK(breaker_.state == BreakerState::closed);
      under_way_.push_back({ends, breaker_.era, probe});
      launched_.push_back(now_);
    }
    const auto is_probe = [](const Launch& one) { return one.probe; };
    if (breaker_.state == BreakerState::half_open)
      CHECK(std::ranges::count_if(under_way_, [&](const Launch& one) {
              return is_probe(one) && one.era == breaker_.era;
            }) == 1);
    return !under_way_.empty() || next_look_ > now_;
  }

  void step() {
    const auto first = std::ranges::min_element(under_way_, {}, &Launch::ends);
    if (first == under_way_.end() || (next_look_ > now_ && next_look_ < first->ends)) {
      now_ = std::exchange(next_look_, Instant());
      return;
    }
    const auto launch = *first;
    under_way_.erase(first);
    now_ = std::max(now_, launch.ends);
    if (uniform() < failing_) {
      breaker_ = on_failure(breaker_, launch.era, {pick(), "it broke", {}}, uniform(), now_);
    } else {
      const auto before = breaker_.state;
      breaker_ = on_success(breaker_, launch.era, Stage::at_work, now_);
      if (before == BreakerState::half_open && launch.era == breaker_.era)
        CHECK(breaker_.state == BreakerState::closed);
    }
  }

  void set_failing(double failing) { failing_ = failing; }
  const Breaker& breaker() const { return breaker_; }
  Instant now() const { return now_; }
  std::size_t launched_between(Instant from, Instant to) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(launched_, [&](Instant at) { return at >= from && at < to; }));
  }

 private:
  double uniform() { return std::uniform_real_distribution<>(0, 1)(random_); }
  FailureClass pick() {
    constexpr FailureClass kClasses[] = {FailureClass::throttled, FailureClass::transient,
                                         FailureClass::capacity, FailureClass::boot, FailureClass::connect};
    return kClasses[random_() % std::size(kClasses)];
  }

  std::mt19937_64 random_;
  double failing_;
  Breaker breaker_;
  Instant now_ = kNow;
  Instant next_look_;
  std::vector<Launch> under_way_;
  std::vector<Instant> launched_;
};

}  // namespace

TEST_CASE(
    "whatever fails: few launches an hour, always a next look, and it closes when things are well again") {
  constexpr std::size_t kCrowd = 50;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Drill drill(seed, 1);
    const auto until = kNow + 6h;
    while (drill.now() < until) {
      REQUIRE(drill.look(kCrowd));
      drill.step();
    }
    // The crowd once, then one at a time: a dozen until the pauses are longest, then about two in five
    // minutes.
    CHECK(drill.launched_between(kNow, kNow + 1h) <= kCrowd + 12 + 40);
    for (auto hour = kNow + 1h; hour + 1h <= until; hour = hour + 1h) {
      CHECK(drill.launched_between(hour, hour + 1h) <= 60);
      CHECK(drill.launched_between(hour, hour + 1h) >= 8);
    }
    drill.set_failing(0);
    const auto well = drill.now();
    while (drill.breaker().state != BreakerState::closed) {
      REQUIRE(drill.look(kCrowd));
      drill.step();
    }
    CHECK(drill.now() - well <= 5min + 5s);
  }
}

TEST_CASE("what fails now and then is not held up for long") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Drill drill(seed, 0.1);
    const auto until = kNow + 10min;
    while (drill.now() < until) {
      REQUIRE(drill.look(20));
      drill.step();
    }
    CHECK(drill.launched_between(kNow, until) > 1000);
  }
}

TEST_CASE("what is launched in vain and paid for takes 5 to 10 % of the time") {
  constexpr Duration kLived = 5min;
  for (const double random : {0.0, 1.0}) {
    auto breaker = opened(FailureClass::connect);
    Duration paused{0};
    int probes = 0;
    for (auto now = breaker.until; now < kNow + 48h; now = breaker.until) {
      breaker = on_probe_launched(breaker, kProbe, now + kLived, now);
      const auto era = breaker.era;
      breaker =
          on_failure(breaker, era, {FailureClass::connect, "it broke", {}, kLived}, random, now + kLived);
      paused = breaker.until - (now + kLived);
      if (probes++ == 0) CHECK(paused <= 2 * kLived);  // a short trouble is over soon
    }
    CHECK(paused == (random == 0 ? 9 : 18) * kLived);
    CHECK(probes <=
          (random == 0 ? 61 : 34));  // of 576 that fit into the time; some at the begin, then 10 or 5 %
  }
}

TEST_CASE("a person may have one tried at once, also of a disabled one") {
  for (const auto& breaker : {opened(FailureClass::boot), fail({}, FailureClass::permission)}) {
    const auto wished = on_retry_wished(breaker, kNow + 10ms);
    CHECK(wished.since == breaker.since);
    CHECK(wished.reason == breaker.reason);
    CHECK(may_launch(wished, kNow + 10ms).launches == Permission::one_probe);
  }
  CHECK(on_retry_wished({}, kNow) == Breaker());
  CHECK(on_retry_wished(half_opened(FailureClass::boot), kNow) == half_opened(FailureClass::boot));
}
