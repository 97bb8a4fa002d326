// The HTTP server over real sockets, spoken to byte by byte.
#include "net/http_server.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "net/tests/world.hpp"
#include "net/websocket.hpp"
#include "runtime/tests/memory_stream.hpp"

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

// Who says "I am known" is.
Awaitable<void> echo(runtime::ByteStreamPtr stream, std::function<void()> known) {
  while (true) {
    auto bytes = co_await stream->read(64 * 1024);
    if (!bytes || bytes->empty()) co_return;
    if (*bytes == "I am known") known();
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
  response.known_client = request->headers.find("Known").has_value();
  co_return response;
}

// Connections without a socket, all there at once.
class Wires final : public Listener {
 public:
  explicit Wires(std::vector<runtime::ByteStreamPtr> streams) : streams_(std::move(streams)) {}
  Endpoint endpoint() const override { return {}; }
  Awaitable<base::Result<runtime::ByteStreamPtr>> accept() override {
    if (streams_.empty()) co_await closed_.wait();
    if (streams_.empty()) co_return base::fail(base::Errc::cancelled, "closed");
    auto stream = std::move(streams_.back());
    streams_.pop_back();
    co_return stream;
  }
  void close() noexcept override { closed_.notify(); }

 private:
  std::vector<runtime::ByteStreamPtr> streams_;
  runtime::Event closed_;
};
std::unique_ptr<Listener> one_wire(runtime::ByteStreamPtr stream) {
  std::vector<runtime::ByteStreamPtr> streams;
  streams.push_back(std::move(stream));
  return std::make_unique<Wires>(std::move(streams));
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
  explicit ServerWorld(HttpServerLimits limits = small_limits(), HttpGate gate = {})
      : server(
            executor(), executor(), [this](auto request) { return handle(&seen, std::move(request)); },
            limits, *clock, {}, std::move(gate)) {
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

TEST_CASE("the gate sees a head before its body is read, and says how long that may be") {
  std::vector<std::string> heads;
  ServerWorld world(small_limits(), [&](const HttpRequest& head) -> GateAnswer {
    heads.push_back(head.method + " " + head.path + " " + head.body + (head.peer.empty() ? "?" : ""));
    if (head.path == "/throw") throw std::runtime_error("secret detail");
    if (head.path == "/stranger") return std::unexpected(make_error_response(401, "who", "who are you?"));
    if (head.path == "/short") return 3;
    return kAnyBody;
  });
  const auto post = [&](const std::string& path, std::size_t length, const std::string& sent) {
    return world.talk(
        request("POST " + path, "Content-Length: " + std::to_string(length) + "\r\n" + kClose, sent));
  };
  CHECK(post("/stranger", 900, "").starts_with("HTTP/1.1 401 "));  // it waits for no body
  CHECK(post("/throw", 900, "").starts_with("HTTP/1.1 500 "));
  CHECK(post("/short", 4, "").starts_with("HTTP/1.1 413 "));
  CHECK(world.talk(request("POST /short", "Transfer-Encoding: chunked\r\n", "4\r\nabcd\r\n"))
            .starts_with("HTTP/1.1 413 "));
  CHECK(post("/any", 1001, "").starts_with("HTTP/1.1 413 "));
  CHECK_FALSE(has(world.talk(request("POST /stranger", "Expect: 100-continue\r\nContent-Length: 9\r\n")),
                  "100 Continue"));
  CHECK(world.seen.requests.empty());
  CHECK(heads.front() == "POST /stranger ");
  heads.clear();
  CHECK(body_of(post("/short", 3, "abc")) == "POST /short abc");
  CHECK(body_of(world.talk(request("GET /stranger", kClose))) == "GET /stranger ");  // has no body
  CHECK(heads == std::vector<std::string>{"POST /short "});
}

TEST_CASE("bodies under way have a limit together; a request gives its part back when it is answered") {
  auto limits = small_limits();
  limits.all_bodies_bytes = 1000;
  ServerWorld world(limits);
  auto slow = world.connect();
  CHECK(world.run(slow->write(request("POST /slow", "Content-Length: 600\r\n", std::string(600, 'x')))));
  world.step_until([&] { return world.seen.requests.size() == 1; });
  const auto sized = [&](std::size_t size) {
    return world.talk(request("POST /x", kClose + "Content-Length: " + std::to_string(size) + "\r\n",
                              std::string(size, 'x')));
  };
  const auto refused = sized(401);
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(has(refused, "\r\nRetry-After: 1\r\n"));
  CHECK(world
            .talk(request("POST /x", "Transfer-Encoding: chunked\r\n",
                          "c8\r\n" + std::string(200, 'x') + "\r\nc9\r\n" + std::string(201, 'x')))
            .starts_with("HTTP/1.1 503 "));
  for (int i = 0; i < 3; ++i) CHECK(sized(400).starts_with("HTTP/1.1 200 "));
  world.seen.go_on.notify();
  CHECK(has(world.run(read_bytes(slow.get(), 20)), "200 OK"));
  CHECK(sized(1000).starts_with("HTTP/1.1 200 "));
}

namespace {

// A connection whose first request was answered.
runtime::ByteStreamPtr ask_once(ServerWorld& world, const std::string& headers = {}) {
  auto stream = world.connect();
  CHECK(world.run(stream->write(request("GET /x", headers))));
  CHECK(has(world.run(read_bytes(stream.get(), 5)), "HTTP/"));
  return stream;
}
// Still answers.
bool is_open(ServerWorld& world, const runtime::ByteStreamPtr& stream) {
  if (!world.run(stream->write(request("GET /y", kClose)))) return false;
  return has(world.run(read_bytes(stream.get(), 1 << 20)), "GET /y");
}
// Whose request waits for `go_on`.
runtime::ByteStreamPtr keep_busy(ServerWorld& world) {
  auto stream = world.connect();
  const auto before = world.seen.requests.size();
  CHECK(world.run(stream->write(request("GET /slow"))));
  world.step_until([&] { return world.seen.requests.size() > before; });
  return stream;
}

}  // namespace

TEST_CASE("at the limit the connection that has been idle for longest gives way") {
  ServerWorld world;  // 8 connections
  std::vector<runtime::ByteStreamPtr> streams;
  streams.reserve(8);
  for (int i = 0; i < 8; ++i) streams.push_back(ask_once(world, "Known: yes\r\n"));
  CHECK(world.run(streams[0]->write(request("GET /x"))));  // used again
  world.step_until([&] { return world.seen.requests.size() == 9; });
  auto newest = ask_once(world);
  world.step_until([&] { return world.server.counts().connections == 8; });
  CHECK_FALSE(is_open(world, streams[1]));
  CHECK(is_open(world, streams[0]));
  CHECK(is_open(world, streams[2]));
  CHECK(is_open(world, newest));
  CHECK(world.server.counts().refused == 0);
}

TEST_CASE("who never ends his request keeps nobody out") {
  ServerWorld world;  // 8 connections
  std::vector<runtime::ByteStreamPtr> streams;
  streams.reserve(8);
  for (std::size_t i = 0; i < 8; ++i) {
    streams.push_back(world.connect());
    const bool is_body = i % 2 == 1;
    CHECK(world.run(streams.back()->write(
        is_body ? "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1" : "GET /x HTT")));
    world.step_until([&] { return world.server.counts().connections == i + 1; });
  }
  CHECK(has(world.talk(request("GET /y", kClose)), "GET /y"));
  CHECK(has(world.talk(request("GET /z", kClose)), "GET /z"));
  CHECK(world.server.counts().refused == 0);
}

TEST_CASE("of connections that come at once each gets the place of another one") {
  ServerWorld world;
  std::vector<runtime::ByteStreamPtr> streams;
  streams.reserve(8);
  for (int i = 0; i < 8; ++i) streams.push_back(ask_once(world));
  std::vector<runtime::ByteStreamPtr> server_ends;
  std::vector<runtime::ByteStreamPtr> client_ends;
  for (int i = 0; i < 3; ++i) {
    auto wire = runtime::make_memory_streams();
    server_ends.push_back(std::move(wire.first));
    client_ends.push_back(std::move(wire.second));
  }
  world.server.serve(std::make_unique<Wires>(std::move(server_ends)), nullptr);
  for (const auto& one : client_ends) CHECK(is_open(world, one));
  for (int i = 0; i < 8; ++i) CHECK(is_open(world, streams[static_cast<std::size_t>(i)]) == (i >= 3));
}

TEST_CASE("connections beyond the limit are closed at once where none is idle") {
  ServerWorld world;
  std::vector<runtime::ByteStreamPtr> streams;
  streams.reserve(8);
  for (int i = 0; i < 8; ++i) streams.push_back(keep_busy(world));
  CHECK(world.server.counts().connections == 8);
  CHECK(world.talk(request("GET /x")).empty());
  CHECK(world.server.counts().refused == 1);
}

TEST_CASE("strangers give way to each other, the oldest first, and never while they are served") {
  auto limits = small_limits();
  limits.strangers = {.all = 2, .handshakes = 2, .patience = 0ms};
  ServerWorld world(limits);
  const auto known = ask_once(world, "Known: yes\r\n");
  const auto oldest = ask_once(world);
  const auto busy = keep_busy(world);
  const auto newer = ask_once(world);  // the oldest one gives way
  CHECK_FALSE(is_open(world, oldest));
  const auto busy_too = keep_busy(world);
  CHECK_FALSE(is_open(world, newer));
  CHECK(world.talk(request("GET /x")).empty());  // both are busy
  CHECK(world.server.counts().refused == 1);
  CHECK(is_open(world, known));
}

TEST_CASE("a WebSocket is a stranger's until it is known") {
  auto limits = small_limits();
  limits.strangers = {.all = 1, .handshakes = 1, .patience = 0ms};
  ServerWorld world(limits);
  const auto url = *parse_url("ws://" + world.endpoint.str() + "/ws");
  const auto connect = [&] {
    return std::move(*world.run(
        connect_websocket(world.executor(), *world.clock, *world.rng, {url, {}, nullptr, {}, 5s})));
  };
  const auto says = [&](runtime::ByteStream& stream, std::string text) {
    const auto size = text.size();
    return world.run(stream.write(std::move(text))) && world.run(read_bytes(&stream, size)).size() == size;
  };
  auto silent = connect();
  auto known = connect();
  CHECK_FALSE(says(*silent, "still there"));
  CHECK(says(*known, "I am known"));
  auto newest = connect();
  CHECK(says(*known, "still there"));
  CHECK(says(*newest, "still there"));
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

TEST_CASE("without a socket: requests and a WebSocket") {
  ServerWorld world;
  auto wire = runtime::make_memory_streams();
  world.server.serve(one_wire(std::move(wire.first)), nullptr);
  CHECK(
      world.run(wire.second->write(request("GET /a") + request("GET /stream") + request("GET /b", kClose))));
  const auto answers = world.run(read_bytes(wire.second.get(), 1 << 20));
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 3);
  CHECK(body_of(answers.substr(answers.rfind("HTTP/1.1"))) == "GET /b ");

  auto other = runtime::make_memory_streams();
  world.server.serve(one_wire(std::move(other.first)), nullptr);
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
