// The API over the real controller, fleet and store (in memory) on one executor with a clock that stands
// still; a cloud and agents that do what a test tells them. Requests are values, handed to the handler as the
// HTTP server would.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api.hpp"
#include "api/tests/description.hpp"
#include "api/tests/watched_logs.hpp"
#include "controller/tests/world.hpp"
#include "fleet/tests/scripted_cloud.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"

namespace footman::api::testing {

namespace json = boost::json;
using controller::testing::ScriptedAgent;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* kAdminToken = "footman_the-token-of-the-tests";

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  bool broken = false;  // a stream that did not come to its end

  json::object json() const;
  std::string header(std::string_view name) const { return std::string(headers.value_or(name, "")); }
  // "400 invalid_argument spec.steps[0].script": status, code and field of an error.
  std::string error() const;
};

inline std::string text_of(const json::value& value) { return std::string(value.as_string()); }

// A streaming answer under way.
class OpenAnswer : public net::BodyWriter, public std::enable_shared_from_this<OpenAnswer> {
 public:
  int status = 0;
  net::Headers headers;
  std::string received;
  bool ended = false;   // came to its end
  bool broken = false;  // ended with an exception
  bool gone = false;    // the client: writes fail
  bool full = false;    // writes wait until drain()
  std::size_t writes = 0;

  Awaitable<Status> write(std::string bytes) override;
  void drain() {
    full = false;
    drained_.notify();
  }
  std::string take() { return std::exchange(received, {}); }

 private:
  runtime::Event drained_;
};

// A fleet's agent that has connected, with the assignment it was given (if any).
struct Worker {
  std::unique_ptr<ScriptedAgent> agent;
  AgentId id;
  protocol::Assign assign;
  std::uint64_t sent = 0;  // log bytes
  std::uint64_t reports = 0;
};

class World {
 public:
  // strays: agents that live in the cloud when the fleet starts, without a record.
  explicit World(int strays = 0, int doubtful_builds = 0);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  runtime::asio::io_context io;
  runtime::ManualClock clock;
  base::Metrics metrics;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(7);
  runtime::Feed<model::Change> changes{64};
  std::unique_ptr<store::Store> store;
  WatchedLogs logs{clock};
  fleet::testing::CloudState cloud;
  std::unique_ptr<controller::Controller> controller;
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<Auth> auth;
  std::unique_ptr<Api> api;
  net::HttpHandler handler;
  net::HttpGate gate;
  ports::JenkinsDesk* desk = nullptr;  // from the next restart_api() on
  std::vector<std::string> problems;
  std::string backed_up;  // last path
  Result<std::vector<std::string>> reload_answer = std::vector<std::string>{"a: 1 -> 2"};

  // A new Auth and Api over the same store, as after a restart.
  void restart_api(std::vector<Mount> mounts = {});

  // What the gate says to the head of such a request.
  net::GateAnswer ask_gate(std::string method, std::string target, HeaderList headers = {});
  // Every JSON answer of the API is held against its description.
  // With the admin's token and a good Host, unless `headers` say otherwise (an empty value leaves one out).
  Answer request(std::string method, std::string target, std::string body = {}, HeaderList headers = {});
  Answer get(std::string target, HeaderList headers = {}) {
    return request("GET", std::move(target), {}, std::move(headers));
  }
  Answer post(std::string target, std::string body = {}, HeaderList headers = {}) {
    return request("POST", std::move(target), std::move(body), std::move(headers));
  }
  std::shared_ptr<OpenAnswer> open(std::string target, HeaderList headers = {}, bool full = false);

  // From now on the template keeps so many agents ready.
  void keep_ready(std::uint32_t agents);
  void settle();
  void advance(Duration by);
  template <class R>
  R run(Awaitable<R> work) {
    std::optional<R> result;
    tools_->spawn("test", keep(std::move(work), result));
    settle();
    if (!result) throw std::runtime_error("the call does not return");
    return std::move(*result);
  }

  // An ad-hoc build of one step; its id.
  std::int64_t submit(const std::string& label = {});
  // A launched agent that is still expected, connected; takes what it is given, and starts it.
  Worker connect_worker(bool accept = true);
  void print(Worker& worker, const std::string& text);
  // Past the agent: for big ones.
  void append_log(Worker& worker, const std::string& text, std::vector<ports::TimeMark> marks = {});
  void finish(Worker& worker, int exit_status = 0);

 private:
  void add_stray(const InstallationId& installation, const std::string& agent);
  net::HttpResponse serve(const std::shared_ptr<net::HttpRequest>& request);
  static std::shared_ptr<net::HttpRequest> make_request(std::string method, std::string target,
                                                        std::string body, HeaderList headers);
  void check_described(const net::HttpRequest& request, const Answer& answer) const;
  template <class R>
  static Awaitable<void> keep(Awaitable<R> work, std::optional<R>& result) {
    result = co_await std::move(work);
  }
  static Awaitable<void> produce(net::StreamBody body, std::shared_ptr<OpenAnswer> answer);

  Description description_;
  fleet::FleetConfig fleet_config_;
  std::unique_ptr<fleet::testing::ScriptedCloud> provider_;
  std::unique_ptr<runtime::Scope> tools_;
  std::unique_ptr<runtime::Scope> server_;
  std::vector<std::weak_ptr<runtime::MemoryWire>> wires_;
};

}  // namespace footman::api::testing
