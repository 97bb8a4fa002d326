#include "cli/json.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace footman::cli {
namespace {

const json::value* find(const json::value& object, std::string_view field) {
  const auto* all = object.if_object();
  return all == nullptr ? nullptr : all->if_contains(field);
}

// Boost writes 90.5 as 9.05E1.
std::string scalar_text(const json::value& value) {
  const auto* number = value.if_double();
  return number != nullptr ? fmt::format("{}", *number) : json::serialize(value);
}

void append_pretty(std::string& out, const json::value& value, std::size_t depth) {
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  const bool is_empty = (object == nullptr || object->empty()) && (array == nullptr || array->empty());
  if (is_empty) {
    out += scalar_text(value);
    return;
  }
  const auto break_line = [&out](std::size_t indent) { out.append("\n").append(2 * indent, ' '); };
  const char* comma = "";
  out += object != nullptr ? '{' : '[';
  if (object != nullptr) {
    for (const auto& [key, member] : *object) {
      out += comma;
      break_line(depth + 1);
      out += json::serialize(key) + ": ";
      append_pretty(out, member, depth + 1);
      comma = ",";
    }
  } else {
    for (const auto& member : *array) {
      out += comma;
      break_line(depth + 1);
      append_pretty(out, member, depth + 1);
      comma = ",";
    }
  }
  break_line(depth);
  out += object != nullptr ? '}' : ']';
}

}  // namespace

std::string text_of(const json::value& object, std::string_view field) {
  const auto* value = find(object, field);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::optional<std::int64_t> number_of(const json::value& object, std::string_view field) {
  const auto* value = find(object, field);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->if_int64()) return *number;
  return std::nullopt;
}

bool flag_of(const json::value& object, std::string_view field) {
  const auto* value = find(object, field);
  const auto* flag = value == nullptr ? nullptr : value->if_bool();
  return flag != nullptr && *flag;
}

Instant time_of(const json::value& object, std::string_view field) {
  const auto instant = parse_rfc3339(text_of(object, field));
  return instant ? *instant : Instant{};
}

std::optional<Duration> millis_of(const json::value& object, std::string_view field) {
  const auto number = number_of(object, field);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

const json::array& list_of(const json::value& object, std::string_view field) {
  static const json::array nothing;
  const auto* value = find(object, field);
  const auto* list = value == nullptr ? nullptr : value->if_array();
  return list == nullptr ? nothing : *list;
}

const json::value& part_of(const json::value& object, std::string_view field) {
  static const json::value nothing;
  const auto* value = find(object, field);
  return value == nullptr ? nothing : *value;
}

std::string words_of(const json::value& object, std::string_view field) {
  std::string words;
  for (const auto& word : list_of(object, field)) {
    const auto* text = word.if_string();
    if (text == nullptr) continue;
    if (!words.empty()) words += ' ';
    words.append(text->data(), text->size());
  }
  return words;
}

std::string number_text(const json::value& object, std::string_view field) {
  const auto number = number_of(object, field);
  return number ? std::to_string(*number) : std::string();
}

std::string pretty(const json::value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out + "\n";
}

}  // namespace footman::cli
