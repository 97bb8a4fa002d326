// The HTTP server over real sockets, spoken to byte by byte.
#include "net/http_server.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "net/tests/world.hpp"
#include "net/websocket.hpp"
#include "runtime/memory_stream.hpp"

using namespace footman;
using namespace footman::net;
using namespace footman::net::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using runtime::Awaitable;
using runtime::ByteStream;

namespace {

// What the handlers of this file do besides answering.
struct Seen {
  std::vector<std::string> requests;
  int bodies_ended = 0;
  bool client_gone = false;
  runtime::Event go_on;
  runtime::ByteStreamPtr socket;
};

Awaitable<void> count_up(std::shared_ptr<BodyWriter> writer, int pieces) {
  for (int i = 0; i < pieces; ++i) {
    const auto sent = co_await writer->write("piece " + std::to_string(i) + "\n");
    if (!sent) co_return;
  }
}

struct CountEnd {
  explicit CountEnd(Seen* the_seen) : seen(the_seen) {}
  ~CountEnd() { ++seen->bodies_ended; }
  Seen* seen;
};

Awaitable<void> never_end(std::shared_ptr<BodyWriter> writer, Seen* seen) {
  const CountEnd end(seen);
  co_await writer->write("first");
  co_await seen->go_on.wait();  // nobody notifies
}

Awaitable<void> flood(std::shared_ptr<BodyWriter> writer, Seen* seen) {
  const CountEnd end(seen);
  while (true) {
    const auto sent = co_await writer->write(std::string(64 * 1024, 'x'));
    if (!sent) break;
  }
  seen->client_gone = true;
}

Awaitable<void> echo(runtime::ByteStreamPtr stream) {
  while (true) {
    auto bytes = co_await stream->read(64 * 1024);
    if (!bytes || bytes->empty()) co_return;
    const auto sent = co_await stream->write(std::move(*bytes));
    if (!sent) co_return;
  }
}

Awaitable<HttpResponse> handle(Seen* seen, std::shared_ptr<const HttpRequest> request) {
  seen->requests.push_back(request->method + " " + request->path + " " + request->body);
  HttpResponse response;
  response.headers.add("Content-Type", "text/plain");
  if (request->path == "/stream") {
    response.stream = [](std::shared_ptr<BodyWriter> writer) { return count_up(std::move(writer), 3); };
  } else if (request->path == "/never") {
    response.stream = [seen](std::shared_ptr<BodyWriter> writer) {
      return never_end(std::move(writer), seen);
    };
  } else if (request->path == "/flood") {
    response.stream = [seen](std::shared_ptr<BodyWriter> writer) { return flood(std::move(writer), seen); };
  } else if (request->path == "/throw") {
    throw std::runtime_error("secret detail");
  } else if (request->path == "/slow") {
    co_await seen->go_on.wait();
    response.body = "slow";
  } else if (request->path == "/ws") {
    response.upgrade = echo;
  } else if (request->path == "/none") {
    response.status = 204;
  } else if (request->path == "/evil") {
    response.headers.add("X-Evil", "a\r\nSet-Cookie: b");
  } else {
    response.body = request->method + " " + request->path + " " + request->body;
  }
  co_return response;
}

HttpServerLimits small_limits() {
  HttpServerLimits limits;
  limits.target_bytes = 200;
  limits.header_bytes = 1000;
  limits.body_bytes = 1000;
  limits.connections = 8;
  return limits;
}

struct ServerWorld : World {
  explicit ServerWorld(HttpServerLimits limits = small_limits())
      : server(executor(), executor(), [this](auto request) { return handle(&seen, std::move(request)); },
               limits, *clock, {}) {
    auto listener = listen();
    endpoint = listener->endpoint();
    server.serve(std::move(listener), nullptr);
  }
  ~ServerWorld() {
    server.stop();
    run(server.join());
  }
  runtime::ByteStreamPtr connect() {
    return std::move(*run(connect_tcp(executor(), *clock, endpoint.host, endpoint.port, 5s)));
  }
  // Sends the bytes and reads until the server closes.
  std::string talk(const std::string& bytes) {
    auto stream = connect();
    (void)run(stream->write(bytes));
    return run(read_bytes(stream.get(), 1 << 22));
  }

  Seen seen;
  HttpServer server;
  Endpoint endpoint;
};

std::string request(const std::string& line, const std::string& headers = {}, const std::string& body = {}) {
  return line + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n" + body;
}
const std::string kClose = "Connection: close\r\n";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a request and its answer") {
  ServerWorld world;
  const auto answer = world.talk(request("GET /a%20b?x=1", kClose));
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "\r\nDate: "));
  CHECK(has(answer, "\r\nContent-Length: 9\r\n"));
  CHECK(has(answer, "\r\nConnection: close\r\n"));
  CHECK(body_of(answer) == "GET /a b ");
}

TEST_CASE("requests in one packet are answered in order on one connection") {
  ServerWorld world;
  const auto answer =
      world.talk(request("GET /1") + request("POST /2", "Content-Length: 3\r\n", "abc") +
                 request("POST /3", "Transfer-Encoding: chunked\r\n", "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n") +
                 "\r\n" + request("GET /stream") + request("GET /4", kClose) + request("GET /5"));
  CHECK(count_of(answer, "HTTP/1.1 200 OK") == 5);
  CHECK(world.seen.requests ==
        std::vector<std::string>{"GET /1 ", "POST /2 abc", "POST /3 def", "GET /stream ", "GET /4 "});
}

TEST_CASE("one byte at a time") {
  ServerWorld world;
  auto stream = world.connect();
  for (const char c : request("POST /slowly", "Content-Length: 3\r\n" + kClose, "abc")) {
    CHECK(world.run(stream->write(std::string(1, c))));
  }
  CHECK(body_of(world.run(read_bytes(stream.get(), 10'000))) == "POST /slowly abc");
}

TEST_CASE("HEAD has the length and no body; 204 has neither") {
  ServerWorld world;
  const auto head = world.talk(request("HEAD /x", kClose));
  CHECK(has(head, "Content-Length: 8\r\n"));
  CHECK(body_of(head).empty());
  const auto streamed = world.talk(request("HEAD /stream", kClose));
  CHECK(has(streamed, "Transfer-Encoding: chunked"));
  CHECK(body_of(streamed).empty());
  const auto none = world.talk(request("GET /none", kClose));
  CHECK(has(none, "204 No Content"));
  CHECK_FALSE(has(none, "Content-Length"));
}

TEST_CASE("HTTP/1.0 gets no chunks and the end of the connection") {
  ServerWorld world;
  CHECK(body_of(world.talk("GET /x HTTP/1.0\r\n\r\n")) == "GET /x ");
  const auto streamed = world.talk("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK_FALSE(has(streamed, "chunked"));
  CHECK(body_of(streamed) == "piece 0\npiece 1\npiece 2\n");
  const auto kept = world.talk("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /y HTTP/1.0\r\n\r\n");
  CHECK(has(kept, "Connection: keep-alive"));
  CHECK(count_of(kept, "200 OK") == 2);
}

TEST_CASE("100-continue is said before the body, and not when the body is refused") {
  ServerWorld world;
  auto stream = world.connect();
  CHECK(
      world.run(stream->write(request("POST /x", "Expect: 100-continue\r\nContent-Length: 3\r\n" + kClose))));
  CHECK(world.run(read_bytes(stream.get(), 25)) == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(world.run(stream->write("abc")));
  CHECK(body_of(world.run(read_bytes(stream.get(), 10'000))) == "POST /x abc");
  const auto refused = world.talk(request("POST /x", "Expect: 100-continue\r\nContent-Length: 3000\r\n"));
  CHECK(refused.starts_with("HTTP/1.1 413 "));
}

TEST_CASE("bad requests get their status and a JSON error, and never reach the handler") {
  struct Row {
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: t\n\n", 400},
      {request("POST /", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {request("POST /", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
      {request("POST /", "Transfer-Encoding: chunked\r\n", "zz\r\n"), 400},
      {request("GET /", "X: 1\r\n folded\r\n"), 400},
      {request("GET /%zz"), 400},
      {"\x16\x03\x01\x02\x00\x01"s, 400},
      {request("POST /", "Content-Length: 1001\r\n", std::string(1001, 'x')), 413},
      {request("POST /", "Transfer-Encoding: chunked\r\n", "3e9\r\n" + std::string(1001, 'x')), 413},
      {request("GET /" + std::string(300, 'x')), 414},
      {"GET /" + std::string(3000, 'x'), 414},
      {request("GET /", "X: " + std::string(3000, 'x') + "\r\n"), 431},
      {request("BREW /"), 501},
      {request("POST /", "Transfer-Encoding: gzip\r\n"), 501},
      {"GET / HTTP/3.0\r\nHost: t\r\n\r\n", 505},
      {request("GET /ws"), 400},
      {request("GET /ws",
               "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n" + kClose),
       426},
  };
  ServerWorld world;
  for (const auto& row : rows) {
    CAPTURE(row.bytes.substr(0, 100));
    world.seen.requests.clear();
    auto text = row.bytes;
    if (has(text, "GET /ws HTTP") && row.status == 400) text.insert(text.find("\r\n") + 2, kClose);
    const auto answer = world.talk(text);
    CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "));
    CHECK(has(answer, "Content-Type: application/json"));
    CHECK(body_of(answer).starts_with(R"({"error":{"code":")"));
    if (!has(row.bytes, "/ws")) CHECK(world.seen.requests.empty());
  }
}

TEST_CASE("an exception is a 500 without details, and header injection stays one header") {
  ServerWorld world;
  const auto answer = world.talk(request("GET /throw", kClose));
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK_FALSE(has(answer, "secret detail"));
  CHECK(has(world.talk(request("GET /evil", kClose)), "\r\nX-Evil: a  Set-Cookie: b\r\n"));
}

TEST_CASE("a streaming body arrives in chunks; when the client goes, the body is ended") {
  ServerWorld world;
  const auto answer = world.talk(request("GET /stream", kClose));
  CHECK(has(answer, "Transfer-Encoding: chunked"));
  CHECK(body_of(answer) == "8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n\r\n");
  for (const char* path : {"/never", "/flood"}) {
    auto stream = world.connect();
    CHECK(world.run(stream->write(request("GET "s + path))));
    CHECK(world.run(read_bytes(stream.get(), 20)).starts_with("HTTP/1.1 200 OK"));
    const int before = world.seen.bodies_ended;
    stream->close();
    world.step_until([&] { return world.seen.bodies_ended == before + 1; });
  }
}

TEST_CASE("slow clients are told so and closed") {
  auto limits = small_limits();
  limits.header = 250ms;
  limits.body = 250ms;
  ServerWorld world(limits);
  CHECK(world.talk("GET / HTTP/1.1\r\nHost:").starts_with("HTTP/1.1 408 "));
  CHECK(world.talk(request("POST /", "Content-Length: 10\r\n", "abc")).starts_with("HTTP/1.1 408 "));
  CHECK(world.talk("").empty());
}

TEST_CASE("an idle connection is closed without a word") {
  auto limits = small_limits();
  limits.idle = 20ms;
  ServerWorld world(limits);
  CHECK(body_of(world.talk(request("GET /x"))) == "GET /x ");
}

TEST_CASE("connections beyond the limit are closed at once") {
  ServerWorld world;
  std::vector<runtime::ByteStreamPtr> streams;
  for (int i = 0; i < 8; ++i) {
    streams.push_back(world.connect());
    CHECK(world.run(streams.back()->write(request("GET /x"))));
    CHECK(world.run(read_bytes(streams.back().get(), 5)) == "HTTP/");
  }
  CHECK(world.server.counts().connections == 8);
  CHECK(world.talk(request("GET /x")).empty());
  CHECK(world.server.counts().refused == 1);
}

TEST_CASE("WebSocket: upgrade, echo, and the end of the client") {
  ServerWorld world;
  auto url = *parse_url("ws://" + world.endpoint.str() + "/ws");
  auto stream =
      world.run(connect_websocket(world.executor(), *world.clock, *world.rng, {url, {}, nullptr, {}, 5s}));
  REQUIRE(stream);
  CHECK(world.run((*stream)->write("hello")));
  CHECK(world.run(read_bytes(stream->get(), 5)) == "hello");
  CHECK(world.server.counts().upgraded == 1);
  (*stream)->close();
  world.step_until([&] { return world.server.counts().connections == 0; });

  url.path = "/x";
  const auto refused =
      world.run(connect_websocket(world.executor(), *world.clock, *world.rng, {url, {}, nullptr, {}, 5s}));
  REQUIRE_FALSE(refused);
  CHECK(has(refused.error().message, "answered 200"));
}

TEST_CASE("stop: idle connections close, running requests finish, streams and WebSockets end") {
  ServerWorld world;
  auto idle = world.connect();
  auto slow = world.connect();
  auto never = world.connect();
  CHECK(world.run(slow->write(request("GET /slow"))));
  CHECK(world.run(never->write(request("GET /never"))));
  CHECK(world.run(read_bytes(never.get(), 20)).starts_with("HTTP/1.1 200"));
  const auto url = *parse_url("ws://" + world.endpoint.str() + "/ws");
  auto socket =
      world.run(connect_websocket(world.executor(), *world.clock, *world.rng, {url, {}, nullptr, {}, 5s}));
  REQUIRE(socket);
  world.step_until([&] { return world.seen.requests.size() == 3 && world.server.counts().connections == 4; });

  world.server.stop();
  const auto end = world.run((*socket)->read(10));
  REQUIRE(end);
  CHECK(end->empty());
  CHECK(world.run(read_bytes(idle.get(), 10)).empty());
  CHECK_FALSE(has(world.run(read_bytes(never.get(), 10'000)), "0\r\n\r\n"));
  CHECK(world.seen.bodies_ended == 1);
  world.seen.go_on.notify();
  const auto answer = world.run(read_bytes(slow.get(), 10'000));
  CHECK(has(answer, "Connection: close"));
  CHECK(body_of(answer) == "slow");
  world.run(world.server.join());
  CHECK(world.server.counts().connections == 0);
  CHECK_FALSE(
      world.run(connect_tcp(world.executor(), *world.clock, world.endpoint.host, world.endpoint.port, 5s)));
}

TEST_CASE("stop does not wait for ever") {
  auto limits = small_limits();
  limits.stop = 20ms;
  ServerWorld world(limits);
  auto slow = world.connect();
  CHECK(world.run(slow->write(request("GET /slow"))));
  world.step_until([&] { return !world.seen.requests.empty(); });
  world.server.stop();
  world.run(world.server.join());
  CHECK(world.run(read_bytes(slow.get(), 10)).empty());
}

TEST_CASE("a connection that somebody else accepted, without a socket: requests and a WebSocket") {
  ServerWorld world;
  auto wire = runtime::make_memory_streams();
  world.server.serve_stream(std::move(wire.first), true);
  CHECK(
      world.run(wire.second->write(request("GET /a") + request("GET /stream") + request("GET /b", kClose))));
  const auto answers = world.run(read_bytes(wire.second.get(), 1 << 20));
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 3);
  CHECK(body_of(answers.substr(answers.rfind("HTTP/1.1"))) == "GET /b ");

  auto other = runtime::make_memory_streams();
  world.server.serve_stream(std::move(other.first), false);
  const auto upgrade = request("GET /ws",
                               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  // The first message comes in one piece with the request.
  CHECK(world.run(
      other.second->write(upgrade + encode_websocket_binary(WebSocketRole::client, "early", "mask"))));
  std::string head;
  while (!has(head, "\r\n\r\n")) head += world.run(read_bytes(other.second.get(), 1));
  CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(has(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  auto client = make_websocket_stream(std::move(other.second), WebSocketRole::client, world.rng.get());
  CHECK(world.run(read_bytes(client.get(), 5)) == "early");
  world.server.stop();
  CHECK_FALSE(world.run(client->read(10)));  // no last words on a wire that cannot send at once
}
