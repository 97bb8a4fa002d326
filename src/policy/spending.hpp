// What was spent, as far as budgets ask: what agents that are gone have cost today, and what of them is paid
// for still, because a minimum is not over. A value; its size follows the agents that ended within the
// longest minimum, and the payers. Days stay known for a while, so that a clock that was wrong for some time
// makes nobody forget what was spent.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/money.hpp"

namespace footman::policy {

using namespace footman::base;

// Days begin at 00:00 UTC.
Instant begin_of_day(Instant now);

// Whose agents they were; limits of money ask about each.
struct Payer {
  CloudName cloud;
  TemplateName template_name;
  ControllerName controller;
  std::vector<std::string> labels;  // of the agent
  auto operator<=>(const Payer&) const = default;
};

// The cost of an agent that is gone, spread evenly over the time that is paid for.
struct PaidSpan {
  Payer payer;
  Instant from;
  Instant until;
  model::Money amount;
  model::Money per_hour{};  // its price; 0: as the amount has it, which was rounded
};
// What falls between the two.
model::Money part_of(const PaidSpan& span, Instant from, Instant until);

// Of all, or of some payers.
struct Spent {
  model::Money today;
  model::Money still_paid_per_hour;  // of agents that are gone
  Instant rate_falls;                // when the first of these is paid up; not set: there are none
  Instant day_ends;                  // not set: nobody asked
};

class SpendingBook {
 public:
  void add(const PaidSpan& span, Instant now);
  Spent spent(const std::function<bool(const Payer&)>& counts, Instant now);
  // The clock was set: what is paid for ahead is so for as long as before.
  void move_by(Duration by);

 private:
  using Day = std::map<Payer, model::Money>;

  Day& page_of(Instant day);
  void turn_page(Instant now);

  Instant day_;  // it began then
  std::map<Instant, Day> days_;
  std::vector<PaidSpan> ahead_;  // that are paid for beyond the last look
};

}  // namespace footman::policy
