#include "apps/footman/ecs_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "config/ecs_keys.hpp"
#include "ecs/fields.hpp"

namespace footman::app {
namespace {

// Their values may be secrets, or hold some.
constexpr std::string_view kMaybeSecret[] = {"environment",          "options", "driver_options",
                                             "external_id",          "command", "entry_point",
                                             "task_definition_patch"};

std::string show(const std::string& value) { return value; }
std::string show(bool value) { return value ? "true" : "false"; }
std::string show(base::Duration value) { return base::format_duration(value); }
std::string show(std::integral auto value) { return fmt::format("{}", value); }
template <class E>
  requires std::is_enum_v<E>
std::string show(E value) {
  for (const auto& word : ecs::words_of(value))
    if (word.value == value) return std::string(word.text);
  return {};
}
template <class T>
std::string show(const std::optional<T>& value);
template <class T>
std::string show(const std::vector<T>& list);
std::string show(const ecs::TextMap& map) {
  std::string text;
  for (const auto& [key, value] : map) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, value);
  return fmt::format("{{{}}}", text);
}

template <class T>
std::string show_field(std::string_view name, const T& value);

template <ecs::Object T>
std::string show(const T& value) {
  static const T kUsual{};
  std::string text;
  ecs::visit_fields(
      [&](const char* name, auto member) {
        if (value.*member != kUsual.*member)
          text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", config::ecs_key(name),
                              show_field(name, value.*member));
      },
      std::type_identity<T>());
  return fmt::format("{{{}}}", text);
}
template <class T>
std::string show(const std::optional<T>& value) {
  return value ? show(*value) : "";
}
template <class T>
std::string show(const std::vector<T>& list) {
  std::string text;
  for (const auto& item : list) text += fmt::format("{}{}", text.empty() ? "" : ", ", show(item));
  return fmt::format("[{}]", text);
}

// A part that is hidden hides the whole.
template <class T>
std::string show_field(std::string_view name, const T& value) {
  auto text = show(value);
  const auto hash = [&] { return fmt::format("{}{:x}", kHidden, std::hash<std::string>()(text)); };
  const bool hidden = std::ranges::find(kMaybeSecret, name) != std::end(kMaybeSecret);
  return (hidden && value != T{}) || text.find(kHidden) != std::string::npos ? hash() : text;
}

template <class T>
void add_fields(const T& options, const std::string& part, std::map<std::string, std::string>& out) {
  ecs::visit_fields(
      [&](const char* name, auto member) {
        out[config::ecs_key_path(part + name)] = show_field(name, options.*member);
      },
      std::type_identity<T>());
}

}  // namespace

std::map<std::string, std::string> flatten_ecs(const ecs::CloudOptions& options) {
  std::map<std::string, std::string> out;
  add_fields(options, "", out);
  return out;
}

std::map<std::string, std::string> flatten_ecs(const ecs::TemplateOptions& options) {
  std::map<std::string, std::string> out;
  add_fields(options, "", out);
  add_fields(options.size, "size.", out);
  add_fields(options.container, "container.", out);
  out.erase("env");  // the template's own
  return out;
}

}  // namespace footman::app
