#include "api/json_in.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_keys.hpp"
#include "base/utf8.hpp"
#include "model/nearest.hpp"

namespace footman::api {
namespace json = boost::json;

namespace {

constexpr std::size_t kMaxShownNameBytes = 64;

std::string place_of(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, std::min(at, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto column =
      before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1);
  return fmt::format("line {}, column {}", line, column + 1);
}

// Texts are not repeated: what was meant for another field may be a secret.
std::string describe_found(const json::value& found) {
  switch (found.kind()) {
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
    default:
      return json::serialize(found);  // null, true, a number
  }
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::parser parser({}, options);
  json::error_code error;
  const auto used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error == json::error::too_deep)
    return fail(Errc::invalid_argument, fmt::format("the JSON is nested more than {} deep", kMaxJsonDepth));
  if (error == json::error::incomplete) return fail(Errc::invalid_argument, "not JSON: it ends too early");
  if (error)
    return fail(Errc::invalid_argument,
                fmt::format("not JSON at {}: {}", place_of(text, used), error.message()));
  if (const auto twice = find_double_key(text)) {
    const std::string shown(base::cut_utf8(twice->key, kMaxShownNameBytes));
    return fail(Errc::invalid_argument,
                fmt::format("the key \"{}\" is there twice in one object, again at {}", shown,
                            place_of(text, twice->at)),
                shown);
  }
  return parser.release();
}

void Errors::add(std::string message, std::string field, std::string hint) {
  if (!first_) first_ = Error{Errc::invalid_argument, std::move(message), std::move(field), std::move(hint)};
}

Status Errors::status() const {
  if (first_) return std::unexpected(*first_);
  return {};
}

Fields::Fields(const json::value& value, std::string path, Errors& errors)
    : object_(value.if_object()), path_(std::move(path)), errors_(errors) {
  if (object_ == nullptr)
    errors_.add(fmt::format("an object was expected, not {}", describe_found(value)), path_);
}

std::string Fields::field(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

bool Fields::has(std::string_view name) const { return object_ != nullptr && object_->contains(name); }

const json::value* Fields::find(std::string_view name, Need need) {
  if (errors_.any()) return nullptr;
  asked_.emplace_back(name);
  const auto* value = object_->if_contains(name);
  if (value == nullptr && need == Need::required && missing_.empty()) missing_ = name;
  return value;
}

void Fields::expected(std::string_view what, std::string_view name, const json::value& found) {
  errors_.add(fmt::format("{} was expected, not {}", what, describe_found(found)), field(name));
}

void Fields::text(std::string_view name, std::string& out, Need need) {
  const auto* value = find(name, need);
  if (value == nullptr) return;
  if (!value->is_string()) return expected("a text", name, *value);
  out = std::string(value->get_string());
}

void Fields::flag(std::string_view name, bool& out) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return;
  if (!value->is_bool()) return expected("true or false", name, *value);
  out = value->get_bool();
}

std::optional<std::uint64_t> Fields::read_number(std::string_view name, std::uint64_t most) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return std::nullopt;
  std::optional<std::uint64_t> number;
  if (value->is_uint64()) number = value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) number = static_cast<std::uint64_t>(value->get_int64());
  if (number && *number <= most) return number;
  expected(fmt::format("an integer from 0 to {}", most), name, *value);
  return std::nullopt;
}

void Fields::duration_ms(std::string_view name, Duration& out, Duration most) {
  using std::chrono::milliseconds;
  const auto most_ms = std::chrono::duration_cast<milliseconds>(most).count();
  if (const auto ms = read_number(name, static_cast<std::uint64_t>(most_ms)))
    out = milliseconds(static_cast<std::int64_t>(*ms));
}

const json::array* Fields::find_array(std::string_view name, std::size_t most, Need need) {
  const auto* value = find(name, need);
  if (value == nullptr) return nullptr;
  const auto* array = value->if_array();
  if (array == nullptr) {
    expected("a list", name, *value);
  } else if (array->size() > most) {
    errors_.add(fmt::format("the list has {} entries, the limit is {}", array->size(), most), field(name));
    return nullptr;
  }
  return array;
}

void Fields::texts(std::string_view name, std::vector<std::string>& out, std::size_t most) {
  const auto* array = find_array(name, most, Need::optional);
  if (array == nullptr) return;
  out.clear();
  out.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto* text = (*array)[i].if_string();
    if (text == nullptr) return expected("a text", fmt::format("{}[{}]", name, i), (*array)[i]);
    out.emplace_back(*text);
  }
}

void Fields::text_map(std::string_view name, std::map<std::string, std::string>& out, std::size_t most) {
  const auto* value = find(name, Need::optional);
  if (value == nullptr) return;
  const auto* object = value->if_object();
  if (object == nullptr) return expected("an object of texts", name, *value);
  if (object->size() > most)
    return errors_.add(fmt::format("it has {} entries, the limit is {}", object->size(), most), field(name));
  for (const auto& [key, one] : *object) {
    const std::string shown(std::string_view(key).substr(0, kMaxShownNameBytes));
    if (!one.is_string()) return expected("a text", fmt::format("{}.{}", name, shown), one);
    out[std::string(key)] = std::string(one.get_string());
  }
}

void Fields::done() {
  if (errors_.any()) return;
  for (const auto& [key, value] : *object_) {
    if (std::ranges::find(asked_, std::string_view(key)) != asked_.end()) continue;
    const std::string shown(std::string_view(key).substr(0, kMaxShownNameBytes));
    std::ranges::sort(asked_);
    const auto nearest = model::find_similar(shown, asked_);  // "timeout": "timeout_ms"
    return errors_.add(fmt::format("unknown field \"{}\"", shown), field(shown),
                       nearest ? fmt::format("Did you mean \"{}\"?", *nearest)
                               : fmt::format("Known are: {}.", fmt::join(asked_, ", ")));
  }
  if (!missing_.empty()) errors_.add("this field is missing", field(missing_));
}

}  // namespace footman::api
