#include "net/http_connection.hpp"

#include <boost/asio/this_coro.hpp>

#include "net/deadline.hpp"
#include "net/http_response.hpp"
#include "net/sniff.hpp"
#include "net/websocket.hpp"

namespace footman::net {

using runtime::Awaitable;

Registration::Registration(ConnectionPtr connection) : connection_(std::move(connection)) {
  auto& server = *connection_->server;
  connection_->place = server.open.insert(server.open.end(), connection_.get());
  ++server.connections;
}

Registration::~Registration() {
  auto& server = *connection_->server;
  if (connection_->upgraded) --server.upgraded;
  --server.connections;
  server.open.erase(connection_->place);
  if (connection_->stream) connection_->stream->close();
  connection_->stream.reset();
  connection_->stranger.reset();
}

void Connection::begin_to_idle() {
  busy = false;
  server->open.splice(server->open.end(), server->open, place);
  if (stranger) stranger->stay(false);
}

// Its coroutine ends later; until then it does not give way a second time.
void Connection::give_way() {
  busy = true;
  reading = false;
  stranger.reset();
  stream->close();
}

void Connection::end_for_stop() {
  if (const auto running = exchange.lock()) {
    running->changed.notify();
  } else if (stream && (!busy || upgraded)) {
    stream->close();
  }
}

HttpResponse answer_failure(const HttpServer::State& server, const HttpRequest& request,
                            const std::string& failure) {
  server.log.error("a request failed",
                   {{"method", request.method}, {"path", request.path}, {"error", failure}});
  return make_error_response(500, "internal", "an internal error; the server's log says more");
}

namespace {

constexpr base::Duration kLinger = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 1024 * 1024;

// A WebSocket that its user owns while the server can still end it.
class LentStream final : public runtime::ByteStream {
 public:
  explicit LentStream(std::shared_ptr<runtime::ByteStream> inner) : inner_(std::move(inner)) {}
  ~LentStream() override { inner_->close(); }
  Awaitable<base::Result<std::string>> read(std::size_t max) override { return inner_->read(max); }
  Awaitable<base::Status> write(std::string bytes) override { return inner_->write(std::move(bytes)); }
  void close() noexcept override { inner_->close(); }
  std::string peer() const override { return inner_->peer(); }

 private:
  std::shared_ptr<runtime::ByteStream> inner_;
};

// The connection's stream as something another stream can own.
class ConnectionStream final : public NetStream {
 public:
  explicit ConnectionStream(std::shared_ptr<runtime::ByteStream> inner) : inner_(std::move(inner)) {}
  ~ConnectionStream() override { inner_->close(); }
  Awaitable<base::Result<std::string>> read(std::size_t max) override { return inner_->read(max); }
  Awaitable<base::Status> write(std::string bytes) override { return inner_->write(std::move(bytes)); }
  void close() noexcept override { inner_->close(); }
  std::string peer() const override { return inner_->peer(); }
  void write_now(std::string_view bytes) noexcept override {
    if (auto* net = dynamic_cast<NetStream*>(inner_.get())) net->write_now(bytes);
  }
  void end_writes() noexcept override {}
  bool quiet() noexcept override { return false; }

 private:
  std::shared_ptr<runtime::ByteStream> inner_;
};

// On the handler executor.
Awaitable<HttpResponse> call_handler(ServerStatePtr server, std::shared_ptr<const HttpRequest> request) {
  std::string failure;
  bool cancelled = false;
  try {
    co_return co_await server->handler(request);
  } catch (const std::exception& exception) {
    cancelled = runtime::is_cancellation(exception);
    failure = exception.what();
  }
  // What the handler waited for was cancelled: by us (then the next wait throws again), or it is shutting
  // down.
  if (cancelled) co_return make_error_response(503, "unavailable", "the server is stopping");
  co_return answer_failure(*server, *request, failure);
}

Awaitable<HttpResponse> ask_handler(ServerStatePtr server, std::shared_ptr<const HttpRequest> request) {
  ++server->requests;
  auto call = call_handler(server, std::move(request));
  co_return co_await runtime::run_on(server->handlers, std::move(call));
}

// The other side must read the last answer before a reset can overtake it: bytes that arrive are dropped for
// a while.
Awaitable<void> linger(ConnectionPtr c) {
  auto* net = c->net_stream();
  if (net == nullptr || c->server->stopping) co_return;
  net->end_writes();
  c->busy = false;
  if (c->stranger) c->stranger->stay(false);
  const Deadline deadline(*c->server->clock, c->server->net, kLinger,
                          [stream = c->stream] { stream->close(); });
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    const auto bytes = co_await c->stream->read(16 * 1024);
    if (!bytes || bytes->empty()) co_return;
    dropped += bytes->size();
  }
}

// Answers with 101 and makes the connection's stream a WebSocket. False: refused or gone.
Awaitable<bool> switch_protocol(ConnectionPtr c, HttpResponse response, std::string accept_key) {
  response.status = 101;
  response.headers.set("Sec-WebSocket-Accept", std::move(accept_key));
  auto head = format_response_head(response, BodyKind::none, 0, true, c->server->clock->now());
  if (!co_await write_bytes(c, std::move(head))) co_return false;
  runtime::ByteStreamPtr lower = std::make_unique<ConnectionStream>(std::move(c->stream));
  if (!c->in.empty()) lower = give_back(std::exchange(c->in, {}), std::move(lower));
  c->stream = make_websocket_stream(std::move(lower), WebSocketRole::server, nullptr);
  c->upgraded = true;
  if (c->stranger) c->stranger->stay(false);
  ++c->server->upgraded;
  co_return true;
}

// Requests one after the other. Returns the WebSocket's coroutine when a request was upgraded, else nothing.
Awaitable<UpgradeToWebSocket> serve_requests(ConnectionPtr c) {
  for (bool first = true; !c->server->stopping; first = false) {
    c->begin_to_idle();
    BodyShare share(c->server);
    auto incoming = co_await read_request(c, first, &share);
    c->reading = false;
    if (incoming.got == Got::end) co_return nullptr;
    if (incoming.got == Got::refused) {
      ++c->server->refused;
      co_await write_response(c, std::move(incoming.refusal), false, false, false);
      break;
    }
    const std::shared_ptr<const HttpRequest> request = std::move(incoming.request);
    const bool head_only = request->method == "HEAD";
    const bool http_1_0 = incoming.http_1_0;
    const bool wants_more = incoming.framing.keep_alive;
    if (c->stranger) c->stranger->stay(true);
    auto response = co_await ask_handler(c->server, request);
    if (response.known_client) c->stranger.reset();
    if (response.upgrade) {
      auto answer = check_websocket_upgrade(*request);
      if (!answer.problem) {
        auto upgrade = std::move(response.upgrade);
        const bool switched = co_await switch_protocol(c, std::move(response), std::move(answer.accept_key));
        if (switched) co_return upgrade;
        co_return nullptr;
      }
      response = make_problem_response(*answer.problem);
    }
    const bool keep_alive = wants_more && !c->server->stopping;
    const bool more = co_await write_response(c, std::move(response), head_only, http_1_0, keep_alive);
    if (!more) break;
  }
  co_await linger(c);
  co_return nullptr;
}

Awaitable<void> run_upgraded(ConnectionPtr c, UpgradeToWebSocket upgrade) {
  if (c->server->stopping) co_return;
  std::string failure;
  try {
    co_await upgrade(std::make_unique<LentStream>(c->stream),
                     [connection = c.get()] { connection->stranger.reset(); });
  } catch (const std::exception& exception) {
    if (runtime::is_cancellation(exception)) throw;
    failure = exception.what();
  }
  if (!failure.empty()) c->server->log.error("a WebSocket connection failed", {{"error", failure}});
}

}  // namespace

Awaitable<void> run_connection(ServerStatePtr server, runtime::ByteStreamPtr stream, bool tls,
                               StrangerPtr stranger) {
  const auto c = std::make_shared<Connection>(std::move(server), std::move(stream), tls, std::move(stranger));
  const Registration registration(c);
  if (c->stranger) c->stranger->on_give_way([connection = c.get()] { connection->give_way(); });
  auto upgrade = co_await serve_requests(c);
  if (upgrade) co_await run_upgraded(c, std::move(upgrade));
}

}  // namespace footman::net
