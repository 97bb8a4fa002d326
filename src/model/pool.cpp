#include "model/pool.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "base/number.hpp"

namespace footman::model {

std::uint32_t pool_target(const PoolSize& size, std::uint32_t at_work) {
  const auto share = (std::uint64_t{size.per_mille} * at_work + 999) / 1000;
  const auto wanted = std::max<std::uint64_t>(size.min_idle, share);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, size.max_idle));
}

bool PoolRules::empty() const {
  return size.empty() && !goal &&
         std::ranges::all_of(schedules, [](const PoolSchedule& one) { return one.size.empty(); });
}

using base::trim;

Result<WaitGoal> parse_wait_goal(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is no goal", text), {},
                "Write it like \"p90 wait <= 5s\"");
  };
  const auto sign = text.find("<=");
  if (sign == std::string_view::npos) return bad();
  auto what = trim(text.substr(0, sign));
  if (what.ends_with("wait")) what = trim(what.substr(0, what.size() - 4));
  if (!what.starts_with('p')) return bad();
  const auto percent = find_number<std::uint32_t>(what.substr(1));
  const auto wait = parse_duration(trim(text.substr(sign + 2)));
  if (!percent || *percent < 1 || *percent > 100 || !wait) return bad();
  return WaitGoal{*percent, *wait};
}

std::string describe(const WaitGoal& goal) {
  return fmt::format("p{} wait <= {}", goal.percent, format_duration(goal.wait));
}

std::string describe(const PoolGoal& goal) {
  return describe(goal.wait) +
         (goal.per_day ? fmt::format(", at most {} a day", format_money(*goal.per_day)) : std::string());
}

PoolNow pool_at(const PoolRules& rules, Instant now) {
  PoolNow result{rules.size, {}, now, {}};
  for (const auto& one : rules.schedules) {
    const auto begin = one.begins.next(one.zone, now - one.length);
    const bool is_on = begin <= now;
    const auto change = is_on ? begin + one.length : begin;
    if (!result.until.is_set() || change < result.until) result.until = change;
    if (!is_on) continue;
    result.size = one.size;
    result.schedule = one.begins.text() + " " + one.zone_name;
    break;
  }
  return result;
}

std::string describe(const PoolSize& size) {
  if (size.empty()) return "none";
  std::string text;
  if (size.min_idle > 0) text = fmt::format("{} idle", size.min_idle);
  if (size.per_mille > 0)
    text += fmt::format("{}{}% of those at work", text.empty() ? "" : " or ", size.per_mille / 10.0);
  if (size.max_idle < kMaxPoolIdle) text += fmt::format(", {} at most", size.max_idle);
  return text;
}

}  // namespace footman::model
