#include "config/sections.hpp"

namespace footman::config {
namespace {

void read_budget(Reader& reader, const YamlNode& node, model::Budget& out) {
  reader.get_money(node, "per_hour", out.per_hour, model::parse_money, "an amount in US dollars such as $2");
  reader.get_money(node, "per_day", out.per_day, model::parse_money, "an amount in US dollars such as $20");
  reader.get_money(node, "beyond", out.beyond, model::parse_hourly_price, "a price per hour such as $0.02/h");
}

}  // namespace

void read_resources(Reader& reader, const YamlNode& limits, model::ResourceLimits& out) {
  reader.get_cpus(limits, "vcpus", out.milli_cpus);
  reader.get_memory(limits, "memory", out.memory_bytes);
  if (const auto* budget = reader.section(limits, "budget", "limits.budget"))
    read_budget(reader, *budget, out.budget);
}

}  // namespace footman::config
