// A footman.yaml with one cloud, one template and one Jenkins in which one key of the schema is set. It asks
// the environment for TOKEN.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace footman::config::tests {

// "a.b", "1" becomes "a: {b: 1}".
inline std::string nest(std::string_view path, std::string_view value) {
  if (path.starts_with("<label>")) return nest("gpu" + std::string(path.substr(7)), value);
  if (path.starts_with("<controller>")) return nest("footman" + std::string(path.substr(12)), value);
  const auto dot = path.find('.');
  if (dot == path.npos) return fmt::format("{}: {}", path, value);
  return fmt::format("{}: {{{}}}", path.substr(0, dot), nest(path.substr(dot + 1), value));
}

// The Jenkins, with `key` set.
inline std::string jenkins_with(std::string_view key, std::string_view value) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view fallback) {
    if (name != key) out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", name, fallback);
  };
  add("name", "j");
  add("url", "https://j.example/");
  add("user", "u");
  add("token", "\"${env:TOKEN}\"");
  if (key == "tunnel") add("connect", "tcp");
  if (!key.empty()) out += fmt::format(", {}: {}", key, value);
  return out;
}

// `path` as in the schema; an empty one sets nothing.
inline std::string document_with(std::string_view path, std::string_view value) {
  constexpr std::string_view kCloud = "clouds[].";
  constexpr std::string_view kTemplate = "clouds[].templates[].";
  constexpr std::string_view kJenkins = "jenkins[].";
  constexpr std::string_view kSchedule = "clouds[].templates[].pool.schedules[].";
  std::string top, cloud, of_template;
  auto jenkins = jenkins_with("", "");
  std::string cloud_name = "a", template_name = "t";
  if (path == "clouds[].name") {
    cloud_name = value;
  } else if (path == "clouds[].templates[].name") {
    template_name = value;
  } else if (path == "clouds[].type" || path.empty()) {
    // There is one type only.
  } else if (path.starts_with(kJenkins)) {
    jenkins = jenkins_with(path.substr(kJenkins.size()), value);
  } else if (path.starts_with(kSchedule)) {
    // Two keys are required.
    const auto key = path.substr(kSchedule.size());
    of_template =
        fmt::format(", pool: {{schedules: [{{{}{}{}: {}}}]}}", key == "cron" ? "" : "cron: 0 8 * * *, ",
                    key == "for" ? "" : "for: 1h, ", key, value);
  } else if (path.starts_with(kTemplate)) {
    of_template = ", " + nest(path.substr(kTemplate.size()), value);
  } else if (path.starts_with(kCloud)) {
    cloud = ", " + nest(path.substr(kCloud.size()), value);
  } else {
    top = nest(path, value) + "\n";
  }
  return fmt::format(
      "{}jenkins: [{{{}}}]\nclouds: [{{name: {}, type: local{}, templates: [{{name: {}{}}}]}}]\n", top,
      jenkins, cloud_name, cloud, template_name, of_template);
}

}  // namespace footman::config::tests
