#include "config/ecs_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <limits>

#include "config/schema_rows.hpp"
#include "ecs/fargate_sizes.hpp"

namespace footman::config {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr std::uint64_t kGibibyte = 1 << 30;
// What people write for units of CPU begins here; no machine has as many whole ones without saying vCPU.
constexpr std::uint32_t kLeastMeantAsUnits = 128;
constexpr std::string_view kPatch = "task_definition_patch";

std::string join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view without_dot(std::string_view path) { return path.substr(0, path.size() - 1); }

json::value to_json(const YamlNode& node, Reader& reader) {
  if (node.kind == YamlNode::Kind::null) return nullptr;
  if (node.kind == YamlNode::Kind::list) {
    json::array list;
    for (const auto& item : node.items) list.push_back(to_json(item, reader));
    return list;
  }
  if (node.kind == YamlNode::Kind::map) {
    json::object map;
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      map[node.keys[i].first] = to_json(node.items[i], reader);
    return map;
  }
  const auto text = reader.text_of(node, kPatch).value_or("");
  if (node.quoted) return json::value(text);
  // Numbers and truths as JSON writes them; all else is text.
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (!error && (value.is_number() || value.is_bool())) return value;
  return json::value(text);
}

}  // namespace

// ── single values

void EcsReader::read_whole(const YamlNode& node, std::string_view key, std::uint64_t unit,
                           std::string_view unit_name, std::uint32_t& out) {
  std::uint64_t bytes = std::uint64_t{out} * unit;
  reader_.read_memory(node, key, bytes);
  if (bytes % unit == 0 && bytes / unit <= std::numeric_limits<std::uint32_t>::max())
    out = static_cast<std::uint32_t>(bytes / unit);
  else if (bytes >= kMebibyte || node.text.find_first_not_of("0123456789") != std::string::npos)
    reader_.error(node.at, fmt::format("'{}': a whole number of {} was expected, found '{}'", key, unit_name,
                                       node.text));
}

void EcsReader::read_units(const YamlNode& node, std::string_view key, std::uint32_t& out) {
  std::uint64_t milli_cpus = 0;
  reader_.read_cpus(node, key, milli_cpus);
  const auto units = (milli_cpus * ecs::kUnitsPerCpu + 500) / 1000;
  if (const auto bare = find_number<std::uint32_t>(node.text); bare && *bare >= kLeastMeantAsUnits)
    return reader_.error(
        node.at, fmt::format("'{}': a number of vCPU was expected; {} units of CPU are '{}'", key, *bare,
                             model::format_cpus(*bare * 1000ULL / ecs::kUnitsPerCpu)));
  out = static_cast<std::uint32_t>(units);  // kMaxMilliCpus fits
}

void EcsReader::read(const YamlNode& node, const Spot& spot, std::uint32_t& out) {
  if (spot.name.ends_with("_units")) return read_units(node, spot.key, out);
  if (spot.name.ends_with("_mib")) return read_whole(node, spot.key, kMebibyte, "MiB", out);
  if (spot.name.ends_with("_gib")) return read_whole(node, spot.key, kGibibyte, "GiB", out);
  reader_.read(node, spot.key, out);
}

template <class E>
  requires std::is_enum_v<E>
void EcsReader::read(const YamlNode& node, const Spot& spot, E& out) {
  std::vector<std::string_view> words;
  for (const auto& word : ecs::words_of(out)) words.push_back(word.text);
  reader_.parse(
      node, spot.key, out,
      [&](const std::string& text) -> std::optional<E> {
        for (const auto& word : ecs::words_of(out))
          if (same_word(word.text, text)) return word.value;
        return std::nullopt;
      },
      words.size() == 1
          ? std::string(words[0])
          : fmt::format("{} or {}", fmt::join(words.begin(), words.end() - 1, ", "), words.back()));
}

// ── lists, maps, sections

template <class T>
void EcsReader::read(const YamlNode& node, const Spot& spot, std::vector<T>& out) {
  if (!reader_.check_kind(node, spot.key, YamlNode::Kind::list)) return;
  out.clear();
  for (const auto& item : node.items) {
    const Spot at{fmt::format("{}[{}]", spot.field, out.size()), spot.schema + "[]", spot.key, spot.name};
    places_[at.field] = item.at;
    read(item, at, out.emplace_back());
  }
}

void EcsReader::read(const YamlNode& node, const Spot& spot, ecs::TextMap& out) {
  if (!reader_.check_kind(node, spot.key, YamlNode::Kind::map)) return;
  for (const auto& [key, at] : node.keys) {
    places_[join(spot.field, key)] = node.place_of(key);
    reader_.get(node, key, out[key]);
  }
}

template <ecs::Object T>
void EcsReader::read(const YamlNode& node, const Spot& spot, T& out) {
  if (reader_.check_keys(node, spot.schema)) read_fields(node, spot, out);
}

template <ecs::Object T>
void EcsReader::read_fields(const YamlNode& map, const Spot& spot, T& out) {
  ecs::visit_fields(
      [&](const char* name, auto member) { read_key(map, ecs_key(name), spot, name, out.*member); },
      std::type_identity<T>());
}

template <class T>
void EcsReader::read_key(const YamlNode& map, std::string_view key, const Spot& section,
                         std::string_view name, T& out) {
  const auto* node = map.find(key);
  if (node == nullptr) return;
  const Spot spot{join(section.field, name), join(section.schema, key), key, name};
  places_[spot.field] = node->at;
  read(*node, spot, out);
}

// ── capacity: a word, a list of providers, or a map

void EcsReader::read_providers(const YamlNode& node, const Spot& spot, ecs::Capacity& out) {
  out.kind = ecs::CapacityKind::strategy;
  places_[spot.field + ".providers"] = node.at;
  read(node,
       {spot.field + ".providers", "clouds[].templates[].ecs.capacity.providers", spot.key, "providers"},
       out.providers);
}

void EcsReader::read(const YamlNode& node, const Spot& spot, ecs::Capacity& out) {
  out = {};
  if (node.kind == YamlNode::Kind::list) return read_providers(node, spot, out);
  if (node.kind == YamlNode::Kind::map) {
    if (!reader_.check_keys(node, "clouds[].templates[].ecs.capacity")) return;
    out.kind = ecs::CapacityKind::cluster_default;
    if (const auto* providers = node.find("providers"); providers != nullptr && !providers->items.empty())
      read_providers(*providers, spot, out);
    return read_key(node, "compatibility", spot, "compatibility", out.compatibility);
  }
  std::string word;
  reader_.read(node, spot.key, word);
  for (const auto& launch_type : ecs::kLaunchTypes) {
    if (!same_word(launch_type.text, word)) continue;
    out.launch_type = launch_type.value;
    return;
  }
  if (word == "cluster_default") {
    out.kind = ecs::CapacityKind::cluster_default;
    return;
  }
  out.kind = ecs::CapacityKind::strategy;
  out.providers = {{.name = std::move(word)}};
}

void EcsReader::read(const YamlNode& node, const Spot& spot, ecs::CapacityProvider& out) {
  if (node.kind == YamlNode::Kind::scalar) return reader_.read(node, spot.key, out.name);
  if (reader_.check_keys(node, spot.schema)) read_fields(node, spot, out);
}

// ── the two sections

ecs::CloudOptions EcsReader::read_cloud(const YamlNode& section) {
  ecs::CloudOptions options;
  if (reader_.check_keys(section, without_dot(kEcsCloudPath)))
    read_fields(section, {"", std::string(without_dot(kEcsCloudPath)), "ecs", ""}, options);
  return options;
}

ecs::TemplateOptions EcsReader::read_template(const YamlNode& section) {
  ecs::TemplateOptions options;
  const std::string schema(without_dot(kEcsTemplatePath));
  if (!reader_.check_keys(section, schema)) return options;
  for (const auto* key : {"memory", "cpu"})
    if (section.find(key) != nullptr) places_["size"] = section.place_of(key);
  const auto read_part = [&](const std::string& part, auto& out) {
    ecs::visit_fields(
        [&](const char* name, auto member) {
          if (part == "container" && std::string_view(name) == "environment") return;
          read_key(section, ecs_key_path(join(part, name)), {part, schema, "ecs", part}, name, out.*member);
        },
        std::type_identity<std::remove_reference_t<decltype(out)>>());
  };
  ecs::visit_fields(
      [&](std::string_view name, auto member) {
        if (name == "container") return read_part("container", options.container);
        if (name == "size") return read_part("size", options.size);
        if (name == kPatch) return read_patch(section, options.task_definition_patch);
        read_key(section, ecs_key(name), {"", schema, "ecs", ""}, name, options.*member);
      },
      std::type_identity<ecs::TemplateOptions>());
  return options;
}

void EcsReader::read_patch(const YamlNode& section, std::string& out) {
  const auto* node = section.find(kPatch);
  if (node == nullptr) return;
  places_[std::string(kPatch)] = node->at;
  if (node->kind == YamlNode::Kind::scalar) return reader_.read(*node, kPatch, out);
  if (reader_.check_kind(*node, kPatch, YamlNode::Kind::map)) out = json::serialize(to_json(*node, reader_));
}

Position EcsReader::find_place(std::string field, Position otherwise) const {
  while (!field.empty()) {
    if (const auto found = places_.find(field); found != places_.end()) return found->second;
    const auto end = field.find_last_of(".[");
    field.resize(end == std::string::npos ? 0 : end);
  }
  return otherwise;
}

}  // namespace footman::config
