// Bodies of requests: what is taken, and that every mistake is named with its place.
#include "api/requests.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/json_in.hpp"
#include "api/query.hpp"
#include "model/validate.hpp"

using namespace footman::api;
using namespace footman::base;
namespace model = footman::model;

namespace {

struct Mistake {
  const char* body;
  const char* field;
  const char* message;
  const char* hint;
};

template <class T>
void check_mistake(const Result<T>& result, const Mistake& mistake) {
  CAPTURE(mistake.body);
  REQUIRE(!result);
  CHECK(result.error().code == Errc::invalid_argument);
  CHECK(result.error().field == mistake.field);
  CHECK(result.error().message.find(mistake.message) != std::string::npos);
  CHECK(result.error().hint.find(mistake.hint) != std::string::npos);
}

}  // namespace

TEST_CASE("a job with everything") {
  const auto job = parse_job(R"({
    "path": "team/app", "description": "Äpfel", "enabled": false,
    "spec": {"label": "linux", "env": [{"name": "A", "value": "1"}, {"name": "B", "secret_ref": "env:B"}],
             "steps": [{"name": "build", "interpreter": "/bin/bash", "script": "make"}, {"script": "true", "unstable_exit_status": 255}],
             "timeout_ms": 1500, "grace_ms": 0, "log_limit_bytes": 4294967296},
    "parameters": [{"name": "BRANCH", "default": "main", "description": "which", "choices": ["main", "next"]}],
    "quiet_period_ms": 250, "max_concurrent": 2, "keep_builds": 50, "keep_for_ms": 86400000})",
                             true);
  REQUIRE(job);
  CHECK(job->path == JobPath("team/app"));
  CHECK(job->description == "Äpfel");
  CHECK(!job->enabled);
  CHECK(job->spec.label == "linux");
  CHECK(job->spec.env == std::vector<model::EnvVar>{{"A", "1", ""}, {"B", "", "env:B"}});
  CHECK(job->spec.steps ==
        std::vector<model::StepSpec>{{"build", "/bin/bash", "make"}, {"", "", "true", 255}});
  CHECK(job->spec.timeout == 1500ms);
  CHECK(job->spec.grace == 0ms);
  CHECK(job->spec.log_limit_bytes == 4294967296);
  CHECK(job->parameters == std::vector<model::ParameterSpec>{{"BRANCH", "main", "which", {"main", "next"}}});
  CHECK(job->quiet_period == 250ms);
  CHECK(job->max_concurrent == 2);
  CHECK(job->keep_builds == 50);
  CHECK(job->keep_for == 24h);
}

TEST_CASE("what is left out takes its default") {
  const auto job = parse_job(R"({"spec":{"steps":[{"script":"true"}]}})", false);
  REQUIRE(job);
  CHECK(job->enabled);
  CHECK(job->spec.grace == 10s);
  CHECK(job->spec.env.empty());
}

TEST_CASE("mistakes in a job are named with their place") {
  for (const auto& mistake : {
           Mistake{R"({"spec":{"stepps":[]}})", "spec.stepps", "unknown field \"stepps\"",
                   "Did you mean \"steps\"?"},
           Mistake{R"({"spec":{"steps":[{"script":"a"},{"script":"b"},{"script":7}]}})",
                   "spec.steps[2].script", "a text was expected, not 7", ""},
           Mistake{R"({"spec":{"steps":[{"name":"x"}]}})", "spec.steps[0].script", "missing", ""},
           Mistake{R"({"spec":{"steps":[{"script":"x","unstable_exit_status":256}]}})",
                   "spec.steps[0].unstable_exit_status", "255", ""},
           Mistake{R"({"spec":{"steps":[7]}})", "spec.steps[0]", "an object was expected", ""},
           Mistake{R"({"spec":{"steps":{}}})", "spec.steps", "a list was expected", ""},
           Mistake{R"({"spec":[]})", "spec", "an object was expected, not a list", ""},
           Mistake{R"({})", "spec", "missing", ""},
           Mistake{R"([])", "", "an object was expected", ""},
           Mistake{R"({"spec":{"steps":[]},"enabled":"yes"})", "enabled", "true or false", ""},
           Mistake{R"({"spec":{"steps":[]},"enabled":null})", "enabled",
                   "true or false was expected, not null", ""},
           Mistake{R"({"spec":{"steps":[],"timeout_ms":-1}})", "spec.timeout_ms",
                   "integer from 0 to 2592000000 was expected, not -1", ""},
           Mistake{R"({"spec":{"steps":[],"timeout_ms":1.5}})", "spec.timeout_ms", "integer", ""},
           Mistake{R"({"spec":{"steps":[],"timeout_ms":1e30}})", "spec.timeout_ms", "integer", ""},
           Mistake{R"({"spec":{"steps":[],"timeout_ms":"30s"}})", "spec.timeout_ms", "expected, not a text",
                   ""},
           Mistake{R"({"spec":{"steps":[],"timeout":1}})", "spec.timeout", "unknown field", "timeout_ms"},
           Mistake{R"({"spec":{"steps":[]},"max_concurrent":4294967296})", "max_concurrent", "4294967295",
                   ""},
           Mistake{R"({"spec":{"steps":[]},"parameters":[{"name":"A","choices":["x",1]}]})",
                   "parameters[0].choices[1]", "a text was expected", ""},
           Mistake{R"({"spec":{"steps":[]},"path":"a"})", "path", "unknown field", ""},
           Mistake{"{\"spec\":\n  {,}}", "", "line 2, column 4", ""},
           Mistake{"{\"spec\":", "", "ends too early", ""},
           Mistake{"", "", "ends too early", ""},
           Mistake{"{} x", "", "not JSON at line 1, column 4", ""},
           Mistake{"{\"spec\":\"\xff\"}", "", "not JSON", ""},
       })
    check_mistake(parse_job(mistake.body, false), mistake);
  check_mistake(parse_job(R"({"spec":{"steps":[{"script":"true"}]}})", true),
                Mistake{"", "path", "this field is missing", ""});
}

TEST_CASE("JSON may be nested so deep and no deeper") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(kMaxJsonDepth)));
  CHECK(parse_json(R"([{"a":1},{"a":"b","b":{"a":["a","a"]}}])"));
  CHECK(parse_json(R"({"a":"\"a\":1", "b":"\\", "c":1})"));
  const auto twice = parse_json("{\"spec\": {\"a\": 1,\n \"b\": {}, \"a\" : 2}}");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().message == "the key \"a\" is there twice in one object, again at line 2, column 11");
  CHECK(twice.error().field == "a");
  const auto deeper = parse_json(nested(kMaxJsonDepth + 1));
  REQUIRE(!deeper);
  CHECK(deeper.error().message.find("nested more than 32 deep") != std::string::npos);
}

TEST_CASE("a list longer than its limit is refused before it is read") {
  std::string steps;
  for (std::size_t i = 0; i <= model::kMaxSteps; ++i) steps += R"({"script":"a"},)";
  steps.pop_back();
  const auto body = fmt::format(R"({{"spec":{{"steps":[{}]}}}})", steps);
  check_mistake(parse_job(body, false),
                Mistake{"", "spec.steps", "the list has 257 entries, the limit is 256", ""});
}

TEST_CASE("a build is of a job or ad hoc") {
  const auto of_job =
      parse_submit(R"({"job":"team/app","parameters":{"A":"1"},"quiet_period_ms":0,"cause":"nightly"})");
  REQUIRE(of_job);
  CHECK(of_job->job == JobPath("team/app"));
  CHECK(of_job->parameters.at("A") == "1");
  CHECK(of_job->quiet_period == Duration(0));
  CHECK(of_job->cause == "nightly");
  const auto ad_hoc = parse_submit(R"({"spec":{"steps":[{"script":"true"}]}})");
  REQUIRE(ad_hoc);
  CHECK(ad_hoc->job.empty());
  CHECK(!ad_hoc->quiet_period);

  for (const auto& mistake :
       {Mistake{R"({})", "job", "either \"job\" or \"spec\"", ""},
        Mistake{R"({"job":"a","spec":{"steps":[{"script":"true"}]}})", "spec", "either \"job\" or \"spec\"",
                ""},
        Mistake{R"({"job":""})", "job", "a job path was expected", ""},
        Mistake{R"({"job":"a//b"})", "job", "empty part", ""},
        Mistake{R"({"job":"a","parameters":{"A":1}})", "parameters.A", "a text was expected", ""},
        Mistake{R"({"job":"a","parameters":[]})", "parameters", "an object of texts", ""},
        Mistake{R"({"job":"a","parametres":{}})", "parametres", "unknown field", "parameters"},
        Mistake{R"({"job":"a","quiet_period_ms":86400001})", "quiet_period_ms", "integer from 0 to 86400000",
                ""},
        Mistake{R"({"job":"a","cause":"two\nlines"})", "cause", "control character", ""}})
    check_mistake(parse_submit(mistake.body), mistake);
  check_mistake(parse_submit(fmt::format(R"({{"job":"a","cause":"{}"}})", std::string(257, 'x'))),
                Mistake{"", "cause", "the limit is 256", ""});
}

TEST_CASE("small bodies") {
  CHECK(parse_reason("") == std::string());
  CHECK(parse_reason("{}") == std::string());
  CHECK(parse_reason(R"({"reason":"wrong branch"})") == std::string("wrong branch"));
  check_mistake(parse_reason(R"({"raeson":""})"), Mistake{"", "raeson", "unknown field", "reason"});

  const auto token = parse_token(R"({"name":"ci"})");
  REQUIRE(token);
  CHECK(token->access == Access::admin);
  CHECK(parse_token(R"({"name":"ci","access":"read"})")->access == Access::read);
  check_mistake(parse_token(R"({"name":"ci","access":"root"})"),
                Mistake{"", "access", "\"read\" or \"admin\"", ""});
}

TEST_CASE("a backup goes to a plain absolute path") {
  CHECK(parse_backup(R"({"path":"/var/backups/a.db"})") == std::string("/var/backups/a.db"));
  CHECK(parse_backup(R"({"path":"/..a"})") == std::string("/..a"));
  for (const auto* path :
       {"", "/", "a.db", "./a", "/a/../b", "/a/..", "/./a", "/a/", "//a", "/a//b", "/a\\u0000b"})
    check_mistake(parse_backup(fmt::format(R"({{"path":"{}"}})", path)),
                  Mistake{path, "path", "an absolute path", ""});
  check_mistake(parse_backup(fmt::format(R"({{"path":"/{}"}})", std::string(kMaxBackupPathBytes, 'a'))),
                Mistake{"", "path", "an absolute path", ""});
}

TEST_CASE("queries are as strict as bodies") {
  const auto read = [](std::vector<std::pair<std::string, std::string>> fields) {
    footman::net::HttpRequest request;
    request.query = std::move(fields);
    Errors errors;
    Query query(request, errors);
    const bool ended = query.flag("ended");
    const auto limit = query.limit();
    const auto state = query.word("state", model::find_build_state, "queued, running or finished");
    query.done();
    const auto status = errors.status();
    if (!status) return describe(status.error());
    return fmt::format("{} {} {}", ended, limit, state ? model::to_string(*state) : "any");
  };
  CHECK(read({}) == "false 100 any");
  CHECK(read({{"ended", "true"}, {"limit", "1000"}, {"state", "running"}}) == "true 1000 running");
  CHECK(read({{"ended", "1"}}) == "\"true\" or \"false\" was expected, not \"1\" (at ended)");
  CHECK(read({{"limit", "0"}}) == "an integer from 1 to 1000 was expected, not \"0\" (at limit)");
  CHECK(read({{"limit", "1001"}}) == "an integer from 1 to 1000 was expected, not \"1001\" (at limit)");
  CHECK(read({{"limit", "5x"}}) == "an integer from 1 to 1000 was expected, not \"5x\" (at limit)");
  CHECK(read({{"limit", ""}}) == "an integer from 1 to 1000 was expected, not \"\" (at limit)");
  CHECK(read({{"state", "done"}}) == "queued, running or finished was expected, not \"done\" (at state)");
  CHECK(read({{"limt", "5"}}) == "unknown query parameter \"limt\" (at limt). Did you mean \"limit\"?");
  CHECK(read({{"limit", "5"}, {"limit", "6"}}) == "it is there twice (at limit)");
}

TEST_CASE("ids are positive integers") {
  CHECK(parse_id("17", "id") == 17);
  for (const auto* text : {"", "0", "-1", "+1", "1.0", "abc", "9223372036854775808", "0x10", " 1"})
    CHECK(!parse_id(text, "id"));
}
