#include "cloud/ecs/launch_options.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "ecs/frozen_options.hpp"

namespace footman::cloud::ecs {
namespace {

namespace json = boost::json;
using footman::ecs::Capacity;
using footman::ecs::CapacityKind;
using footman::ecs::LaunchType;
using footman::ecs::TaskSize;
using footman::ecs::TemplateOptions;
using footman::ecs::TextMap;

std::vector<Capacity> capacities_of(const TemplateOptions& options) {
  std::vector<Capacity> out{options.capacity};
  out.insert(out.end(), options.fallback_capacities.begin(), options.fallback_capacities.end());
  return out;
}
std::vector<TaskSize> sizes_of(const TemplateOptions& options) {
  std::vector<TaskSize> out{options.size};
  out.insert(out.end(), options.fallback_sizes.begin(), options.fallback_sizes.end());
  return out;
}

std::string describe(const Capacity& capacity) {
  switch (capacity.kind) {
    case CapacityKind::launch_type:
      return std::string(footman::model::get_word(footman::ecs::kLaunchTypes, capacity.launch_type));
    case CapacityKind::cluster_default:
      return "the cluster's default";
    case CapacityKind::strategy:
      break;
  }
  std::string out;
  for (const auto& one : capacity.providers) out += (out.empty() ? "" : " + ") + one.name;
  return out;
}

std::string describe(const TaskSize& size) {
  return fmt::format("{} CPU units, {} MiB", size.cpu_units, size.memory_mib);
}

// A number that each variant has of its own, and a name only where there are several.
std::string name_of(const TemplateOptions& options, const Capacity& capacity, const TaskSize& size) {
  std::string out;
  if (!options.fallback_capacities.empty()) out = describe(capacity);
  if (!options.fallback_sizes.empty()) out += (out.empty() ? "" : ", ") + describe(size);
  return out;
}

std::optional<std::size_t> index_of(const json::object& object, std::string_view key, std::size_t count) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const auto index = value->get_int64();
  if (index < 0 || std::cmp_greater_equal(index, count)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

}  // namespace

std::vector<ports::Variant> list_variants(const TemplateOptions& options) {
  const auto text = footman::ecs::freeze(options);
  const auto capacities = capacities_of(options);
  const auto sizes = sizes_of(options);
  std::vector<ports::Variant> out;
  for (std::size_t c = 0; c < capacities.size(); ++c)
    for (std::size_t s = 0; s < sizes.size(); ++s)
      out.push_back({name_of(options, capacities[c], sizes[s]),
                     json::serialize(json::object{{"capacity", c}, {"size", s}, {"template", text}})});
  return out;
}

Result<LaunchOptions> parse_launch_options(const std::string& frozen) {
  const auto bad = [](const std::string& what) {
    return fail(Errc::corrupt, "the frozen options of the launch cannot be read: " + what);
  };
  boost::system::error_code error;
  const auto value = json::parse(frozen, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* text = object == nullptr ? nullptr : object->if_contains("template");
  if (text == nullptr || !text->is_string()) return bad("no template");
  FOOTMAN_TRY(auto options, footman::ecs::parse_frozen(text->get_string()));
  const auto capacities = capacities_of(options);
  const auto sizes = sizes_of(options);
  const auto capacity = index_of(*object, "capacity", capacities.size());
  const auto size = index_of(*object, "size", sizes.size());
  if (!capacity || !size) return bad("no such capacity or size");
  return LaunchOptions{std::move(options), capacities[*capacity], sizes[*size]};
}

TextMap make_agent_variables(const ports::LaunchSpec& spec) {
  TextMap out{{"FOOTMAN_AGENT_NAME", spec.agent.str()},
              {"FOOTMAN_AGENT_ATTEMPT", std::to_string(spec.attempt)},
              {"FOOTMAN_AGENT_URL", spec.endpoint.url}};
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) out[name] = text;
  };
  put("FOOTMAN_AGENT_TUNNEL", spec.endpoint.tunnel);
  put("FOOTMAN_AGENT_PUBLIC_KEY_SHA256", spec.endpoint.public_key_sha256);
  put("FOOTMAN_AGENT_CA", spec.endpoint.ca_pem);
  if (!spec.endpoint.ca_pem.empty() && !spec.endpoint.only_ca) out["FOOTMAN_AGENT_SYSTEM_CA"] = "true";
  if (spec.endpoint.insecure) out["FOOTMAN_AGENT_INSECURE"] = "true";
  if (spec.one_shot) out["FOOTMAN_AGENT_ONE_SHOT"] = "true";
  if (spec.orphan_timeout.count() > 0)
    out["FOOTMAN_AGENT_ORPHAN_TIMEOUT"] = fmt::format("{}ms", spec.orphan_timeout / 1ms);
  return out;
}

TextMap make_work_tags(const std::string& work) {
  if (work.empty()) return {};
  const auto at = work.rfind(" #");
  if (at == std::string::npos) return {{"job", work}};
  return {{"job", work.substr(0, at)}, {"build", work.substr(at + 2)}};
}

}  // namespace footman::cloud::ecs
