// A Jenkins over HTTP.
#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "jenkins/transport.hpp"
#include "net/http_client.hpp"

namespace footman::jenkins {

inline constexpr base::Duration kConnectTime = std::chrono::seconds(10);
inline constexpr base::Duration kAnswerTime = std::chrono::seconds(20);  // a slow proxy's; later is no answer
inline constexpr base::Duration kCallTime = std::chrono::seconds(30);    // the whole of one, whatever comes
inline constexpr std::size_t kConnections = 8;                           // kept

// What its client should be: for the executor that calls come from.
net::HttpClientConfig jenkins_http(net::ProxyEnvironment proxies, net::TlsClientContextPtr tls);

class HttpTransport final : public Transport {
 public:
  // `root`: of Jenkins, "https://ci.example/jenkins". `client` outlives it; its executor is the callers' one,
  // or else `client_executor` says which.
  HttpTransport(net::HttpClient& client, runtime::Executor client_executor, const net::Url& root);
  runtime::Awaitable<base::Result<Answer>> send(Request request) override;

 private:
  net::HttpClient& client_;
  runtime::Executor executor_;
  net::Url root_;
};

}  // namespace footman::jenkins
