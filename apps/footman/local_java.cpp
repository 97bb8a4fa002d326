#include "apps/footman/local_java.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "cloud/local/local_cloud.hpp"
#include "model/findings.hpp"
#include "runtime/real/spawn.hpp"

namespace footman::app {
namespace {

void examine(const config::TemplateConfig& one, model::Findings& out) {
  const auto variable = [&](const char* name) {
    const auto found = one.env.find(name);
    return found == one.env.end() ? std::string() : found->second;
  };
  const auto home = variable("JAVA_HOME");
  const auto own = variable("PATH");
  const auto path = own.empty() ? std::string(cloud::local::kAgentPath) : own;
  const auto java = runtime::real::find_program(home.empty() ? "java" : home + "/bin/java", path);
  if (java.starts_with('/') && ::access(java.c_str(), X_OK) == 0)
    return out.ok(fmt::format("template '{}': {}", one.name, java));
  out.fail(
      fmt::format("template '{}': its agents find no Java {}", one.name,
                  home.empty() ? "in their PATH: " + path : "at " + java),
      "install one there, or say where it is with JAVA_HOME or PATH in the template's env: agents do not "
      "have the PATH of who starts Footman");
}

}  // namespace

std::vector<model::Finding> examine_java(const config::Config& config, const config::JenkinsConfig& jenkins) {
  model::Findings out("java");
  for (const auto& cloud : config.clouds) {
    if (cloud.type != "local") continue;
    for (const auto& one : cloud.templates)
      if (config::serves(jenkins, one.name)) examine(one, out);
  }
  return out.take();
}

}  // namespace footman::app
