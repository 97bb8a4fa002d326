// What an agent costs while it is there, and which part of its life is paid for.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "model/money.hpp"

namespace footman::model {

enum class BilledFrom {
  asked,      // the cloud was asked for it: the decision to launch it
  answered,   // the cloud said that it has it
  connected,  // the agent is at work or free for it
};
std::string_view to_string(BilledFrom from);
std::optional<BilledFrom> find_billed_from(std::string_view text);

enum class BilledUntil {
  stop_asked,  // the cloud was asked to end it
  gone,        // the cloud said that it is gone
};
std::string_view to_string(BilledUntil until);
std::optional<BilledUntil> find_billed_until(std::string_view text);

inline constexpr Duration kMaxMinimumBilling = std::chrono::hours(24 * 31);

// How a provider counts time: from one event to another, rounded up to whole steps, and not less than the
// minimum.
struct BillingRule {
  BilledFrom from = BilledFrom::answered;
  BilledUntil until = BilledUntil::gone;
  Duration step = std::chrono::seconds(1);  // more than 0
  Duration minimum{0};
  bool operator==(const BillingRule&) const = default;
};

// What is paid for once it begins at all.
inline Duration least_billed(const BillingRule& rule) { return std::max(rule.minimum, rule.step); }

struct Price {
  Money per_hour;  // 0: free
  BillingRule billing;
  bool operator==(const Price&) const = default;
};

}  // namespace footman::model
