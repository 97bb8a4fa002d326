#include "apps/footman/agent_port.hpp"

#include <fmt/format.h>

#include "net/http.hpp"
#include "net/sniff.hpp"

namespace footman::app {
namespace {

std::string http_answer() {
  constexpr std::string_view kText =
      "This is Footman's agent port. Pages and API are on the port that `listen` names.\n";
  return fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      kText.size(), kText);
}

}  // namespace

AgentPort::AgentPort(runtime::Executor net, std::unique_ptr<net::Listener> listener,
                     net::TlsServerContextPtr tls, ServeAgent serve_agent, AgentPortLimits limits,
                     runtime::Clock& clock, base::Metrics& metrics, base::Logger log)
    : listener_(std::move(listener)),
      tls_(std::move(tls)),
      serve_agent_(std::move(serve_agent)),
      clock_(clock),
      refused_(metrics.counter("footman_agent_port_refused_total",
                               "Connections to the agent port of no known protocol")),
      log_(std::move(log)),
      max_connections_(limits.connections),
      reports_(metrics, log_, clock, "agent_listen"),
      strangers_(limits.strangers, net, clock, reports_),
      scope_(std::move(net), log_) {}

void AgentPort::start() { scope_.spawn("accept agents", accept_all()); }

void AgentPort::stop() {
  listener_->close();
  scope_.cancel();
}

runtime::Awaitable<void> AgentPort::join() { return scope_.join(); }

runtime::Awaitable<void> AgentPort::accept_all() {
  while (true) {
    auto stream = co_await listener_->accept();
    if (!stream) co_return;  // closed
    if (scope_.running() > max_connections_) {
      reports_.refused("connections", max_connections_, net::address_group((*stream)->peer()));
      continue;
    }
    if (auto stranger = strangers_.admit(**stream))
      scope_.spawn("agent connection", serve(std::move(*stream), std::move(stranger)));
  }
}

runtime::Awaitable<void> AgentPort::serve(runtime::ByteStreamPtr stream, net::StrangerPtr stranger) {
  if (auto secured = co_await secure(std::move(stream), stranger.get()))
    co_await serve_agent_(std::move(secured), [&stranger] { stranger.reset(); });
}

runtime::Awaitable<runtime::ByteStreamPtr> AgentPort::secure(runtime::ByteStreamPtr stream,
                                                             net::Stranger* stranger) {
  const auto peer = stream->peer();
  auto sniffed = co_await net::sniff_stream(std::move(stream), clock_, kFirstBytesLimit);
  if (!sniffed) co_return nullptr;
  if (sniffed->protocol != net::SniffedProtocol::tls) {
    refused_.add();
    log_.debug("not an agent", {{"peer", peer}, {"protocol", net::to_string(sniffed->protocol)}});
    if (sniffed->protocol == net::SniffedProtocol::http) (void)co_await sniffed->stream->write(http_answer());
    co_return nullptr;
  }
  auto done = co_await net::accept_tls(std::move(sniffed->stream), tls_, clock_, kFirstBytesLimit, stranger);
  if (done) co_return std::move(*done);
  refused_.add();
  log_.debug("TLS on the agent port failed", {{"peer", peer}, {"error", base::describe(done.error())}});
  co_return nullptr;
}

}  // namespace footman::app
