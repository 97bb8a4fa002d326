#include "ecs/log_place.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "ecs/words.hpp"
#include "model/words.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

std::string_view text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::object* find_logged(const json::object& definition, std::string_view container) {
  const auto* containers = definition.if_contains("containerDefinitions");
  if (containers == nullptr || !containers->is_array()) return nullptr;
  for (const auto& one : containers->get_array())
    if (one.is_object() && text_in(one.get_object(), "name") == container) return &one.get_object();
  return nullptr;
}

}  // namespace

std::optional<LogPlace> find_log_place(const json::object& definition, std::string_view container) {
  const auto* found = find_logged(definition, container);
  const auto* log = found == nullptr ? nullptr : object_in(*found, "logConfiguration");
  const auto* options = log == nullptr ? nullptr : object_in(*log, "options");
  if (options == nullptr || text_in(*log, "logDriver") != model::get_word(kLogDrivers, LogDriver::awslogs))
    return std::nullopt;
  const auto group = text_in(*options, "awslogs-group");
  const auto prefix = text_in(*options, "awslogs-stream-prefix");
  if (group.empty() || prefix.empty()) return std::nullopt;
  return LogPlace{std::string(text_in(*options, "awslogs-region")), std::string(group),
                  fmt::format("{}/{}/", prefix, container)};
}

}  // namespace footman::ecs
