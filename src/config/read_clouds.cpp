#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/sections.hpp"

namespace footman::config {
namespace {

bool is_id_part(std::string_view text) {
  return text.size() <= 40 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

// What must be unique over all clouds is what it remembers.
class CloudsReader {
 public:
  CloudsReader(Reader& reader, const model::ResourceLimits& of_all) : reader_(reader), of_all_(of_all) {}

  CloudConfig read(const YamlNode& node, const AgentAddress& above) {
    CloudConfig c;
    c.address = above;
    if (!reader_.check_keys(node, "clouds[]")) return c;
    read_name(node, c.name);
    read_type(node, c.type);
    reader_.get(node, "cap", c.cap);
    reader_.get(node, "minimum_billing", c.minimum_billing);
    if (c.minimum_billing > model::kMaxMinimumBilling)
      reader_.error(node.place_of("minimum_billing"), "'minimum_billing': a duration up to 31d was expected");
    reader_.get(node, "agent_binary", c.agent_binary);
    if (const auto* limits = reader_.section(node, "limits", "clouds[].limits"))
      read_resources(reader_, *limits, c.resources);
    read_address(reader_, node, c.address);
    if (const auto* templates = reader_.list(node, "templates")) read_templates(*templates, c);
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
      reader_.error(node.at, "a cloud needs a 'type': local");
    else if (type != "local")
      reader_.error(node.place_of("type"), fmt::format("'type': local was expected, found '{}'", type));
  }

  void read_templates(const YamlNode& list, CloudConfig& c) {
    c.templates.reserve(list.items.size());
    for (const auto& item : list.items) {
      auto t = read_template(reader_, item, c.address);
      t.price.billing.minimum = std::max(t.price.billing.minimum, c.minimum_billing);
      if (item.kind == YamlNode::Kind::map) check_name(item.at, t.name);
      bool is_abstract = false;
      reader_.get(item, "abstract", is_abstract);
      if (is_abstract) continue;
      check_size(item.at, c, t);
      c.templates.push_back(std::move(t));
    }
  }

  void check_name(Position at, const std::string& name) {
    if (name.empty())
      reader_.error(at, "a template needs a 'name'");
    else if (!templates_.insert(name).second)
      reader_.error(at, fmt::format("the template '{}' is there twice", name));
  }

  // What is limited must be counted.
  void check_size(Position at, const CloudConfig& c, const TemplateConfig& t) {
    const auto must_say = [&](std::string_view what, std::string_view example) {
      reader_.error(at, fmt::format("{} limited, so the template '{}' must say its size, like 'size: {{{}}}'",
                                    what, t.name, example));
    };
    if ((of_all_.milli_cpus > 0 || c.resources.milli_cpus > 0) && t.size.milli_cpus == 0)
      must_say("vCPU are", "cpu: 2 vCPU");
    if ((of_all_.memory_bytes > 0 || c.resources.memory_bytes > 0) && t.size.memory_bytes == 0)
      must_say("memory is", "memory: 4 GiB");
  }

  Reader& reader_;
  const model::ResourceLimits& of_all_;
  std::set<std::string> clouds_, templates_;
};

}  // namespace

void read_clouds(Reader& reader, const YamlNode& root, Config& out) {
  const auto* clouds = reader.list(root, "clouds");
  if (clouds == nullptr) return;
  CloudsReader all(reader, out.resources);
  for (const auto& node : clouds->items) out.clouds.push_back(all.read(node, out.address));
}

}  // namespace footman::config
