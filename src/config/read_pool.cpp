#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "config/sections.hpp"
#include "config/tzif.hpp"

namespace footman::config {
namespace {

constexpr Duration kLeastScheduleLength = 1min;

// "0.2" -> 200 of 1000
std::optional<std::uint32_t> parse_share(const std::string& text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto whole = base::find_number<std::uint32_t>(text.substr(0, dot));
  std::string part = dot == text.size() ? "0" : text.substr(dot + 1);
  if (!whole || *whole > model::kMaxPoolPerMille / 1000 || part.empty() || part.size() > 3)
    return std::nullopt;
  part.resize(3, '0');
  const auto thousandths = base::find_number<std::uint32_t>(part);
  if (!thousandths) return std::nullopt;
  const auto share = *whole * 1000 + *thousandths;
  return share > model::kMaxPoolPerMille ? std::nullopt : std::optional(share);
}

void read_pool_size(Reader& reader, const YamlNode& node, model::PoolSize& size) {
  reader.get(node, "min_idle", size.min_idle);
  reader.get_parsed(node, "per_busy", size.per_mille, parse_share, "a number from 0 to 10 such as 0.2");
  reader.get(node, "max_idle", size.max_idle);
  if (size.max_idle > model::kMaxPoolIdle)
    reader.error(node.place_of("max_idle"),
                 fmt::format("'max_idle': {} or less was expected", model::kMaxPoolIdle));
  else if (size.min_idle > size.max_idle)
    reader.error(node.place_of("min_idle"),
                 fmt::format("'min_idle': no more than max_idle ({}) was expected", size.max_idle));
}

std::optional<model::WaitGoal> find_wait_goal(const std::string& text) {
  const auto goal = model::parse_wait_goal(text);
  return goal ? std::optional(*goal) : std::nullopt;
}

void read_goal(Reader& reader, const YamlNode& node, model::PoolRules& out) {
  auto& goal = out.goal.emplace();
  if (node.find("wait") == nullptr) reader.error(node.at, "'goal': 'wait' is missing: {wait: p90 <= 5s}");
  reader.get_parsed(node, "wait", goal.wait, find_wait_goal, "a goal such as 'p90 <= 5s'");
  reader.get_money(node, "per_day", goal.per_day, model::parse_money, "an amount in US dollars such as $20");
  if (!out.schedules.empty())
    reader.error(node.at, "'goal': not together with schedules: its size is found for all day");
}

Result<model::TimeZone> find_zone(const Sources& sources, const std::string& name) {
  if (name == "UTC") return model::TimeZone();
  const auto unknown = [&](std::string_view why) {
    return fail(Errc::invalid_argument, fmt::format("the time zone '{}' is not known: {}", name, why), {},
                "A name of the tz database such as Europe/Berlin was expected.");
  };
  if (!is_zone_name(name)) return unknown("that is no name of one");
  if (!sources.read_zone) return unknown("this machine has no time zone database");
  const auto bytes = sources.read_zone(name);
  if (!bytes) return unknown(bytes.error().message);
  auto zone = parse_tzif(*bytes);
  if (!zone) return unknown(zone.error().message);
  return zone;
}

void read_schedule(Reader& reader, const YamlNode& node, model::PoolRules& pool) {
  if (!reader.check_keys(node, "clouds[].templates[].pool.schedules[]")) return;
  model::PoolSchedule schedule;
  schedule.size = pool.size;
  read_pool_size(reader, node, schedule.size);
  reader.get(node, "for", schedule.length);
  if (schedule.length < kLeastScheduleLength || schedule.length > model::kMaxScheduleLength)
    reader.error(node.place_of("for"), "'for': a duration from 1m to 31d was expected");
  std::string text;
  reader.get(node, "cron", text);
  auto cron = model::parse_cron(text);
  if (!cron)
    reader.error(node.place_of("cron"),
                 fmt::format("'cron': a time like '0 8 * * 1-5' was expected: {}", describe(cron.error())));
  reader.get(node, "time_zone", schedule.zone_name);
  auto zone = find_zone(reader.sources(), schedule.zone_name);
  if (!zone) reader.error(node.place_of("time_zone"), fmt::format("'time_zone': {}", describe(zone.error())));
  if (!cron || !zone) return;
  schedule.begins = std::move(*cron);
  schedule.zone = std::move(*zone);
  pool.schedules.push_back(std::move(schedule));
}

}  // namespace

void read_pool(Reader& reader, const YamlNode& node, model::PoolRules& out) {
  read_pool_size(reader, node, out.size);
  if (const auto* schedules = reader.list(node, "schedules")) {
    if (schedules->items.size() > model::kMaxPoolSchedules)
      reader.error(schedules->at,
                   fmt::format("'schedules': {} or fewer were expected", model::kMaxPoolSchedules));
    for (const auto& item : schedules->items) read_schedule(reader, item, out);
  }
  if (const auto* goal = reader.section(node, "goal", "clouds[].templates[].pool.goal"))
    read_goal(reader, *goal, out);
}

}  // namespace footman::config
