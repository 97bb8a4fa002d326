// The table of routes, its description, and what holds for every route.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "api/openapi_text.hpp"
#include "api/tests/world.hpp"
#include "model/work.hpp"

using namespace footman::api;
using namespace footman::api::testing;
namespace net = footman::net;

namespace {

std::string operation_of(const Route& route) {
  auto text = fmt::format("{} {}", route.method, route.pattern);
  if (const auto dots = text.find("...}"); dots != std::string::npos) text.erase(dots, 3);
  return text;
}

std::string path_of(const Route& route) {
  std::string path;
  for (std::size_t i = 0; i < route.pattern.size(); ++i) {
    path += route.pattern[i];
    if (route.pattern[i] != '{') continue;
    path.back() = '1';
    i = route.pattern.find('}', i);
  }
  return path;
}

}  // namespace

TEST_CASE("every route is described, and every description is a route") {
  const Description description;
  std::set<std::string> routes;
  for (const auto& route : Api::routes()) {
    const auto operation = operation_of(route);
    CAPTURE(operation);
    CHECK(routes.insert(operation).second);
    CHECK(description.is_open(operation) == (route.access == RouteAccess::open));
    CHECK(description.summary(operation) == route.summary);
  }
  CHECK(routes == description.operations());
}

TEST_CASE("what changes anything needs more than reading, and a link gives no more than its maker has") {
  for (const auto& route : Api::routes()) {
    CAPTURE(operation_of(route));
    const bool reads = route.method == "GET" || route.pattern == "/api/v1/sign-in-links";
    CHECK((route.access != RouteAccess::admin) == (reads && route.pattern != "/api/v1/tokens"));
  }
}

TEST_CASE("without a token nothing is told") {
  World world;
  for (const auto& route : Api::routes()) {
    if (route.access == RouteAccess::open) continue;
    CAPTURE(operation_of(route));
    for (const auto* credentials : {"", "Bearer wrong", "Bearer ", "Basic !", "Nonsense"}) {
      const auto answer =
          world.request(std::string(route.method), path_of(route), {}, {{"Authorization", credentials}});
      CHECK(answer.error() == "401 unauthenticated");
      CHECK(answer.header("WWW-Authenticate") == "Bearer realm=\"footman\"");
    }
  }
  CHECK(world.metrics.expose().find("footman_auth_failures_total{kind=\"token\"} ") != std::string::npos);
}

TEST_CASE("a token that may read changes nothing") {
  World world;
  const auto made = world.post("/api/v1/tokens", R"({"name":"reader","access":"read"})");
  REQUIRE(made.status == 201);
  const auto token = "Bearer " + std::string(made.json().at("token").as_string());
  for (const auto& route : Api::routes()) {
    if (route.access != RouteAccess::admin) continue;
    CAPTURE(operation_of(route));
    CHECK(world.request(std::string(route.method), path_of(route), {}, {{"Authorization", token}}).error() ==
          "403 permission_denied");
  }
  CHECK(world.get("/api/v1/builds", {{"Authorization", token}}).status == 200);
  CHECK(world.get("/metrics", {{"Authorization", token}}).status == 200);
}

TEST_CASE("a name that is not this server's is refused, whatever the route") {
  World world;
  for (const auto& route : Api::routes()) {
    CAPTURE(operation_of(route));
    const auto answer =
        world.request(std::string(route.method), path_of(route), {}, {{"Host", "attacker.example:8080"}});
    if (route.access == RouteAccess::open)
      CHECK(answer.status == 200);
    else
      CHECK(answer.error() == "421 misdirected_request Host");
  }
  for (const auto* host : {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3",
                           "ci.example.com:443", "CI.Example.com."})
    CHECK(world.get("/api/v1/whoami", {{"Host", host}}).status == 200);
  for (const auto* host :
       {"", "example.com", "ci.example.com.attacker.example", "127.0.0.1.nip.io", "[::1", "a b"})
    CHECK(world.get("/api/v1/whoami", {{"Host", host}}).error() == "421 misdirected_request Host");
}

TEST_CASE("the gate lets nobody's body in who is refused without it") {
  World world;
  const auto status = [&](const std::string& method, const std::string& target, HeaderList headers = {}) {
    const auto answer = world.ask_gate(method, target, std::move(headers));
    return answer ? (*answer == net::kAnyBody ? 0 : static_cast<int>(*answer) + 1) : answer.error().status;
  };
  constexpr int kAny = 0;
  constexpr int kNone = 1;
  const auto read_only = world.run(world.auth->create_token("reader", Access::read));
  const HeaderList as_reader{{"Authorization", "Bearer " + std::string(read_only->token.expose())}};
  for (const auto& route : Api::routes()) {
    const std::string method(route.method);
    const std::string path(route.pattern.substr(0, route.pattern.find('{')));
    const auto target = route.pattern.contains('{')
                            ? path + "1" +
                                  (route.pattern.ends_with("...}")
                                       ? ""
                                       : std::string(route.pattern.substr(route.pattern.find('}') + 1)))
                            : path;
    CAPTURE(target);
    const bool open = route.access == RouteAccess::open;
    CHECK(status(method, target) == (open ? kNone : kAny));
    CHECK(status(method, target, {{"Authorization", ""}}) == (open ? kNone : 401));
    CHECK(status(method, target, {{"Host", "evil.example"}}) == (open ? kNone : 421));
    CHECK(status(method, target, as_reader) == (open                                 ? kNone
                                                : route.access == RouteAccess::admin ? 403
                                                                                     : kAny));
  }
  CHECK(status("DELETE", "/healthz") == 405);
  CHECK(status("POST", "/api/v1/nothing") == 404);
  CHECK(world.post("/healthz", "x").status == 405);
}

TEST_CASE("who has proved who he is is told to the server") {
  World world;
  const auto known = [&](const std::string& target, const std::string& authorization) {
    auto request = std::make_shared<net::HttpRequest>();
    request->method = "GET";
    request->target = request->path = target;
    request->headers.add("Host", "localhost");
    if (!authorization.empty()) request->headers.add("Authorization", authorization);
    return world.run(world.handler(request)).known_client;
  };
  const auto good = std::string("Bearer ") + kAdminToken;
  CHECK(known("/api/v1/jobs", good));
  CHECK(known("/api/v1/jobs/nothing", good));
  CHECK_FALSE(known("/api/v1/jobs", "Bearer wrong"));
  CHECK_FALSE(known("/api/v1/jobs", ""));
  CHECK_FALSE(known("/healthz", good));
  CHECK_FALSE(known("/nothing", good));
}

TEST_CASE("wrong methods, paths and types") {
  World world;
  const auto method = world.request("PATCH", "/api/v1/jobs/team/app");
  CHECK(method.error() == "405 method_not_allowed");
  CHECK(method.header("Allow") == "GET, PUT, DELETE");
  CHECK(world.request("OPTIONS", "/api/v1/jobs").header("Allow") == "GET, POST");
  CHECK(world.get("/api/v1/nothing").error() == "404 not_found");
  CHECK(world.get("/api/v1/jobs/").error() == "404 not_found");
  CHECK(world.get("/").error() == "404 not_found");
  const auto head = world.request("HEAD", "/api/v1/jobs");
  CHECK(head.status == 200);
  const std::string build = R"({"spec":{"steps":[{"script":"true"}]}})";
  CHECK(world.post("/api/v1/builds", build, {{"Content-Type", ""}}).error() ==
        "415 unsupported_media_type Content-Type");
  CHECK(world.post("/api/v1/builds", build, {{"Content-Type", "text/plain"}}).error() ==
        "415 unsupported_media_type Content-Type");
  CHECK(world.post("/api/v1/builds", build, {{"Content-Type", "Application/JSON ; charset=utf-8"}}).status ==
        201);
}

TEST_CASE("answers are not kept and not taken for anything else") {
  World world;
  for (const auto* path : {"/api/v1/jobs", "/api/v1/builds/99", "/metrics", "/api/v1/openapi.yaml"}) {
    const auto answer = world.get(path);
    CHECK(answer.header("Cache-Control") == "no-store");
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("other handlers have their part of the paths; the longest prefix wins") {
  World world;
  const auto say = [](std::string text) -> net::HttpHandler {
    return [text](std::shared_ptr<const net::HttpRequest> request) -> Awaitable<net::HttpResponse> {
      struct Say {
        static Awaitable<net::HttpResponse> it(std::string words,
                                               std::shared_ptr<const net::HttpRequest> what) {
          net::HttpResponse response;
          response.body = words + " " + what->path;
          co_return response;
        }
      };
      return Say::it(text, std::move(request));
    };
  };
  world.restart_api(
      {{"/", say("rest"), false}, {"/ui", say("pages"), false}, {"/ui/agents.ws", say("agents"), true}});
  const HeaderList foreign{{"Host", "attacker.example"}, {"Authorization", ""}};
  CHECK(world.get("/ui", {{"Authorization", ""}}).body == "pages /ui");
  CHECK(world.get("/ui/builds/1").body == "pages /ui/builds/1");
  CHECK(world.get("/uix").body == "rest /uix");
  CHECK(world.get("/job/x").body == "rest /job/x");
  for (const auto* path : {"/api", "/api/", "/api/v1/nothing", "/api/v2/jobs", "/api/v1/jobs/"})
    CHECK(world.get(path).error() == "404 not_found");
  CHECK(world.get("/apis").body == "rest /apis");
  CHECK(world.get("/ui/agents.ws", foreign).body == "agents /ui/agents.ws");
  CHECK(world.get("/ui", foreign).error() == "421 misdirected_request Host");
  CHECK(world.get("/api/v1/jobs", {{"Authorization", ""}}).status == 401);
}

TEST_CASE("the server describes itself") {
  World world;
  const auto server = world.get("/api/v1/server").json();
  CHECK(server.at("installation") == "test");
  CHECK(server.at("controller") == "footman");
  CHECK(server.at("ok") == true);
  CHECK(server.at("listen").as_array().at(0) == "127.0.0.1:8080");
  CHECK(world.get("/api/v1/openapi.yaml").body == openapi_text());
  CHECK(openapi_text().starts_with("openapi: 3.1.0\n"));
  world.submit();
  CHECK(world.get("/api/v1/server").json().at("counts").at("agents") == 1);
  const auto metrics = world.get("/metrics");
  CHECK(metrics.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics.body.find("footman_http_requests_total{route=\"POST /api/v1/builds\",status=\"201\"} 1") !=
        std::string::npos);
}

TEST_CASE("healthy is not ready") {
  World world;
  const HeaderList nobody{{"Authorization", ""}, {"Host", "target.invalid"}};
  CHECK(world.get("/readyz", nobody).status == 200);
  world.problems = {"The server is stopping."};
  CHECK(world.get("/healthz", nobody).status == 200);
  const auto ready = world.get("/readyz", nobody);
  CHECK(ready.status == 503);
  CHECK(ready.json().at("problems").as_array().at(0) == "The server is stopping.");
  CHECK(world.get("/api/v1/server").json().at("ok") == false);
}

TEST_CASE("a backup, and a reload") {
  World world;
  const auto made = world.post("/api/v1/backup", R"({"path":"/backups/one.db"})");
  CHECK(made.status == 200);
  CHECK(made.json().at("path") == "/backups/one.db");
  CHECK(world.backed_up == "/backups/one.db");
  CHECK(world.post("/api/v1/backup", R"({"path":"/exists"})").error() == "409 already_exists path");
  CHECK(world.post("/api/v1/backup", R"({"path":"/no/folder"})").error() == "400 invalid_argument path");
  CHECK(world.post("/api/v1/backup", R"({"path":"/full"})").error() == "429 resource_exhausted");
  CHECK(world.post("/api/v1/backup", R"({"path":"relative"})").error() == "400 invalid_argument path");
  CHECK(world.post("/api/v1/backup").error() == "400 invalid_argument");

  CHECK(world.post("/api/v1/reload").json().at("changes").as_array().at(0) == "a: 1 -> 2");
  world.reload_answer = fail(Errc::invalid_argument, "footman.yaml:3:1: unknown key \"clowds\"");
  CHECK(world.post("/api/v1/reload").error() == "400 invalid_argument");
}

TEST_CASE("an error of the server's own is told without what it was") {
  World world;
  for (const auto code : {Errc::io, Errc::corrupt, Errc::internal}) {
    world.reload_answer =
        fail(code, "The database: disk I/O error in /data/footman.db", "clouds[3].key", "Run fsck");
    const auto answer = world.post("/api/v1/reload");
    CHECK(answer.status == 500);
    for (const auto* inside : {"database", "/data", "clouds", "fsck"})
      CHECK_FALSE(answer.body.contains(inside));
    CHECK(answer.body.contains("Its log says what it was."));
  }
}
