#include "jenkins/http_transport.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "net/tests/world.hpp"

using namespace footman;
using namespace footman::jenkins;

namespace {

runtime::Awaitable<net::HttpResponse> echo(std::shared_ptr<const net::HttpRequest> request) {
  net::HttpResponse answer;
  answer.status = request->method == "POST" ? 302 : 200;
  answer.headers.add("Location", "/computer/");
  answer.headers.add("X-Jenkins-Session", std::string(request->headers.value_or("Accept-Language", "")));
  answer.body = request->target + " " + request->body;
  co_return answer;
}

}  // namespace

TEST_CASE("requests go below the root of Jenkins, and answers come back as they are") {
  net::test::World world;
  auto listener = world.listen();
  const auto port = listener->endpoint().port;
  net::HttpServer server(world.executor(), world.executor(), echo, {}, *world.clock, {});
  server.serve(std::move(listener), nullptr);
  net::HttpClient client(world.executor(), *world.clock, jenkins_http({}, nullptr));
  for (const auto* path : {"/jenkins/", "/jenkins", "/"}) {
    HttpTransport transport(client, world.executor(), {"http", "127.0.0.1", port, path});
    Request request{"POST", "/computer/a%20b/toggleOffline", {}, "offlineMessage=x"};
    request.headers.add("Accept-Language", "en");
    const auto answer = world.run(transport.send(std::move(request)));
    REQUIRE(answer);
    CHECK(answer->status == 302);  // and not followed
    const std::string root = std::string_view(path) == "/" ? "" : "/jenkins";
    CHECK(answer->body == root + "/computer/a%20b/toggleOffline offlineMessage=x");
    CHECK(answer->headers.find("x-jenkins-session") == "en");
  }
  HttpTransport nobody(client, world.executor(), {"http", "127.0.0.1", 1, "/"});
  const auto refused = world.run(nobody.send({"GET", "/queue/api/json", {}, {}}));
  REQUIRE(!refused);
  CHECK(refused.error().code == base::Errc::unavailable);
  server.stop();
  world.run(server.join());
}

TEST_CASE("a call has an end, however its answer comes") {
  const auto config = jenkins_http({}, nullptr);
  CHECK(config.whole == kCallTime);
  CHECK(config.whole >= config.first_byte);
}
