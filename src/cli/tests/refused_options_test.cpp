// What the server refuses, in the words of the command line.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

TEST_CASE("what the server refuses of an option is told with the option, of a file with its field") {
  std::string field;
  ScriptServer server([&](const net::HttpRequest&) {
    return error_answer(400, "invalid_argument", "that is too long", fmt::format(R"(,"field":"{}")", field));
  });
  const Place place("fields");
  const auto file = place.file("job.yaml", "path: app\nspec: {steps: [{script: make}]}\n");
  const auto at = [&](std::string given, const std::vector<std::string>& words) {
    field = std::move(given);
    const auto ran = run_footman(words, server.variables());
    CHECK(ran.code == exit_usage);
    const auto begin = ran.err.find("(at ");
    return begin == std::string::npos ? ran.err : ran.err.substr(begin + 4, ran.err.find(')') - begin - 4);
  };
  const std::vector<std::string> run{"run", "-t", "1000d", "--", "x"};
  CHECK(at("spec.timeout_ms", run) == "--timeout");
  CHECK(at("spec.grace_ms", run) == "--grace");
  CHECK(at("spec.label", run) == "--label");
  CHECK(at("spec.env[2].name", run) == "--env");
  CHECK(at("spec.env[2].secret_ref", run) == "--secret-env");
  CHECK(at("spec.steps[0].name", run) == "--name");
  CHECK(at("spec.steps[0].script", run) == "COMMAND");
  CHECK(at("spec.timeout_ms", {"run", "--detach", "--", "x"}) == "--timeout");
  CHECK(at("quiet_period_ms", {"build", "start", "app"}) == "--quiet-period");
  CHECK(at("parameters.label", {"build", "start", "app"}) == "--param");
  CHECK(at("spec.steps[1].script", {"job", "create", "app", "--step", "x"}) == "--step");
  CHECK(at("spec.timeout_ms", {"job", "save", "app", "--step", "x"}) == "--timeout");
  CHECK(at("spec.timeout_ms", {"job", "create", file}) == "spec.timeout_ms");
}
