// The API behind the real HTTP server, over sockets: asked by curl and by our own client.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "api/tests/world.hpp"
#include "base/tests/machine.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "runtime/real/clock.hpp"

using namespace footman::api;
using namespace footman::api::testing;
namespace net = footman::net;
namespace runtime = footman::runtime;

namespace {

Awaitable<Status> join(net::HttpServer* server) {
  co_await server->join();
  co_return Status();
}

// The world's API on a port of loopback, on the world's executor, with time going on.
class Served {
 public:
  Served() : clock(runtime::real::make_clock()) {
    auto listener = net::create_listener(world.io.get_executor(), *clock, net::Endpoint{"127.0.0.1", 0}, {});
    REQUIRE(listener);
    url = "http://" + (*listener)->endpoint().str();
    server = std::make_unique<net::HttpServer>(world.io.get_executor(), world.io.get_executor(),
                                               world.handler, net::HttpServerLimits{}, *clock, Logger());
    server->serve(std::move(*listener), nullptr);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { stop(); }

  void stop() {
    server->stop();
    (void)run(join(server.get()));
  }
  template <class Condition>
  void step_until(Condition condition) {
    while (!condition()) {
      world.io.restart();
      world.io.run_one();
    }
  }
  template <class R>
  R run(Awaitable<R> work) {
    std::optional<R> result;
    scope_.spawn("test", keep(std::move(work), result));
    step_until([&] { return result.has_value() && scope_.running() == 0; });
    return std::move(*result);
  }

  World world;
  std::unique_ptr<runtime::Clock> clock;
  std::unique_ptr<net::HttpServer> server;
  std::string url;

 private:
  template <class R>
  static Awaitable<void> keep(Awaitable<R> work, std::optional<R>& result) {
    result.emplace(co_await std::move(work));
  }
  runtime::Scope scope_{world.io.get_executor(), Logger()};
};

// A shell command that runs while the world goes on.
class Command {
 public:
  Command(Served& served, std::string line) : served_(served) {
    thread_ = std::thread([this, line = std::move(line)] {
      if (FILE* pipe = popen(line.c_str(), "r")) {
        std::array<char, 4096> buffer{};
        while (const auto count = fread(buffer.data(), 1, buffer.size(), pipe))
          output_.append(buffer.data(), count);
        pclose(pipe);
      }
      done_ = true;
      boost::asio::post(served_.world.io, [] {});
    });
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() { (void)wait(); }

  std::string wait() {
    if (!thread_.joinable()) return output_;
    served_.step_until([&] { return done_.load(); });
    thread_.join();
    return output_;
  }

 private:
  Served& served_;
  std::string output_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

bool has_curl() { return std::system("curl --version >/dev/null 2>&1") == 0; }

// The body, and the status right behind it.
std::string curl(Served& served, const std::string& arguments) {
  return Command(served, "curl -sS --noproxy '*' --max-time 20 -w '%{http_code}' " + arguments + " 2>&1")
      .wait();
}
std::string with_token(const std::string& arguments) {
  return fmt::format("-H 'Authorization: Bearer {}' {}", kAdminToken, arguments);
}

net::HttpClientRequest make_request(const Served& served, const std::string& path) {
  net::HttpClientRequest request;
  request.url = *net::parse_url(served.url + path);
  request.headers.add("Authorization", fmt::format("Bearer {}", kAdminToken));
  return request;
}

}  // namespace

TEST_CASE("curl runs a build and follows its log") {
  if (!footman::base::tests::machine_has(has_curl(), "curl")) return;
  Served served;
  auto& world = served.world;
  const auto& url = served.url;
  const std::string spec = R"({"spec":{"steps":[{"script":"true"}]}})";
  const auto ask = [&](const std::string& arguments) { return curl(served, with_token(arguments)); };
  CHECK(ask(fmt::format("--json '{}' {}/api/v1/builds", spec, url)).ends_with("\n201"));
  CHECK(ask(url + "/api/v1/jobs/team%2Fapp").ends_with("\n404"));
  CHECK(ask(fmt::format("-X PUT --json '{}' {}/api/v1/jobs/team/app", spec, url)).ends_with("\n201"));
  CHECK(ask(url + "/api/v1/jobs/team%2Fapp").ends_with("\n200"));
  CHECK(ask(fmt::format("-H 'Host: attacker.example' {}/api/v1/jobs", url)).ends_with("\n421"));
  CHECK(ask(fmt::format("-I {}/api/v1/jobs", url)).ends_with("\n200"));
  CHECK(curl(served, fmt::format("-u x:wrong {}/api/v1/jobs", url)).ends_with("\n401"));
  CHECK(curl(served, fmt::format("-u x:{} {}/api/v1/jobs", kAdminToken, url)).ends_with("\n200"));

  auto worker = world.connect_worker();
  Command follower(
      served, fmt::format("curl -sSN --noproxy '*' --max-time 20 -u :{} '{}/api/v1/builds/1/log?follow=true'",
                          kAdminToken, served.url));
  auto& followed = world.metrics.gauge("footman_followed_logs", "");
  served.step_until([&] { return followed.value() == 1; });
  world.print(worker, "one\n");
  world.print(worker, "two\n");
  world.finish(worker);
  CHECK(follower.wait() == "one\ntwo\n");
  CHECK(ask(fmt::format("-r 4-6 {}/api/v1/builds/1/log", url)) == "two206");
}

TEST_CASE("changes arrive as they happen, and the server's end ends streams") {
  Served served;
  net::HttpClient client(served.world.io.get_executor(), *served.clock, net::HttpClientConfig{});
  auto opened = served.run(client.open(make_request(served, "/api/v1/events")));
  REQUIRE(opened);
  auto& body = **opened;
  CHECK(body.status() == 200);
  CHECK(body.headers().value_or("Content-Type", "") == "text/event-stream");
  const auto first = served.run(body.read(4096));
  REQUIRE(first);
  CHECK(first->find("event: reset") != std::string::npos);
  served.world.submit();
  const auto next = served.run(body.read(4096));
  REQUIRE(next);
  CHECK(next->find("\"kind\":\"build\"") != std::string::npos);
  CHECK(served.world.api->event_streams() == 1);
  served.stop();
  CHECK(served.world.api->event_streams() == 0);
}

TEST_CASE("a client that goes away leaves nothing behind") {
  Served served;
  served.world.submit();
  {
    net::HttpClient client(served.world.io.get_executor(), *served.clock, net::HttpClientConfig{});
    auto events = served.run(client.open(make_request(served, "/api/v1/events")));
    auto log = served.run(client.open(make_request(served, "/api/v1/builds/1/log?follow=true")));
    REQUIRE((events && log));
    auto& followed = served.world.metrics.gauge("footman_followed_logs", "");
    served.step_until([&] { return followed.value() == 1 && served.world.api->event_streams() == 1; });
  }
  auto& followed = served.world.metrics.gauge("footman_followed_logs", "");
  served.step_until([&] { return followed.value() == 0 && served.world.api->event_streams() == 0; });
}
