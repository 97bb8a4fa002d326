#include "net/http_server.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "net/http_connection.hpp"

namespace footman::net {

using runtime::Awaitable;

namespace {

// The connection itself gets a coroutine of its own: what the handshake needed is not kept.
Awaitable<void> shake_hands(ServerStatePtr server, runtime::ByteStreamPtr stream, TlsServerContextPtr tls,
                            StrangerPtr stranger) {
  const auto peer = stream->peer();
  auto encrypted =
      co_await accept_tls(std::move(stream), std::move(tls), *server->clock, server->limits.handshake);
  if (encrypted) {
    server->scope.spawn("http-connection",
                        run_connection(server, std::move(*encrypted), true, std::move(stranger)));
  } else {
    server->log.debug("no TLS connection", {{"peer", peer}, {"error", encrypted.error().message}});
  }
}

// The connection that has been idle for longest gives way, of those in question; where none is idle, the
// stranger's who has been sending his request for longest: who means it has sent his at once.
template <class Question>
bool close_oldest(HttpServer::State& server, const Question& in_question) {
  const auto find = [&](auto is_of_use) {
    return std::ranges::find_if(server.open,
                                [&](const Connection* one) { return is_of_use(*one) && in_question(*one); });
  };
  auto found = find([](const Connection& one) { return one.is_idle(); });
  if (found == server.open.end()) found = find([](const Connection& one) { return one.is_unfinished(); });
  if (found == server.open.end()) return false;
  (*found)->give_way();
  return true;
}

// For one more connection; one gives way where it must. False: there is no room.
bool make_room(HttpServer::State& server, const std::string& peer) {
  const auto of_this_host = [&](const Connection& one) {
    return one.stranger && UnknownPeers::are_one_host(one.stream->peer(), peer);
  };
  const auto of_a_stranger = [](const Connection& one) { return one.stranger != nullptr; };
  const auto of_anybody = [](const Connection&) { return true; };
  bool room = true;
  if (server.strangers.is_full_of(peer)) {
    room = close_oldest(server, of_this_host);
  } else if (server.strangers.is_full()) {
    room = close_oldest(server, of_a_stranger);
  } else if (server.scope.running() >= server.limits.connections + server.listeners.size()) {
    room = close_oldest(server, of_anybody);
  }
  if (!room) ++server.refused;
  return room;
}

Awaitable<void> accept_connections(ServerStatePtr server, std::shared_ptr<Listener> listener,
                                   TlsServerContextPtr tls) {
  while (!server->stopping) {
    auto stream = co_await listener->accept();
    if (!stream) co_return;
    const auto peer = (*stream)->peer();
    if (!make_room(*server, peer)) continue;  // closed at once
    auto stranger = std::make_unique<UnknownPeers::Place>(server->strangers, peer);
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
                       HttpServerLimits limits, runtime::Clock& clock, base::Logger log, HttpGate gate)
    : state_(std::make_shared<State>(std::move(net), std::move(handlers), std::move(handler), std::move(gate),
                                     limits, clock, std::move(log))) {}

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
