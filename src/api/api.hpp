// The HTTP API under /api/v1, described by docs/openapi.yaml, with /healthz, /readyz and /metrics; and the
// one handler of the server's HTTP port, which others (pages, the agents' WebSocket) are mounted on.
//
// Everything runs on the control executor and never blocks; only the log store is called on the net executor.
// Lifecycle: construct, use handler(), destroy after the HttpServer has ended (its stop() ends followed logs
// and event streams). Parts must outlive it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "controller/controller.hpp"
#include "fleet/fleet.hpp"
#include "model/change.hpp"
#include "net/http.hpp"
#include "ports/jenkins_desk.hpp"
#include "ports/log_store.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/feed.hpp"
#include "runtime/rng.hpp"
#include "store/store.hpp"

namespace footman::api {

inline constexpr std::size_t kMaxPage = 1000;  // things in one answer; `limit` of a list
inline constexpr std::size_t kDefaultPage = 100;
inline constexpr std::size_t kMaxPageBytes = 4 * 1024 * 1024;  // a page ends early behind that
inline constexpr std::size_t kMaxEventStreams = 1000;          // further ones: 429
inline constexpr std::size_t kMaxFollowedLogs = 1000;          // further ones: 429
inline constexpr std::size_t kLogChunkBytes = 256 * 1024;      // read at once and held per follower
inline constexpr std::size_t kMaxEventBatch = 256;             // changes written at once
inline constexpr Duration kEventKeepAlive = 15s;               // a comment after that long without an event
inline constexpr Duration kFollowLookAgain = 5s;               // longest wait between two looks at a build

// What the program knows about itself.
struct ServerInfo {
  InstallationId installation;
  Instant started;
  std::vector<std::string> listen;  // "127.0.0.1:8080"
  std::vector<std::string> agent_listen;
  std::string agent_url;       // empty: none
  std::string data_directory;  // empty: none
};

// What only the program can do. All of them must be set.
struct Actions {
  // Copies the database to the path; as Store::back_up.
  std::function<Awaitable<Status>(std::string path)> back_up;
  // Reads the configuration again; one sentence per change. On an error the old one stays.
  std::function<Awaitable<Result<std::vector<std::string>>>()> reload;
  // Why the server takes no work now, one sentence each, beyond what the API sees by itself (storage). Cheap.
  std::function<std::vector<std::string>()> problems;
};

struct ApiParts {
  controller::Controller& controller;
  fleet::Fleet& fleet;
  store::Store& store;
  ports::LogStore& log_store;  // called on the net executor only
  runtime::Executor net;       // may be the control executor
  runtime::Feed<model::Change>& changes;
  Auth& auth;
  runtime::Clock& clock;
  runtime::Rng& rng;
  base::Metrics& metrics;
  base::Logger log;
  ServerInfo server;
  Actions actions;
  ports::JenkinsDesk* jenkins = nullptr;  // null: none is configured
};

enum class RouteAccess { open, read, admin };  // open: no token, any Host

// One row of the route table. A test holds the table against docs/openapi.yaml.
struct Route {
  std::string_view method;
  std::string_view
      pattern;  // "/api/v1/builds/{id}/log"; "{path...}" is the rest of the path, with its slashes
  RouteAccess access = RouteAccess::read;
  std::string_view summary;
};

// A handler of somebody else for a part of the URL space: "/ui" is /ui and everything below it, "/" whatever
// nobody else wants but /api, where what is not there is an error in JSON. It authenticates by itself. The
// longest prefix wins.
struct Mount {
  std::string prefix;
  net::HttpHandler handler;
  bool any_host = false;  // no check of the Host header: for programs, not browsers (the agents' WebSocket)
  net::HttpGate gate;     // null: requests have no bodies. Asked after the Host header was checked
};

class Api {
 public:
  explicit Api(ApiParts parts);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  ~Api();

  static std::span<const Route> routes();
  // For HttpServer. May be called once.
  net::HttpHandler handler(std::vector<Mount> mounts);
  // Goes with it: nobody's body is read who does not pass the checks that need none.
  net::HttpGate gate();
  // Open event streams.
  std::size_t event_streams() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::api
