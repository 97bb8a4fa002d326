// The HTTP client and WebSocket connections against the server, scripted servers, proxies and curl.
#include "net/http_client.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <thread>

#include "base/tests/machine.hpp"
#include "net/http_server.hpp"
#include "net/sse.hpp"
#include "net/tests/world.hpp"
#include "net/websocket.hpp"

using namespace footman;
using namespace footman::net;
using namespace footman::net::test;
using namespace std::chrono_literals;
using runtime::Awaitable;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Awaitable<void> send_events(std::shared_ptr<BodyWriter> writer) {
  for (int i = 1; i <= 3; ++i) {
    const auto sent =
        co_await writer->write(format_sse({std::to_string(i), "tick", "value " + std::to_string(i)}));
    if (!sent) co_return;
  }
}

Awaitable<void> echo(runtime::ByteStreamPtr stream) {
  while (true) {
    auto bytes = co_await stream->read(64 * 1024);
    if (!bytes || bytes->empty()) co_return;
    const auto sent = co_await stream->write(std::move(*bytes));
    if (!sent) co_return;
  }
}

Awaitable<HttpResponse> handle(std::shared_ptr<const HttpRequest> request) {
  HttpResponse response;
  if (request->path == "/events") {
    response.headers.add("Content-Type", "text/event-stream");
    response.stream = send_events;
  } else if (request->path == "/ws") {
    if (request->headers.value_or("Authorization", "") == "Bearer wrong") {
      co_return make_error_response(401, "unauthenticated", "this secret is not known");
    }
    response.upgrade = [](runtime::ByteStreamPtr stream, const auto&) { return echo(std::move(stream)); };
  } else if (request->path == "/big") {
    response.body = std::string(1'000'000, 'b');
  } else {
    response.headers.add("X-Peer", request->peer);
    response.headers.add("X-Tls", request->tls ? "yes" : "no");
    response.body = request->method + " " + request->target + " " + request->body;
  }
  co_return response;
}

struct ClientWorld : World {
  ClientWorld()
      : identity(make_identity({"localhost", "127.0.0.1"}, clock->now())),
        server(executor(), executor(), handle, {}, *clock, {}) {
    auto plain_listener = listen();
    auto tls_listener = listen();
    plain = plain_listener->endpoint();
    tls = tls_listener->endpoint();
    server.serve(std::move(plain_listener), nullptr);
    server.serve(std::move(tls_listener), identity.server);
    config.tls = trusting(identity);
  }
  ~ClientWorld() {
    server.stop();
    run(server.join());
  }
  Url url(const std::string& scheme, const std::string& path) {
    return *parse_url(scheme + "://" + (scheme == "https" || scheme == "wss" ? tls : plain).str() + path);
  }
  base::Result<HttpClientResponse> get(HttpClient& client, const Url& from) {
    return run(client.request({"GET", from, {}, {}, {}, {}}));
  }
  TlsIdentity identity;
  HttpServer server;
  Endpoint plain;
  Endpoint tls;
  HttpClientConfig config;
};

// Answers every connection with the bytes, after a request's head came; then closes (or keeps it open).
Awaitable<void> serve_bytes(Listener* listener, std::string bytes, bool close, std::string* heard,
                            std::vector<runtime::ByteStreamPtr>* open) {
  while (true) {
    auto stream = co_await listener->accept();
    if (!stream) co_return;
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      auto more = co_await (*stream)->read(4096);
      if (!more || more->empty()) break;
      head += *more;
    }
    *heard += head;
    co_await (*stream)->write(bytes);
    if (!close) open->push_back(std::move(*stream));
  }
}

struct Scripted {
  Scripted(World& the_world, std::string bytes, bool close) : world(the_world), listener(world.listen()) {
    scope.spawn("scripted", serve_bytes(listener.get(), std::move(bytes), close, &heard, &open));
  }
  ~Scripted() {
    scope.cancel();
    world.run(scope.join());
  }
  Url url() { return *parse_url("http://" + listener->endpoint().str() + "/"); }
  World& world;
  runtime::Scope scope{world.executor(), {}};
  std::unique_ptr<Listener> listener;
  std::string heard;
  std::vector<runtime::ByteStreamPtr> open;
};

}  // namespace

TEST_CASE("requests over one kept connection, plain and over TLS") {
  ClientWorld world;
  HttpClient client(world.executor(), *world.clock, world.config);
  for (const char* scheme : {"http", "https"}) {
    CAPTURE(scheme);
    const auto first = world.get(client, world.url(scheme, "/a?b=c"));
    REQUIRE(first);
    CHECK(first->status == 200);
    CHECK(first->body == "GET /a?b=c ");
    CHECK(first->headers.find("x-tls") == (std::string(scheme) == "https" ? "yes" : "no"));
    const auto second = world.run(client.request({"POST", world.url(scheme, "/p"), {}, "body", {}, {}}));
    REQUIRE(second);
    CHECK(second->body == "POST /p body");
    CHECK(first->headers.find("x-peer") == second->headers.find("x-peer"));
    const auto head = world.run(client.request({"HEAD", world.url(scheme, "/h"), {}, {}, {}, {}}));
    REQUIRE(head);
    CHECK(head->body.empty());
    CHECK(head->headers.find("x-peer") == second->headers.find("x-peer"));
    CHECK(world.get(client, world.url(scheme, "/big"))->body.size() == 1'000'000);
  }
  CHECK(world.server.counts().connections == 2);
}

TEST_CASE("a kept connection that died is replaced; the answer's limit holds") {
  ClientWorld world;
  HttpClient client(world.executor(), *world.clock, world.config);
  CHECK(world.get(client, world.url("http", "/a")));
  auto small = world.config;
  small.body_bytes = 1000;
  HttpClient limited(world.executor(), *world.clock, small);
  const auto big = world.get(limited, world.url("http", "/big"));
  REQUIRE_FALSE(big);
  CHECK(big.error().code == base::Errc::resource_exhausted);

  Scripted once(world, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.get(client, once.url());
    REQUIRE(answer);
    CHECK(answer->body == "ok");
  }
}

TEST_CASE("as many idle connections are kept as the config says, and not for longer") {
  ClientWorld world;
  std::set<std::string> peers;  // the client's ports: one for each connection
  const auto three_at_once = [&](HttpClient& client) {
    std::vector<std::unique_ptr<HttpBody>> bodies;
    bodies.reserve(3);
    for (int i = 0; i < 3; ++i)
      bodies.push_back(std::move(*world.run(client.open({"GET", world.url("http", "/a"), {}, {}, {}, {}}))));
    for (auto& body : bodies) {
      peers.insert(std::string(body->headers().value_or("X-Peer", "")));
      while (!world.run(body->read(1000))->empty()) {
      }
    }
  };
  world.config.idle_connections = 2;
  HttpClient client(world.executor(), *world.clock, world.config);
  three_at_once(client);
  CHECK(peers.size() == 3);
  three_at_once(client);
  CHECK(peers.size() == 4);

  world.config.idle_age = base::Duration(-1);
  HttpClient forgetful(world.executor(), *world.clock, world.config);
  const auto first = world.get(forgetful, world.url("http", "/a"));
  const auto second = world.get(forgetful, world.url("http", "/a"));
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->headers.find("X-Peer") != second->headers.find("X-Peer"));
}

TEST_CASE("a streamed answer arrives piece by piece") {
  ClientWorld world;
  HttpClient client(world.executor(), *world.clock, world.config);
  auto body = world.run(client.open({"GET", world.url("http", "/events"), {}, {}, {}, base::Duration(0)}));
  REQUIRE(body);
  CHECK((*body)->headers().find("content-type") == "text/event-stream");
  SseParser parser;
  std::vector<SseEvent> events;
  while (true) {
    const auto bytes = world.run((*body)->read(5));
    REQUIRE(bytes);
    if (bytes->empty()) break;
    CHECK(bytes->size() <= 5);
    const auto some = parser.feed(*bytes);
    events.insert(events.end(), some->begin(), some->end());
  }
  REQUIRE(events.size() == 3);
  CHECK(events[2] == SseEvent{"3", "tick", "value 3"});
  CHECK(world.run((*body)->read(5))->empty());
}

TEST_CASE("answers that are cut, wrong or late are errors in words") {
  struct Row {
    const char* bytes;
    base::Errc code;
  };
  const Row rows[] = {
      {"", base::Errc::io},
      {"HTTP/1.1 200 OK\r\nContent-Le", base::Errc::io},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", base::Errc::io},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", base::Errc::io},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", base::Errc::corrupt},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", base::Errc::corrupt},
      {"SSH-2.0-OpenSSH\r\n", base::Errc::corrupt},
  };
  World world;
  HttpClient client(world.executor(), *world.clock, {});
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    Scripted server(world, row.bytes, true);
    const auto answer = world.run(client.request({"GET", server.url(), {}, {}, {}, {}}));
    REQUIRE_FALSE(answer);
    CHECK(base::to_string(answer.error().code) == base::to_string(row.code));
  }
  Scripted silent(world, "", false);
  const auto late = world.run(client.request({"GET", silent.url(), {}, {}, base::Duration(20ms), {}}));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == base::Errc::timeout);
  Scripted half(world, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", false);
  const auto idle = world.run(client.request({"GET", half.url(), {}, {}, {}, base::Duration(20ms)}));
  REQUIRE_FALSE(idle);
  CHECK(idle.error().code == base::Errc::timeout);
}

// One byte in each 10 ms: it is never late, and never over.
Awaitable<void> drip(World* world, Listener* listener) {
  auto stream = co_await listener->accept();
  if (!stream) co_return;
  co_await (*stream)->read(4096);
  auto sent = co_await (*stream)->write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  while (sent) {
    co_await runtime::sleep_for(*world->clock, 10ms);
    sent = co_await (*stream)->write(" ");
  }
}

TEST_CASE("an answer that drips for ever ends with the time for the whole of it") {
  World world;
  auto listener = world.listen();
  world.scope.spawn("drips", drip(&world, listener.get()));
  HttpClientConfig config;
  config.whole = 200ms;
  HttpClient client(world.executor(), *world.clock, config);
  const auto url = *parse_url("http://" + listener->endpoint().str() + "/");
  const auto answer = world.run(client.request({"GET", url, {}, {}, {}, {}}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == base::Errc::timeout);
  CHECK(has(answer.error().message, "was not complete within 200 ms"));
  world.scope.cancel();
  world.run(world.scope.join());
}

TEST_CASE("a target that could hold another request is refused before anything is sent") {
  ClientWorld world;
  HttpClient client(world.executor(), *world.clock, world.config);
  for (const std::string bad : {"/a\r\nX-Evil: 1", "/a b", "/a\x7f", "/a\tb"}) {
    CAPTURE(bad);
    auto url = world.url("http", "/");
    url.path = bad;
    const auto answer = world.get(client, url);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == base::Errc::invalid_argument);
    auto ws = world.url("ws", "/ws");
    ws.path += bad;
    const auto refused =
        world.run(connect_websocket(world.executor(), *world.clock, *world.rng, {ws, {}, nullptr, {}, 5s}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == base::Errc::invalid_argument);
  }
}

TEST_CASE("interim answers are skipped, an answer without a length ends with the connection") {
  World world;
  HttpClient client(world.executor(), *world.clock, {});
  Scripted interim(world, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end", true);
  CHECK(world.run(client.request({"GET", interim.url(), {}, {}, {}, {}}))->body == "until the end");
  HttpClientRequest evil{"GET", interim.url(), {}, {}, {}, {}};
  evil.headers.add("X", "a\r\nY: b");
  CHECK_FALSE(world.run(client.request(evil)));
}

TEST_CASE("through a proxy: whole URLs for http, a tunnel for ws") {
  World world;
  HttpClientConfig config;
  Scripted proxy(world, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
  config.proxies.all_proxy = "http://user:pw@" + proxy.listener->endpoint().str();
  HttpClient client(world.executor(), *world.clock, config);
  CHECK(world.run(client.request({"GET", *parse_url("http://example.org:81/x"), {}, {}, {}, {}}))->body ==
        "ok");
  CHECK(proxy.heard.starts_with("GET http://example.org:81/x HTTP/1.1\r\nHost: example.org:81\r\n"));
  CHECK(has(proxy.heard, "\r\nProxy-Authorization: Basic dXNlcjpwdw==\r\n"));

  proxy.heard.clear();
  const auto url = *parse_url("wss://example.org/x");
  const auto chosen = *choose_proxy(url, config.proxies);
  const auto refused =
      world.run(connect_through(world.executor(), *world.clock, chosen, url.host, url.port, 5s));
  CHECK(proxy.heard.starts_with("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"));
  CHECK_FALSE(refused);  // this proxy sends bytes behind its answer
  Scripted closed(world, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", true);
  const Proxy asks{"127.0.0.1", closed.listener->endpoint().port, {}};
  const auto asked = world.run(connect_through(world.executor(), *world.clock, asks, "h", 1, 5s));
  REQUIRE_FALSE(asked);
  CHECK(asked.error().code == base::Errc::unavailable);
  CHECK(has(asked.error().message, "answered 407 to a tunnel"));
}

namespace {

Awaitable<void> pump(runtime::ByteStream* from, runtime::ByteStream* to) {
  while (true) {
    auto bytes = co_await from->read(64 * 1024);
    if (!bytes || bytes->empty()) break;
    const auto sent = co_await to->write(std::move(*bytes));
    if (!sent) break;
  }
  to->close();
}

// A CONNECT proxy for one connection.
Awaitable<void> tunnel_once(World* world, Listener* listener, Endpoint target, runtime::Scope* pumps,
                            std::vector<runtime::ByteStreamPtr>* open) {
  auto client = co_await listener->accept();
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) head += *co_await (*client)->read(4096);
  auto server = co_await connect_tcp(world->executor(), *world->clock, target.host, target.port, 5s);
  co_await (*client)->write("HTTP/1.1 200 Connection established\r\n\r\n");
  pumps->spawn("up", pump(client->get(), server->get()));
  pumps->spawn("down", pump(server->get(), client->get()));
  open->push_back(std::move(*client));
  open->push_back(std::move(*server));
}

}  // namespace

TEST_CASE("a WebSocket over TLS through a proxy carries megabytes") {
  ClientWorld world;
  auto listener = world.listen();
  std::vector<runtime::ByteStreamPtr> open;
  runtime::Scope pumps(world.executor(), {});
  world.scope.spawn("proxy", tunnel_once(&world, listener.get(), world.tls, &pumps, &open));
  WebSocketConnect what{
      world.url("wss", "/ws"), {}, world.config.tls, Proxy{"127.0.0.1", listener->endpoint().port, {}}, 5s};
  auto stream = world.run(connect_websocket(world.executor(), *world.clock, *world.rng, what));
  REQUIRE(stream);
  const std::string bytes(2'000'000, 'w');
  struct Writer {
    static Awaitable<void> write(runtime::ByteStream* out, std::string text) {
      co_await out->write(std::move(text));
    }
  };
  world.scope.spawn("writer", Writer::write(stream->get(), bytes));
  CHECK(world.run(read_bytes(stream->get(), bytes.size())) == bytes);
  (*stream)->close();
  world.run(pumps.join());
  world.run(world.scope.join());
}

TEST_CASE("a refused WebSocket says why") {
  ClientWorld world;
  WebSocketConnect what{world.url("wss", "/ws"), {}, world.config.tls, {}, 5s};
  what.headers.add("Authorization", "Bearer wrong");
  const auto refused = world.run(connect_websocket(world.executor(), *world.clock, *world.rng, what));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Errc::unavailable);
  CHECK(has(refused.error().message, "answered 401 to the WebSocket upgrade: this secret is not known"));
  Scripted silent(world, "", false);
  auto url = silent.url();
  url.scheme = "ws";
  const auto late =
      world.run(connect_websocket(world.executor(), *world.clock, *world.rng, {url, {}, nullptr, {}, 20ms}));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == base::Errc::timeout);
}

TEST_CASE("a WebSocket answers pings, ends on a violation, and says close") {
  World world;
  auto pair = connect_pair(world);
  auto* raw = pair.server.get();
  auto stream = make_websocket_stream(std::move(pair.client), WebSocketRole::client, world.rng.get());
  struct Reader {
    static Awaitable<void> read(runtime::ByteStream* from, base::Result<std::string>* out) {
      *out = co_await from->read(100);
    }
  };
  base::Result<std::string> got;
  world.scope.spawn("read", Reader::read(stream.get(), &got));
  CHECK(
      world.run(raw->write("\x89\x0d"
                           "are you there")));
  auto answer = world.run(read_bytes(raw, 6 + 13));
  WebSocketDecoder decoder(WebSocketRole::server);
  CHECK(decoder.decode(answer.data(), answer.size()).pongs == 1);
  CHECK(world.run(raw->write(encode_websocket_binary(WebSocketRole::server, "data", {}))));
  world.run(world.scope.join());
  CHECK(*got == "data");
  CHECK(world.run(raw->write("\x81\x01x")));
  const auto violation = world.run(stream->read(100));
  REQUIRE_FALSE(violation);
  CHECK(violation.error().code == base::Errc::corrupt);
  auto close = world.run(read_bytes(raw, 8));
  const auto decoded = decoder.decode(close.data(), close.size());
  CHECK_FALSE(world.run(stream->write("more")));
  stream->close();
  auto rest = world.run(read_bytes(raw, 1000));
  const auto tail = decoder.decode(rest.data(), rest.size());
  const auto& said = decoded.close ? decoded.close : tail.close;
  REQUIRE(said);
  CHECK(said->code == close_code::kUnsupportedData);
}

namespace {

// Runs a command on a thread of its own while the world goes on.
std::string run_command(World& world, const std::string& command) {
  std::string output;
  std::atomic<bool> done{false};
  std::thread thread([&] {
    if (FILE* pipe = popen(command.c_str(), "r")) {
      std::array<char, 4096> buffer;
      while (const auto count = fread(buffer.data(), 1, buffer.size(), pipe))
        output.append(buffer.data(), count);
      pclose(pipe);
    }
    done = true;
    boost::asio::post(world.io, [] {});
  });
  world.step_until([&] { return done.load(); });
  thread.join();
  return output;
}

}  // namespace

TEST_CASE("curl understands the server") {
  if (!footman::base::tests::machine_has(std::system("curl --version >/dev/null 2>&1") == 0, "curl")) return;
  ClientWorld world;
  const std::string curl = "curl -sS --noproxy '*' --max-time 20 ";
  const auto plain = "http://" + world.plain.str();
  CHECK(run_command(world, curl + plain + "/a " + plain + "/b 2>&1") == "GET /a GET /b ");
  CHECK(run_command(world, curl + "-d x=1 " + plain + "/p 2>&1") == "POST /p x=1");
  CHECK(run_command(world, curl + "-X POST " + plain + "/p 2>&1") == "POST /p ");
  CHECK(run_command(world, curl + "-H 'Transfer-Encoding: chunked' -d chunky " + plain + "/p 2>&1") ==
        "POST /p chunky");
  CHECK(run_command(world, "head -c 2000000 /dev/zero | tr '\\0' z | " + curl +
                               "-H 'Expect: 100-continue' --data-binary @- " + plain + "/p 2>&1 | wc -c") ==
        "2000008\n");
  CHECK(run_command(world, "head -c 20000000 /dev/zero | " + curl +
                               "-o /dev/null -w '%{http_code}' --data-binary @- " + plain + "/p 2>&1") ==
        "413");
  CHECK(has(run_command(world, curl + "-I " + plain + "/big 2>&1"), "Content-Length: 1000000"));
  CHECK(has(run_command(world, curl + "-N " + plain + "/events 2>&1"),
            "id: 3\nevent: tick\ndata: value 3\n\n"));
  const auto tls = "https://localhost:" + std::to_string(world.tls.port);
  CHECK(has(run_command(world, curl + tls + "/x 2>&1"), "certificate"));
  CHECK(run_command(world, curl + "-k --tlsv1.3 " + tls + "/x 2>&1") == "GET /x ");
  CHECK(run_command(world, curl + "-k --tls-max 1.2 " + tls + "/x 2>&1") == "GET /x ");
}
