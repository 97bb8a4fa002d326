#include "net/http_server.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "net/http_connection.hpp"

namespace footman::net {

using runtime::Awaitable;

namespace {

constexpr std::string_view kConnectionsLimit = "connections";

// The connection itself gets a coroutine of its own: what the handshake needed is not kept.
Awaitable<void> shake_hands(ServerStatePtr server, runtime::ByteStreamPtr stream, TlsServerContextPtr tls,
                            StrangerPtr stranger) {
  const auto peer = stream->peer();
  auto encrypted = co_await accept_tls(std::move(stream), std::move(tls), *server->clock,
                                       server->limits.handshake, stranger.get());
  if (encrypted) {
    server->scope.spawn("http-connection",
                        run_connection(server, std::move(*encrypted), true, std::move(stranger)));
  } else {
    server->log.debug("no TLS connection", {{"peer", peer}, {"error", encrypted.error().message}});
  }
}

// The connection that has been idle for longest gives way; where none is idle, the stranger's who has been
// sending his request for longest: who means it has sent his at once.
bool close_oldest(HttpServer::State& server) {
  auto found = std::ranges::find_if(server.open, [](const Connection* one) { return one->is_idle(); });
  if (found == server.open.end())
    found = std::ranges::find_if(server.open, [](const Connection* one) { return one->is_unfinished(); });
  if (found == server.open.end()) return false;
  server.reports.gave_way(kConnectionsLimit, server.limits.connections,
                          address_group((*found)->stream->peer()));
  (*found)->give_way();
  return true;
}

// For one more connection; another one gives way where it must. Null: there is no room.
StrangerPtr admit(HttpServer::State& server, const runtime::ByteStream& stream) {
  if (server.scope.running() >= server.limits.connections + server.listeners.size() &&
      !close_oldest(server)) {
    server.reports.refused(kConnectionsLimit, server.limits.connections, address_group(stream.peer()));
    return nullptr;
  }
  return server.strangers.admit(stream);
}

Awaitable<void> accept_connections(ServerStatePtr server, std::shared_ptr<Listener> listener,
                                   TlsServerContextPtr tls) {
  while (!server->stopping) {
    auto stream = co_await listener->accept();
    if (!stream) co_return;
    auto stranger = admit(*server, **stream);
    if (!stranger) {
      ++server->refused;
      continue;  // closed at once
    }
    if (tls) {
      server->scope.spawn("http-handshake",
                          shake_hands(server, std::move(*stream), tls, std::move(stranger)));
    } else {
      server->scope.spawn("http-connection",
                          run_connection(server, std::move(*stream), false, std::move(stranger)));
    }
  }
}

}  // namespace

HttpServer::HttpServer(runtime::Executor net, runtime::Executor handlers, HttpHandler handler,
                       HttpServerLimits limits, runtime::Clock& clock, base::Logger log, HttpGate gate,
                       base::Metrics* metrics)
    : state_(std::make_shared<State>(std::move(net), std::move(handlers), std::move(handler), std::move(gate),
                                     limits, clock, std::move(log), metrics)) {}

HttpServer::~HttpServer() = default;

void HttpServer::serve(std::unique_ptr<Listener> listener, TlsServerContextPtr tls) {
  state_->listeners.emplace_back(std::move(listener));
  state_->scope.spawn("http-accept", accept_connections(state_, state_->listeners.back(), std::move(tls)));
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
