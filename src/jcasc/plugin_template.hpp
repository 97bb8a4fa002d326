// The plugin's own values in Jenkins' YAML, and its inheritance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_tree.hpp"

namespace footman::jcasc {

using config::YamlNode;

// What the plugin takes as not said: not there, empty, 0, false.
bool is_said(const YamlNode& map, std::string_view key);

// "" when it is not there; `${NAME:-default}` is the default. What is left of `${…}` only Jenkins knows.
std::string text_of(const YamlNode& map, std::string_view key);
std::string with_defaults(std::string_view text);
std::int64_t number_of(const YamlNode& map, std::string_view key);  // 0 for what is none
bool is_true(const YamlNode& map, std::string_view key);
const std::vector<YamlNode>& items_of(const YamlNode& map, std::string_view key);
// "a, b" → {"a", "b"}; without empty ones.
std::vector<std::string> split(std::string_view text, std::string_view separators);

// What a template has with all that it inherits, as the plugin merges: what the child does not say is the
// parent's, and tags are put together by name.
YamlNode inherit(const YamlNode& parent, const YamlNode& child);

// Does the plugin run it on Fargate?
bool is_fargate(const YamlNode& plugin_template);

}  // namespace footman::jcasc
