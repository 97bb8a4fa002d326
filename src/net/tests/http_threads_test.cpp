// Connections on one thread, handlers on another: for the thread sanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <thread>

#include "net/http_client.hpp"
#include "net/tests/world.hpp"

using namespace footman;
using namespace footman::net;
using namespace footman::net::test;
using namespace std::chrono_literals;
using runtime::Awaitable;

namespace {

// State of the handlers' thread, used without a lock.
struct Domain {
  int requests = 0;
  runtime::Event never;
  std::atomic<int> bodies_ended{0};
};

struct CountEnd {
  explicit CountEnd(Domain* the_domain) : domain(the_domain) {}
  ~CountEnd() { ++domain->bodies_ended; }
  Domain* domain;
};

Awaitable<void> wait_in_body(std::shared_ptr<BodyWriter> writer, Domain* domain) {
  const CountEnd end(domain);
  co_await writer->write("first");
  ++domain->requests;
  co_await domain->never.wait();
}

Awaitable<void> flood(std::shared_ptr<BodyWriter> writer, Domain* domain) {
  const CountEnd end(domain);
  while (true) {
    ++domain->requests;
    const auto sent = co_await writer->write(std::string(10'000, 'x'));
    if (!sent) co_return;
  }
}

Awaitable<HttpResponse> handle(Domain* domain, std::shared_ptr<const HttpRequest> request) {
  ++domain->requests;
  HttpResponse response;
  if (request->path == "/wait") {
    response.stream = [domain](std::shared_ptr<BodyWriter> writer) {
      return wait_in_body(std::move(writer), domain);
    };
  } else if (request->path == "/flood") {
    response.stream = [domain](std::shared_ptr<BodyWriter> writer) {
      return flood(std::move(writer), domain);
    };
  } else {
    response.body = request->body;
  }
  co_return response;
}

}  // namespace

TEST_CASE("handlers on a thread of their own") {
  World world;
  boost::asio::io_context control(1);
  auto work = boost::asio::make_work_guard(control);
  std::thread thread([&] { control.run(); });
  Domain domain;
  HttpServer server(world.executor(), control.get_executor(),
                    [&](auto request) { return handle(&domain, std::move(request)); }, {}, *world.clock, {});
  auto listener = world.listen();
  const auto base = "http://" + listener->endpoint().str();
  server.serve(std::move(listener), nullptr);
  HttpClient client(world.executor(), *world.clock, {});
  for (int i = 0; i < 20; ++i) {
    CHECK(world.run(client.request({"POST", *parse_url(base + "/"), {}, "hello", {}, {}}))->body == "hello");
    for (const char* path : {"/wait", "/flood"}) {
      auto body = world.run(client.open({"GET", *parse_url(base + path), {}, {}, {}, {}}));
      REQUIRE(body);
      CHECK_FALSE(world.run((*body)->read(100))->empty());
      const int before = domain.bodies_ended;
      body->reset();
      world.step_until([&] { return domain.bodies_ended > before; });
    }
  }
  auto open_wait = world.run(client.open({"GET", *parse_url(base + "/wait"), {}, {}, {}, {}}));
  auto open_flood = world.run(client.open({"GET", *parse_url(base + "/flood"), {}, {}, {}, {}}));
  server.stop();
  world.run(server.join());
  CHECK(domain.bodies_ended == 42);
  CHECK(server.counts().connections == 0);
  work.reset();
  thread.join();
}
