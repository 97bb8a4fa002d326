#include "net/http_server.hpp"

#include "net/http_connection.hpp"

namespace footman::net {

using runtime::Awaitable;

namespace {

// The connection itself gets a coroutine of its own: what the handshake needed is not kept.
Awaitable<void> shake_hands(ServerStatePtr server, runtime::ByteStreamPtr stream, TlsServerContextPtr tls) {
  const auto peer = stream->peer();
  auto encrypted =
      co_await accept_tls(std::move(stream), std::move(tls), *server->clock, server->limits.handshake);
  if (encrypted) {
    server->scope.spawn("http-connection", run_connection(server, std::move(*encrypted), true));
  } else {
    server->log.debug("no TLS connection", {{"peer", peer}, {"error", encrypted.error().message}});
  }
}

bool is_full(HttpServer::State& server) {
  if (server.scope.running() < server.limits.connections + server.listeners.size()) return false;
  ++server.refused;
  return true;
}

Awaitable<void> accept_connections(ServerStatePtr server, std::shared_ptr<Listener> listener,
                                   TlsServerContextPtr tls) {
  while (!server->stopping) {
    auto stream = co_await listener->accept();
    if (!stream) co_return;
    if (is_full(*server)) continue;  // closed at once
    if (tls) {
      server->scope.spawn("http-handshake", shake_hands(server, std::move(*stream), tls));
    } else {
      server->scope.spawn("http-connection", run_connection(server, std::move(*stream), false));
    }
  }
}

}  // namespace

HttpServer::HttpServer(runtime::Executor net, runtime::Executor handlers, HttpHandler handler,
                       HttpServerLimits limits, runtime::Clock& clock, base::Logger log)
    : state_(std::make_shared<State>(std::move(net), std::move(handlers), std::move(handler), limits, clock,
                                     std::move(log))) {}

HttpServer::~HttpServer() = default;

void HttpServer::serve(std::unique_ptr<Listener> listener, TlsServerContextPtr tls) {
  state_->listeners.emplace_back(std::move(listener));
  state_->scope.spawn("http-accept", accept_connections(state_, state_->listeners.back(), std::move(tls)));
}

void HttpServer::serve_stream(runtime::ByteStreamPtr stream, bool tls) {
  if (state_->stopping || is_full(*state_)) return;
  state_->scope.spawn("http-connection", run_connection(state_, std::move(stream), tls));
}

void HttpServer::stop() {
  if (std::exchange(state_->stopping, true)) return;
  for (const auto& listener : state_->listeners) listener->close();
  std::vector<Connection*> open(state_->open.begin(), state_->open.end());
  for (auto* connection : open) connection->end_for_stop();  // nothing runs in between: all still exist
  state_->stop_timer = state_->clock->call_after(state_->net, state_->limits.stop,
                                                 [state = state_.get()] { state->scope.cancel(); });
}

Awaitable<void> HttpServer::join() {
  const auto state = state_;
  co_await state->scope.join();
  while (state->exchanges > 0) co_await state->exchange_ended.wait();
  state->stop_timer.reset();
}

HttpServerCounts HttpServer::counts() const {
  return {state_->connections, state_->upgraded, state_->requests, state_->refused};
}

}  // namespace footman::net
