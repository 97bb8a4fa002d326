#include "config/reader.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/number.hpp"
#include "base/utf8.hpp"
#include "config/schema.hpp"
#include "model/nearest.hpp"
#include "model/size.hpp"

namespace footman::config {
namespace {

constexpr std::size_t kMaxMessageBytes = 1000;
constexpr std::uint64_t kLeastMemory = 1 << 20;    // of anything that runs
constexpr std::uint64_t kLeastMebibytes = 1 << 7;  // smaller numbers are meant as GiB

// A parser that gives a Result as one that gives an optional.
template <class Value>
auto optional_of(Result<Value> (*parse)(std::string_view)) {
  return [parse](const std::string& text) -> std::optional<Value> {
    auto value = parse(text);
    if (!value) return std::nullopt;
    return *value;
  };
}

std::optional<bool> parse_bool(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace

void Reader::error(Position at, std::string message, std::string key) {
  if (message.size() > kMaxMessageBytes)
    message = std::string(base::cut_utf8(message, kMaxMessageBytes)) + "…";
  errors_.push_back({file_, at, std::move(message), std::move(key)});
}

void Reader::set_within(std::size_t first, const std::function<std::string(Position)>& find_words) {
  for (auto i = first; i < errors_.size(); ++i)
    errors_[i].within = find_words(errors_[i].at.value_or(Position{}));
}

std::vector<Diagnostic> Reader::take_errors() {
  const auto place = [](const Diagnostic& one) { return one.at.value_or(Position{}); };
  // First those of the text itself: what templates inherit is read for each of them again.
  std::ranges::stable_sort(errors_, {},
                           [&](const Diagnostic& one) { return std::pair(place(one), !one.within.empty()); });
  std::set<std::pair<Position, std::string>> told;
  std::erase_if(errors_,
                [&](const Diagnostic& one) { return !told.emplace(place(one), one.message).second; });
  return std::move(errors_);
}

bool Reader::check_keys(const YamlNode& node, std::string_view path) {
  if (node.kind != Kind::map) {
    error(node.at, "a map was expected, like 'name: value'");
    return false;
  }
  const auto known = keys_of(path);
  for (const auto& [key, at] : node.keys) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const auto nearest = model::find_nearest(key, known);
    error(at, fmt::format("unknown key '{}'{}", key,
                          nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  }
  return true;
}

const YamlNode* Reader::section(const YamlNode& map, std::string_view key, std::string_view path) {
  const auto* value = map.find(key);
  return value != nullptr && value->kind != Kind::null && check_keys(*value, path) ? value : nullptr;
}

const YamlNode* Reader::list(const YamlNode& map, std::string_view key) {
  const auto* value = map.find(key);
  if (value == nullptr || value->kind == Kind::null) return nullptr;
  return check_kind(*value, key, Kind::list) ? value : nullptr;
}

bool Reader::check_kind(const YamlNode& node, std::string_view key, Kind kind) {
  if (node.kind == kind) return true;
  error(node.at, fmt::format("'{}': a {} was expected, like '{}'", key, kind == Kind::list ? "list" : "map",
                             kind == Kind::list ? "- item" : "name: value"));
  return false;
}

// Paths and variables would end there.
std::optional<std::string> Reader::without_nul(Position at, std::string_view key, std::string text) {
  if (!text.contains('\0')) return text;
  error(at, fmt::format("'{}': a value has a NUL byte", key));
  return std::nullopt;
}

std::optional<std::string> Reader::text_of(const YamlNode& node, std::string_view key) {
  if (node.kind != Kind::scalar) {
    error(node.at, fmt::format("'{}': one value was expected", key));
    return std::nullopt;
  }
  if (node.text.starts_with("file:")) {
    auto content = sources_.read_file(node.text.substr(5));
    if (!content) {
      error(node.at, fmt::format("'{}': {}", key, describe(content.error())));
      return std::nullopt;
    }
    if (content->ends_with('\n')) content->pop_back();
    return without_nul(node.at, key, std::move(*content));
  }
  std::string result;
  for (std::size_t at = 0;;) {
    const auto start = node.text.find("${env:", at);
    result += node.text.substr(at, start - at);
    if (start == std::string::npos) return without_nul(node.at, key, std::move(result));
    const auto end = node.text.find('}', start);
    if (end == std::string::npos) {
      error(node.at, fmt::format("'{}': '}}' is missing after ${{env:", key));
      return std::nullopt;
    }
    const auto name = node.text.substr(start + 6, end - start - 6);
    const auto value = sources_.environment(name);
    if (!value) {
      error(node.at, fmt::format("'{}': the environment has no {}", key, name));
      return std::nullopt;
    }
    result += *value;
    at = end + 1;
  }
}

void Reader::read(const YamlNode& node, std::string_view key, std::string& out) {
  if (auto text = text_of(node, key)) out = std::move(*text);
}
void Reader::read(const YamlNode& node, std::string_view key, Duration& out) {
  parse(node, key, out, optional_of(parse_duration), "a duration such as 30s or 5m");
}
void Reader::read(const YamlNode& node, std::string_view key, std::uint64_t& bytes) {
  parse(node, key, bytes, optional_of(parse_bytes), "a size such as 64 MiB");
}
void Reader::read(const YamlNode& node, std::string_view key, bool& out) {
  parse(node, key, out, parse_bool, "true or false");
}

void Reader::read_memory(const YamlNode& node, std::string_view key, std::uint64_t& bytes) {
  read(node, key, bytes);
  if (node.kind != Kind::scalar || bytes == 0 || bytes >= kLeastMemory) return;
  if (const auto number = find_number<std::uint64_t>(node.text))
    error(node.at, fmt::format("'{}': a size with its unit was expected: {} without one are bytes; did you "
                               "mean '{} {}'?",
                               key, *number, *number, *number < kLeastMebibytes ? "GiB" : "MiB"));
}
void Reader::read_cpus(const YamlNode& node, std::string_view key, std::uint64_t& milli_cpus) {
  parse(node, key, milli_cpus, optional_of(model::parse_cpus), "a number of vCPU such as 2 or 0.25 vCPU");
}
void Reader::get_money(const YamlNode& map, std::string_view key, std::optional<model::Money>& out,
                       Result<model::Money> (*convert)(std::string_view), std::string_view expectation) {
  if (map.find(key) == nullptr) return;
  get_parsed(map, key, out.emplace(), optional_of(convert), expectation);
}

}  // namespace footman::config
