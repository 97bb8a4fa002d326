#include "ecs/service_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/check.hpp"
#include "ecs/service_model_file.hpp"
#include "model/nearest.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

const json::object& read_model() {
  static const json::value model = json::parse(service_model_file());
  return model.get_object();
}

const json::object& find_shape(std::string_view name) {
  const auto* shape = read_model().at("shapes").get_object().if_contains(name);
  FOOTMAN_CHECK(shape != nullptr, "the service model is closed: every shape that it names is there");
  return shape->get_object();
}

std::unexpected<Error> wrong(const std::string& place, std::string message) {
  return fail(Errc::invalid_argument, std::move(message), place,
              fmt::format("This is what ECS takes as of {}", service_model_source()));
}

std::vector<std::string> list_words(const json::array& array) {
  std::vector<std::string> words;
  for (const auto& word : array) words.emplace_back(word.get_string());
  return words;
}

Status check_at(const json::value& value, std::string_view shape_name, const std::string& place);

Status check_structure(const json::object& object, const json::object& shape, const std::string& place) {
  const auto& members = shape.at("members").get_object();
  const auto within = [&](std::string_view name) {
    return place.empty() ? std::string(name) : fmt::format("{}.{}", place, name);
  };
  for (const auto& [name, value] : object) {
    const auto* member = members.if_contains(name);
    if (member != nullptr) {
      FOOTMAN_TRY_STATUS(check_at(value, member->get_string(), within(name)));
      continue;
    }
    std::vector<std::string> known;
    for (const auto& one : members) known.emplace_back(one.key());
    const auto nearest = model::find_nearest(name, known);
    return wrong(within(name), fmt::format("there is no '{}' here{}", std::string_view(name),
                                           nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  }
  if (const auto* required = shape.if_contains("required"))
    for (const auto& name : required->get_array())
      if (!object.contains(name.get_string()))
        return wrong(within(name.get_string()),
                     fmt::format("'{}' must be there", std::string_view(name.get_string())));
  return {};
}

Status check_list(const json::array& array, std::string_view member, const std::string& place) {
  std::size_t index = 0;
  for (const auto& item : array)
    FOOTMAN_TRY_STATUS(check_at(item, member, fmt::format("{}[{}]", place, index++)));
  return {};
}

Status check_map(const json::object& object, std::string_view member, const std::string& place) {
  for (const auto& [key, value] : object)
    FOOTMAN_TRY_STATUS(check_at(value, member, fmt::format("{}.{}", place, std::string_view(key))));
  return {};
}

Status check_word(const json::value& value, const json::array& words, const std::string& place) {
  if (value.is_string() && std::ranges::find(words, value) != words.end()) return {};
  return wrong(place, fmt::format("one of {} was expected", fmt::join(list_words(words), ", ")));
}

Status check_plain(const json::value& value, std::string_view type, const std::string& place) {
  if (type == "string" && !value.is_string()) return wrong(place, "text was expected");
  if (type == "boolean" && !value.is_bool()) return wrong(place, "true or false was expected");
  if (type == "integer" && !value.is_int64()) return wrong(place, "a whole number was expected");
  return {};
}

Status check_at(const json::value& value, std::string_view shape_name, const std::string& place) {
  const auto& shape = find_shape(shape_name);
  if (const auto* type = shape.if_contains("type")) return check_plain(value, type->get_string(), place);
  if (const auto* words = shape.if_contains("enum")) return check_word(value, words->get_array(), place);
  if (const auto* member = shape.if_contains("list")) {
    if (!value.is_array()) return wrong(place, "a list was expected");
    return check_list(value.get_array(), member->get_string(), place);
  }
  if (!value.is_object()) return wrong(place, "an object was expected");
  if (const auto* member = shape.if_contains("map"))
    return check_map(value.get_object(), member->get_string(), place);
  return check_structure(value.get_object(), shape, place);
}

}  // namespace

Status check_shape(const json::value& value, std::string_view shape) { return check_at(value, shape, {}); }

std::string_view service_model_source() {
  static const std::string source =
      fmt::format("{}, {}", std::string_view(read_model().at("source").get_string()),
                  std::string_view(read_model().at("date").get_string()));
  return source;
}

}  // namespace footman::ecs
