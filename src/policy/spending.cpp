#include "policy/spending.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "policy/look.hpp"

namespace footman::policy {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kDaysKept = 4;

model::Money rate_of(const PaidSpan& span) {
  if (!span.per_hour.is_zero()) return span.per_hour;
  const auto time = static_cast<double>((span.until - span.from).count());
  return {std::llround(static_cast<double>(span.amount.micros) * static_cast<double>(Duration(1h).count()) /
                       time)};
}

}  // namespace

Instant begin_of_day(Instant now) { return {now.us - (now.us % kDay.count())}; }

model::Money part_of(const PaidSpan& span, Instant from, Instant until) {
  const auto first = std::max(span.from, from);
  const auto last = std::min(span.until, until);
  if (last <= first) return {};
  if (first == span.from && last == span.until) return span.amount;
  const auto share =
      static_cast<double>((last - first).count()) / static_cast<double>((span.until - span.from).count());
  return {std::llround(static_cast<double>(span.amount.micros) * share)};
}

// A new day begins with what is paid for beyond its beginning. One that was left before anybody kept a page
// of it is taken for the one that follows: the clock was set back, and money that was spent is not forgotten.
SpendingBook::Day& SpendingBook::page_of(Instant day) {
  const auto next = days_.lower_bound(day);
  if (next != days_.end() && next->first == day) return next->second;
  auto& page = days_[day];
  if (next != days_.end())
    page = next->second;
  else
    for (const auto& span : ahead_) page[span.payer] += part_of(span, day, day + kDay);
  while (days_.size() > kDaysKept)
    days_.erase(days_.begin()->first == day ? std::prev(days_.end()) : days_.begin());
  return page;
}

void SpendingBook::turn_page(Instant now) {
  day_ = begin_of_day(now);
  (void)page_of(day_);
  std::erase_if(ahead_, [&](const PaidSpan& span) { return span.until <= now; });
}

void SpendingBook::add(const PaidSpan& span, Instant now) {
  turn_page(now);
  if (span.amount <= model::Money() || span.until <= span.from) return;
  page_of(day_)[span.payer] += part_of(span, day_, day_ + kDay);
  if (span.until > now) ahead_.push_back(span);
}

void SpendingBook::move_by(Duration by) {
  for (auto& span : ahead_) {
    span.from = span.from + by;
    span.until = span.until + by;
  }
}

Spent SpendingBook::spent(const std::function<bool(const Payer&)>& counts, Instant now) {
  turn_page(now);
  Spent spent;
  for (const auto& [payer, money] : page_of(day_))
    if (counts(payer)) spent.today += money;
  for (const auto& span : ahead_) {
    if (!counts(span.payer)) continue;
    spent.still_paid_per_hour += rate_of(span);
    look_no_later(spent.rate_falls, span.until);
  }
  spent.day_ends = day_ + kDay;
  return spent;
}

}  // namespace footman::policy
