#include "model/price_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/check.hpp"
#include "model/nearest.hpp"
#include "model/price_files.hpp"

namespace footman::model {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMiB = 1ULL << 20;

std::string text_at(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return std::string(found->as_string());
}

Result<Money> money_at(const json::object& object, std::string_view key) {
  const auto text = text_at(object, key);
  if (text.empty()) return Money();
  auto money = parse_money(text);
  if (!money) return fail(Errc::corrupt, fmt::format("'{}': {}", key, money.error().message));
  return money;
}

Status read_duration(const json::object& object, std::string_view key, Duration& out) {
  const auto text = text_at(object, key);
  if (text.empty()) return {};
  FOOTMAN_TRY(out, parse_duration(text));
  return {};
}

Result<BillingRule> read_billing(const json::object& object, BillingRule rule) {
  if (const auto text = text_at(object, "from"); !text.empty()) {
    const auto from = find_billed_from(text);
    if (!from) return fail(Errc::corrupt, fmt::format("'from': there is no event '{}'", text));
    rule.from = *from;
  }
  if (const auto text = text_at(object, "until"); !text.empty()) {
    const auto until = find_billed_until(text);
    if (!until) return fail(Errc::corrupt, fmt::format("'until': there is no event '{}'", text));
    rule.until = *until;
  }
  FOOTMAN_TRY_STATUS(read_duration(object, "step", rule.step));
  FOOTMAN_TRY_STATUS(read_duration(object, "minimum", rule.minimum));
  if (rule.step <= Duration(0)) return fail(Errc::corrupt, "'step': more than 0s was expected");
  return rule;
}

Result<ListPrice> read_price(const json::object& object, const PriceList& list, const BillingRule& usual) {
  ListPrice price;
  const auto name = text_at(object, "name");
  if (name.empty()) return fail(Errc::corrupt, "a price has no 'name'");
  price.name = list.name + "/" + name;
  FOOTMAN_TRY(price.per_hour, money_at(object, "per_hour"));
  FOOTMAN_TRY(price.per_vcpu_hour, money_at(object, "per_vcpu_hour"));
  FOOTMAN_TRY(price.per_gib_hour, money_at(object, "per_gib_hour"));
  FOOTMAN_TRY(price.billing, read_billing(object, usual));
  if (price.per_hour + price.per_vcpu_hour + price.per_gib_hour == Money())
    return fail(Errc::corrupt, fmt::format("the price '{}' has no amount", price.name));
  return price;
}

Result<PriceList> read_list(const json::object& object) {
  PriceList list{text_at(object, "list"),
                 text_at(object, "title"),
                 text_at(object, "date"),
                 text_at(object, "source"),
                 {}};
  if (list.name.empty() || list.date.empty() || list.source.empty())
    return fail(Errc::corrupt, "a price list needs 'list', 'date' and 'source'");
  if (text_at(object, "currency") != "USD") return fail(Errc::corrupt, "'currency': USD was expected");
  const auto* billing = object.if_contains("billing");
  const auto* prices = object.if_contains("prices");
  if (billing == nullptr || !billing->is_object() || prices == nullptr || !prices->is_array())
    return fail(Errc::corrupt, "a price list needs 'billing' and 'prices'");
  FOOTMAN_TRY(const auto usual, read_billing(billing->get_object(), {}));
  for (const auto& one : prices->get_array()) {
    if (!one.is_object()) return fail(Errc::corrupt, "'prices': objects were expected");
    FOOTMAN_TRY(auto price, read_price(one.get_object(), list, usual));
    list.prices.push_back(std::move(price));
  }
  return list;
}

std::vector<PriceList> read_files() {
  std::vector<PriceList> lists;
  for (const auto file : price_files()) {
    auto list = parse_price_list(file);
    FOOTMAN_CHECK(list.has_value(), "the program's own price lists can be read");
    lists.push_back(std::move(*list));
  }
  std::ranges::sort(lists, {}, &PriceList::name);
  return lists;
}

const ListPrice* find_price(std::string_view name) {
  for (const auto& list : price_lists())
    for (const auto& price : list.prices)
      if (price.name == name) return &price;
  return nullptr;
}

std::string describe_nearest(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& list : price_lists())
    for (const auto& price : list.prices) known.push_back(price.name);
  const auto nearest = find_nearest(name, known);
  return nearest ? fmt::format("; did you mean '{}'?", *nearest) : std::string();
}

}  // namespace

Result<PriceList> parse_price_list(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail(Errc::corrupt, "a price list is a JSON object");
  return read_list(value.get_object());
}

std::span<const PriceList> price_lists() {
  static const auto lists = read_files();
  return lists;
}

Result<Price> find_list_price(std::string_view name, const AgentSize& size) {
  const auto* listed = find_price(name);
  if (listed == nullptr)
    return fail(Errc::not_found, fmt::format("there is no list price '{}'{}", name, describe_nearest(name)));
  if (!listed->per_vcpu_hour.is_zero() && size.milli_cpus == 0)
    return fail(Errc::invalid_argument,
                fmt::format("the list price '{}' is one per vCPU, so the template must say its size, like "
                            "'size: {{cpu: 2 vCPU}}'",
                            name));
  if (!listed->per_gib_hour.is_zero() && size.memory_bytes == 0)
    return fail(Errc::invalid_argument,
                fmt::format("the list price '{}' is one per GiB, so the template must say its size, like "
                            "'size: {{memory: 4 GiB}}'",
                            name));
  // In floating point only to see what is too much; 2^53 millionths are far beyond the limit.
  const auto cpus = static_cast<double>(size.milli_cpus) / 1000;
  const auto mebibytes = size.memory_bytes / kMiB;
  const auto about = static_cast<double>(listed->per_hour.micros) +
                     static_cast<double>(listed->per_vcpu_hour.micros) * cpus +
                     static_cast<double>(listed->per_gib_hour.micros) * static_cast<double>(mebibytes) / 1024;
  if (about > static_cast<double>(kMaxHourlyPrice.micros))
    return fail(Errc::invalid_argument, fmt::format("the size makes the price '{}' more than {}", name,
                                                    format_hourly_price(kMaxHourlyPrice)));
  const auto milli_cpus = static_cast<std::int64_t>(size.milli_cpus);
  return Price{{listed->per_hour.micros + listed->per_vcpu_hour.micros * milli_cpus / 1000 +
                listed->per_gib_hour.micros * static_cast<std::int64_t>(mebibytes) / 1024},
               listed->billing};
}

}  // namespace footman::model
