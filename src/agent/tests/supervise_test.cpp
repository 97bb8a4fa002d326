// footman-agent supervise: in front of a stand-in for Jenkins' Java agent, with a stand-in for Jenkins.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/tests/agent_program.hpp"
#include "agent/tests/real_server.hpp"
#include "net/http_server.hpp"
#include "net/process.hpp"
#include "net/tcp.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::agent::testing;
using namespace std::chrono_literals;

namespace {

// What a supervisor asks of Jenkins.
class Jenkins {
 public:
  Jenkins() {
    net::init_process();
    http_ = std::make_unique<net::HttpServer>(
        io_.get_executor(), io_.get_executor(),
        [this](std::shared_ptr<const net::HttpRequest> request) { return answer(this, std::move(request)); },
        net::HttpServerLimits{}, *clock_, base::Logger());
    auto listener = net::create_listener(io_.get_executor(), *clock_, {"127.0.0.1", 0}, {});
    REQUIRE(listener);
    port = (*listener)->endpoint().port;
    http_->serve(std::move(*listener), nullptr);
  }
  ~Jenkins() {
    http_->stop();
    run_until([&] { return http_->counts().connections == 0; }, 2s);
  }

  std::uint16_t port = 0;
  std::vector<std::string> asked;
  int refusals = 0;  // so many answers are 503 first
  bool away = false;
  int away_status = 503;
  enum class Front : std::uint8_t { none, agents_only, people_only };
  Front front = Front::none;  // who is let through by what stands before it; others are to sign in
  std::string drips;          // this path is answered with a byte now and then, without end
  std::string jar = "PK\x03\x04 not really";

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/jenkins/"; }
  template <class Condition>
  bool run_until(Condition holds, base::Duration limit = 20s) {
    const auto until = clock_->steady() + limit;
    io_.restart();
    while (!holds() && clock_->steady() < until) {
      io_.run_one_for(10ms);
      if (io_.stopped()) io_.restart();
    }
    return holds();
  }

 private:
  static runtime::Awaitable<net::HttpResponse> answer(Jenkins* self,
                                                      std::shared_ptr<const net::HttpRequest> request) {
    self->asked.push_back(request->path);
    net::HttpResponse response;
    response.headers.set("X-Jenkins", "2.532");
    if (request->path == self->drips) {
      response.stream = [self](std::shared_ptr<net::BodyWriter> body) { return drip(self, std::move(body)); };
    } else if (self->away || self->refusals > 0) {
      self->refusals = std::max(self->refusals - 1, 0);
      response.headers = {};
      response.status = self->away_status;
    } else if (request->path == "/jenkins/login") {
      if (self->front == Front::agents_only) ask_to_sign_in(response);
    } else if (self->front == Front::people_only) {
      ask_to_sign_in(response);
    } else if (request->path == "/jenkins/jnlpJars/agent.jar") {
      response.headers = {};
      response.body = self->jar;
    } else if (request->path == "/jenkins/tcpSlaveAgentListener/") {
      response.headers = {};
      response.headers.set("X-Jenkins-JNLP-Port", "50000");
    } else {
      response.status = 404;
    }
    co_return response;
  }

  static void ask_to_sign_in(net::HttpResponse& response) {
    response.headers = {};
    response.status = 302;
    response.headers.set("Location", "https://sso.example.com/auth");
  }

  static runtime::Awaitable<void> drip(Jenkins* self, std::shared_ptr<net::BodyWriter> body) {
    while (true) {
      const auto sent = co_await body->write("P");
      if (!sent) co_return;
      co_await runtime::sleep_for(*self->clock_, 100ms);
    }
  }

  boost::asio::io_context io_{1};
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  std::unique_ptr<net::HttpServer> http_;
};

// A program in the work directory that says what it was given and then does `then`.
std::string put_script(const Program& program, const std::string& name, const std::string& then) {
  const auto path = program.work_dir + "/" + name;
  std::ofstream(path) << "#!/bin/sh\n"
                         "cd " +
                             program.work_dir +
                             "\n"
                             "printf '%s\\n' \"$@\" > arguments\n"
                             "env > environment\n"
                             "cat agent.secret > seen-secret\n"
                             "stat -c %a agent.secret > mode\n"
                             "touch runs\n" +
                             then + "\n";
  ::chmod(path.c_str(), 0700);
  return path;
}

struct Supervised {
  Supervised() { program.command = "supervise"; }
  Jenkins jenkins;
  Program program;
  void start(std::vector<std::string> more) {
    more.insert(more.begin(), {"--url", jenkins.url(), "--secret-file", program.work_dir + "/secret"});
    std::ofstream(program.work_dir + "/secret") << kSecret << "\n";
    program.start_bare(more);
  }
  bool runs() {
    return jenkins.run_until([&] { return fs::exists(program.work_dir + "/runs"); });
  }
  void wait_for_end() {
    const bool ended = jenkins.run_until([&] { return program.ended(); });
    INFO(program.log());
    REQUIRE(ended);
    CHECK(program.nothing_is_left());
    CHECK_FALSE(fs::exists(program.work_dir + "/agent.secret"));
  }
  std::string file(const std::string& name) const { return text_of(program.work_dir + "/" + name); }
};

constexpr const char* kWaits = "trap 'echo told > told; exit 7' TERM; while :; do sleep 0.05; done";

}  // namespace

TEST_CASE("Java is given the controller's agent.jar and all that it needs to connect; the secret in a file") {
  Supervised one;
  one.jenkins.refusals = 1;  // it starts just now
  const auto java = put_script(one.program, "java", "exit 0");
  one.start({"--java", java, "--java-options", "-Xmx99m  -Dx=y", "--web-socket", "--tunnel", "nlb:50000"});
  one.wait_for_end();
  CHECK(one.program.exit_code() == 0);
  const auto& dir = one.program.work_dir;
  CHECK(one.file("arguments") == "-Xmx99m\n-Dx=y\n-jar\n" + dir + "/agent.jar\n-url\n" + one.jenkins.url() +
                                     "\n-secret\n@" + dir + "/agent.secret\n-name\na\n-workDir\n" + dir +
                                     "\n-webSocket\n-tunnel\nnlb:50000\n");
  CHECK(one.file("agent.jar") == one.jenkins.jar);
  CHECK(one.file("seen-secret") == kSecret);
  CHECK(one.file("mode") == "600\n");
  CHECK_FALSE(fs::exists(dir + "/secret"));
  CHECK_FALSE(holds(one.file("environment"), kSecret));
  CHECK_FALSE(holds(one.file("environment"), "FOOTMAN_AGENT_LOCK_FD"));
  CHECK(holds(text_of(one.program.exit_file),
              "\"exit_status\": 0, \"signal\": 0, \"out_of_memory\": false, "
              "\"text\": \"The agent's command exited with status 0.\""));
}

TEST_CASE("a page that is no agent.jar is not started; the next try is") {
  Supervised one;
  one.jenkins.jar = "<html>please sign in</html>";
  one.start({"--java", put_script(one.program, "java", "exit 0")});
  REQUIRE(
      one.jenkins.run_until([&] { return holds(one.program.log(), "what it gave as agent.jar is none"); }));
  CHECK_FALSE(fs::exists(one.program.work_dir + "/runs"));
  one.jenkins.jar = "PK\x03\x04";
  one.wait_for_end();
  CHECK(one.program.exit_code() == 0);
}

TEST_CASE("an image's own command finds everything in its environment, and its exit status is passed on") {
  Supervised one;
  const auto entry = put_script(one.program, "jenkins-agent", "exit 42");
  one.start({"--web-socket", "--", entry, "--help"});
  one.wait_for_end();
  CHECK(one.program.exit_code() == 42);
  CHECK(one.file("arguments") == "--help\n");
  const auto environment = one.file("environment");
  CHECK(holds(environment, "JENKINS_URL=" + one.jenkins.url() + "\n"));
  CHECK(holds(environment, "JENKINS_AGENT_NAME=a\n"));
  CHECK(holds(environment, "JENKINS_SECRET=@" + one.program.work_dir + "/agent.secret\n"));
  CHECK(holds(environment, "JENKINS_WEB_SOCKET=true\n"));
  CHECK(one.jenkins.asked.empty());
}

TEST_CASE("no Java: says so, and what to do") {
  Supervised one;
  one.start({"--java", "/nowhere/java"});
  one.wait_for_end();
  CHECK(one.program.exit_code() == 1);
  CHECK(holds(text_of(one.program.exit_file), "there is no program /nowhere/java here"));
}

TEST_CASE("SIGTERM is held back until the notice ends, and sooner when it comes again") {
  Supervised one;
  std::string notice = "1s";
  SUBCASE("once") {}
  SUBCASE("twice") { notice = "60s"; }
  one.start(
      {"--notice", notice, "--notice-grace", "500ms", "--", put_script(one.program, "command", kWaits)});
  REQUIRE(one.runs());
  ::kill(one.program.pid, SIGTERM);
  one.jenkins.run_until([] { return false; }, 200ms);
  CHECK_FALSE(fs::exists(one.program.work_dir + "/told"));
  if (notice == "60s") ::kill(one.program.pid, SIGTERM);
  one.wait_for_end();
  CHECK(fs::exists(one.program.work_dir + "/told"));
  CHECK(one.program.exit_code() == 5);
  CHECK(holds(text_of(one.program.exit_file), "told"));
}

TEST_CASE("Java that runs nothing is not waited for when a notice comes; a build is") {
  Supervised one;
  const auto build = one.program.work_dir + "/build";
  bool is_at_work = false;
  SUBCASE("nothing") {}
  SUBCASE("a build") { is_at_work = true; }
  one.start({"--notice", "60s", "--notice-grace", "500ms", "--java",
             put_script(one.program, "java",
                        is_at_work ? "touch '" + build + "'; (while [ -e '" + build +
                                         "' ]; do sleep 0.1; done) & exec sleep 1000"
                                   : "exec sleep 1000")});
  REQUIRE(one.runs());
  ::kill(one.program.pid, SIGTERM);
  if (is_at_work) {
    one.jenkins.run_until([] { return false; }, 4s);
    CHECK_FALSE(one.program.ended());
    fs::remove(build);
  }
  one.wait_for_end();
  CHECK(one.program.exit_code() == 5);
}

TEST_CASE("at its maximum age the command is ended, also one that does not listen") {
  Supervised one;
  one.start({"--max-age", "500ms", "--notice-grace", "100ms", "--",
             put_script(one.program, "command", "trap '' TERM; while :; do sleep 0.05; done")});
  one.wait_for_end();
  CHECK(one.program.exit_code() == 5);
  CHECK(holds(text_of(one.program.exit_file), "maximum age of 500"));
}

TEST_CASE("a controller that stays away ends it; one that answers does not") {
  Supervised one;
  one.start({"--orphan-timeout", "800ms", "--", put_script(one.program, "command", kWaits)});
  REQUIRE(one.runs());
  REQUIRE(one.jenkins.run_until([&] { return one.jenkins.asked.size() >= 6; }));  // longer than that
  CHECK_FALSE(one.program.ended());
  SUBCASE("a proxy answers for it") { one.jenkins.away = true; }
  SUBCASE("somebody else answers in its place") {
    one.jenkins.away_status = 404;
    one.jenkins.away = true;
  }
  SUBCASE("its answer does not end") { one.jenkins.drips = "/jenkins/tcpSlaveAgentListener/"; }
  one.wait_for_end();
  CHECK(one.program.exit_code() == 4);
  CHECK(holds(text_of(one.program.exit_file), "Nothing was heard of http://127.0.0.1"));
}

TEST_CASE("a controller behind a sign-in is heard by what that lets through") {
  Supervised one;
  SUBCASE("the paths of agents") { one.jenkins.front = Jenkins::Front::agents_only; }
  SUBCASE("the page for people") { one.jenkins.front = Jenkins::Front::people_only; }
  one.start({"--orphan-timeout", "800ms", "--", put_script(one.program, "command", kWaits)});
  REQUIRE(one.runs());
  const bool asked =
      one.jenkins.run_until([&] { return one.jenkins.asked.size() >= 12; });  // longer than that
  INFO(text_of(one.program.exit_file));
  CHECK(asked);
  CHECK_FALSE(one.program.ended());
  ::kill(one.program.pid, SIGTERM);
  one.wait_for_end();
}

TEST_CASE("while agent.jar cannot be had, the orphan time-out and a notice end it, too") {
  Supervised one;
  one.jenkins.away = true;
  SUBCASE("away") {
    one.start({"--orphan-timeout", "500ms", "--java", put_script(one.program, "java", "")});
    one.wait_for_end();
    CHECK(one.program.exit_code() == 4);
  }
  SUBCASE("notice") {
    one.start({"--notice", "0s", "--java", put_script(one.program, "java", "")});
    REQUIRE(one.jenkins.run_until([&] { return !one.jenkins.asked.empty(); }));
    ::kill(one.program.pid, SIGTERM);
    one.wait_for_end();
    CHECK(one.program.exit_code() == 5);
  }
  CHECK_FALSE(fs::exists(one.program.work_dir + "/runs"));
}

TEST_CASE("an agent.jar that does not end keeps nobody from the end") {
  Supervised one;
  one.jenkins.drips = "/jenkins/jnlpJars/agent.jar";
  SUBCASE("maximum age") { one.start({"--max-age", "500ms", "--java", put_script(one.program, "java", "")}); }
  SUBCASE("notice") {
    one.start({"--notice", "0s", "--java", put_script(one.program, "java", "")});
    REQUIRE(one.jenkins.run_until([&] { return !one.jenkins.asked.empty(); }));
    ::kill(one.program.pid, SIGTERM);
  }
  one.wait_for_end();
  CHECK(one.program.exit_code() == 5);
}

TEST_CASE("whatever is killed, the command does not go on, and a guardian that is left removes the secret") {
  Supervised one;
  one.start({"--", put_script(one.program, "command", kWaits)});
  REQUIRE(one.runs());
  const auto session = one.program.session();
  SUBCASE("the session") { ::kill(session, SIGKILL); }
  SUBCASE("both") {
    ::kill(one.program.pid, SIGSTOP);  // it cannot kill anybody
    ::kill(session, SIGKILL);
    ::kill(one.program.pid, SIGKILL);
  }
  CHECK(one.jenkins.run_until([&] { return one.program.nothing_is_left(); }));
  REQUIRE(one.jenkins.run_until([&] { return one.program.ended(); }));
  if (WIFEXITED(*one.program.status)) CHECK_FALSE(fs::exists(one.program.work_dir + "/agent.secret"));
}

TEST_CASE("what the command leaves behind is ended with it, and all of it with a guardian that is killed") {
  Supervised one;
  SUBCASE("left behind") {
    one.start({"--", put_script(one.program, "command", "setsid sleep 600 & exit 0")});
    one.wait_for_end();
  }
  SUBCASE("killed") {
    one.start({"--", put_script(one.program, "command", kWaits)});
    REQUIRE(one.runs());
    ::kill(one.program.pid, SIGKILL);
    CHECK(one.jenkins.run_until([&] { return one.program.nothing_is_left(); }));
  }
}

namespace {

// Supervised, with a Footman server that its secret comes from.
struct Fetched : Supervised {
  void start_with_server(std::vector<std::string> more) {
    more.insert(more.begin(), {"--server-name", "agent-x", "--attempt", "3"});
    start(more);
  }
  std::string web_socket() const { return fmt::format("ws://127.0.0.1:{}/", server.http_port); }
  void wait_for_end() {
    const bool ended = server.run_until([&] { return program.ended(); });
    INFO(program.log());
    REQUIRE(ended);
    CHECK(program.nothing_is_left());
    CHECK_FALSE(fs::exists(program.work_dir + "/agent.secret"));
    CHECK_FALSE(fs::exists(program.work_dir + "/secret"));
  }
  RealServer server;
};

const protocol::Refused kLater{protocol::RefusalCode::busy, "later", true};

}  // namespace

TEST_CASE("the secret is fetched from a Footman server, which is asked again until it gives it") {
  Fetched one;
  const auto command = put_script(one.program, "jenkins-agent", "exit 0");
  one.server.answers = {kLater, protocol::Credential{base::Secret("what jenkins wants")}};
  const auto port = one.server.agent_port;
  SUBCASE("WebSocket") { one.start_with_server({"--server", one.web_socket(), "--", command}); }
  SUBCASE("the agent port, by its key") {
    one.start_with_server({"--server", fmt::format("tcp://127.0.0.1:{}", port), "--server-public-key-sha256",
                           one.server.public_key, "--", command});
  }
  SUBCASE("a tunnel to the agent port, by an authority") {
    const auto ca = one.program.work_dir + "/server-ca.pem";
    std::ofstream(ca) << one.server.ca_pem;
    one.start_with_server({"--server", "tcp://localhost:1", "--server-tunnel",
                           fmt::format("127.0.0.1:{}", port), "--server-ca-file", ca, "--", command});
  }
  one.wait_for_end();
  CHECK(one.program.exit_code() == 0);
  CHECK(one.file("seen-secret") == "what jenkins wants");
  CHECK(one.file("mode") == "600\n");
  REQUIRE(one.server.hellos.size() == 2);
  for (const auto& hello : one.server.hellos) {
    CHECK(hello.agent == base::AgentId("agent-x"));
    CHECK(hello.attempt == 3);
    CHECK(hello.secret.expose() == kSecret);
    CHECK((hello.features & protocol::kFeatureCredential) != 0);
    CHECK(hello.session_key.expose() == one.server.hellos[0].session_key.expose());
  }
  const auto environment = one.file("environment");
  CHECK(holds(environment, "JENKINS_AGENT_NAME=a\n"));
  for (const auto* secret : {kSecret, "what jenkins wants"}) {
    CHECK_FALSE(holds(environment, secret));
    CHECK_FALSE(holds(one.program.log(), secret));
  }
}

TEST_CASE("without its secret the command does not run, and it is said why") {
  Fetched one;
  const auto command = put_script(one.program, "command", "");
  int code = 0;
  std::string why;
  SUBCASE("refused") {
    one.server.answers = {protocol::Refused{protocol::RefusalCode::expired, "it comes too late", false}};
    one.start_with_server({"--server", one.web_socket(), "--", command});
    code = 3;
    why = "it comes too late";
  }
  SUBCASE("nobody is there") {
    one.start_with_server({"--server", "ws://127.0.0.1:1/", "--orphan-timeout", "500ms", "--", command});
    code = 4;
    why = "Nothing was heard of the server";
  }
  SUBCASE("a notice") {
    one.server.answers = {kLater};
    one.start_with_server({"--server", one.web_socket(), "--", command});
    REQUIRE(one.server.run_until([&] { return one.server.hellos.size() >= 2; }));
    ::kill(one.program.pid, SIGTERM);
    code = 5;
    why = "told to stop";
  }
  one.wait_for_end();
  CHECK(one.program.exit_code() == code);
  CHECK(holds(text_of(one.program.exit_file), why));
  CHECK_FALSE(fs::exists(one.program.work_dir + "/runs"));
}
