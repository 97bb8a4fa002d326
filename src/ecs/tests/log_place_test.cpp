#include "ecs/log_place.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "ecs/task_definition.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
namespace json = boost::json;

namespace {

std::optional<LogPlace> find_in(const std::string& definition) {
  return find_log_place(json::parse(definition).as_object(), "agent");
}

std::string logged(const std::string& log) {
  return R"({"containerDefinitions": [{"name": "db"}, {"name": "agent", "logConfiguration": )" + log + "}]}";
}

}  // namespace

TEST_CASE("log place: of a definition that we make") {
  auto cloud = make_cloud();
  cloud.log_group = "/footman";
  const auto made = make_task_definition(
      make_fargate_options(), cloud,
      {footman::base::InstallationId("x"), footman::base::TemplateName("node"), cloud.region});
  REQUIRE(made);
  CHECK(find_in(made->request) == LogPlace{"eu-central-1", "/footman", "footman/agent/"});
}

TEST_CASE("log place: only of awslogs with a prefix, whatever else there is") {
  const std::string options = R"("options": {"awslogs-group": "g", "awslogs-stream-prefix": "p"})";
  CHECK(find_in(logged(R"({"logDriver": "awslogs", )" + options + "}")) == LogPlace{"", "g", "p/agent/"});
  for (const auto* log :
       {"null", "7", "{}", R"({"logDriver": "awslogs"})", R"({"logDriver": "awslogs", "options": []})",
        R"({"logDriver": "awslogs", "options": {"awslogs-group": "g"}})",
        R"({"logDriver": "awslogs", "options": {"awslogs-group": 7, "awslogs-stream-prefix": "p"}})",
        R"({"logDriver": "splunk", "options": {"awslogs-group": "g", "awslogs-stream-prefix": "p"}})"})
    CHECK_FALSE(find_in(logged(log)));
  for (const auto* definition :
       {"{}", R"({"containerDefinitions": 7})", R"({"containerDefinitions": [7, {"name": "other"}]})"})
    CHECK_FALSE(find_in(definition));
}
