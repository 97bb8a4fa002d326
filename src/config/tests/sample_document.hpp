// A footman.yaml with one cloud and one template in which one key of the schema is set.
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

// `path` as in the schema; an empty one sets nothing.
inline std::string document_with(std::string_view path, std::string_view value) {
  constexpr std::string_view kCloud = "clouds[].";
  constexpr std::string_view kTemplate = "clouds[].templates[].";
  constexpr std::string_view kSchedule = "clouds[].templates[].pool.schedules[].";
  std::string top, cloud, of_template;
  std::string cloud_name = "a", template_name = "t";
  if (path == "clouds[].name") {
    cloud_name = value;
  } else if (path == "clouds[].templates[].name") {
    template_name = value;
  } else if (path == "clouds[].type" || path.empty()) {
    // There is one type only.
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
  return fmt::format("{}clouds: [{{name: {}, type: local{}, templates: [{{name: {}{}}}]}}]\n", top,
                     cloud_name, cloud, template_name, of_template);
}

}  // namespace footman::config::tests
