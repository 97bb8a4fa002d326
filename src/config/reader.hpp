// What all sections of footman.yaml are read with: typed values out of a map's keys. What is wrong becomes an
// error with its place, and the value that was there before stays.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "config/yaml_tree.hpp"
#include "model/money.hpp"

namespace footman::config {

class Reader {
 public:
  using Kind = YamlNode::Kind;

  // Both outlive the reader.
  Reader(const std::string& file, const Sources& sources) : file_(file), sources_(sources) {}

  // A message that repeats what was found is cut where that is long.
  void error(Position at, std::string message, std::string key = {});
  std::size_t error_count() const { return errors_.size(); }
  // Of the errors from this one on: whose they are, by their places; empty: whose text that is.
  void set_within(std::size_t first, const std::function<std::string(Position)>& find_words);
  // In the order of the lines, each once.
  std::vector<Diagnostic> take_errors();
  const Sources& sources() const { return sources_; }

  // That it is a map of the keys that the schema has below `path`.
  bool check_keys(const YamlNode& node, std::string_view path);
  // Nothing: it is not there, null or wrong.
  const YamlNode* section(const YamlNode& map, std::string_view key, std::string_view path);
  const YamlNode* list(const YamlNode& map, std::string_view key);
  // That it is a list or a map.
  bool check_kind(const YamlNode& node, std::string_view key, YamlNode::Kind kind);

  // With `${env:…}` and `file:…` replaced. `key` is for the message.
  std::optional<std::string> text_of(const YamlNode& node, std::string_view key);

  // One value. `key` is for the message.
  void read(const YamlNode& node, std::string_view key, std::string& out);
  void read(const YamlNode& node, std::string_view key, Duration& out);
  void read(const YamlNode& node, std::string_view key, std::uint64_t& bytes);
  void read(const YamlNode& node, std::string_view key, bool& out);
  void read(const YamlNode& node, std::string_view key, std::integral auto& out) {
    parse(node, key, out, find_number<std::remove_reference_t<decltype(out)>>, "a whole number such as 10");
  }
  // What something that runs may use or has: a small number without a unit is not meant as bytes.
  void read_memory(const YamlNode& node, std::string_view key, std::uint64_t& bytes);
  void read_cpus(const YamlNode& node, std::string_view key, std::uint64_t& milli_cpus);

  // The same for the value of a key, if it is there.
  template <class Value>
  void get(const YamlNode& map, std::string_view key, Value& out) {
    if (const auto* node = map.find(key)) read(*node, key, out);
  }
  void get_memory(const YamlNode& map, std::string_view key, std::uint64_t& bytes) {
    if (const auto* node = map.find(key)) read_memory(*node, key, bytes);
  }
  void get_cpus(const YamlNode& map, std::string_view key, std::uint64_t& milli_cpus) {
    if (const auto* node = map.find(key)) read_cpus(*node, key, milli_cpus);
  }
  void get_money(const YamlNode& map, std::string_view key, std::optional<model::Money>& out,
                 Result<model::Money> (*convert)(std::string_view), std::string_view expectation);

  // `convert`: from a text to an optional<Value>.
  template <class Value, class Convert>
  void parse(const YamlNode& node, std::string_view key, Value& out, Convert convert,
             std::string_view expectation) {
    const auto text = text_of(node, key);
    if (!text) return;
    if (std::optional<Value> value = convert(*text))
      out = *value;
    else
      error(node.at, fmt::format("'{}': {} was expected, found '{}'", key, expectation, *text));
  }
  template <class Value, class Parse>
  void get_parsed(const YamlNode& map, std::string_view key, Value& out, Parse parse_text,
                  std::string_view expectation) {
    if (const auto* node = map.find(key)) parse(*node, key, out, parse_text, expectation);
  }

  template <class Value>
  void check_least(const YamlNode& map, std::string_view key, Value value, Value least,
                   std::string_view shown) {
    if (const auto* node = map.find(key); node != nullptr && value < least)
      error(node->at, fmt::format("'{}': {} or more was expected", key, shown));
  }

 private:
  std::optional<std::string> without_nul(Position at, std::string_view key, std::string text);
  const std::string& file_;
  const Sources& sources_;
  std::vector<Diagnostic> errors_;
};

}  // namespace footman::config
