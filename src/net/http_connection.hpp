// One connection of the HTTP server and what connections share. For use inside net only.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/http_head.hpp"
#include "net/http_server.hpp"
#include "net/net_stream.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::net {

struct Connection;

// Belongs to the net executor, but for the counts.
struct HttpServer::State {
  State(runtime::Executor net_executor, runtime::Executor handler_executor, HttpHandler the_handler,
        HttpGate the_gate, HttpServerLimits the_limits, runtime::Clock& the_clock, base::Logger logger,
        base::Metrics* metrics)
      : net(std::move(net_executor)),
        handlers(std::move(handler_executor)),
        handler(std::move(the_handler)),
        gate(std::move(the_gate)),
        limits(the_limits),
        clock(&the_clock),
        log(std::move(logger)),
        reports(metrics != nullptr ? *metrics : own_metrics, log, *clock, "listen"),
        strangers(limits.strangers, net, *clock, reports),
        scope(net, log) {}

  runtime::Executor net;
  runtime::Executor handlers;
  HttpHandler handler;
  HttpGate gate;  // or none
  HttpServerLimits limits;
  runtime::Clock* clock;
  base::Logger log;
  base::Metrics own_metrics;  // where nobody asks for them
  ConnectionReports reports;
  Strangers strangers;
  std::size_t bodies_bytes = 0;  // of requests under way
  runtime::Scope scope;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::list<Connection*> open;  // the one whose last request was answered longest ago comes first
  std::size_t exchanges = 0;    // streaming bodies under way, each with coroutines of its own
  runtime::Event exchange_ended;
  bool stopping = false;
  std::unique_ptr<runtime::Timer> stop_timer;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> upgraded{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
};

using ServerStatePtr = std::shared_ptr<HttpServer::State>;

// Wakes whoever waits while a streaming body is sent.
struct Exchange {
  explicit Exchange(ServerStatePtr server);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();
  ServerStatePtr server;
  runtime::Scope scope;
  runtime::Event changed;
  bool body_done = false;
  bool complete = false;  // the body ended without an exception
  bool client_gone = false;
};

// What the body of one request takes of HttpServerLimits::all_bodies_bytes, until the request is answered.
class BodyShare {
 public:
  explicit BodyShare(ServerStatePtr server) : server_(std::move(server)) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { server_->bodies_bytes -= taken_; }
  // False: all is taken.
  bool take(std::size_t bytes) {
    if (bytes > server_->limits.all_bodies_bytes - server_->bodies_bytes) return false;
    server_->bodies_bytes += bytes;
    taken_ += bytes;
    return true;
  }

 private:
  ServerStatePtr server_;
  std::size_t taken_ = 0;
};

// A BodyWriter on the handlers' thread may be the last to hold it, so its end does nothing: see Registration.
struct Connection {
  Connection(ServerStatePtr the_server, runtime::ByteStreamPtr the_stream, bool encrypted, StrangerPtr place)
      : server(std::move(the_server)),
        stream(std::move(the_stream)),
        tls(encrypted),
        stranger(std::move(place)) {}

  ServerStatePtr server;
  std::shared_ptr<runtime::ByteStream> stream;  // null when the connection has ended
  bool tls = false;
  StrangerPtr stranger;                      // null: known
  std::list<Connection*>::iterator place{};  // in HttpServer::State::open
  bool busy = false;                         // a request is being read or handled: stop() lets it finish
  bool reading = false;                      // a request that is not here as a whole yet
  bool upgraded = false;                     // `stream` is the WebSocket
  std::string in;                            // bytes that were read and not used
  std::weak_ptr<Exchange> exchange;
  std::atomic<bool> body_open{false};  // a BodyWriter may write
  bool body_chunked = false;

  bool is_idle() const { return stream && !busy && !upgraded; }
  bool is_unfinished() const { return stream && reading && stranger; }
  void begin_to_idle();
  void give_way();
  void end_for_stop();
  NetStream* net_stream() { return dynamic_cast<NetStream*>(stream.get()); }
};
using ConnectionPtr = std::shared_ptr<Connection>;

// Makes the connection known to the server, and ends it, on the net executor.
class Registration {
 public:
  explicit Registration(ConnectionPtr connection);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration();

 private:
  ConnectionPtr connection_;
};

// The whole life of a connection that speaks HTTP.
runtime::Awaitable<void> run_connection(ServerStatePtr server, runtime::ByteStreamPtr stream, bool tls,
                                        StrangerPtr stranger);

// To a handler or gate that threw; says so in the log.
HttpResponse answer_failure(const HttpServer::State& server, const HttpRequest& request,
                            const std::string& failure);

// http_request_io.cpp: one request from the wire.
enum class Got { request, end, refused };
struct IncomingRequest {
  Got got = Got::end;
  std::shared_ptr<HttpRequest> request;
  HttpFraming framing;
  bool expect_continue = false;
  bool http_1_0 = false;
  HttpResponse refusal;
};
runtime::Awaitable<IncomingRequest> read_request(ConnectionPtr connection, bool first, BodyShare* share);

// http_response_io.cpp: the answer. False: the connection must end.
runtime::Awaitable<bool> write_bytes(ConnectionPtr connection, std::string bytes);
runtime::Awaitable<bool> write_response(ConnectionPtr connection, HttpResponse response, bool head_only,
                                        bool http_1_0, bool keep_alive);

}  // namespace footman::net
