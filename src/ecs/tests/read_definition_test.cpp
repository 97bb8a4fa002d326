#include "ecs/read_definition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "ecs/fields.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
namespace json = boost::json;

TEST_CASE("read definition: what was made of options is read back, every field of a container and a volume") {
  const auto options = make_complete_options();
  const DefinitionScope scope{InstallationId("inst-1"), TemplateName("node"), "eu-central-1"};
  const auto made = make_task_definition(options, make_cloud(), scope).value();
  const auto back = read_definition(json::parse(made.request), made.container);
  CHECK(back.container.name == "db");
  CHECK(back.container.image == options.container.image);
  REQUIRE(back.sidecars.size() == 3);
  CHECK(back.sidecars[0].name == "footman-carrier");
  visit_fields(
      [&](const char* name, auto member) {
        CHECK_MESSAGE(back.sidecars[1].*member == options.sidecars[0].*member, name);
      },
      std::type_identity<Container>());
  REQUIRE(back.volumes.size() == options.volumes.size() + 1);
  for (const auto& volume : options.volumes) {
    auto wanted = volume;
    wanted.ebs.reset();  // RunTask's
    CHECK_MESSAGE(std::ranges::count(back.volumes, wanted) == 1, volume.name);
  }
  CHECK(back.task_role == options.task_role);
  CHECK(back.execution_role == options.execution_role);
  CHECK(back.network_mode == options.network_mode);
  CHECK(back.os_family == options.os_family);
  CHECK(back.cpu_architecture == options.cpu_architecture);
}

TEST_CASE("read definition: the first container is the agent's where no name is said") {
  const auto value =
      json::parse(R"({"containerDefinitions": [{"name": "a"}, {"name": "b", "stopTimeout": 7}]})");
  CHECK(read_definition(value, "").container.name == "a");
  CHECK_FALSE(read_definition(value, "").container.stop_timeout);
  CHECK(read_definition(value, "b").container.stop_timeout == 7s);
  CHECK(read_definition(value, "b").sidecars.at(0).name == "a");
  CHECK(read_definition(value, "c").container.name.empty());
  CHECK(read_definition(value, "c").sidecars.size() == 2);
}

TEST_CASE(
    "read definition: what is not as AWS gives it is left out, and a number that does not fit is the "
    "nearest") {
  CHECK(read_definition(json::parse("[]"), "") == TemplateOptions());
  const auto container = [](const char* members) {
    return read_definition(json::value{{"containerDefinitions", json::array{json::parse(members)}}}, "")
        .container;
  };
  CHECK(container(R"({"name": 1, "environment": {"a": 1}, "healthCheck": null, "links": [2]})").links ==
        Texts{""});
  CHECK(container(R"({"cpu": 99999999999})").cpu_units == 4294967295U);
  CHECK(container(R"({"cpu": -1, "stopTimeout": 99999999999})").cpu_units == 0);
  CHECK(container(R"({"restartPolicy": {"enabled": false}})").restart_policy == std::nullopt);
}
