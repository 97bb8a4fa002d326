// What becomes of answers and errors.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "cli/json.hpp"
#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

namespace {

constexpr const char* kBuild =
    R"({"id":17,"title":"team/app #3","job":"team/app","number":3,"state":"finished","result":"FAILURE",)"
    R"("reason":"Step test ended with exit status 2","cause":"started by admin","label":"linux","parameters":{},)"
    R"("attempts":1,"cancel_requested":false,"exit_status":2,"submitted_at":"2026-11-24T08:40:15.001Z",)"
    R"("duration_ms":2107})";

net::HttpResponse always(int status, std::string type, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", std::move(type));
  response.body = std::move(body);
  return response;
}

}  // namespace

TEST_CASE("without a server there is one sentence and exit code 3") {
  const Place place("nothing");
  auto ran = run_footman({"queue", "--data", place.path});
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err ==
        fmt::format("footman: no server runs on {0}. Start one with footman up --data {0}, or name one with "
                    "--url or FOOTMAN_URL\n",
                    place.path));

  place.file("server.json", R"({"url":"http://127.0.0.1:1","pid":2147483646})");
  ran = run_footman({"queue", "--data", place.path});
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("process 1073741824 is gone") != std::string::npos);

  ran = run_footman({"queue", "--url", "http://127.0.0.1:1"});
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.starts_with("footman: no server answers at http://127.0.0.1:1: "));

  CHECK(run_footman({"queue", "--url", "ftp://x"}).code == exit_usage);
  CHECK(run_footman({"queue", "--url", "nonsense"}).code == exit_usage);
  place.file("server.json", "{not json");
  CHECK(run_footman({"queue", "--data", place.path}).code == exit_usage);
}

TEST_CASE("an agent's builds are told without a count of attempts") {
  ScriptServer server([](const net::HttpRequest&) {
    return json_answer(
        R"({"agent":{"id":"local-a","state":"terminated","planned_at":"2026-11-24T08:40:15.001Z",)"
        R"("end":{"reason":"max_age","text":"It was old.","detail":"It was old (8 h of 8 h)."}},)"
        R"("sentence":"It was old (8 h of 8 h).","builds":[{"build":17,"state":"finished",)"
        R"("offered_at":"2026-11-24T08:40:15.123Z"}],"timeline":[]})");
  });
  const auto ran = run_footman({"explain", "local-a"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.contains("BUILD  STATE     OFFERED"));
  CHECK(ran.out.contains(":40:15.001 "));
  const auto told = ran.out.find("It was old (8 h of 8 h).");
  CHECK(told != std::string::npos);
  CHECK(ran.out.find("It was old", told + 1) == std::string::npos);  // once
}

TEST_CASE("errors of the API are one sentence with field and hint, and have their exit codes") {
  struct Told {
    int status;
    std::string code;
    int exit;
  };
  for (const auto& told :
       {Told{400, "invalid_argument", exit_usage}, Told{413, "content_too_large", exit_usage},
        Told{401, "unauthenticated", exit_unauthenticated}, Told{403, "permission_denied", exit_refused},
        Told{404, "not_found", exit_not_found}, Told{409, "conflict", exit_refused},
        Told{429, "resource_exhausted", exit_refused}, Told{500, "internal", exit_refused},
        Told{500, "corrupt", exit_refused}, Told{503, "unavailable", exit_unavailable},
        Told{504, "timeout", exit_unavailable}}) {
    CAPTURE(told.code);
    ScriptServer server([&](const net::HttpRequest&) {
      return error_answer(told.status, told.code, "that did not work",
                          R"(,"field":"spec.steps[2].script","hint":"Try less")");
    });
    const auto ran = run_footman({"build", "show", "17"}, server.variables());
    CHECK(ran.code == told.exit);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("footman: that did not work (at spec.steps[2].script). "));
    const auto as_json = run_footman({"build", "show", "17", "--json"}, server.variables());
    const auto error = json::parse(as_json.err).at("error");
    CHECK(text_of(error, "message") == "that did not work");
    CHECK(text_of(error, "field") == "spec.steps[2].script");
  }
}

TEST_CASE("who has no token, or a refused one, is told what to do; no token is ever shown") {
  ScriptServer server([](const net::HttpRequest& request) {
    CHECK(request.headers.value_or("Authorization", "none") != "");
    return error_answer(401, "unauthenticated", "a token is needed");
  });
  auto ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unauthenticated);
  CHECK(ran.err == fmt::format("footman: a token is needed. The token of FOOTMAN_TOKEN was refused by {}\n",
                               server.url()));
  CHECK(ran.err.find("secret-token") == std::string::npos);

  const Place place("unauthenticated");
  ran = run_footman({"queue", "--data", place.path}, {{"FOOTMAN_URL", server.url()}});
  CHECK(ran.code == exit_unauthenticated);
  CHECK(ran.err ==
        fmt::format(
            "footman: a token is needed. {}/token does not exist; set FOOTMAN_TOKEN or give --token-file\n",
            place.path));
  CHECK(server.requests().front().headers.value_or("Authorization", "") == "Bearer secret-token");
  CHECK_FALSE(server.requests().back().headers.find("Authorization").has_value());
}

TEST_CASE("what is not Footman is told apart") {
  std::string type = "text/html; charset=utf-8";
  std::string body = "<html><head><title>502 Bad Gateway</title></head><body>\x1b[31mnginx</body></html>";
  int status = 502;
  ScriptServer server([&](const net::HttpRequest&) { return always(status, type, body); });
  auto ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err ==
        fmt::format(
            "footman: what answers at {} is not Footman: HTTP 502 \"502 Bad Gateway?[31mnginx\". A proxy "
            "before the server says that the server is away\n",
            server.url()));
  server.call([&] { status = 404; });
  ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("Check --url or FOOTMAN_URL") != std::string::npos);
  server.call([&] { status = 200; });
  ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("is not Footman (HTTP 200, text/html; charset=utf-8)") != std::string::npos);
  server.call([&] {
    type = "application/json";
    body = "[[[[";
  });
  CHECK(run_footman({"queue"}, server.variables()).code == exit_unavailable);
  server.call([&] { body = "[1,2]"; });
  CHECK(run_footman({"queue"}, server.variables()).code == exit_unavailable);
  server.call([&] { body = std::string(100'000, '['); });
  CHECK(run_footman({"queue"}, server.variables()).code == exit_unavailable);
}

TEST_CASE("an answer without end is not read without end") {
  ScriptServer server([](const net::HttpRequest&) {
    return stream_answer(std::vector<std::string>(70, std::string(1 << 20, ' ')), true, "application/json");
  });
  const auto ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("larger than 64") != std::string::npos);
}

TEST_CASE("build list: query, pages, table, JSON") {
  ScriptServer server([](const net::HttpRequest& request) {
    if (!request.find_query("cursor"))
      return json_answer(fmt::format(R"({{"builds":[{0},{0}],"next":"c1"}})", kBuild));
    return json_answer(fmt::format(R"({{"builds":[{0}],"next":"c2"}})", kBuild));
  });
  auto ran = run_footman({"build", "list", "--job", "team/app", "--state", "finished", "-n", "3"},
                         server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(
      ran.out.starts_with("ID  BUILD        STATE    SUBMITTED                TOOK   WHY\n"
                          "17  team/app #3  FAILURE  2026-11-24 "));
  CHECK(ran.out.find("2.1 s  Step test ended with exit status 2\n") != std::string::npos);
  CHECK(ran.err == "there are more: --limit N\n");
  auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].target == "/api/v1/builds?job=team%2Fapp&state=finished&limit=3");
  CHECK(requests[1].target == "/api/v1/builds?job=team%2Fapp&state=finished&limit=1&cursor=c1");

  ran = run_footman({"build", "list", "--json", "-n", "3"}, server.variables());
  const auto value = json::parse(ran.out);
  CHECK(list_of(value, "builds").size() == 3);
  CHECK(number_of(list_of(value, "builds").front(), "id") == 17);
  CHECK(text_of(value, "next") == "c2");
}

TEST_CASE("build trace: CSV, JSON, and no job of that name") {
  ScriptServer server([](const net::HttpRequest& request) {
    if (request.path == "/api/v1/jobs/nope")
      return json_answer(R"({"error":{"code":"not_found","message":"There is no job nope"}})", 404);
    if (request.path == "/api/v1/jobs/idle") return json_answer(R"({"path":"idle"})");
    if (request.find_query("job")) return json_answer(R"({"builds":[]})");
    return json_answer(fmt::format(R"({{"builds":[{}]}})", kBuild));
  });
  auto ran = run_footman({"build", "trace"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "submitted,label,duration,job\n2026-11-24T08:40:15.001Z,linux,2.107,team/app\n");
  ran = run_footman({"build", "trace", "--json"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(json::parse(ran.out) == json::parse(R"({"submitted":"2026-11-24T08:40:15.001Z","label":"linux",)"
                                            R"("duration":2.107,"job":"team/app"})"));
  ran = run_footman({"build", "trace", "--job", "nope"}, server.variables());
  CHECK(ran.code == exit_not_found);
  CHECK(ran.out.empty());
  CHECK(ran.err == "footman: There is no job nope\n");
  ran = run_footman({"build", "trace", "--job", "idle"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.err == "no build ran in this time\n");
}

TEST_CASE("a build is found by its job and number") {
  ScriptServer server([](const net::HttpRequest& request) {
    if (request.path == "/api/v1/builds/17") return json_answer(kBuild);
    if (request.find_query("number") == "3") return json_answer(fmt::format(R"({{"builds":[{}]}})", kBuild));
    if (request.path == "/api/v1/jobs/team/app") return json_answer(R"({"path":"team/app"})");
    if (request.path == "/api/v1/jobs/app")
      return error_answer(404, "not_found", "There is no job app", R"(,"hint":"Did you mean 'team/app'?")");
    return json_answer(R"({"builds":[]})");
  });
  auto ran = run_footman({"build", "show", "team/app#3"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.find("17 (team/app #3)") != std::string::npos);
  ran = run_footman({"build", "show", "team/app#4"}, server.variables());
  CHECK(ran.code == exit_not_found);
  CHECK(ran.err == "footman: There is no build 4 of job team/app\n");
  ran = run_footman({"build", "show", "app#4"}, server.variables());
  CHECK(ran.code == exit_not_found);
  CHECK(ran.err == "footman: There is no job app. Did you mean 'team/app'?\n");
  for (const auto* bad : {"latest", "0", "team/app#", "team/app#x", "99999999999999999999"}) {
    CHECK_MESSAGE(run_footman({"build", "show", bad}, server.variables()).code == exit_usage, bad);
  }
}

TEST_CASE("jobs: what is sent, from a file, from standard input, from options") {
  constexpr const char* job = R"({"path":"team/app","spec":{"steps":[]},"next_number":1})";
  ScriptServer server([&](const net::HttpRequest& request) {
    return request.method == "DELETE" ? json_answer("", 204) : json_answer(job, 201);
  });
  const Place place("job");
  const auto file =
      place.file("job.yaml", "path: team/app\nspec: {steps: [{script: make}]}\nnext_number: 7\n");
  CHECK(run_footman({"job", "create", file}, server.variables()).code == exit_ok);
  CHECK(server.requests("POST", "/api/v1/jobs").back().body ==
        R"({"path":"team/app","spec":{"steps":[{"script":"make"}]}})");
  CHECK(
      run_footman({"job", "create", "--stdin", "--path", "x"}, server.variables(), R"({"spec":{"steps":[]}})")
          .code == exit_ok);
  CHECK(server.requests("POST", "/api/v1/jobs").back().body == R"({"spec":{"steps":[]},"path":"x"})");
  CHECK(run_footman({"job", "save", "a b/ü", "--step", "x", "--step", "y", "-e", "A=1", "--secret-env",
                     "K=env:KEY", "-t", "5m", "-p", "BRANCH=main", "--max-concurrent", "2", "--disabled"},
                    server.variables())
            .code == exit_ok);
  const auto saved = server.requests().back();
  CHECK(saved.method == "PUT");
  CHECK(saved.target == "/api/v1/jobs/a%20b/%C3%BC");
  CHECK(
      json::parse(saved.body) ==
      json::parse(
          R"({"spec":{"env":[{"name":"A","value":"1"},{"name":"K","secret_ref":"env:KEY"}],"timeout_ms":300000,)"
          R"("steps":[{"script":"x"},{"script":"y"}]},"parameters":[{"name":"BRANCH","default":"main"}],)"
          R"("enabled":false,"max_concurrent":2})"));
  CHECK(run_footman({"job", "delete", "team/app"}, server.variables()).code == exit_ok);
  CHECK(server.requests().back().method == "DELETE");

  const auto before = server.requests().size();
  const auto problem = [&](const std::vector<std::string>& words, const std::string& input = "") {
    const auto ran = run_footman(words, server.variables(), input);
    CHECK(ran.code == exit_usage);
    return ran.err;
  };
  CHECK(problem({"job", "create", "team/new"}).find("--step 'make test'") != std::string::npos);
  CHECK(problem({"job", "create"}).find("--stdin") != std::string::npos);
  CHECK(problem({"job", "create", "--stdin"}, "spec: {}").find("the job has no path (at path)") !=
        std::string::npos);
  CHECK(problem({"job", "create", "--stdin"}, "a: [").find("standard input:1:") != std::string::npos);
  CHECK(problem({"job", "create", "--stdin"}, "- a").find("a job is a map") != std::string::npos);
  CHECK(problem({"job", "create", "x", "--step", "y", "--secret-env", "K=hunter2"}).find("hunter2") ==
        std::string::npos);
  CHECK(problem({"job", "create", "x", "--step", "y", "-e", "NOVALUE"})
            .find("--env: NAME=VALUE was expected") != std::string::npos);
  CHECK(server.requests().size() == before);
}

TEST_CASE("explain tells the whole story") {
  const auto timeline =
      R"([{"at":"2026-11-24T08:40:15.001Z","kind":"submitted","text":"started by admin"},)"
      R"({"at":"2026-11-24T08:40:15.013Z","kind":"connected","text":"The agent\u001b[2J connected"}])";
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path == "/api/v1/agents/local-x/explain") {
      return json_answer(fmt::format(
          R"({{"sentence":"It ran build 17 and ended.","agent":{{"id":"local-x","state":"terminated",)"
          R"("launch":{{"reason":"waiting_item","text":"It waits."}}}},)"
          R"("builds":[{{"build":17,"attempt":1,"state":"finished","reason":""}}],"timeline":{}}})",
          timeline));
    }
    return json_answer(fmt::format(
        R"({{"sentence":"It failed.","build":{},"considered":[],"attempts":[],"steps":[{{"index":0,"name":"test","exit_status":2,"wall_time_ms":1500}},)"
        R"({{"index":1,"name":"lost","finished_at":"2026-11-24T08:40:19Z","wall_time_ms":2500}},)"
        R"({{"index":2,"name":"all","exit_status":0,"finished_at":"2026-11-24T08:40:19Z",)"
        R"("wall_time_ms":1,"cpu_time_ms":0,"peak_memory_bytes":4096}}],"timeline":{}}})",
        kBuild, timeline));
  });
  auto ran = run_footman({"explain", "17"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.starts_with("build 17 (team/app #3): FAILURE\nIt failed.\n"));
  CHECK(ran.out.find("test  exit status 2  1.5 s") != std::string::npos);
  CHECK(ran.out.contains("lost  not known      2.5 s  not known  not known\n"));
  CHECK(ran.out.contains("all   exit status 0  1 ms   0 ms       4.0 KiB\n"));
  CHECK(ran.out.find("+12 ms  The agent?[2J connected\n") != std::string::npos);
  ran = run_footman({"explain", "local-x"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.starts_with("agent local-x: terminated\nIt ran build 17 and ended.\n"));
  CHECK(ran.out.find("waiting_item\n") != std::string::npos);
  CHECK(ran.out.find("Builds it was given") != std::string::npos);
}

TEST_CASE("a job's path is neither a build nor an agent") {
  ScriptServer server([](const net::HttpRequest&) { return json_answer("{}"); });
  const auto ran = run_footman({"explain", "team/app"}, server.variables());
  CHECK(ran.code == exit_usage);
  CHECK(ran.err ==
        "footman: \"team/app\" is neither a build nor an agent. Give a build such as 17 or team/app#3, an "
        "agent's id such as local-k3v9q2m7, or its node in a Jenkins\n");
  CHECK(server.requests().empty());
}

TEST_CASE("explain lists the templates of a build whose agent is on its way") {
  ScriptServer server([&](const net::HttpRequest&) {
    return json_answer(
        fmt::format(R"({{"sentence":"It waits.","build":{},"considered":[)"
                    R"({{"cloud":"here","template":"big","code":"template_cap","text":"2 of 2 agents exist",)"
                    R"("look_again_on":"agent_ends"}},)"
                    R"({{"cloud":"here","template":"small","code":"launching","text":"Agent here-x comes.",)"
                    R"("expected_at":"2999-01-01T00:00:00Z"}}],"attempts":[],"steps":[],"timeline":[]}})",
                    kBuild));
  });
  const auto ran = run_footman({"explain", "17"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.find("here   big       2 of 2 agents exist. Looked at again when an agent ends.\n") !=
        std::string::npos);
  CHECK(ran.out.find("here   small     Agent here-x comes. Expected in ") != std::string::npos);
}

TEST_CASE("the other lists, empty and full") {
  bool empty = true;
  ScriptServer server([&](const net::HttpRequest& request) {
    const auto& path = request.path;
    if (path == "/api/v1/queue") {
      return json_answer(
          empty
              ? R"({"items":[],"total":0})"
              : R"({"items":[{"id":1,"build":17,"title":"ad hoc #1","number":1,"state":"buildable","label":"gpu",)"
                R"("since_at":"2026-11-24T08:40:15Z","reason":{"code":"no_template","text":"no template offers gpu","look_again_on":"configuration_changes"}},)"
                R"({"id":2,"build":18,"title":"ad hoc #2","number":2,"state":"buildable","label":"",)"
                R"("since_at":"2026-11-24T08:40:15Z","reason":{"code":"launching","text":"Agent a is being launched.","expected_at":"2999-01-01T00:00:00Z"}}],"total":9})");
    }
    if (path == "/api/v1/agents") {
      return json_answer(
          empty
              ? R"({"agents":[]})"
              : R"({"agents":[{"id":"local-x","state":"online","cloud":"local","template":"t","labels":["a","b"],"build":17},)"
                R"({"id":"local-y","state":"launching","cloud":"local","template":"t","labels":[],"for_item":"8","promised_to":"9"}]})");
    }
    if (path == "/api/v1/tokens")
      return json_answer(R"({"tokens":[{"name":"admin","access":"admin","file":true}]})");
    return json_answer(
        R"({"clouds":[{"name":"local","cap":4,"starting":1,"online":2,"ending":0,"healthy":true,"trouble":"",)"
        R"("templates":[{"name":"t","labels":["x"],"default":true,"max_builds":1,"cap":0,"holding":3,"held":true,"trouble":"no capacity","idle_ms":90000,"breaker":{"state":"half_open"},)"
        R"("pool":{"size":"2 idle","target":2,"at_work":3,"idle":1,"on_way":1,"hits":7,"misses":2,"hold":"cloud_cap","trouble":"4 of 4"}},)"
        R"({"name":"u","labels":[],"default":false,"max_builds":20,"cap":0,"holding":0,"held":false,"trouble":"","breaker":{"state":"closed"}}]},)"
        R"({"name":"far","cap":0,"starting":0,"online":0,"ending":0,"healthy":true,"trouble":"","warning":"half of it is deaf","templates":[]}]})");
  });
  CHECK(run_footman({"queue"}, server.variables()).err == "nothing waits\n");
  CHECK(run_footman({"agent", "list"}, server.variables()).err.starts_with("no agents now"));
  server.call([&] { empty = false; });
  auto ran = run_footman({"queue"}, server.variables());
  CHECK(ran.out.find("17     ad hoc #1  buildable  gpu ") != std::string::npos);
  CHECK(ran.out.find("no template offers gpu. Looked at again when the configuration changes.\n") !=
        std::string::npos);
  CHECK(ran.out.find("Agent a is being launched. Expected in ") != std::string::npos);
  CHECK(ran.err == "2 of 9: --limit N\n");
  ran = run_footman({"agent", "list", "--ended"}, server.variables());
  CHECK(ran.out.find("a b     -      runs build 17") != std::string::npos);
  CHECK(ran.out.find("for queue item 9") != std::string::npos);
  CHECK(server.requests().back().target == "/api/v1/agents?ended=true&limit=100");
  ran = run_footman({"cloud", "list"}, server.variables());
  CHECK(ran.out.find("local  -         3/4     -       -        -          -           healthy    -\n") !=
        std::string::npos);
  CHECK(ran.out.find(
            "-      t         3       x       yes      -          1 min 30 s  half_open  no capacity\n") !=
        std::string::npos);
  CHECK(ran.out.find("-      u         0       -       -        20 builds") != std::string::npos);
  CHECK(ran.out.find("healthy    half of it is deaf\n") != std::string::npos);
  ran = run_footman({"pool", "list"}, server.variables());
  CHECK(ran.out.find(
            "t         local  2 idle  1/2    1           3        7 of 9  1 min 30 s  -          4 of 4\n") !=
        std::string::npos);
  ran = run_footman({"pool", "list", "--json"}, server.variables());
  CHECK(ran.out.find(R"("template": "t")") != std::string::npos);
  CHECK(run_footman({"token", "list"}, server.variables()).out.find("of the file in the data directory") !=
        std::string::npos);
}

TEST_CASE("costs as a table, as values and of one agent or build") {
  bool empty = false;
  const std::string cost =
      R"({"total_micro_usd":12300,"useful_micro_usd":10000,"idle_micro_usd":2300,"useful_ms":30000,"idle_ms":5500,"final":true})";
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path.starts_with("/api/v1/agents/"))
      return json_answer(R"({"id":"a-1","state":"online","micro_usd_per_hour":50000,"cost":)" + cost + "}");
    if (request.path.starts_with("/api/v1/builds/"))
      return json_answer(
          R"({"id":17,"title":"x","state":"running","cost":{"total_micro_usd":5,"final":false}})");
    const auto sum = R"("builds":2,"agents":1,"cost":)" + cost + "}";
    const auto row = R"([{"key":"a,\"b\"",)" + sum + R"(,{"key":"",)" + sum + "]";
    return json_answer(
        R"({"by":"job","more":false,"rows":)" + (empty ? "[]" : row) + R"(,"total":{)" + sum +
        R"(,"running":{"agents":2,"total_micro_usd":70000},"price_lists":)"
        R"([{"name":"aws-ec2","title":"EC2","date":"2026-05-01","source":"https://example.com/"}]})");
  });
  const auto vars = server.variables();
  auto ran =
      run_footman({"cost", "--by", "job", "--since", "2026-11-24", "--until", "2026-11-25T08:00:00Z"}, vars);
  CHECK(ran.code == 0);
  CHECK(ran.out.find("JOB     BUILDS  AGENTS  AT WORK  IDLE   WORK   IDLE COST  TOTAL\n") !=
        std::string::npos);
  CHECK(ran.out.find("(none)  2       1       30.0 s   5.5 s  $0.01  $0.0023    $0.0123\n") !=
        std::string::npos);
  CHECK(ran.err ==
        "not in it: 2 agents that are there now, $0.07 so far\n"
        "list prices aws-ec2 are of 2026-05-01, from https://example.com/\n");
  CHECK(server.requests().back().target ==
        "/api/v1/costs?by=job&since=2026-11-24T00%3A00%3A00.000Z&until=2026-11-25T08%3A00%3A00.000Z");
  CHECK(run_footman({"cost", "--csv"}, vars).out ==
        "job,builds,agents,work_seconds,idle_seconds,work_usd,idle_usd,total_usd\n"
        "\"a,\"\"b\"\"\",2,1,30.000,5.500,0.01,0.0023,0.0123\n"
        ",2,1,30.000,5.500,0.01,0.0023,0.0123\n");
  CHECK(run_footman({"cost", "--json"}, vars).out.find("\"useful_micro_usd\": 10000") != std::string::npos);
  CHECK(run_footman({"cost", "--json"}, vars).out.find("\"date\": \"2026-05-01\"") != std::string::npos);
  CHECK(run_footman({"cost", "--since", "7d"}, vars).code == 0);
  const auto both = run_footman({"cost", "--csv", "--json"}, vars);
  CHECK(both.code == exit_usage);
  CHECK(both.err.find("--csv and --json do not go together") != std::string::npos);
  CHECK(both.out.empty());
  CHECK(server.requests().back().target.starts_with("/api/v1/costs?since=20"));
  ran = run_footman({"cost", "--since", "yesterday"}, vars);
  CHECK(ran.code == exit_usage);
  CHECK(ran.err.find("--since: 'yesterday' is not a time") != std::string::npos);
  CHECK(run_footman({"cost", "--by", "week"}, vars).code == exit_usage);
  server.call([&] { empty = true; });
  CHECK(run_footman({"cost"}, vars).err.starts_with("no agent has ended in this time"));
  ran = run_footman({"agent", "show", "a-1"}, vars);
  CHECK(ran.out.find("$0.05/h") != std::string::npos);
  CHECK(ran.out.find("$0.0123: $0.01 in 30.0 s of work, $0.0023 in 5.5 s idle\n") != std::string::npos);
  CHECK(run_footman({"build", "show", "17"}, vars).out.find("$0.000005 so far: ") != std::string::npos);
}

TEST_CASE("each Jenkins: list, show, detach") {
  ScriptServer server([](const net::HttpRequest& request) {
    constexpr std::string_view kOne =
        R"({"name":"ci","url":"https://j/","reach":"away","trouble":"It cannot be reached.","detached":false,)"
        R"("tells_labels":false,"items":2,"nodes":1,"violations":1,"since_at":"2026-11-24T08:40:15Z"})";
    if (request.path == "/api/v1/jenkins") return json_answer(fmt::format(R"({{"jenkins":[{}]}})", kOne));
    if (request.path.ends_with("/detach")) return json_answer(R"({"removed":4})");
    return json_answer(fmt::format(
        R"({{"jenkins":{},"items":[{{"title":"app #7","label":"gpu","verdict":"wanted","text":"",)"
        R"("since_at":"2026-11-24T08:40:15Z","reason":{{"code":"cap","text":"Too many."}}}},)"
        R"({{"title":"odd","verdict":"label_not_told","text":"Nobody knows.","since_at":"2026-11-24T08:40:15Z"}}],)"
        R"("nodes":[{{"name":"footman-a","agent":"a","state":"held","connected":true,"work":"app #6","created_at":"2026-11-24T08:40:15Z"}}],)"
        R"("violations":["a second one"]}})",
        kOne));
  });
  const auto vars = server.variables();
  auto ran = run_footman({"jenkins", "list"}, vars);
  CHECK(ran.out.find("ci    https://j/  away   2        1      1           It cannot be reached.\n") !=
        std::string::npos);
  ran = run_footman({"jenkins", "show", "c/i"}, vars);
  CHECK(server.requests().back().target == "/api/v1/jenkins/c%2Fi");
  for (const auto* text :
       {"It cannot be reached.", "Too many.", "Nobody knows.", "app #6", "violation: a second one"})
    CHECK(ran.out.find(text) != std::string::npos);
  CHECK(run_footman({"jenkins", "show", "ci", "--json"}, vars).out.find("label_not_told") !=
        std::string::npos);
  ran = run_footman({"jenkins", "detach", "ci"}, vars);
  CHECK(ran.out.starts_with("4 placeholders removed; no agent is launched for 'ci' any more"));
  CHECK(server.requests().back().method == "POST");
}

TEST_CASE("what changes something says so, in JSON too") {
  ScriptServer server([](const net::HttpRequest& request) {
    const auto& path = request.path;
    if (path == "/api/v1/tokens")
      return json_answer(R"({"name":"p","access":"read","file":false,"token":"footman_x"})", 201);
    if (path == "/api/v1/tokens/p") return json_answer("", 204);
    if (path == "/api/v1/sign-in-links")
      return json_answer(R"({"path":"/ui/sign-in?code=7h","expires_at":"2026-11-24T08:50:15Z"})", 201);
    if (path == "/api/v1/reload") return json_answer(R"({"changes":["clouds[local].cap: 4 -> 8"]})");
    if (path == "/api/v1/backup") return json_answer(R"({"path":"/b/x.db","took_ms":12})");
    if (path == "/api/v1/server")
      return json_answer(
          R"({"version":"0.1.0","ok":false,"problems":["no space left"],"counts":{"queue_items":2}})");
    if (path == "/api/v1/reconcile")
      return json_answer(
          R"({"at":"2026-11-24T08:40:15Z","matched":2,"held":{"reason":"too_many","text":"So many.","would_end":4,"seen":6},)"
          R"("findings":[{"verdict":"orphan","agent":"a-1","cloud":"here","handle":"i-1","text":"No record.","held":true}],"held_builds":3})");
    if (path == "/api/v1/reconcile/apply")
      return json_answer(R"({"matched":2,"findings":[],"applied":4,"held_builds":0,"released_builds":1})");
    if (path.ends_with("/pause")) return json_answer(R"({"name":"here","paused":"by admin: new disk"})");
    if (path.ends_with("/resume")) return json_answer(R"({"name":"here"})");
    if (path.ends_with("/cancel")) return json_answer(R"({"id":17,"title":"x","state":"running"})");
    return json_answer(R"({"id":"local-x","state":"draining"})");
  });
  const auto vars = server.variables();
  CHECK(run_footman({"token", "create", "p", "--access", "read"}, vars).out == "footman_x\n");
  CHECK(server.requests().back().body == R"({"name":"p","access":"read"})");
  CHECK(run_footman({"token", "revoke", "p"}, vars).out == "token p is revoked\n");
  CHECK(run_footman({"ui"}, vars).out == server.url() + "/ui/sign-in?code=7h\n");
  CHECK(run_footman({"config", "reload"}, vars).out == "clouds[local].cap: 4 -> 8\n");
  CHECK(run_footman({"backup", "/b/./c/../x.db"}, vars).out == "/b/x.db written in 12 ms\n");
  CHECK(server.requests().back().body == R"({"path":"/b/x.db"})");
  const auto status = run_footman({"status"}, vars);
  CHECK(status.code == exit_unavailable);
  CHECK(status.out.find("no space left") != std::string::npos);
  CHECK(run_footman({"build", "cancel", "17", "--reason", "no"}, vars).out ==
        "build 17 is being cancelled\n");
  CHECK(server.requests().back().body == R"({"reason":"no"})");
  CHECK(run_footman({"agent", "drain", "local-x"}, vars).out == "agent local-x is draining\n");
  CHECK(run_footman({"cloud", "pause", "here", "--reason", "new disk"}, vars).out ==
        "cloud here is paused by admin: new disk\n");
  CHECK(server.requests().back().body == R"({"reason":"new disk"})");
  CHECK(run_footman({"cloud", "resume", "here"}, vars).out == "cloud here launches agents\n");
  const auto found = run_footman({"reconcile"}, vars);
  CHECK(found.out.find("orphan   a-1    here   i-1     No record.\n") != std::string::npos);
  CHECK(found.err.find("4 of 6 agents") != std::string::npos);
  CHECK(found.err.find("So many.\n3 builds that waited in this database may have run since") !=
        std::string::npos);
  CHECK(found.err.find("\nto end them and let the others run: footman reconcile --apply") !=
        std::string::npos);
  CHECK(run_footman({"reconcile", "--json"}, vars).out.find("too_many") != std::string::npos);
  CHECK(server.requests().back().method == "GET");
  CHECK(run_footman({"reconcile", "--apply"}, vars).out ==
        "4 agents are ended now, or once the lease of their sessions is over\n1 build may run now\n");
  CHECK(server.requests().back().method == "POST");
  CHECK(run_footman({"agent", "terminate", "a/../b"}, vars).code == exit_ok);
  CHECK(server.requests().back().target == "/api/v1/agents/a%2F..%2Fb/terminate");
}

TEST_CASE("HTTPS with an authority of one's own") {
  const auto now = runtime::real::make_clock()->now();
  const auto made = net::create_self_signed({"127.0.0.1"}, now, 1);
  const auto other = net::create_self_signed({"127.0.0.1"}, now, 1);
  REQUIRE(made.has_value());
  const auto tls = net::create_tls_server_context({made->certificate_pem, made->private_key_pem});
  ScriptServer server([](const net::HttpRequest&) { return json_answer(R"({"items":[],"total":0})"); }, *tls);
  const Place place("tls");
  const auto ca = place.file("ca.pem", made->certificate_pem);
  const auto wrong = place.file("wrong.pem", other->certificate_pem);
  CHECK(run_footman({"queue", "--ca-file", ca}, server.variables()).code == exit_ok);
  auto variables = server.variables();
  variables["FOOTMAN_CA"] = ca;
  CHECK(run_footman({"queue"}, variables).code == exit_ok);

  auto ran = run_footman({"queue"}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("name its authority with --ca-file or FOOTMAN_CA") != std::string::npos);
  ran = run_footman({"queue", "--ca-file", wrong}, server.variables());
  CHECK(ran.code == exit_unavailable);
  CHECK(ran.err.find("not of the authority in " + wrong) != std::string::npos);
  CHECK(run_footman({"queue", "--ca-file", place.file("no.pem", "hello")}, server.variables()).code ==
        exit_usage);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("the path of a server behind a proxy is kept") {
  ScriptServer server([](const net::HttpRequest&) { return json_answer(R"({"items":[],"total":0})"); });
  CHECK(run_footman({"queue", "--url", server.url() + "/ci/"}, server.variables()).code == exit_ok);
  CHECK(server.requests().back().path == "/ci/api/v1/queue");
}

TEST_CASE("when nobody reads, the program ends") {
  ScriptServer server([](const net::HttpRequest&) { return json_answer(kBuild); });
  TextOutput out;
  out.closed_after = 10;
  TextOutput err;
  CHECK(run_words(out, err, {"build", "show", "17"}, server.variables()) == exit_no_reader);
  CHECK(err.text().empty());
}

TEST_CASE("numbers are written as people write them") {
  CHECK(pretty(boost::json::parse(R"({"a":90.5,"b":[3,0.25,-2e-9]})")) ==
        "{\n  \"a\": 90.5,\n  \"b\": [\n    3,\n    0.25,\n    -2e-09\n  ]\n}\n");
  CHECK(one_line(boost::json::parse(R"({"a":90.5,"b":[3,{},[0.25,null],""],"c":{"d\"":true}})")) ==
        R"({"a":90.5,"b":[3,{},[0.25,null],""],"c":{"d\"":true}})");
  CHECK(boost::json::parse(pretty(0.1 + 0.2)).as_double() == 0.1 + 0.2);
}
