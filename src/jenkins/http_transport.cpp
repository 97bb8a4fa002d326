#include "jenkins/http_transport.hpp"

#include <utility>

#include "jenkins/answers.hpp"
#include "runtime/scope.hpp"

namespace footman::jenkins {

net::HttpClientConfig jenkins_http(net::ProxyEnvironment proxies, net::TlsClientContextPtr tls) {
  net::HttpClientConfig config;
  config.tls = std::move(tls);
  config.proxies = std::move(proxies);
  config.connect = kConnectTime;
  config.first_byte = config.idle = kAnswerTime;
  config.whole = kCallTime;
  config.body_bytes = kMaxAnswerBytes;
  config.idle_connections = kConnections;
  return config;
}

HttpTransport::HttpTransport(net::HttpClient& client, runtime::Executor client_executor, const net::Url& root)
    : client_(client), executor_(std::move(client_executor)), root_(root) {
  while (root_.path.ends_with('/')) root_.path.pop_back();
}

runtime::Awaitable<base::Result<Answer>> HttpTransport::send(Request request) {
  net::HttpClientRequest out;
  out.method = std::move(request.method);
  out.url = root_;
  out.url.path += request.path;
  out.headers = std::move(request.headers);
  out.body = std::move(request.body);
  out.body_bytes = request.most_bytes;
  auto answer = co_await runtime::run_on(executor_, client_.request(std::move(out)));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return Answer{answer->status, std::move(answer->headers), std::move(answer->body)};
}

}  // namespace footman::jenkins
