#include "jenkins/health.hpp"

#include <doctest/doctest.h>

#include "jenkins/tests/captures.hpp"

using namespace footman;
using namespace footman::jenkins;
using testing::body_of;

namespace {

constexpr Instant kNow{1'795'456'000'000'000};

}  // namespace

TEST_CASE("one that does not answer is away, and asked less and less often") {
  Health health;
  CHECK(health.reach() == Reach::unasked);
  health.note_well(kNow);
  CHECK(health.trouble().empty());
  health.note_failure({Errc::unavailable, "refused", {}, {}}, kNow);
  CHECK(health.reach() == Reach::away);
  CHECK(health.pause() == kFirstPause);
  for (int i = 0; i < 10; ++i) health.note_failure({Errc::timeout, "no answer", {}, {}}, kNow + 1min);
  CHECK(health.pause() == kLongestPause);
  CHECK(health.trouble() == "It cannot be reached since 2026-11-23T17:46:40.000Z: no answer");
  health.note_well(kNow + 2min);
  CHECK(health.pause() == Duration(0));
  CHECK(health.trouble().empty());
}

TEST_CASE("a refusal is meant when it lasts, and not while Jenkins starts") {
  const Error refusal{Errc::unauthenticated, "not taken", {}, {}};
  Health health;
  health.note_failure(refusal, kNow);
  CHECK(health.reach() == Reach::refused);  // it was not away: that is told at once …
  CHECK(health.pause() == kFirstPause);     // … and looked at again soon
  CHECK(health.trouble().starts_with("It does not let Footman in since"));
  health.note_failure({Errc::unavailable, "starts", {}, {}}, kNow + 50s);
  health.note_failure(refusal, kNow + 55s);
  health.note_failure(refusal, kNow + 100s);
  CHECK(health.reach() == Reach::away);
  health.note_failure(refusal, kNow + 115s);
  CHECK(health.reach() == Reach::refused);
  CHECK(health.pause() == kRefusedPause);
  health.note_well(kNow + 2min);
  CHECK(health.reach() == Reach::well);
}

TEST_CASE("a missing right to see builds or agents is told by what does not fit together, when that lasts") {
  Health builds;
  builds.note_well(kNow);
  auto list = *parse_computers(body_of("computer-list-busy-freestyle"));
  for (auto& computer : list.all)
    for (auto& executor : computer.executors) executor.build_class.clear();
  builds.note_lists(list, kNow);
  CHECK(builds.trouble().empty());
  builds.note_lists(list, kNow + kOddLasts);
  CHECK(builds.trouble().contains("Job/Read"));
  builds.note_lists(*parse_computers(body_of("computer-list-busy-freestyle")), kNow + 1min);
  CHECK(builds.trouble().empty());
  Health agents;
  agents.note_well(kNow);
  const auto hidden = *parse_computers(body_of("computer-list-no-connect-right"));
  agents.note_lists(hidden, kNow);
  agents.note_lists(hidden, kNow + kOddLasts);
  CHECK(agents.trouble().contains("Agent/Connect"));
}

TEST_CASE("where nothing waits and nothing runs it is asked whether any job is shown") {
  Health health;
  health.note_well(kNow);
  health.note_items({}, nullptr, kNow);
  CHECK(health.wants_jobs(kNow));
  CHECK_FALSE(health.wants_jobs(kNow + 1s));
  health.note_jobs(false, kNow);
  CHECK(health.trouble().contains("Job/Read"));
  CHECK(health.wants_jobs(kNow + kAskJobsAgain));
  Queue queue;
  queue.items.emplace_back();
  health.note_items(queue, nullptr, kNow + 1min);
  CHECK(health.trouble().empty());
  health.note_jobs(false, kNow + 1min);  // asked before
  CHECK(health.trouble().empty());
  CHECK_FALSE(health.wants_jobs(kNow + 2min));
  CHECK(health.wants_jobs(kNow + 1min + kJobsKnown));  // the right may have been taken away
  Health busy;
  busy.note_well(kNow);
  const auto list = *parse_computers(body_of("computer-list-busy-freestyle"));
  busy.note_items({}, &list, kNow);
  CHECK_FALSE(busy.wants_jobs(kNow));
}

TEST_CASE("a refused change is trouble until one is done; another clock is said") {
  Health health;
  health.note_well(kNow);
  CHECK(health.note_change("make", fail(Errc::unavailable, "not now")));
  CHECK(health.trouble().empty());
  CHECK(health.note_change("make", fail(Errc::permission_denied, "node a: scaler is missing Agent/Create")));
  CHECK_FALSE(
      health.note_change("make", fail(Errc::permission_denied, "node b: scaler is missing Agent/Create")));
  CHECK(health.trouble() == "node a: scaler is missing Agent/Create");
  CHECK_FALSE(health.note_change("hold", Status()));
  CHECK(!health.trouble().empty());
  CHECK_FALSE(health.note_change("make", Status()));
  CHECK(health.trouble().empty());
  health.note_clock(-90s);
  CHECK(health.trouble().starts_with("Its clock is 1 min 30 s behind this one"));
  // What is measured goes up and down by a second: no news.
  health.note_clock(-91'500ms);
  CHECK(health.trouble().starts_with("Its clock is 1 min 30 s behind this one"));
  health.note_clock(-1s);
  CHECK(health.trouble().empty());
}

TEST_CASE("items that cannot be read are told as long as they wait") {
  Health health;
  health.note_well(kNow);
  Queue queue;
  queue.odd = 1;
  health.note_items(queue, nullptr, kNow);
  CHECK(health.trouble().contains("it launches nothing for them"));
  queue.odd = 0;
  health.note_items(queue, nullptr, kNow);
  CHECK(health.trouble().empty());
}
