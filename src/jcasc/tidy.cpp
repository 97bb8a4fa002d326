#include "jcasc/tidy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "jcasc/plugin_template.hpp"

namespace footman::jcasc {
namespace {

using Kind = YamlNode::Kind;

std::string_view expectation(Shape shape) {
  switch (shape) {
    case Shape::text:
      return "text";
    case Shape::number:
      return "a whole number";
    case Shape::truth:
      return "true or false";
    case Shape::list:
      return "a list of maps";
  }
  return "";
}

std::string show(const YamlNode& value) {
  switch (value.kind) {
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    default:
      return value.text;
  }
}

// "" stands for what is not said.
bool fits(const YamlNode& value, Shape shape) {
  if (value.kind == Kind::null) return true;
  if (shape == Shape::list) return value.kind == Kind::list || value.kind == Kind::map || value.text.empty();
  if (value.kind != Kind::scalar) return false;
  const auto text = with_defaults(value.text);
  if (text.empty() || shape == Shape::text) return true;
  if (shape == Shape::number) return base::find_number<std::int64_t>(text).has_value();
  return base::equal_ignoring_case(text, "true") || base::equal_ignoring_case(text, "false");
}

class Tidying {
 public:
  std::vector<Loss> run(YamlNode& map, std::span<const Field> fields) {
    remove_if(map, [&](const std::string& name, YamlNode& value) {
      const auto* field = find_field(fields, name);
      if (field == nullptr || field->fate == Fate::dropped) return false;
      if (!keep(name, value, field->shape)) return true;
      if (field->shape == Shape::list) tidy_list(name, value);
      return false;
    });
    return std::move(losses_);
  }

 private:
  template <class Predicate>
  static void remove_if(YamlNode& map, Predicate goes) {
    for (std::size_t i = 0; i < map.keys.size();) {
      if (!goes(map.keys[i].first, map.items[i])) {
        ++i;
        continue;
      }
      map.keys.erase(map.keys.begin() + static_cast<std::ptrdiff_t>(i));
      map.items.erase(map.items.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  bool keep(const std::string& path, const YamlNode& value, Shape shape) {
    if (fits(value, shape)) return true;
    lose(path, value, fmt::format("{} was expected", expectation(shape)));
    return false;
  }
  void lose(const std::string& path, const YamlNode& value, std::string_view why) {
    losses_.push_back({value.at, fmt::format("{} ({}): {}, left out", path, show(value), why)});
  }

  void tidy_list(const std::string& name, YamlNode& list) {
    if (list.kind == Kind::map) {
      YamlNode one{Kind::list, list.at, {}, {}, {}};
      one.items.push_back(std::move(list));
      list = std::move(one);
    }
    std::size_t number = 0;
    std::erase_if(list.items, [&](YamlNode& item) {
      const auto path = fmt::format("{}[{}]", name, ++number);
      if (item.kind != Kind::map) return lose(path, item, "a map was expected"), true;
      if (name != "templates") tidy_item(name, path, item);
      return false;
    });
  }

  void tidy_item(const std::string& list, const std::string& path, YamlNode& item) {
    remove_if(item, [&](const std::string& name, YamlNode& value) {
      const auto within = fmt::format("{}.{}", path, name);
      const auto known = item_fields();
      const auto field = std::ranges::find_if(
          known, [&](const ItemField& one) { return one.list == list && one.name == name; });
      if (field == known.end()) return lose(within, value, "not known"), true;
      return !keep(within, value, field->shape);
    });
  }

  std::vector<Loss> losses_;
};

}  // namespace

std::vector<Loss> tidy(YamlNode& map, std::span<const Field> fields) { return Tidying().run(map, fields); }

}  // namespace footman::jcasc
