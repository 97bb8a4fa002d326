// cloud test, where no agent comes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

namespace {

std::string clouds_json(bool disabled, const std::string& rest = "") {
  return fmt::format(
      R"({{"clouds":[{{"name":"aws","healthy":true,"trouble":""{},"templates":[{{"name":"small","cloud":"aws","labels":[],"default":true,)"
      R"("trouble":"{}","breaker":{{"state":"{}"}}}}]}}]}})",
      rest, disabled ? "disabled since noon (configuration: no cluster 'x')" : "",
      disabled ? "disabled" : "closed");
}

}  // namespace

TEST_CASE("cloud test ends at once where the template is disabled or the cloud paused") {
  bool disabled = true;
  SUBCASE("disabled") {}
  SUBCASE("paused") { disabled = false; }
  ScriptServer server([disabled](const net::HttpRequest&) {
    return json_answer(clouds_json(disabled, disabled ? "" : R"(,"paused":"by admin: new disk")"));
  });
  const auto ran = run_footman({"cloud", "test", "aws"}, server.variables());
  CHECK(ran.code == 1);
  CHECK(ran.out.find(disabled ? "template 'small' is disabled since noon (configuration: no cluster 'x')"
                              : "paused by admin: new disk") != std::string::npos);
  CHECK(server.requests("POST", "/api/v1/builds").empty());
}

TEST_CASE("cloud test ends, and cancels its build, when the template is disabled while it waits") {
  std::atomic<int> looks = 0;
  std::atomic<bool> cancelled = false;
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path == "/api/v1/clouds") return json_answer(clouds_json(++looks > 2));
    if (request.path == "/api/v1/builds/17/cancel") cancelled = true;
    if (request.path == "/api/v1/builds/17/log") return stream_answer({}, true);
    return json_answer(cancelled ? R"({"id":17,"title":"x #1","state":"finished","result":"ABORTED"})"
                                 : R"({"id":17,"title":"x #1","state":"queued"})",
                       request.path == "/api/v1/builds" ? 201 : 200);
  });
  const auto ran = run_footman({"cloud", "test", "aws", "--json"}, server.variables());
  CHECK(ran.code == 1);
  CHECK(cancelled);
  CHECK(ran.out.find(R"("ok":false,"fault":"template 'small' is disabled since noon)") != std::string::npos);
}
