// The pages under /ui: server-rendered HTML that works without JavaScript; with it, pages follow the API's
// event stream and logs are tailed (static/footman.js).
//
// Everything runs on the control executor and never blocks; only the log store is called on the net executor.
// Lifecycle: construct, use handler(), destroy after the HttpServer has ended. Parts must outlive it.
//
// Whatever builds print and people name is harmless: markup is made by html.hpp only, and the
// Content-Security-Policy allows nothing but this server's own script and style. Every form carries the
// session's CSRF token.
#pragma once

#include <cstddef>
#include <memory>

#include "api/auth.hpp"
#include "base/log.hpp"
#include "controller/controller.hpp"
#include "fleet/fleet.hpp"
#include "net/http.hpp"
#include "ports/jenkins_desk.hpp"
#include "ports/log_store.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "store/store.hpp"

namespace footman::web {

inline constexpr std::size_t kPageRows = 50;             // rows of a list; then "older"
inline constexpr std::size_t kOverviewRows = 10;         // rows of each list of the overview
inline constexpr std::size_t kLogTailBytes = 64 * 1024;  // of a log on its build's page
inline constexpr std::size_t kLogWindowBytes =
    256 * 1024;  // of a log on its own page; then "earlier", "later"
inline constexpr std::size_t kMaxFormBytes = 4 * 1024 * 1024;    // of a form that is sent: 413
inline constexpr std::size_t kMaxStrangersFormBytes = 4 * 1024;  // of the sign-in: 413
inline constexpr std::size_t kMaxFormFields = 5000;              // of a form that is sent: 400
inline constexpr std::size_t kMaxTimelineRows = 500;             // shown of a history: its last ones

struct WebParts {
  controller::Controller& controller;
  fleet::Fleet& fleet;
  store::Store& store;
  ports::LogStore& log_store;  // called on the net executor only
  runtime::Executor net;       // may be the control executor
  api::Auth& auth;
  runtime::Clock& clock;
  base::Logger log;
  ports::JenkinsDesk* jenkins = nullptr;  // null: none is configured
};

class Web {
 public:
  explicit Web(WebParts parts);
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;
  ~Web();

  // For the API's mounts (which check the Host header) "/ui" and "/" (which leads to /ui/). May be called
  // more than once. Answers of its own are always pages: errors too.
  net::HttpHandler handler();
  net::HttpGate gate();  // goes with it

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace footman::web
