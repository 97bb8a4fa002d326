// Thousands of agents in one process: production sessions over real TLS connections, with builds that do
// nothing. Each one is launched by the server as a process (swarm_stub.cpp) that hands its name and secret
// over.
//
//   footman-swarm SOCKET HOST:PORT KEY_SHA256 HOLD
//
// The first build of each agent ends once HOLD agents have one. Prints a line of JSON every 100 ms:
// {"agents":…,"connected":…,"working":…,"welcomes":…}
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/real/connector.hpp"
#include "net/process.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace {

using namespace footman;
namespace asio = boost::asio;
using runtime::Awaitable;

struct Swarm {
  asio::io_context io{1};
  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  std::unique_ptr<runtime::Rng> rng = runtime::make_os_rng();
  runtime::Scope scope{io.get_executor(), base::Logger()};
  std::size_t hold = 0;
  std::size_t working = 0;
  runtime::Event all_there;
  agent::real::ConnectorConfig connector;
};

class IdleStep final : public agent::RunningStep {
 public:
  explicit IdleStep(Swarm& swarm) : swarm_(swarm) {}
  Awaitable<std::string> read(std::size_t) override {
    if (++swarm_.working >= swarm_.hold) swarm_.all_there.notify();
    while (swarm_.working < swarm_.hold && !ended_)
      co_await swarm_.all_there.wait_for(*swarm_.clock, std::chrono::seconds(1));
    co_return "";
  }
  Awaitable<agent::StepEnd> wait() override { co_return agent::StepEnd(); }
  void end(base::Duration) override { ended_ = true; }

 private:
  Swarm& swarm_;
  bool ended_ = false;
};

class IdleRunner final : public agent::StepRunner {
 public:
  explicit IdleRunner(Swarm& swarm) : swarm_(swarm) {}
  Awaitable<base::Status> prepare(std::string) override { co_return base::Status(); }
  Awaitable<base::Result<std::unique_ptr<agent::RunningStep>>> start(agent::StepOrder) override {
    co_return std::make_unique<IdleStep>(swarm_);
  }
  Awaitable<std::size_t> end_build() override { co_return 0; }
  Awaitable<void> clean_up() override { co_return; }

 private:
  Swarm& swarm_;
};

struct Member {
  Member(Swarm& swarm, std::string name, std::uint32_t attempt, std::string secret)
      : runner(swarm),
        connector(swarm.io.get_executor(), *swarm.clock, *swarm.rng, swarm.connector),
        agent(make_config(std::move(name), attempt, std::move(secret)),
              {swarm.io.get_executor(), *swarm.clock, *swarm.rng, base::Logger(), connector, runner, {}}) {}
  static agent::AgentConfig make_config(std::string name, std::uint32_t attempt, std::string secret) {
    agent::AgentConfig config;
    config.name = base::AgentId(std::move(name));
    config.attempt = attempt;
    config.secret = base::Secret(std::move(secret));
    config.host = {"linux", "x86_64", "swarm", 1, 1, 1};
    return config;
  }
  IdleRunner runner;
  agent::real::NetConnector connector;
  agent::Agent agent;
};
using Members = std::vector<std::unique_ptr<Member>>;

Awaitable<void> live(Member* member) { (void)co_await member->agent.run(); }

Awaitable<void> take_in(Swarm* swarm, Members* members, asio::local::stream_protocol::socket socket) {
  asio::streambuf buffer(1024);
  co_await asio::async_read_until(socket, buffer, '\n', asio::use_awaitable);
  std::istream in(&buffer);
  std::string name, secret;
  std::uint32_t attempt = 0;
  in >> name >> attempt >> secret;
  members->push_back(std::make_unique<Member>(*swarm, std::move(name), attempt, std::move(secret)));
  swarm->scope.spawn("agent", live(members->back().get()));
}

Awaitable<void> accept_all(Swarm* swarm, Members* members, std::string path) {
  asio::local::stream_protocol::acceptor acceptor(swarm->io, asio::local::stream_protocol::endpoint(path));
  while (true) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    swarm->scope.spawn("take in", take_in(swarm, members, std::move(socket)));
  }
}

Awaitable<void> report(Swarm* swarm, Members* members) {
  while (true) {
    std::size_t connected = 0;
    std::uint64_t welcomes = 0;
    for (const auto& member : *members) {
      connected += member->agent.connected() ? 1 : 0;
      welcomes += member->agent.epoch();
    }
    std::printf("{\"agents\":%zu,\"connected\":%zu,\"working\":%zu,\"welcomes\":%llu}\n", members->size(),
                connected, swarm->working, static_cast<unsigned long long>(welcomes));
    std::fflush(stdout);
    co_await runtime::sleep_for(*swarm->clock, std::chrono::milliseconds(100));
  }
}

}  // namespace

int main(int argc, char** argv) {
  net::init_process();
  if (argc != 5) {
    std::fprintf(stderr, "usage: footman-swarm SOCKET HOST:PORT KEY_SHA256 HOLD\n");
    return 2;
  }
  auto url = net::parse_url(std::string("tcp://") + argv[2]);
  if (!url) {
    std::fprintf(stderr, "footman-swarm: %s\n", base::describe(url.error()).c_str());
    return 2;
  }
  Swarm swarm;
  swarm.connector.url = *url;
  swarm.connector.public_key_sha256 = argv[3];
  swarm.hold = std::strtoul(argv[4], nullptr, 10);
  Members members;
  swarm.scope.spawn("accept", accept_all(&swarm, &members, argv[1]));
  swarm.scope.spawn("report", report(&swarm, &members));
  swarm.io.run();
}
