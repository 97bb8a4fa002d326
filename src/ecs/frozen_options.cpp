#include "ecs/frozen_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <limits>

#include "ecs/fields.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

template <class T>
std::string key_of(const char* name) {
  constexpr bool kIsTime = std::same_as<T, Duration> || std::same_as<T, std::optional<Duration>>;
  return std::string(name) + (kIsTime ? "_us" : "");
}

// ── writing

json::value write(const std::string& text) { return json::value(text); }
json::value write(bool value) { return json::value(value); }
json::value write(Duration value) { return json::value(value.count()); }
json::value write(std::unsigned_integral auto value) { return json::value(std::uint64_t{value}); }
json::value write(std::signed_integral auto value) { return json::value(std::int64_t{value}); }
template <class E>
  requires std::is_enum_v<E>
json::value write(E value) {
  for (const auto& word : words_of(value))
    if (word.value == value) return json::value(word.text);
  base::check_failed(__FILE__, __LINE__, "value in table", "an enumerator without a word");
}
template <class T>
json::value write(const std::optional<T>& value);
template <class T>
json::value write(const std::vector<T>& list);
json::value write(const TextMap& map);
template <Object T>
json::value write(const T& value);

template <class T>
json::value write(const std::optional<T>& value) {
  return write(*value);  // an empty one is left out
}

template <class T>
json::value write(const std::vector<T>& list) {
  json::array array;
  for (const auto& item : list) array.push_back(write(item));
  return array;
}

json::value write(const TextMap& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

template <Object T>
json::value write(const T& value) {
  [[maybe_unused]] static const T kDefault{};  // g++ 12 does not see the use
  json::object object;
  visit_fields(
      [&]<class Field>(const char* name, Field T::* member) {
        if (value.*member == Field{} && kDefault.*member == Field{}) return;
        object[key_of<Field>(name)] = write(value.*member);
      },
      std::type_identity<T>());
  return object;
}

// ── reading

std::unexpected<Error> corrupt(const std::string& place, std::string message) {
  return fail(Errc::corrupt, fmt::format("frozen options: {}", message), place);
}

template <class Number>
Status read_number(const json::value& value, const std::string& place, Number& out) {
  boost::system::error_code error;
  const auto number = value.to_number<Number>(error);
  if (error || value.is_double())
    return corrupt(
        place, fmt::format("a whole number from {} to {} was expected", std::numeric_limits<Number>::min(),
                           std::numeric_limits<Number>::max()));
  out = number;
  return {};
}

Status read(const json::value& value, const std::string& place, std::string& out) {
  if (!value.is_string()) return corrupt(place, "text was expected");
  out = value.get_string();
  return {};
}
Status read(const json::value& value, const std::string& place, bool& out) {
  if (!value.is_bool()) return corrupt(place, "true or false was expected");
  out = value.get_bool();
  return {};
}
Status read(const json::value& value, const std::string& place, Duration& out) {
  std::int64_t count = 0;
  FOOTMAN_TRY_STATUS(read_number(value, place, count));
  out = Duration(count);
  return {};
}
Status read(const json::value& value, const std::string& place, std::integral auto& out) {
  return read_number(value, place, out);
}
template <class E>
  requires std::is_enum_v<E>
Status read(const json::value& value, const std::string& place, E& out) {
  std::string text;
  FOOTMAN_TRY_STATUS(read(value, place, text));
  for (const auto& word : words_of(out))
    if (word.text == text) return out = word.value, Status();
  return corrupt(place, fmt::format("'{}' is not known", text));
}
template <class T>
Status read(const json::value& value, const std::string& place, std::optional<T>& out);
template <class T>
Status read(const json::value& value, const std::string& place, std::vector<T>& out);
Status read(const json::value& value, const std::string& place, TextMap& out);
template <Object T>
Status read(const json::value& value, const std::string& place, T& out);

template <class T>
Status read(const json::value& value, const std::string& place, std::optional<T>& out) {
  return read(value, place, out.emplace());
}

template <class T>
Status read(const json::value& value, const std::string& place, std::vector<T>& out) {
  const auto* array = value.if_array();
  if (array == nullptr || array->size() > kMaxFrozenItems)
    return corrupt(place, fmt::format("a list of at most {} was expected", kMaxFrozenItems));
  out.clear();
  for (const auto& item : *array) {
    const auto item_place = fmt::format("{}[{}]", place, out.size());
    FOOTMAN_TRY_STATUS(read(item, item_place, out.emplace_back()));
  }
  return {};
}

Status read(const json::value& value, const std::string& place, TextMap& out) {
  const auto* object = value.if_object();
  if (object == nullptr || object->size() > kMaxFrozenItems)
    return corrupt(place, fmt::format("a map of at most {} was expected", kMaxFrozenItems));
  out.clear();
  for (const auto& [key, item] : *object)
    FOOTMAN_TRY_STATUS(read(item, fmt::format("{}.{}", place, std::string_view(key)), out[key]));
  return {};
}

template <Object T>
Status read(const json::value& value, const std::string& place, T& out) {
  const auto* object = value.if_object();
  if (object == nullptr) return corrupt(place, "an object was expected");
  const auto within = [&](std::string_view key) {
    return place.empty() ? std::string(key) : fmt::format("{}.{}", place, key);
  };
  Status status;
  std::vector<std::string> known;
  visit_fields(
      [&]<class Field>(const char* name, Field T::* member) {
        const auto& key = known.emplace_back(key_of<Field>(name));
        const auto* found = object->if_contains(key);
        if (status && found != nullptr) status = read(*found, within(key), out.*member);
      },
      std::type_identity<T>());
  FOOTMAN_TRY_STATUS(status);
  for (const auto& [key, item] : *object)
    if (std::ranges::find(known, std::string_view(key)) == known.end())
      return corrupt(within(key), "this field is not known; a later version of Footman may have written it");
  return {};
}

template <Object T>
Result<T> parse(std::string_view text) {
  if (text.size() > kMaxFrozenOptionsBytes)
    return corrupt(
        {}, fmt::format("{} bytes are more than the limit of {}", text.size(), kMaxFrozenOptionsBytes));
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return corrupt({}, "this is not JSON: " + error.message());
  T options;
  FOOTMAN_TRY_STATUS(read(value, {}, options));
  return options;
}

}  // namespace

std::string freeze(const TemplateOptions& options) { return json::serialize(write(options)); }
std::string freeze(const CloudOptions& options) { return json::serialize(write(options)); }

Result<TemplateOptions> parse_frozen(std::string_view text) { return parse<TemplateOptions>(text); }
Result<CloudOptions> parse_frozen_cloud(std::string_view text) { return parse<CloudOptions>(text); }

}  // namespace footman::ecs
