// Pushes an image to a registry by the OCI Distribution Specification 1.0, without a container engine.
//
// In this order: layers and configurations that the registry does not have, the manifests by their digests,
// and at last the index by its tag; so whoever sees the tag finds all of the image. Everything is named by
// its content, so it may be pushed again at any time, and what was interrupted goes on where it was.
//
// A request that fails in a way that passes (no connection, time-out, 429, 5xx) is made again, up to
// kAttempts times, with growing pauses. A registry that asks who one is gets the login (Basic) or a token
// (Bearer), which is fetched with the login; without a login, a token for anybody.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "image/carrier.hpp"
#include "image/reference.hpp"
#include "net/http_client.hpp"
#include "registry/login.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"

namespace footman::registry {

inline constexpr std::uint32_t kAttempts = 5;
inline constexpr Duration kAttemptTime = 10min;     // one request, whatever drips or hangs
inline constexpr Duration kLongestPause = 20s;      // also of what the registry wishes (Retry-After)
inline constexpr std::size_t kMaxAnswer = 1 << 20;  // bytes of an answer's body

// Errors as of net::HttpClient, made with registry_http().
using SendHttp =
    std::function<runtime::Awaitable<Result<net::HttpClientResponse>>(net::HttpClientRequest request)>;
net::HttpClientConfig registry_http(net::ProxyEnvironment proxies, net::TlsClientContextPtr tls);

struct Outside {
  SendHttp send;
  runtime::Clock& clock;
  runtime::Rng& rng;
  std::function<void(std::string)> say;  // what is done now: "sends the layer for arm64 (2.1 MiB)"
};

struct Target {
  image::Reference reference;
  net::Url api;                // find_api()
  std::optional<Login> login;  // nothing: as anybody
};

// Where a registry answers. `plain_http`: without TLS, which only a registry of this machine may be
// (invalid_argument).
Result<net::Url> find_api(const image::Reference& reference, bool plain_http);

struct Pushed {
  std::uint32_t sent = 0;   // layers and configurations
  std::uint32_t there = 0;  // that the registry had
  std::uint64_t sent_bytes = 0;
};

// On the caller's executor; `outside` and `image` outlive the call. Errors: unauthenticated (who are you, or
// a wrong password), permission_denied, not_found (no such repository), unavailable, timeout and io (after
// all attempts), corrupt (the other side is no registry), unsupported (it wants a way of signing in that
// nobody here knows), conflict (the tag may not be moved).
runtime::Awaitable<Result<Pushed>> push(const Outside& outside, Target target,
                                        const image::CarrierImage& image);

}  // namespace footman::registry
