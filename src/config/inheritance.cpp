#include "config/inheritance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "model/nearest.hpp"

namespace footman::config {
namespace {

using Kind = YamlNode::Kind;

constexpr std::array<std::string_view, 3> kOwnKeys{"name", "abstract", "extends"};

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  return count;
}

void remove_at(YamlNode& map, std::size_t index) {
  map.keys.erase(map.keys.begin() + static_cast<std::ptrdiff_t>(index));
  map.items.erase(map.items.begin() + static_cast<std::ptrdiff_t>(index));
}

std::size_t index_of(const YamlNode& map, std::string_view key) {
  const auto found = std::ranges::find(map.keys, key, &std::pair<std::string, Position>::first);
  return static_cast<std::size_t>(found - map.keys.begin());
}

// The items of {append: […]}.
const YamlNode* find_appended(const YamlNode& node) {
  if (node.kind != Kind::map || node.keys.size() != 1) return nullptr;
  const auto* items = node.find("append");
  return items != nullptr && items->kind == Kind::list ? items : nullptr;
}

// What `own` says over what was inherited; `base` is null when nothing was.
YamlNode merge(YamlNode base, const YamlNode& own) {
  if (const auto* appended = find_appended(own); appended != nullptr && base.kind != Kind::map) {
    YamlNode list = *appended;
    if (base.kind == Kind::list) list.items.insert(list.items.begin(), base.items.begin(), base.items.end());
    return list;
  }
  if (own.kind != Kind::map) return own;
  if (base.kind != Kind::map) base = {};
  base.kind = Kind::map;
  base.at = own.at;
  for (std::size_t i = 0; i < own.keys.size(); ++i) {
    const auto& [key, place] = own.keys[i];
    const auto at = index_of(base, key);
    const bool inherited = at < base.keys.size();
    if (own.items[i].kind == Kind::null) {
      if (inherited) remove_at(base, at);
    } else if (inherited) {
      base.keys[at].second = place;
      base.items[at] = merge(std::move(base.items[at]), own.items[i]);
    } else {
      base.keys.emplace_back(key, place);
      base.items.push_back(merge({}, own.items[i]));
    }
  }
  return base;
}

// The templates of one cloud.
class Family {
 public:
  Family(const YamlNode& cloud, const YamlNode& templates, const std::string& file)
      : file_(file), templates_(templates.items), parents_(templates_.size(), kNone) {
    if (const auto* name = cloud.find("name"); name != nullptr) cloud_name_ = name->text;
    for (std::size_t i = 0; i < templates_.size(); ++i)
      if (const auto* name = templates_[i].find("name"); name != nullptr && name->kind == Kind::scalar)
        by_name_.try_emplace(name->text, i);
  }

  std::vector<Diagnostic> find_parents() {
    for (std::size_t i = 0; i < templates_.size(); ++i)
      if (const auto* extends = templates_[i].find("extends"); extends != nullptr) find_parent(i, *extends);
    for (std::size_t i = 0; i < templates_.size(); ++i) check_line(i);
    return std::move(errors_);
  }

  bool has_parent(std::size_t i) const { return parents_[i] != kNone; }

  // What resolve() copies: never less than what it results in.
  std::size_t count_work(std::size_t i) const {
    std::size_t nodes = 0;
    for (const auto one : line_of(i)) nodes += count_nodes(templates_[one]);
    return nodes;
  }

  // With all that it inherits; its own keys come last.
  YamlNode resolve(std::size_t i) const {
    const auto line = line_of(i);
    YamlNode result;
    for (auto ancestor = line.rbegin(); ancestor != line.rend(); ++ancestor) {
      for (const auto key : kOwnKeys)
        if (const auto at = index_of(result, key); at < result.keys.size()) remove_at(result, at);
      const auto& own = templates_[*ancestor];
      result = parents_[*ancestor] == kNone ? own : merge(std::move(result), own);
    }
    return result;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void error(Position at, std::string message) {
    errors_.push_back({file_, at, "'extends': " + std::move(message)});
  }
  Position place_of(std::size_t i) const { return templates_[i].place_of("extends"); }
  const std::string& name_of(std::size_t i) const { return templates_[i].find("name")->text; }

  void find_parent(std::size_t i, const YamlNode& extends) {
    if (extends.kind == Kind::null) return;
    if (extends.kind != Kind::scalar) return error(extends.at, "the name of one template was expected");
    const auto found = by_name_.find(extends.text);
    if (found == by_name_.end()) return error(extends.at, describe_unknown(extends.text));
    if (found->second == i) return error(extends.at, "a template cannot extend itself");
    parents_[i] = found->second;
  }
  std::string describe_unknown(const std::string& name) const {
    std::vector<std::string> names;
    names.reserve(by_name_.size());
    for (const auto& [known, index] : by_name_) names.push_back(known);
    const auto nearest = model::find_nearest(name, names);
    return fmt::format("the cloud '{}' has no template '{}'{}", cloud_name_, name,
                       nearest ? fmt::format("; did you mean '{}'?", *nearest) : "");
  }

  // The template, its parent, and so on; it ends before a template that is in it, and beyond the limit.
  std::vector<std::size_t> line_of(std::size_t i) const {
    std::vector<std::size_t> line{i};
    for (auto next = parents_[i]; next != kNone && std::ranges::find(line, next) == line.end();
         next = parents_[next]) {
      line.push_back(next);
      if (line.size() > kMaxAncestors + 1) break;
    }
    return line;
  }

  void check_line(std::size_t i) {
    const auto line = line_of(i);
    if (line.size() > kMaxAncestors + 1)
      return error(place_of(i), fmt::format("more than {} templates, one above the other", kMaxAncestors));
    // One error for each circle, at its first template.
    if (parents_[line.back()] != i || std::ranges::min(line) != i) return;
    std::string circle;
    for (const auto one : line) circle += fmt::format("'{}' extends ", name_of(one));
    error(place_of(i), fmt::format("{}'{}': a circle", circle, name_of(i)));
  }

  const std::string& file_;
  std::string cloud_name_;
  std::vector<YamlNode> templates_;
  std::vector<std::size_t> parents_;
  std::map<std::string, std::size_t> by_name_;
  std::vector<Diagnostic> errors_;
};

YamlNode* find_list(YamlNode& map, std::string_view key) {
  const auto at = index_of(map, key);
  return at < map.keys.size() && map.items[at].kind == Kind::list ? &map.items[at] : nullptr;
}

}  // namespace

std::vector<Diagnostic> resolve_inheritance(YamlNode& root, const std::string& file) {
  auto resolved = root;
  std::vector<Diagnostic> errors;
  std::size_t nodes = count_nodes(root);
  auto* clouds = find_list(resolved, "clouds");
  if (clouds == nullptr) return errors;
  for (auto& cloud : clouds->items) {
    auto* templates = find_list(cloud, "templates");
    if (templates == nullptr) continue;
    Family family(cloud, *templates, file);
    auto wrong = family.find_parents();
    errors.insert(errors.end(), wrong.begin(), wrong.end());
    if (!errors.empty()) continue;
    for (std::size_t i = 0; i < templates->items.size(); ++i) {
      if (!family.has_parent(i)) continue;
      auto& one = templates->items[i];
      const auto place = one.place_of("extends");
      nodes += family.count_work(i);
      if (nodes <= kMaxDocumentNodes) {
        one = family.resolve(i);
        continue;
      }
      errors.push_back({file, place,
                        fmt::format("'extends': with what is inherited, the document has more than {} values",
                                    kMaxDocumentNodes)});
      return errors;
    }
  }
  if (errors.empty()) root = std::move(resolved);
  return errors;
}

}  // namespace footman::config
