// fake-jenkins: the double behind real ports of this machine, for end-to-end tests. README.md says how it is
// started.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/number.hpp"
#include "net/http_server.hpp"
#include "net/process.hpp"
#include "net/tcp.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/loop.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"
#include "tests/jenkins/fake_jenkins.hpp"
#include "tests/jenkins/program/agents.hpp"
#include "tests/jenkins/program/control.hpp"
#include "tests/jenkins/program/door.hpp"
#include "tests/jenkins/program/remoting.hpp"

namespace footman::fake_jenkins {
namespace {

constexpr std::size_t kMaxJarBytes = 64UL << 20;

constexpr std::string_view kHelp =
    R"(A double of Jenkins, until SIGTERM. Prints one line of JSON when it is ready.

  fake-jenkins [--host A] [--port N] [--with-parent] [--quiet-seconds S] [--patience-seconds S] [--starting-seconds S]
               [--latency-seconds S] [--agent-jar FILE]

  --host A              the address where Jenkins and its agent port listen (127.0.0.1); control is local
  --port N              of Jenkins; 0, the default: any free one
  --with-parent         dies with the process that started it
  --quiet-seconds S     the quiet period (5)
  --patience-seconds S  of pipelines for a lost agent (300)
  --starting-seconds S  503 after a restart (8)
  --latency-seconds S   each request of a client arrives so much later (0)
  --agent-jar FILE      served as /jnlpJars/agent.jar, instead of an archive with nothing in it
)";

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  bool with_parent = false;
  std::string agent_jar;
  base::Duration latency{0};
  Timing timing;
};

std::optional<base::Duration> parse_seconds(std::string_view text) {
  const auto seconds = base::find_decimal(text);
  if (!seconds || *seconds < 0) return std::nullopt;
  return base::Duration(static_cast<std::int64_t>(*seconds * 1e6));
}

std::optional<Options> parse_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word(words[i]);
    if (word == "--with-parent") {
      options.with_parent = true;
      continue;
    }
    if (i + 1 == count) return std::nullopt;
    const std::string_view value(words[++i]);
    auto* time = word == "--quiet-seconds"      ? &options.timing.quiet_period
                 : word == "--patience-seconds" ? &options.timing.patience
                 : word == "--starting-seconds" ? &options.timing.starting
                 : word == "--latency-seconds"  ? &options.latency
                                                : nullptr;
    if (word == "--host") {
      options.host = value;
    } else if (word == "--agent-jar") {
      options.agent_jar = value;
    } else if (word == "--port") {
      const auto port = base::find_number<std::uint16_t>(value);
      if (!port) return std::nullopt;
      options.port = *port;
    } else if (const auto seconds = parse_seconds(value); time != nullptr && seconds) {
      *time = *seconds;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

// Everything on one thread: the double, its ports and the agents.
class Program {
 public:
  Program(runtime::Executor executor, runtime::Clock& clock, const Options& options)
      : executor_(executor), clock_(clock), options_(options), scope_(executor, {}) {}

  runtime::Awaitable<int> run() {
    const auto opened = open();
    if (!opened) {
      std::fputs((base::describe(opened.error()) + "\n").c_str(), stderr);
      co_return 1;
    }
    const runtime::real::Signals signals(executor_, {SIGTERM, SIGINT}, [this](int) { stop_.notify(); });
    pump();
    print_line();
    co_await stop_.wait();
    agent_door_->close();
    scope_.cancel();
    co_await scope_.join();
    jenkins_server_->stop();
    control_server_->stop();
    co_await jenkins_server_->join();
    co_await control_server_->join();
    co_return 0;
  }

 private:
  base::Status open() {
    if (!options_.agent_jar.empty()) {
      FOOTMAN_TRY(agent_jar_, runtime::real::read_file(options_.agent_jar, kMaxJarBytes));
    }
    FOOTMAN_TRY(auto port, net::create_listener(executor_, clock_, {options_.host, options_.port}, {}));
    FOOTMAN_TRY(auto control, net::create_listener(executor_, clock_, {"127.0.0.1", 0}, {}));
    FOOTMAN_TRY(auto agents, net::create_listener(executor_, clock_, {options_.host, 0}, {}));
    Settings settings;
    settings.url = fmt::format("http://{}/", port->endpoint().str());
    settings.agent_port = agents->endpoint().port;
    settings.timing = options_.timing;
    control_port_ = control->endpoint().port;
    about_ = {{"url", settings.url},
              {"control_url", fmt::format("http://127.0.0.1:{}", control_port_)},
              {"agent_port", settings.agent_port},
              {"pid", ::getpid()},
              {"user", "scaler"},
              {"token", "scaler-token"},
              {"admin", "admin"},
              {"admin_token", "admin-token"}};
    jenkins_ = std::make_unique<FakeJenkins>(std::move(settings), clock_.now());
    jenkins_->set_session(fmt::format("{:08x}", ::getpid()));  // two programs are two Jenkins
    agents_ = std::make_unique<AgentSide>(*jenkins_, [this] { return clock_.now(); }, [this] { pump(); });
    jenkins_server_ = make_server(
        [this](std::shared_ptr<const net::HttpRequest> request) { return answer(std::move(request)); });
    jenkins_server_->serve(make_door(std::move(port), connections_), nullptr);
    control_server_ = make_server([this](std::shared_ptr<const net::HttpRequest> request) {
      return answer_control(std::move(request));
    });
    control_server_->serve(std::move(control), nullptr);
    agent_door_ = make_door(std::move(agents), agent_connections_);
    scope_.spawn("agents", accept_agents());
    return {};
  }

  std::unique_ptr<net::HttpServer> make_server(net::HttpHandler handler) {
    return std::make_unique<net::HttpServer>(executor_, executor_, std::move(handler),
                                             net::HttpServerLimits{}, clock_, base::Logger{});
  }

  void print_line() const {
    std::puts(boost::json::serialize(about_).c_str());
    std::fflush(stdout);
  }

  // After everything that happens: agents hear of it, and the next event gets its timer.
  void pump() {
    jenkins_->advance(clock_.now());
    for (const auto& event : jenkins_->take_agent_events()) agents_->deliver(event);
    const bool down = jenkins_->is_down();
    for (const auto& connections : {connections_, agent_connections_}) connections->closed = down;
    if (down && !was_down_) connections_->cut_all();
    was_down_ = down;
    const auto next = jenkins_->next_event_at();
    if (next.is_set()) {
      timer_ =
          clock_.call_after(executor_, std::max(next - clock_.now(), base::Duration(0)), [this] { pump(); });
    }
  }

  runtime::Awaitable<net::HttpResponse> answer(std::shared_ptr<const net::HttpRequest> request) {
    if (request->path == "/wsagents/" && jenkins_->is_up()) co_return answer_agent(*request);
    if (options_.latency.count() > 0) co_await runtime::sleep_for(clock_, options_.latency);
    Request asked{request->method, request->target, request->headers.all(), request->body};
    auto given = jenkins_->handle(asked, clock_.now());
    pump();
    if (given.takes.count() > 0) co_await runtime::sleep_for(clock_, given.takes);
    net::HttpResponse response;
    if (given.status == 0) {
      connections_->cut(request->peer);
      co_return response;
    }
    response.status = given.status;
    response.known_client = true;  // whoever it is: tests have one address
    for (auto& [name, value] : given.headers) response.headers.add(std::move(name), std::move(value));
    response.body = std::move(given.body);
    if (!agent_jar_.empty() && request->path == "/jnlpJars/agent.jar") response.body = agent_jar_;
    co_return response;
  }

  // GET /wsagents/ of an agent: 403 for a wrong secret or an unknown node, as long as it likes to try.
  net::HttpResponse answer_agent(const net::HttpRequest& request) {
    const auto header = [&](std::string_view name) {
      return std::string(request.headers.value_or(name, ""));
    };
    const auto connection = jenkins_->connect_agent(
        {header("Node-Name"), header("Secret-Key"), header("X-Same-Workspace") == "true"}, clock_.now());
    pump();
    net::HttpResponse response;
    if (!connection) {
      response.status = 403;
      return response;
    }
    const bool is_real = is_remoting(header("X-Remoting-Capability"));
    response.headers.add("X-Remoting-Capability",
                         is_real ? std::string(remoting_capability()) : "rO0ABXNyAA");
    response.headers.add("X-Remoting-Minimum-Version", "3107.v665000b_51092");
    response.headers.add("Connection-Cookie", fmt::format("{:032x}", *connection));
    response.upgrade = [this, id = *connection, is_real, node = header("Node-Name")](
                           runtime::ByteStreamPtr stream, const std::function<void()>& known) {
      known();
      return is_real ? agents_->serve_remoting(std::move(stream), id, node)
                     : agents_->serve(std::move(stream), id, {});
    };
    return response;
  }

  runtime::Awaitable<net::HttpResponse> answer_control(std::shared_ptr<const net::HttpRequest> request) {
    const std::string_view path(request->path);
    const auto name = path.starts_with("/fake/") ? path.substr(6) : std::string_view();
    const auto result =
        request->method == "GET" ? ask(name) : tell_control(*jenkins_, name, request->body, clock_.now());
    pump();
    net::HttpResponse response;
    response.headers.add("Content-Type", "application/json");
    response.status = result ? 200 : 400;
    response.body =
        result ? *result : boost::json::serialize(boost::json::object{{"error", result.error().message}});
    co_return response;
  }

  base::Result<std::string> ask(std::string_view name) const {
    if (name != "pongs") return ask_control(*jenkins_, name);
    boost::json::object pongs;
    for (const auto& [node, count] : agents_->pongs()) pongs[node] = count;
    return boost::json::serialize(pongs);
  }

  runtime::Awaitable<void> accept_agents() {
    while (true) {
      auto stream = co_await agent_door_->accept();
      if (!stream) co_return;
      scope_.spawn("agent", agents_->serve_tcp(std::shared_ptr<runtime::ByteStream>(std::move(*stream))));
    }
  }

  runtime::Executor executor_;
  runtime::Clock& clock_;
  Options options_;
  std::uint16_t control_port_ = 0;
  boost::json::object about_;
  std::string agent_jar_;
  std::shared_ptr<OpenConnections> connections_ = std::make_shared<OpenConnections>();
  std::shared_ptr<OpenConnections> agent_connections_ = std::make_shared<OpenConnections>();
  bool was_down_ = false;
  std::unique_ptr<FakeJenkins> jenkins_;
  std::unique_ptr<AgentSide> agents_;
  std::unique_ptr<net::HttpServer> jenkins_server_;
  std::unique_ptr<net::HttpServer> control_server_;
  std::unique_ptr<net::Listener> agent_door_;
  std::unique_ptr<runtime::Timer> timer_;
  runtime::Event stop_;
  runtime::Scope scope_;
};

}  // namespace
}  // namespace footman::fake_jenkins

int main(int argc, char** argv) {
  using namespace footman;
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(std::string(fake_jenkins::kHelp).c_str(), stdout);
    return 0;
  }
  const auto options = fake_jenkins::parse_options(argc, argv);
  if (!options) {
    std::fputs(std::string(fake_jenkins::kHelp).c_str(), stderr);
    return 2;
  }
  if (options->with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == 1) return 1;
  }
  net::init_process();
  runtime::real::Loop loop;
  const auto clock = runtime::real::make_clock();
  fake_jenkins::Program program(loop.executor(), *clock, *options);
  return loop.run(program.run());
}
