#include "jcasc/plugin_template.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/number.hpp"

namespace footman::jcasc {
namespace {

using Kind = YamlNode::Kind;

void set(YamlNode& map, const std::string& key, const YamlNode& value) {
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    if (map.keys[i].first == key) {
      map.items[i] = value;
      return;
    }
  map.keys.emplace_back(key, value.at);
  map.items.push_back(value);
}

YamlNode unite_tags(const YamlNode& parent, const YamlNode& child) {
  YamlNode all = child;
  for (const auto& tag : parent.items) {
    const auto same = [&](const YamlNode& one) { return text_of(one, "name") == text_of(tag, "name"); };
    if (std::ranges::none_of(child.items, same)) all.items.push_back(tag);
  }
  return all;
}

}  // namespace

// Configuration as code takes the default of a variable that is not set.
std::string with_defaults(std::string_view text) {
  std::string out;
  while (true) {
    const auto start = text.find("${");
    const auto end = start == text.npos ? text.npos : text.find('}', start);
    if (end == text.npos) return out.append(text);
    const auto variable = text.substr(start + 2, end - start - 2);
    out += text.substr(0, start);
    if (const auto separator = variable.find(":-"); separator != variable.npos)
      out += variable.substr(separator + 2);
    else
      out += text.substr(start, end + 1 - start);
    text.remove_prefix(end + 1);
  }
}

bool is_said(const YamlNode& map, std::string_view key) {
  const auto* value = map.find(key);
  if (value == nullptr || value->kind == Kind::null) return false;
  if (value->kind != Kind::scalar) return !value->items.empty();
  return !value->text.empty() && value->text != "0" && !base::equal_ignoring_case(value->text, "false");
}

std::string text_of(const YamlNode& map, std::string_view key) {
  const auto* value = map.find(key);
  return value != nullptr && value->kind == Kind::scalar ? with_defaults(value->text) : "";
}

std::int64_t number_of(const YamlNode& map, std::string_view key) {
  return base::find_number<std::int64_t>(text_of(map, key)).value_or(0);
}

bool is_true(const YamlNode& map, std::string_view key) {
  return base::equal_ignoring_case(text_of(map, key), "true");
}

const std::vector<YamlNode>& items_of(const YamlNode& map, std::string_view key) {
  static const std::vector<YamlNode> kNone;
  const auto* value = map.find(key);
  return value != nullptr && value->kind == Kind::list ? value->items : kNone;
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    part.remove_prefix(std::min(part.find_first_not_of(" \t\r\n"), part.size()));
    if (const auto last = part.find_last_not_of(" \t\r\n"); last != part.npos)
      parts.emplace_back(part.substr(0, last + 1));
  }
  return parts;
}

YamlNode inherit(const YamlNode& parent, const YamlNode& child) {
  auto all = parent;
  all.at = child.at;
  for (std::size_t i = 0; i < child.keys.size(); ++i) {
    const auto& key = child.keys[i].first;
    if (!is_said(child, key)) continue;
    const auto* inherited = parent.find(key);
    const bool unite = key == "tags" && inherited != nullptr && inherited->kind == Kind::list;
    set(all, key, unite ? unite_tags(*inherited, child.items[i]) : child.items[i]);
  }
  return all;
}

bool is_fargate(const YamlNode& plugin_template) {
  const auto& providers = items_of(plugin_template, "capacityProviderStrategies");
  if (providers.empty()) return base::equal_ignoring_case(text_of(plugin_template, "launchType"), "FARGATE");
  return std::ranges::any_of(providers, [](const YamlNode& one) {
    return text_of(one, "provider").find("FARGATE") != std::string::npos;
  });
}

}  // namespace footman::jcasc
