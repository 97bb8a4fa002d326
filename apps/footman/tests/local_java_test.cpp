#include "apps/footman/local_java.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>

using namespace footman;
using namespace footman::app;
using model::FindingState;

namespace {

// A folder with bin/java in it.
struct Java {
  std::filesystem::path home;
  Java() {
    std::string name = (std::filesystem::temp_directory_path() / "footman-java-XXXXXX").string();
    home = ::mkdtemp(name.data());
    std::filesystem::create_directory(home / "bin");
    std::ofstream(home / "bin/java") << "#!/bin/sh\n";
    std::filesystem::permissions(home / "bin/java", std::filesystem::perms::owner_all);
  }
  ~Java() { std::filesystem::remove_all(home); }
};

config::Config with_template(std::map<std::string, std::string> env) {
  config::Config config;
  config::CloudConfig cloud;
  cloud.name = "here";
  cloud.type = "local";
  config::TemplateConfig one;
  one.name = "linux";
  one.env = std::move(env);
  cloud.templates = {one};
  config.clouds = {cloud};
  return config;
}

}  // namespace

TEST_CASE("java is looked for where the agents of the template will look") {
  const Java java;
  const auto home = java.home.string();
  struct Row {
    std::map<std::string, std::string> env;
    FindingState state;
    std::string part;
  };
  const Row rows[] = {
      {{{"PATH", "/nowhere:" + home + "/bin"}}, FindingState::ok, home + "/bin/java"},
      {{{"PATH", "/nowhere:" + home}}, FindingState::failed, "in their PATH: /nowhere:" + home},
      {{{"JAVA_HOME", home}, {"PATH", "/nowhere"}}, FindingState::ok, home + "/bin/java"},
      {{{"JAVA_HOME", home + "/bin"}, {"PATH", home + "/bin"}},
       FindingState::failed,
       "at " + home + "/bin/bin/java"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.part);
    const auto found = examine_java(with_template(row.env), {});
    REQUIRE(found.size() == 1);
    CHECK(found[0].state == row.state);
    CHECK(found[0].text.contains(row.part));
    CHECK(found[0].text.starts_with("template 'linux': "));
  }
  // Never in the PATH of who asks.
  REQUIRE(::setenv("PATH", (home + "/bin").c_str(), 1) == 0);
  const auto found = examine_java(with_template({}), {});
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].text.contains(home));
}

TEST_CASE("java is looked for where it is needed only") {
  auto config = with_template({{"PATH", "/nowhere"}});
  config::JenkinsConfig jenkins;
  jenkins.templates = {"other"};
  CHECK(examine_java(config, jenkins).empty());
  config.clouds[0].type = "ecs";
  CHECK(examine_java(config, {}).empty());
}
