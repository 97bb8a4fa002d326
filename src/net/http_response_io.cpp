// Sending one answer: whole, or piece by piece while the client is watched.
#include <algorithm>

#include "net/deadline.hpp"
#include "net/http_connection.hpp"
#include "net/http_response.hpp"

namespace footman::net {

using runtime::Awaitable;

Exchange::Exchange(ServerStatePtr the_server)
    : server(std::move(the_server)), scope(server->net, server->log) {
  ++server->exchanges;
}
Exchange::~Exchange() {
  --server->exchanges;
  server->exchange_ended.notify();
}

namespace {

constexpr std::size_t kWritePiece = 256 * 1024;  // each gets the whole time limit
constexpr std::size_t kMaxPipelined = 16 * 1024;

std::unexpected<base::Error> client_gone() { return base::fail(base::Errc::cancelled, "the client is gone"); }

Awaitable<bool> write_in_time(ConnectionPtr c, std::string bytes) {
  const auto stream = c->stream;
  if (!stream) co_return false;
  const Deadline deadline(*c->server->clock, c->server->net, c->server->limits.write,
                          [stream] { stream->close(); });
  const auto sent = co_await stream->write(std::move(bytes));
  co_return sent.has_value();
}

}  // namespace

Awaitable<bool> write_bytes(ConnectionPtr c, std::string bytes) {
  if (bytes.size() <= kWritePiece) co_return co_await write_in_time(std::move(c), std::move(bytes));
  for (std::size_t at = 0; at < bytes.size(); at += kWritePiece) {
    const bool sent = co_await write_in_time(c, bytes.substr(at, kWritePiece));
    if (!sent) co_return false;
  }
  co_return true;
}

namespace {

Awaitable<base::Status> write_piece(ConnectionPtr c, std::string bytes) {
  if (!c->body_open) co_return client_gone();
  const bool sent = co_await write_bytes(c, c->body_chunked ? format_chunk(bytes) : std::move(bytes));
  if (!sent) co_return client_gone();
  co_return base::Status();
}

class PieceWriter final : public BodyWriter {
 public:
  explicit PieceWriter(ConnectionPtr c) : c_(std::move(c)) {}
  Awaitable<base::Status> write(std::string bytes) override { return write_to(c_, std::move(bytes)); }

 private:
  static Awaitable<base::Status> write_to(ConnectionPtr c, std::string bytes) {
    if (!c->body_open) co_return client_gone();
    if (bytes.empty()) co_return base::Status();  // an empty chunk would be the end
    auto piece = write_piece(c, std::move(bytes));
    co_return co_await runtime::run_on(c->server->net, std::move(piece));
  }
  ConnectionPtr c_;
};

// On the handler executor. True: the body came to its end.
Awaitable<bool> produce(ConnectionPtr c, StreamBody body) {
  std::string failure;
  try {
    co_await body(std::make_shared<PieceWriter>(c));
    co_return true;
  } catch (const std::exception& exception) {
    if (runtime::is_cancellation(exception)) co_return false;
    failure = exception.what();
  }
  c->server->log.error("a streaming answer failed", {{"error", failure}});
  co_return false;
}

// Whatever way a coroutine ends, the one that waits for it hears of it.
class SayEnd {
 public:
  SayEnd(std::shared_ptr<Exchange> exchange, bool Exchange::* flag)
      : exchange_(std::move(exchange)), flag_(flag) {}
  SayEnd(const SayEnd&) = delete;
  SayEnd& operator=(const SayEnd&) = delete;
  ~SayEnd() {
    (*exchange_).*flag_ = true;
    exchange_->changed.notify();
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  bool Exchange::* flag_;
};

Awaitable<void> run_body(ConnectionPtr c, std::shared_ptr<Exchange> exchange, StreamBody body) {
  const SayEnd end(exchange, &Exchange::body_done);
  auto production = produce(c, std::move(body));
  exchange->complete = co_await runtime::run_on(c->server->handlers, std::move(production));
}

// Reads ahead only to see whether the client goes away.
Awaitable<void> watch_client(ConnectionPtr c, std::shared_ptr<Exchange> exchange) {
  const auto stream = c->stream;
  while (stream && c->in.size() < kMaxPipelined) {
    auto more = co_await stream->read(kMaxPipelined);
    if (!more || more->empty()) {
      exchange->client_gone = true;
      exchange->changed.notify();
      co_return;
    }
    c->in += *more;
  }
}

// Nothing of an exchange goes on by itself when its connection's coroutine is cancelled.
class EndExchange {
 public:
  EndExchange(ConnectionPtr c, std::shared_ptr<Exchange> exchange)
      : c_(std::move(c)), exchange_(std::move(exchange)) {}
  EndExchange(const EndExchange&) = delete;
  EndExchange& operator=(const EndExchange&) = delete;
  ~EndExchange() {
    c_->body_open = false;
    exchange_->scope.cancel();
  }

 private:
  ConnectionPtr c_;
  std::shared_ptr<Exchange> exchange_;
};

Awaitable<bool> send_stream(ConnectionPtr c, StreamBody body) {
  const auto exchange = std::make_shared<Exchange>(c->server);
  c->exchange = exchange;
  c->body_open = true;
  {
    const EndExchange end(c, exchange);
    exchange->scope.spawn("http-body", run_body(c, exchange, std::move(body)));
    exchange->scope.spawn("http-watch", watch_client(c, exchange));
    while (!exchange->body_done && !exchange->client_gone && !c->server->stopping)
      co_await exchange->changed.wait();
  }
  co_await exchange->scope.join();
  if (!exchange->complete || exchange->client_gone) co_return false;
  if (!c->body_chunked) co_return false;  // the end of the connection is the end of the body
  co_return co_await write_bytes(c, "0\r\n\r\n");
}

}  // namespace

Awaitable<bool> write_response(ConnectionPtr c, HttpResponse response, bool head_only, bool http_1_0,
                               bool keep_alive) {
  const auto now = c->server->clock->now();
  if (response.stream) {
    c->body_chunked = !http_1_0;
    const auto kind = http_1_0 ? BodyKind::until_close : BodyKind::chunked;
    const bool sent =
        co_await write_bytes(c, format_response_head(response, kind, 0, keep_alive && !http_1_0, now));
    if (!sent) co_return false;
    if (head_only) co_return keep_alive && !http_1_0;
    const bool ended = co_await send_stream(c, std::move(response.stream));
    co_return ended&& keep_alive;
  }
  const bool no_body = response.status == 204 || response.status == 304 || response.status < 200;
  auto out = format_response_head(response, no_body ? BodyKind::none : BodyKind::length, response.body.size(),
                                  keep_alive, now);
  if (http_1_0 && keep_alive) out.insert(out.size() - 2, "Connection: keep-alive\r\n");
  if (!no_body && !head_only) out += response.body;
  response.body = std::string();
  const bool sent = co_await write_bytes(c, std::move(out));
  co_return sent&& keep_alive;
}

}  // namespace footman::net
