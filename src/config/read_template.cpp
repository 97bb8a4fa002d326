#include <fmt/format.h>

#include "config/sections.hpp"
#include "model/label.hpp"
#include "model/price_list.hpp"
#include "model/validate.hpp"

namespace footman::config {
namespace {

// A pool replaces agents that have become too old: not faster than they are of use.
constexpr Duration kLeastMaxAge = 1min;

void read_size(Reader& reader, const YamlNode& node, model::AgentSize& out) {
  const auto* size = reader.section(node, "size", "clouds[].templates[].size");
  if (size == nullptr) return;
  reader.get_cpus(*size, "cpu", out.milli_cpus);
  reader.get_memory(*size, "memory", out.memory_bytes);
}

void read_retention(Reader& reader, const YamlNode& node, TemplateConfig& t) {
  const auto* retention = node.find("retention");
  if (retention == nullptr || (retention->kind != YamlNode::Kind::map && retention->text == "one-shot"))
    return;
  constexpr std::string_view kExpected =
      "one-shot or some of {idle: 5m, builds: 20, paid: true} was expected";
  if (retention->kind != YamlNode::Kind::map || retention->keys.empty())
    return reader.error(retention->at, fmt::format("'retention': {}", kExpected));
  for (const auto& [key, at] : retention->keys)
    if (key != "idle" && key != "builds" && key != "paid")
      reader.error(at, fmt::format("unknown key '{}' of 'retention': {}", key, kExpected));
  t.max_builds = 0;
  reader.get(*retention, "paid", t.keep_paid);
  if (t.keep_paid) t.idle_timeout = Duration(0);
  reader.get(*retention, "idle", t.idle_timeout);
  reader.get(*retention, "builds", t.max_builds);
  reader.check_least(*retention, "builds", t.max_builds, std::uint32_t{1}, "1");
}

void read_labels(Reader& reader, const YamlNode& node, std::vector<std::string>& out) {
  const auto* labels = reader.list(node, "labels");
  if (labels == nullptr) return;
  if (labels->items.size() > model::kMaxLabelsPerTemplate)
    reader.error(labels->at, fmt::format("{} labels; a template may have {}", labels->items.size(),
                                         model::kMaxLabelsPerTemplate));
  for (const auto& item : labels->items) {
    const auto label = reader.text_of(item, "labels");
    if (!label) continue;
    if (auto status = model::validate_label(*label, "labels"); !status)
      reader.error(item.at, describe(status.error()));
    out.push_back(*label);
  }
}

void read_env(Reader& reader, const YamlNode& node, std::map<std::string, std::string>& out) {
  const auto* env = node.find("env");
  if (env == nullptr || env->kind == YamlNode::Kind::null) return;
  if (env->kind != YamlNode::Kind::map)
    return reader.error(env->at, "'env': a map was expected, like NAME: value");
  for (const auto& [key, at] : env->keys) {
    std::string value;
    reader.get(*env, key, value);
    if (auto status = model::validate_env_var({key, value, {}}, {}); status) {
      out[key] = value;
    } else {
      status.error().field.clear();  // the place says it
      reader.error(at, fmt::format("'{}': {}", key, describe(status.error())));
    }
  }
}

}  // namespace

// "$0.05/h", or the name of a list price.
void read_price(Reader& reader, const YamlNode& node, TemplateConfig& out) {
  const auto* price = node.find("price");
  if (price == nullptr) return;
  const auto text = reader.text_of(*price, "price");
  if (!text) return;
  if (const auto per_hour = model::parse_hourly_price(*text)) {
    out.price.per_hour = *per_hour;
    return;
  }
  const auto listed = model::find_list_price(*text, out.size);
  if (listed)
    out.price = *listed;
  else if (listed.error().code == Errc::not_found && text->find('/') == text->rfind('/'))
    reader.error(price->at,
                 fmt::format("'price': a price such as $0.05/h, up to {}, or the name of a list price such "
                             "as aws-ec2/us-east-1/m7g.large was expected, found '{}'",
                             model::format_hourly_price(model::kMaxHourlyPrice), *text));
  else
    reader.error(price->at, fmt::format("'price': {}", listed.error().message));
}

TemplateConfig read_template(Reader& reader, const YamlNode& node, const AgentAddress& above) {
  TemplateConfig t;
  t.address = above;
  if (!reader.check_keys(node, "clouds[].templates[]")) return t;
  reader.get(node, "name", t.name);
  read_labels(reader, node, t.labels);
  reader.get(node, "default", t.is_default);
  reader.get(node, "cap", t.limits.agents);
  if (const auto* limits = reader.section(node, "limits", "clouds[].templates[].limits"))
    read_resources(reader, *limits, t.limits);
  reader.get(node, "priority", t.priority);
  read_size(reader, node, t.size);
  reader.get(node, "max_age", t.max_age);
  if (t.max_age != Duration(0))
    reader.check_least(node, "max_age", t.max_age, kLeastMaxAge, "0s (no limit), or 1m");
  reader.get_memory(node, "memory", t.memory_bytes);
  reader.get(node, "processes", t.max_processes);
  reader.get(node, "open_files", t.max_open_files);
  reader.get(node, "proxy_variables", t.proxy_variables);
  read_retention(reader, node, t);
  if (const auto* pool = reader.section(node, "pool", "clouds[].templates[].pool"))
    read_pool(reader, *pool, t.pool);
  read_env(reader, node, t.env);
  read_address(reader, node, t.address);
  return t;
}

}  // namespace footman::config
