#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "config/schema.hpp"
#include "config/sections.hpp"
#include "ecs/validate.hpp"
#include "model/validate.hpp"

namespace footman::config {
namespace {

bool is_id_part(std::string_view text) {
  return text.size() <= 40 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

bool is_known_type(std::string_view type) { return type == "local" || type == "ecs"; }

Position last_place(const YamlNode& node) {
  auto last = node.at;
  for (const auto& item : node.items) last = std::max(last, last_place(item));
  for (const auto& [key, at] : node.keys) last = std::max(last, at);
  return last;
}

// The template of the list that stands there; null: something else does. `end`: last_place() of the last one.
const YamlNode* find_template(const YamlNode& list, Position end, Position at) {
  const auto next = std::ranges::upper_bound(list.items, at, {}, &YamlNode::at);
  return next == list.items.begin() || at > end ? nullptr : &*std::prev(next);
}

// Whose error that is, when it stands in another template.
std::string describe_heir(const YamlNode& heir, const YamlNode* where) {
  const auto* parent = where == nullptr || where == &heir ? nullptr : where->find("name");
  if (parent == nullptr) return {};
  return fmt::format("template '{}', line {}, which inherits it from '{}'", heir.find("name")->text,
                     heir.at.line, parent->text);
}

// What must be unique over all clouds is what it remembers.
class CloudsReader {
 public:
  CloudsReader(Reader& reader, const Config& server) : reader_(reader), server_(server) {}

  CloudConfig read(const YamlNode& node, const AgentAddress& above) {
    CloudConfig c;
    c.address = above;
    if (!reader_.check_keys(node, "clouds[]")) return c;
    read_name(node, c.name);
    read_type(node, c.type);
    reader_.get(node, "cap", c.limits.agents);
    reader_.get(node, "minimum_billing", c.minimum_billing);
    if (c.minimum_billing > model::kMaxMinimumBilling)
      reader_.error(node.place_of("minimum_billing"), "'minimum_billing': a duration up to 31d was expected");
    reader_.get(node, "agent_binary", c.agent_binary);
    if (const auto* limits = reader_.section(node, "limits", "clouds[].limits"))
      read_resources(reader_, *limits, c.limits);
    read_address(reader_, node, c.address);
    check_cloud_type(node, "clouds[]", c.type);
    if (c.type == "ecs") read_ecs(node, c);
    if (const auto* templates = reader_.list(node, "templates")) read_templates(node, *templates, c);
    const bool says_where = node.find("agent_url") != nullptr || node.find("tunnel") != nullptr;
    if (c.templates.empty() && says_where) check_address(node, node, c, c.address);
    return c;
  }

 private:
  void read_name(const YamlNode& node, std::string& name) {
    reader_.get(node, "name", name);
    if (name.empty())
      reader_.error(node.at, "a cloud needs a 'name'");
    else if (!clouds_.insert(name).second)
      reader_.error(node.at, fmt::format("the cloud '{}' is there twice", name));
    else if (!is_id_part(name))
      reader_.error(node.place_of("name"),
                    "'name': 1 to 40 lower-case letters, digits and '-' were expected; it becomes part of "
                    "the agents' names");
  }

  void read_type(const YamlNode& node, std::string& type) {
    reader_.get(node, "type", type);
    if (node.find("type") == nullptr)
      reader_.error(node.at, "a cloud needs a 'type': local or ecs");
    else if (!is_known_type(type))
      reader_.error(node.place_of("type"),
                    fmt::format("'type': local or ecs was expected, found '{}'", type));
  }

  void read_ecs(const YamlNode& node, CloudConfig& c) {
    const auto errors = reader_.error_count();
    read_ecs_cloud(reader_, node, c);
    if (reader_.error_count() != errors || c.ecs->event_queue_url.empty()) return;
    const auto [first, is_new] = queues_.emplace(ecs::identify_queue(*c.ecs), c.name);
    if (!is_new)
      reader_.error(node.find("ecs")->place_of("event_queue"),
                    fmt::format("'event_queue': the cloud '{}' has this queue, too, and each would take and "
                                "delete the other's events: give each its own",
                                first->second));
  }

  // Keys for clouds of another type.
  void check_cloud_type(const YamlNode& node, std::string_view section, std::string_view type) {
    if (!is_known_type(type)) return;
    for (const auto& [key, at] : node.keys) {
      const auto only = cloud_type_of(fmt::format("{}.{}", section, key));
      if (only.empty() || only == type) continue;
      const auto instead = fmt::format("{}.{}.{}", section, type, key);
      reader_.error(
          at,
          fmt::format("'{}' is for clouds of type {}, this one is of type {}{}", key, only, type,
                      find_key(instead) == nullptr ? "" : fmt::format(": say '{}: {{{}: …}}'", type, key)));
    }
  }

  void read_templates(const YamlNode& cloud, const YamlNode& list, CloudConfig& c) {
    c.templates.reserve(list.items.size());
    const auto end = list.items.empty() ? list.at : last_place(list.items.back());
    for (const auto& item : list.items) {
      const auto first_error = reader_.error_count();
      read_one_template(cloud, item, c);
      if (item.find("extends") == nullptr || item.find("name") == nullptr) continue;
      reader_.set_within(first_error,
                         [&](Position at) { return describe_heir(item, find_template(list, end, at)); });
    }
  }

  void read_one_template(const YamlNode& cloud, const YamlNode& item, CloudConfig& c) {
    auto t = read_template(reader_, item, c.address);
    if (item.kind != YamlNode::Kind::map) return;
    check_name(item.at, t.name);
    check_cloud_type(item, "clouds[].templates[]", c.type);
    bool is_abstract = false;
    reader_.get(item, "abstract", is_abstract);
    if (c.type == "ecs") read_ecs_template(reader_, item, c, is_abstract, t);
    if (is_abstract) return;
    read_prices(item, c, t);
    check_size(item.at, c, t);
    check_address(cloud, item, c, t.address);
    c.templates.push_back(std::move(t));
  }

  void read_prices(const YamlNode& item, const CloudConfig& c, TemplateConfig& t) {
    read_price(reader_, item, t);
    if (c.type == "ecs") read_ecs_offers(item, c, t);
    const auto bill = [&](model::Price& price) {
      price.billing.minimum = std::max(price.billing.minimum, c.minimum_billing);
    };
    bill(t.price);
    for (auto& offer : t.offers)
      if (offer.price) bill(*offer.price);
  }

  // Agents of a local cloud are on this machine; others must find it.
  void check_address(const YamlNode& cloud, const YamlNode& item, const CloudConfig& c,
                     const AgentAddress& address) {
    const auto why =
        c.type == "local" || !is_known_type(c.type) ? std::nullopt : find_loopback(address, server_);
    if (!why) return;
    const auto& place = item.find("agent_url") != nullptr || item.find("tunnel") != nullptr ? item : cloud;
    reader_.error(
        place.place_of("agent_url"),
        fmt::format("agents of the cloud '{}' do not reach the server: {}; set agent_url to a URL that "
                    "they reach, such as wss://ci.example.com",
                    c.name, *why));
  }

  void check_name(Position at, const std::string& name) {
    if (name.empty())
      reader_.error(at, "a template needs a 'name'");
    else if (!templates_.insert(name).second)
      reader_.error(at, fmt::format("the template '{}' is there twice", name));
    else if (!model::is_one_line(name))
      reader_.error(at, "'name': a template's name is one line without control characters");
  }

  // What is limited must be counted.
  void check_size(Position at, const CloudConfig& c, const TemplateConfig& t) {
    const auto must_say = [&](std::string_view what, std::string_view example) {
      reader_.error(at, fmt::format("{} limited, so the template '{}' must say its size, like 'size: {{{}}}'",
                                    what, t.name, example));
    };
    const auto is_limited = [&](std::uint64_t model::AgentLimits::* amount) {
      const auto in_group = [&](const auto& group) { return group.second.*amount > 0; };
      const auto of_label = [&](const auto& group) {
        return in_group(group) && std::ranges::find(t.labels, group.first) != t.labels.end();
      };
      return server_.limits.*amount > 0 || c.limits.*amount > 0 || t.limits.*amount > 0 ||
             std::ranges::any_of(server_.label_limits, of_label) ||
             std::ranges::any_of(server_.controller_limits, in_group);
    };
    if (is_limited(&model::AgentLimits::milli_cpus) && t.size.milli_cpus == 0)
      must_say("vCPU are", "cpu: 2 vCPU");
    if (is_limited(&model::AgentLimits::memory_bytes) && t.size.memory_bytes == 0)
      must_say("memory is", "memory: 4 GiB");
  }

  Reader& reader_;
  const Config& server_;
  std::set<std::string> clouds_, templates_;
  std::map<std::string, std::string> queues_;  // and whose
};

}  // namespace

void read_clouds(Reader& reader, const YamlNode& root, Config& out) {
  const auto* clouds = reader.list(root, "clouds");
  if (clouds == nullptr) return;
  CloudsReader all(reader, out);
  for (const auto& node : clouds->items) out.clouds.push_back(all.read(node, out.address));
}

}  // namespace footman::config
