// Agents' ways to a Jenkins, from this machine.
#pragma once

#include <string>

#include "jenkins/survey.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/tls.hpp"
#include "runtime/rng.hpp"

namespace footman::jenkins {

// All on one executor; clock and rng outlive it.
class HttpWays final : public AgentWays {
 public:
  struct Parts {
    runtime::Executor executor;
    runtime::Clock& clock;
    runtime::Rng& rng;
    net::Url root;  // of Jenkins, as agents reach it
    net::TlsClientContextPtr tls;
    net::ProxyEnvironment proxies;
  };
  explicit HttpWays(Parts parts) : parts_(std::move(parts)) {}

  runtime::Awaitable<Status> try_port(std::string host, std::uint16_t port) override;
  // As agent.jar connects with -webSocket.
  runtime::Awaitable<Status> try_web_socket(std::string node, Secret secret) override;

 private:
  Parts parts_;
};

}  // namespace footman::jenkins
