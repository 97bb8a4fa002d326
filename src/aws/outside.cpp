#include "aws/outside.hpp"

#include <utility>

#include "runtime/scope.hpp"

namespace footman::aws {
namespace {

constexpr std::size_t kMaxAnswer = 8UL * 1024 * 1024;
constexpr std::size_t kMaxMetadataAnswer = 64UL * 1024;
constexpr std::size_t kIdleConnections = 16;

}  // namespace

SendHttp make_sender(runtime::Executor net, net::HttpClient& client) {
  return [net = std::move(net), &client](net::HttpClientRequest request) {
    return runtime::run_on(net, client.request(std::move(request)));
  };
}

net::HttpClientConfig service_http(net::ProxyEnvironment proxies) {
  net::HttpClientConfig config;
  config.proxies = std::move(proxies);
  config.connect = std::chrono::seconds(5);
  config.first_byte = std::chrono::seconds(30);
  config.idle = std::chrono::seconds(30);
  config.body_bytes = kMaxAnswer;
  config.idle_connections = kIdleConnections;
  config.idle_age = std::chrono::seconds(20);
  return config;
}

net::HttpClientConfig metadata_http() {
  net::HttpClientConfig config;
  config.connect = std::chrono::seconds(1);
  config.first_byte = std::chrono::seconds(2);
  config.idle = std::chrono::seconds(2);
  config.body_bytes = kMaxMetadataAnswer;
  return config;
}

}  // namespace footman::aws
