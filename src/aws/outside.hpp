// What the code of this module needs of the outside world: HTTP, files, the environment, time and chance. The
// program makes it once and hands it down; it outlives everything that was given it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "net/http_client.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/even_time.hpp"
#include "runtime/rng.hpp"

namespace footman::aws {

// One HTTP exchange, begun on and coming back to the caller's executor. Errors as of net::HttpClient.
using SendHttp =
    std::function<runtime::Awaitable<base::Result<net::HttpClientResponse>>(net::HttpClientRequest request)>;
// The whole of a small file, without blocking the executor. Errors as of runtime::real::read_file.
using ReadFile = std::function<runtime::Awaitable<base::Result<std::string>>(std::string path)>;
// Like getenv; an empty value counts as none.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct Outside {
  SendHttp services;  // to AWS, made with service_http()
  SendHttp metadata;  // to what stands beside this machine, made with metadata_http()
  ReadFile read_file;
  Environment environment;
  runtime::Clock& clock;
  runtime::Rng& rng;
  base::Logger log;
  // What decides within this process: deadlines, rates, ages. Of all that share this, the same.
  runtime::EvenTime even{clock};
};

// Requests of any executor through a client that lives on `net`. The client outlives all requests.
SendHttp make_sender(runtime::Executor net, net::HttpClient& client);

// How to reach AWS: many calls at once to few hosts, which take idle connections for less than a minute.
net::HttpClientConfig service_http(net::ProxyEnvironment proxies);
// How to reach the metadata services of container, pod and instance: at once or not at all, never by a proxy.
net::HttpClientConfig metadata_http();

}  // namespace footman::aws
