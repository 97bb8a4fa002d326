#include "ecs/json_text.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <vector>

namespace footman::ecs {

namespace json = boost::json;

json::value sort_members(const json::value& value) {
  if (const auto* array = value.if_array()) {
    json::array sorted;
    for (const auto& item : *array) sorted.push_back(sort_members(item));
    return sorted;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return value;
  std::vector<std::string_view> names;
  for (const auto& member : *object) names.emplace_back(member.key());
  std::ranges::sort(names);
  json::object sorted;
  for (const auto name : names) sorted[name] = sort_members(object->at(name));
  return sorted;
}

std::string canonical_text(const json::value& value) { return json::serialize(sort_members(value)); }

void apply_merge_patch(json::value& target, const json::value& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object();
  auto& object = target.get_object();
  for (const auto& [name, change] : *changes) {
    if (change.is_null())
      object.erase(name);
    else
      apply_merge_patch(object[name], change);
  }
}

}  // namespace footman::ecs
