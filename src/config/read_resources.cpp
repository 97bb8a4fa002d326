#include "config/sections.hpp"

namespace footman::config {
namespace {

void read_budget(Reader& reader, const YamlNode& node, model::Budget& out) {
  reader.get_money(node, "per_hour", out.per_hour, model::parse_money, "an amount in US dollars such as $2");
  reader.get_money(node, "per_day", out.per_day, model::parse_money, "an amount in US dollars such as $20");
  reader.get_money(node, "beyond", out.beyond, model::parse_hourly_price, "a price per hour such as $0.02/h");
}

}  // namespace

void read_resources(Reader& reader, const YamlNode& limits, model::AgentLimits& out) {
  reader.get_cpus(limits, "vcpus", out.milli_cpus);
  reader.get_memory(limits, "memory", out.memory_bytes);
  if (const auto* budget = reader.section(limits, "budget", "limits.budget"))
    read_budget(reader, *budget, out.budget);
}

void read_group_limits(Reader& reader, const YamlNode& groups, const std::string& name, std::string_view path,
                       std::map<std::string, model::AgentLimits, std::less<>>& out) {
  const auto& node = *groups.find(name);
  model::AgentLimits limits;
  if (node.kind != YamlNode::Kind::map) {
    reader.read(node, name, limits.agents);
    reader.check_least(groups, name, limits.agents, std::uint32_t{1}, "1");
  } else if (reader.check_keys(node, path)) {
    reader.get(node, "agents", limits.agents);
    read_resources(reader, node, limits);
  }
  if (limits != model::AgentLimits()) out[name] = limits;
}

}  // namespace footman::config
