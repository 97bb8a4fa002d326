#include "ecs/service_model.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "ecs/json_text.hpp"

using namespace footman::ecs;

namespace {
std::string refusal(std::string_view text, std::string_view shape = kRegisterTaskDefinition) {
  const auto status = check_shape(boost::json::parse(text), shape);
  return status ? "right" : status.error().field + ": " + status.error().message;
}
}  // namespace

TEST_CASE("service model: what AWS takes is right") {
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"name":"a","image":"b","cpu":1,"essential":true,
      "dockerLabels":{"a":"b"},"linuxParameters":{"tmpfs":[{"containerPath":"/run","size":1}]}}],
      "networkMode":"awsvpc","cpu":"256"})") == "right");
  CHECK(refusal(R"({"taskDefinition":"ci","overrides":{"containerOverrides":[{"name":"a"}]}})", kRunTask) ==
        "right");
}

TEST_CASE("service model: what it does not have is named with its place") {
  CHECK(refusal("[]") == ": an object was expected");
  CHECK(refusal(R"({"containerDefinitions":[]})") == "family: 'family' must be there");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"name":"a"},{"enviroment":[]}]})") ==
        "containerDefinitions[1].enviroment: there is no 'enviroment' here; did you mean 'environment'?");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"cpu":"1"}]})") ==
        "containerDefinitions[0].cpu: a whole number was expected");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"cpu":1.5}]})") ==
        "containerDefinitions[0].cpu: a whole number was expected");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"essential":"yes"}]})") ==
        "containerDefinitions[0].essential: true or false was expected");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":{}})") ==
        "containerDefinitions: a list was expected");
  CHECK(refusal(R"({"family":"ci","cpu":256,"containerDefinitions":[]})") == "cpu: text was expected");
  CHECK(refusal(R"({"family":"ci","networkMode":"nat","containerDefinitions":[]})") ==
        "networkMode: one of bridge, host, awsvpc, none was expected");
  CHECK(refusal(R"({"family":"ci","containerDefinitions":[{"dockerLabels":{"a":1}}]})") ==
        "containerDefinitions[0].dockerLabels.a: text was expected");
  CHECK(
      refusal(R"({"family":"ci","containerDefinitions":[{"ulimits":[{"name":"nofile","softLimit":1}]}]})") ==
      "containerDefinitions[0].ulimits[0].hardLimit: 'hardLimit' must be there");
  CHECK(service_model_source().starts_with("botocore "));
}

TEST_CASE("merge patch: the examples of RFC 7396") {
  constexpr const char* kRows[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}};
  for (const auto& [target, patch, result] : kRows) {
    auto value = boost::json::parse(target);
    apply_merge_patch(value, boost::json::parse(patch));
    CHECK(canonical_text(value) == result);
  }
}

TEST_CASE("canonical text: the order of members does not matter, that of lists does") {
  CHECK(canonical_text(boost::json::parse(R"({"b":{"d":1,"c":2},"a":[{"y":1,"x":2}]})")) ==
        R"({"a":[{"x":2,"y":1}],"b":{"c":2,"d":1}})");
  CHECK(canonical_text(boost::json::parse("[1,2]")) != canonical_text(boost::json::parse("[2,1]")));
}
