#include "jenkins/http_ways.hpp"

#include <string_view>
#include <utility>

#include "base/digest.hpp"
#include "net/tcp.hpp"
#include "net/websocket.hpp"

namespace footman::jenkins {
namespace {

constexpr Duration kWayTime = 10s;  // for one connection

// What the agent can do, as Java writes an object: hudson.remoting.Capability with a mask of eight bytes.
// PIPE_THROTTLING and PROXY_EXCEPTION_FALLBACK: the least that Jenkins takes.
constexpr std::string_view kCapability(
    "\xac\xed\x00\x05sr\x00\x1ahudson.remoting."
    "Capability\x00\x00\x00\x00\x00\x00\x00\x01\x02\x00\x01J\x00\x04mask"
    "xp\x00\x00\x00\x00\x00\x00\x01\x04",
    62);

}  // namespace

runtime::Awaitable<Status> HttpWays::try_port(std::string host, std::uint16_t port) {
  FOOTMAN_CO_TRY(auto stream,
                 co_await net::connect_tcp(parts_.executor, parts_.clock, std::move(host), port, kWayTime));
  stream->close();
  co_return Status();
}

runtime::Awaitable<Status> HttpWays::try_web_socket(std::string node, Secret secret) {
  net::WebSocketConnect what;
  what.url = parts_.root;
  while (what.url.path.ends_with('/')) what.url.path.pop_back();
  what.url.path += "/wsagents/";
  what.headers.add("Node-Name", std::move(node));
  what.headers.add("Secret-Key", std::string(secret.expose()));
  what.headers.add("X-Remoting-Capability", to_base64(kCapability));
  what.tls = parts_.tls;
  FOOTMAN_CO_TRY(what.proxy, net::choose_proxy(what.url, parts_.proxies));
  what.timeout = kWayTime;
  FOOTMAN_CO_TRY(auto stream,
                 co_await net::connect_websocket(parts_.executor, parts_.clock, parts_.rng, std::move(what)));
  stream->close();
  co_return Status();
}

}  // namespace footman::jenkins
