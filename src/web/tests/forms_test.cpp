#include <doctest/doctest.h>

#include "model/validate.hpp"
#include "web/job_form.hpp"
#include "web/web.hpp"

using namespace footman;
using namespace footman::web;
using namespace std::chrono_literals;

namespace {

Result<Form> parse(std::string body, std::string type = "application/x-www-form-urlencoded") {
  net::HttpRequest request;
  request.headers.add("Content-Type", std::move(type));
  request.body = std::move(body);
  return Form::parse(request);
}

// As a browser sends what the draft's inputs hold.
Form send(const JobDraft& draft) {
  Form form;
  form.set("path", draft.path);
  form.set("description", draft.description);
  form.set("spec.label", draft.label);
  form.set("spec.timeout", draft.timeout);
  form.set("spec.grace", draft.grace);
  form.set("spec.log_limit_bytes", draft.log_limit);
  form.set("spec.retries", draft.retries);
  form.set("quiet_period", draft.quiet_period);
  form.set("max_concurrent", draft.max_concurrent);
  form.set("keep_builds", draft.keep_builds);
  form.set("keep_for", draft.keep_for);
  form.set("changed", draft.changed);
  if (draft.enabled) form.set("enabled", "on");
  const auto at = [](const char* name, std::size_t i, const char* field) {
    return std::string(name) + "[" + std::to_string(i) + "]." + field;
  };
  for (std::size_t i = 0; i < draft.steps.size(); ++i) {
    form.set(at("spec.steps", i, "name"), draft.steps[i].name);
    form.set(at("spec.steps", i, "interpreter"), draft.steps[i].interpreter);
    form.set(at("spec.steps", i, "script"), draft.steps[i].script);
    form.set(at("spec.steps", i, "unstable_exit_status"), draft.steps[i].unstable_exit_status);
  }
  for (std::size_t i = 0; i < draft.parameters.size(); ++i) {
    form.set(at("parameters", i, "name"), draft.parameters[i].name);
    form.set(at("parameters", i, "default"), draft.parameters[i].default_value);
    form.set(at("parameters", i, "description"), draft.parameters[i].description);
    form.set(at("parameters", i, "choices"), draft.parameters[i].choices);
  }
  for (std::size_t i = 0; i < draft.variables.size(); ++i) {
    form.set(at("spec.env", i, "name"), draft.variables[i].name);
    form.set(at("spec.env", i, "value"), draft.variables[i].value);
    form.set(at("spec.env", i, "secret_ref"), draft.variables[i].secret_ref);
  }
  return form;
}

}  // namespace

TEST_CASE("forms as browsers send them") {
  const auto form = parse("a=1&b=x+y%26%3D&empty=&flag&text=one%0D%0Atwo&a=2");
  REQUIRE(form);
  CHECK(form->text("a") == "1");
  CHECK(form->text("b") == "x y&=");
  CHECK(form->has("empty"));
  CHECK(form->has("flag"));
  CHECK_FALSE(form->has("none"));
  CHECK(form->lines("text") == "one\ntwo");
  CHECK(parse("")->fields().empty());
}

TEST_CASE("forms that are none") {
  CHECK(parse("a=1", "application/json").error().code == Errc::invalid_argument);
  CHECK(parse("a=%zz").error().code == Errc::invalid_argument);
  std::string many;
  for (std::size_t i = 0; i <= kMaxFormFields; ++i) many += "a=1&";
  CHECK(parse(many).error().code == Errc::invalid_argument);
  CHECK(parse(std::string(kMaxFormBytes + 1, 'a')).error().code == Errc::resource_exhausted);
}

TEST_CASE("a job survives its form unchanged") {
  model::Job job;
  job.path = JobPath("team/app");
  job.description = "Builds\nthe <app>";
  job.spec.label = "linux && !arm";
  job.spec.timeout = 90min;
  job.spec.grace = 1500ms;
  job.spec.log_limit_bytes = 12345;
  job.spec.retries = 3;
  job.spec.steps = {{"build", "/bin/bash -eu", "make\n\nmake test\n", 255}, {"", "", "echo '\"<&>'"}};
  job.spec.env = {{"CC", "clang", ""}, {"LINES", "a\nb", ""}, {"KEY", "", "file:/run/key"}};
  job.parameters = {{"BRANCH", "main", "What to build", {}}, {"KIND", "b", "", {"a", "b"}}};
  job.quiet_period = 30s;
  job.max_concurrent = 2;
  job.keep_builds = 50;
  job.keep_for = 24h * 3 + 1h;
  job.enabled = false;
  REQUIRE(model::validate_job(job));
  const auto again = parse_job_draft(read_job_draft(send(draft_of(job))));
  REQUIRE(again);
  CHECK(again->path == job.path);
  CHECK(again->description == job.description);
  CHECK(again->spec == job.spec);
  CHECK(again->parameters == job.parameters);
  CHECK(again->quiet_period == job.quiet_period);
  CHECK(again->max_concurrent == job.max_concurrent);
  CHECK(again->keep_builds == job.keep_builds);
  CHECK(again->keep_for == job.keep_for);
  CHECK(again->enabled == job.enabled);
}

TEST_CASE("an exit status is a small number") {
  model::Job job;
  job.path = JobPath("app");
  job.spec.steps = {{"", "", "true"}, {"", "", "false"}};
  for (const auto* bad : {"256", "-1", "x", "3 "}) {
    CAPTURE(bad);
    auto draft = draft_of(job);
    draft.steps[1].unstable_exit_status = bad;
    const auto parsed = parse_job_draft(draft);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().field == "spec.steps[1].unstable_exit_status");
  }
}

TEST_CASE("empty rows are left out, wrong values are named") {
  JobDraft draft;
  draft.path = "a";
  draft.steps = {{}, {"", "", "true"}, {}};
  draft.parameters = {{}};
  draft.variables = {{}};
  const auto read = read_job_draft(send(draft));
  CHECK(read.steps.size() == 1);
  CHECK(read.parameters.empty());
  CHECK(read.variables.empty());
  const auto field_of = [&](std::string JobDraft::* member, const char* value) {
    auto wrong = read;
    wrong.*member = value;
    const auto job = parse_job_draft(wrong);
    return job ? std::string("accepted") : job.error().field;
  };
  CHECK(field_of(&JobDraft::timeout, "soon") == "spec.timeout");
  CHECK(field_of(&JobDraft::max_concurrent, "-1") == "max_concurrent");
  CHECK(field_of(&JobDraft::max_concurrent, "99999999999") == "max_concurrent");
  CHECK(field_of(&JobDraft::log_limit, "big") == "spec.log_limit_bytes");
  CHECK(field_of(&JobDraft::keep_for, "2d") == "accepted");
}
