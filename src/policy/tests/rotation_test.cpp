#include "policy/rotation.hpp"

#include <doctest/doctest.h>

namespace footman::policy {
namespace {

const Instant kNow(1'000'000'000'000);

Rotation fail(Rotation rotation, std::size_t variant, Instant now, double random = 1) {
  return on_variant_failure(std::move(rotation), variant,
                            {footman::model::FailureClass::capacity, "no capacity", {}}, random, now);
}

TEST_CASE("the best variant that does not rest is launched") {
  Rotation rotation{{{}, {}, {}}};
  CHECK(choose_variant(rotation, kNow) == 0);
  rotation = fail(rotation, 0, kNow);
  CHECK(choose_variant(rotation, kNow) == 1);
  rotation = fail(rotation, 1, kNow + 1s);
  CHECK(choose_variant(rotation, kNow + 1s) == 2);
  CHECK(choose_variant(rotation, kNow + 30s) == 0);  // its rest is over: it is the best again
}

TEST_CASE("when all rest it is the one whose rest ends first") {
  Rotation rotation{{{}, {}}};
  rotation = fail(rotation, 0, kNow);
  CHECK(has_rested_variant(rotation, kNow));
  rotation = fail(rotation, 1, kNow, 0);  // the shortest pause
  CHECK(!has_rested_variant(rotation, kNow));
  CHECK(choose_variant(rotation, kNow) == 1);
  CHECK(has_rested_variant(rotation, kNow + 5s));
}

TEST_CASE("another one is chosen by itself only when the rest of a better one ends") {
  Rotation rotation{{{}, {}, {}}};
  CHECK(!next_choice(rotation, kNow).is_set());
  rotation = fail(rotation, 2, kNow);
  CHECK(!next_choice(rotation, kNow).is_set());
  rotation = fail(rotation, 0, kNow);
  CHECK(next_choice(rotation, kNow) == kNow + 30s);
  CHECK(!next_choice(rotation, kNow + 30s).is_set());
  rotation = fail(rotation, 1, kNow + 1s, 0);  // for 5 s
  REQUIRE(choose_variant(rotation, kNow + 2s) == 1);
  CHECK(next_choice(rotation, kNow + 2s) == kNow + 30s);  // at 6 s it is chosen, too
  for (auto at = kNow; at < kNow + 40s; at = at + 1s) {   // whatever it says is so, and nothing before
    const auto next = next_choice(rotation, at);
    for (auto later = at; !next.is_set() || later < next; later = later + 1s) {
      if (later > kNow + 50s) break;
      CHECK(choose_variant(rotation, later) == choose_variant(rotation, at));
    }
    if (next.is_set()) CHECK(choose_variant(rotation, next) < choose_variant(rotation, at));
  }
}

TEST_CASE("rests double with each failure, and a burst of failures is one") {
  Rotation rotation;
  auto now = kNow;
  auto rest = Duration(30s);
  for (int i = 0; i < 8; ++i) {
    rotation = fail(rotation, 0, now);
    for (int late = 0; late < 50; ++late) rotation = fail(rotation, 0, now + 1s);
    CHECK(rotation.variants[0].failures == static_cast<std::uint32_t>(i + 1));
    CHECK(rotation.variants[0].until == now + rest);
    now = rotation.variants[0].until;
    rest = std::min<Duration>(rest * 2, 10min);
  }
  rotation = on_variant_success(rotation, 0, now);
  CHECK(rotation.variants[0].failures == 0);
  CHECK(choose_variant(rotation, now) == 0);
}

TEST_CASE("what the cloud takes back is replaced by what stays") {
  const Rotation rotation{{{}, {}, {}}};
  const auto reclaim = [&](std::size_t variant, const std::vector<bool>& may_go) {
    return on_reclaim(rotation, variant, may_go, "taken back", 0, kNow);
  };
  auto after = reclaim(0, {true, true, false});
  CHECK(choose_variant(after, kNow) == 2);
  CHECK(after.variants[0].reason == "taken back");
  CHECK(after.deaths == 0);
  CHECK(choose_variant(after, kNow + 5s) == 0);
  CHECK(choose_variant(reclaim(1, {true, true, false}), kNow) == 2);
  for (const auto& all_go : {reclaim(0, {true, true, true}), reclaim(2, {true, true, false}),
                             reclaim(3, {true, true, false}), reclaim(0, {})})
    CHECK(!all_go.variants[0].until.is_set());  // none stays, its host failed, or it is not offered any more
  after = on_reclaim(after, 0, {true, true, false}, "again", 1, kNow + 6s);
  CHECK(after.variants[0].until == kNow + 66s);  // twice as long
  after = on_variant_success(after, 0, kNow + 67s);
  CHECK(after.variants[0].failures == 0);
}

TEST_CASE("the cloud's own time is kept, within reason") {
  Rotation rotation;
  rotation = on_variant_failure(rotation, 0, {footman::model::FailureClass::capacity, "later", kNow + 20min},
                                1, kNow);
  CHECK(rotation.variants[0].until == kNow + 20min);
  rotation = on_variant_failure(Rotation(), 0,
                                {footman::model::FailureClass::capacity, "much later", kNow + 100h}, 1, kNow);
  CHECK(rotation.variants[0].until == kNow + 1h);
}

TEST_CASE("machines that die in every variant are told to the breaker, a lack of capacity is not") {
  using enum model::FailureClass;
  Rotation rotation{{{}, {}, {}}};
  auto now = kNow;
  for (std::size_t i = 0; i < 3; ++i, now = now + 5min) {
    rotation = on_variant_failure(rotation, choose_variant(rotation, now), {connect, "silent", {}}, 0, now);
    CHECK(is_for_others(rotation, {connect, "silent", {}}, now));
  }
  rotation = on_variant_failure(rotation, choose_variant(rotation, now), {connect, "silent", {}}, 0, now);
  CHECK_FALSE(is_for_others(rotation, {connect, "silent", {}}, now));
  CHECK(is_for_others(rotation, {capacity, "none", {}}, now));
  rotation = on_variant_success(rotation, 1, now);
  CHECK(is_for_others(rotation, {connect, "silent", {}}, now));
  CHECK_FALSE(is_for_others(rotation, {permission, "no", {}}, now));
}

TEST_CASE("what no other variant would do better is not held against one") {
  using enum model::FailureClass;
  for (const auto failure : {capacity, boot, connect}) CHECK(concerns_variant(failure));
  for (const auto failure : {throttled, transient, configuration, permission, image})
    CHECK(!concerns_variant(failure));
}

TEST_CASE("an agent whose launch was asked for before the failure says nothing of what failed since") {
  Rotation rotation{{{}, {}}};
  rotation = fail(rotation, 0, kNow);
  CHECK(choose_variant(on_variant_success(rotation, 0, kNow - 1s), kNow + 1s) == 1);
  CHECK(choose_variant(on_variant_success(rotation, 0, Instant()), kNow + 1s) == 1);
  CHECK(choose_variant(on_variant_success(rotation, 0, kNow + 1us), kNow + 1s) == 0);
}

TEST_CASE("a variant that is not there any more changes nothing") {
  const auto rotation = fail(Rotation(), 7, kNow);
  CHECK(choose_variant(on_variant_success(rotation, 7, kNow), kNow) == 0);
}

}  // namespace
}  // namespace footman::policy
