#include "policy/spending.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;
using footman::model::Money;

namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Instant kMidnight{kDay.count() * 20'000};
const CloudName kHere("here");

PaidSpan span(Instant from, Instant until, std::int64_t micros, const CloudName& cloud = kHere) {
  return {{cloud, TemplateName("t"), ControllerName("c"), {}}, from, until, Money{micros}};
}

const auto kAll = [](const Payer&) { return true; };
auto of_cloud(const CloudName& cloud) {
  return [cloud](const Payer& payer) { return payer.cloud == cloud; };
}

}  // namespace

TEST_CASE("days begin at midnight UTC") {
  CHECK(begin_of_day(kMidnight) == kMidnight);
  CHECK(begin_of_day(kMidnight + kDay - Duration(1)) == kMidnight);
  CHECK(begin_of_day(kMidnight - Duration(1)) == kMidnight - kDay);
}

TEST_CASE("what falls into a time") {
  const auto one = span(kMidnight, kMidnight + 10s, 1000);
  CHECK(part_of(one, kMidnight, kMidnight + 10s) == Money{1000});
  CHECK(part_of(one, kMidnight - 1h, kMidnight + 1h) == Money{1000});
  CHECK(part_of(one, kMidnight + 3s, kMidnight + 1h) == Money{700});
  CHECK(part_of(one, kMidnight - 1h, kMidnight) == Money());
  CHECK(part_of(one, kMidnight + 10s, kMidnight + 1h) == Money());
}

TEST_CASE("the day's costs are counted by cloud, and begin again at midnight") {
  SpendingBook book;
  const auto noon = kMidnight + 12h;
  book.add(span(kMidnight - 1h, kMidnight + 1h, 1000), noon);  // half of it today
  book.add(span(noon - 1h, noon, 300, CloudName("there")), noon);
  book.add(span(noon, noon, 5), noon);
  book.add(span(noon - 1h, noon, 0), noon);
  CHECK(book.spent(kAll, noon).today == Money{800});
  CHECK(book.spent(of_cloud(kHere), noon).today == Money{500});
  CHECK(book.spent(of_cloud(CloudName("nowhere")), noon).today == Money());
  CHECK(book.spent(kAll, noon).day_ends == kMidnight + kDay);
  CHECK(book.spent(kAll, kMidnight - 5h).today == Money{800});  // the clock was set back
  CHECK(book.spent(kAll, kMidnight + kDay).today == Money());
}

TEST_CASE("what is paid for still has the agent's price, whatever its amount was rounded to") {
  SpendingBook book;
  auto one = span(kMidnight, kMidnight + 30s, 417);
  one.per_hour = Money{50'000};
  book.add(one, kMidnight + 1s);
  CHECK(book.spent(kAll, kMidnight + 1s).still_paid_per_hour == Money{50'000});
}

TEST_CASE("agents that are gone and paid for still") {
  SpendingBook book;
  const auto now = kMidnight + kDay - 10s;
  book.add(span(now - 20s, now + 40s, 60'000), now);  // $3.60 an hour, 30 s of it tomorrow
  book.add(span(now - 20s, now + 5s, 25'000, CloudName("there")), now);
  book.add(span(now - 20s, now, 20'000), now);
  auto spent = book.spent(kAll, now);
  CHECK(spent.still_paid_per_hour == Money{7'200'000});
  CHECK(spent.rate_falls == now + 5s);
  CHECK(spent.today == Money{30'000 + 25'000 + 20'000});
  spent = book.spent(of_cloud(kHere), now + 5s);
  CHECK(spent.still_paid_per_hour == Money{3'600'000});
  CHECK(spent.rate_falls == now + 40s);
  spent = book.spent(kAll, now + 10s);
  CHECK(spent.today == Money{30'000});
  spent = book.spent(kAll, now + 40s);
  CHECK(spent.still_paid_per_hour == Money());
  CHECK_FALSE(spent.rate_falls.is_set());
  CHECK(spent.today == Money{30'000});
}

TEST_CASE("a clock that was wrong for a while makes nobody forget what was spent") {
  SpendingBook book;
  const auto noon = kMidnight + 12h;
  book.add(span(noon - 1h, noon, 800), noon);
  CHECK(book.spent(kAll, noon + kDay * 1000).today == Money());
  CHECK(book.spent(kAll, noon + 1s).today == Money{800});
  book.add(span(noon, noon + 1s, 100), noon + 1s);
  CHECK(book.spent(kAll, noon + 2s).today == Money{900});
  for (int day = 0; day < 100; ++day)
    (void)book.spent(kAll, noon + kDay * day);  // days that are over are dropped
  CHECK(book.spent(kAll, noon + kDay * 99).today == Money());
}

TEST_CASE("what is paid ahead moves with the clock") {
  SpendingBook book;
  const auto noon = kMidnight + 12h;
  book.add(span(noon - 20s, noon + 40s, 60'000), noon);
  book.move_by(-5h);
  CHECK(book.spent(kAll, noon - 5h).rate_falls == noon - 5h + 40s);
  CHECK_FALSE(book.spent(kAll, noon - 5h + 40s).rate_falls.is_set());
}
