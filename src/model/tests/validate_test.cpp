#include "model/validate.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace footman::model;

namespace {

BuildSpec good_spec() {
  BuildSpec spec;
  spec.label = "linux && !arm";
  spec.env = {{"GREETING", "hello", ""}, {"TOKEN", "", "env:TOKEN"}};
  spec.steps = {{"greet", "/bin/bash -e", "echo $GREETING"}};
  return spec;
}

std::string field_of(const Status& status) { return status ? "ok" : status.error().field; }

}  // namespace

TEST_CASE("job paths") {
  for (const char* good : {"app", "team/app", "team/my app", "a.b/c-d_e", "größe"})
    CHECK(validate_job_path(good).has_value());
  for (const char* bad :
       {"", "/app", "app/", "a//b", "..", "team/..", "a?b", "a:b", "a\\b", " app", "app ", "a\nb", "a%2f"}) {
    INFO(bad);
    CHECK(field_of(validate_job_path(bad)) == "path");
  }
  // Turned around, joined, hidden: what is shown is not what it is.
  for (const char* bad : {"a\u202Egpj", "a\u200Bb", "\uFEFFa", "a\u00ADb", "a\u2028b", "a\u0085b", "a\u2066b",
                          "a\U000E0041b", "team/a\u061C"}) {
    INFO(bad);
    CHECK(field_of(validate_job_path(bad)) == "path");
  }
  for (const char* good : {"\u0627\u0628", "\u65E5\u672C", "a\u00A1", "\U0001F680"}) {
    INFO(good);
    CHECK(validate_job_path(good).has_value());
  }
  (void)validate_job_path("cut off \xF0\x9F");  // not UTF-8: nothing is read beyond the end
  CHECK_FALSE(validate_job_path(std::string(129, 'a')).has_value());
  std::string deep = "a";
  for (int i = 0; i < 16; ++i) deep += "/a";
  CHECK(validate_job_path(deep).error().code == Errc::resource_exhausted);
}

TEST_CASE("environment") {
  CHECK(validate_env_name("PATH", "f").has_value());
  for (const char* bad : {"", "1A", "A-B", "A B", "A=B", "FOOTMAN_AGENT_X"})
    CHECK_FALSE(validate_env_name(bad, "f").has_value());
  CHECK(field_of(validate_env_var({"A", std::string("x\0y", 3), ""}, "env[0]")) == "env[0].value");
  CHECK(field_of(validate_env_var({"A", "value", "env:B"}, "env[0]")) == "env[0]");
  CHECK(validate_env_var({"A", "", "file:/run/secret"}, "env[0]").has_value());
  for (const char* bad : {"file:", "file:relative", "env:", "env:1", "vault:x", "secret"})
    CHECK(field_of(validate_env_var({"A", "", bad}, "env[0]")) == "env[0].secret_ref");
}

TEST_CASE("a build's specification") {
  CHECK(validate_build_spec(good_spec()).has_value());
  auto broken = [](auto change) {
    BuildSpec spec = good_spec();
    change(spec);
    return field_of(validate_build_spec(spec, "spec."));
  };
  CHECK(broken([](BuildSpec& s) { s.label = "a &&"; }) == "spec.label");
  CHECK(broken([](BuildSpec& s) { s.steps.clear(); }) == "spec.steps");
  CHECK(broken([](BuildSpec& s) { s.steps.resize(257, s.steps[0]); }) == "spec.steps");
  CHECK(broken([](BuildSpec& s) { s.steps.push_back({"", "", ""}); }) == "spec.steps[1].script");
  CHECK(broken([](BuildSpec& s) { s.steps[0].interpreter = "bash"; }) == "spec.steps[0].interpreter");
  CHECK(broken([](BuildSpec& s) { s.steps[0].name = "a\nb"; }) == "spec.steps[0].name");
  CHECK(broken([](BuildSpec& s) { s.steps[0].script.assign(kMaxScriptBytes + 1, 'x'); }) ==
        "spec.steps[0].script");
  CHECK(broken([](BuildSpec& s) { s.env[1].name = "GREETING"; }) == "spec.env[1].name");
  CHECK(broken([](BuildSpec& s) { s.timeout = -1s; }) == "spec.timeout");
  CHECK(broken([](BuildSpec& s) { s.timeout = std::chrono::hours(24 * 31); }) == "spec.timeout");
  CHECK(broken([](BuildSpec& s) { s.grace = std::chrono::hours(2); }) == "spec.grace");
  CHECK(broken([](BuildSpec& s) {
          s.steps.resize(5, s.steps[0]);
          for (auto& step : s.steps) step.script.assign(kMaxScriptBytes, 'x');
        }) == "spec.steps");
}

TEST_CASE("jobs") {
  Job job;
  job.path = JobPath("team/app");
  job.spec = good_spec();
  job.parameters = {{"TARGET", "debug", "", {"debug", "release"}}, {"NOTE", "", "", {}}};
  CHECK(validate_job(job).has_value());
  auto wrong = job;
  wrong.spec.steps[0].script.clear();
  CHECK(field_of(validate_job(wrong)) == "spec.steps[0].script");
  job.parameters[0].default_value = "fast";
  CHECK(field_of(validate_job(job)) == "parameters[0].default");
  job.parameters[0].default_value = "debug";
  job.parameters[1].name = "TARGET";
  CHECK(field_of(validate_job(job)) == "parameters[1].name");
  job.parameters.pop_back();
  job.quiet_period = std::chrono::hours(25);
  CHECK(field_of(validate_job(job)) == "quiet_period");
}

TEST_CASE("parameters of one build") {
  const std::vector<ParameterSpec> specs{{"TARGET", "", "", {"debug", "release"}}, {"NOTE", "none", "", {}}};
  auto values = resolve_parameters(specs, {{"NOTE", "hi"}});
  REQUIRE(values.has_value());
  CHECK(values->at("TARGET") == "debug");  // the first choice
  CHECK(values->at("NOTE") == "hi");
  auto unknown = resolve_parameters(specs, {{"TARGE", "debug"}});
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().field == "parameters.TARGE");
  CHECK(unknown.error().hint == "Did you mean 'TARGET'?");
  CHECK(resolve_parameters(specs, {{"TARGET", "fast"}}).error().field == "parameters.TARGET");
}
