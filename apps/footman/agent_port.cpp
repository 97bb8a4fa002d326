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
                     net::TlsServerContextPtr tls, controller::AgentHub& hub, AgentPortLimits limits,
                     runtime::Clock& clock, base::Metrics& metrics, base::Logger log)
    : listener_(std::move(listener)),
      tls_(std::move(tls)),
      hub_(hub),
      clock_(clock),
      refused_(metrics.counter("footman_agent_port_refused_total",
                               "Connections to the agent port of no known protocol")),
      log_(std::move(log)),
      max_connections_(limits.connections),
      unknown_(limits.unknown),
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
    const auto peer = (*stream)->peer();
    if (scope_.running() > max_connections_ || unknown_.is_full() || unknown_.is_full_of(peer)) {
      refused_.add();
      continue;
    }
    scope_.spawn("agent connection", serve(std::move(*stream)));
  }
}

runtime::Awaitable<void> AgentPort::serve(runtime::ByteStreamPtr stream) {
  if (auto secured = co_await secure(std::move(stream))) co_await hub_.serve(std::move(secured));
}

runtime::Awaitable<runtime::ByteStreamPtr> AgentPort::secure(runtime::ByteStreamPtr stream) {
  const auto peer = stream->peer();
  const net::UnknownPeers::Place unknown(unknown_, peer);
  auto sniffed = co_await net::sniff_stream(std::move(stream), clock_, kFirstBytesLimit);
  if (!sniffed) co_return nullptr;
  if (sniffed->protocol != net::SniffedProtocol::tls) {
    refused_.add();
    log_.debug("not an agent", {{"peer", peer}, {"protocol", net::to_string(sniffed->protocol)}});
    if (sniffed->protocol == net::SniffedProtocol::http) (void)co_await sniffed->stream->write(http_answer());
    co_return nullptr;
  }
  auto done = co_await net::accept_tls(std::move(sniffed->stream), tls_, clock_, kFirstBytesLimit);
  if (done) co_return std::move(*done);
  refused_.add();
  log_.debug("TLS on the agent port failed", {{"peer", peer}, {"error", base::describe(done.error())}});
  co_return nullptr;
}

}  // namespace footman::app
