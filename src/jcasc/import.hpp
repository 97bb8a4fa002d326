// Jenkins' configuration as code, as amazon-ecs-plugin writes its clouds (`jenkins.clouds[].ecs`), to a
// footman.yaml that means the same. Text in, text out.
// Source of the fields: amazon-ecs-plugin, ECSCloud and ECSTaskTemplate, commit 4d48ab3 of 2025-04-17.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_tree.hpp"

namespace footman::jcasc {

inline constexpr std::size_t kMaxClouds = 100;
inline constexpr std::size_t kMaxTemplates = 1000;  // of all clouds together

struct Imported {
  // What has another meaning, was left out or must be decided is said there in comments, beside the key it is
  // about. It is a configuration without errors, unless `problems` says otherwise.
  std::string yaml;
  std::size_t clouds = 0;
  std::size_t templates = 0;
  std::size_t to_fill_in = 0;  // places that say FILL IN
  std::vector<config::Diagnostic> problems;
  std::vector<config::Diagnostic>
      left_out;  // values of Jenkins' file of a kind that the plugin does not write
};

// `file`: for messages, and named in the result. Error: it is not YAML, holds no such cloud or too much.
std::expected<Imported, config::Diagnostic> import_jcasc(std::string_view text, const std::string& file);

}  // namespace footman::jcasc
