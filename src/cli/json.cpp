#include "cli/json.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

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

class Writer {
 public:
  explicit Writer(bool indents) : indents_(indents) {}

  std::string write(const json::value& value) {
    append(value, 0);
    return std::move(out_);
  }

 private:
  void append(const json::value& value, std::size_t depth) {
    const auto* object = value.if_object();
    const auto* array = value.if_array();
    const bool is_empty = (object == nullptr || object->empty()) && (array == nullptr || array->empty());
    if (is_empty) {
      out_ += scalar_text(value);
      return;
    }
    out_ += object != nullptr ? '{' : '[';
    if (object != nullptr)
      for (const auto& member : *object) {
        begin_member(depth);
        out_ += json::serialize(member.key()) + (indents_ ? ": " : ":");
        append(member.value(), depth + 1);
      }
    else
      for (const auto& member : *array) {
        begin_member(depth);
        append(member, depth + 1);
      }
    break_line(depth);
    out_ += object != nullptr ? '}' : ']';
  }

  void begin_member(std::size_t depth) {
    if (out_.back() != '{' && out_.back() != '[') out_ += ',';
    break_line(depth + 1);
  }

  void break_line(std::size_t depth) {
    if (indents_) out_.append("\n").append(2 * depth, ' ');
  }

  bool indents_;
  std::string out_;
};

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

std::string pretty(const json::value& value) { return Writer(true).write(value) + "\n"; }

std::string one_line(const json::value& value) { return Writer(false).write(value); }

}  // namespace footman::cli
