#include "sim/net.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "runtime/scope.hpp"

using namespace footman;
using namespace footman::sim;

namespace {

runtime::Awaitable<void> read_all(runtime::ByteStream* stream, std::string* got, std::string* end) {
  while (true) {
    auto chunk = co_await stream->read(1000);
    if (!chunk) co_return void(*end = "reset");
    if (chunk->empty()) co_return void(*end = "end");
    *got += *chunk;
  }
}
runtime::Awaitable<void> write(runtime::ByteStream* stream, std::string bytes) {
  (void)co_await stream->write(std::move(bytes));
}

struct Fixture {
  Fixture() {
    net.listen("server", server, [this](runtime::ByteStreamPtr stream) {
      accepted = std::move(stream);
      server_scope->spawn("read", read_all(accepted.get(), &at_server, &server_end));
    });
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    for (auto* life : {&server, &agent}) {
      life->stop();
      net.end_life(*life, true);
    }
    server_scope.reset();
    agent_scope.reset();
    server.destroy();
    agent.destroy();
  }
  static runtime::Awaitable<void> connect(Fixture* self) {
    self->connected = co_await self->net.connect(&self->agent, "agent", "server");
  }
  runtime::ByteStream& connect() {
    agent_scope->spawn("connect", connect(this));
    run(1s);
    REQUIRE(connected);
    REQUIRE(connected->has_value());
    agent_scope->spawn("read", read_all(connected->value().get(), &at_agent, &agent_end));
    return *connected->value();
  }
  void send(runtime::ByteStream& stream, const std::string& bytes) {
    agent_scope->spawn("write", write(&stream, bytes));
  }
  void run(Duration time) {
    const auto until = loop.now() + time;
    while (loop.step(until)) continue;
  }

  Trace trace{Trace::Mode::hash_only};
  SimLoop loop{7, trace};
  SimNet net{loop, Dice(7, "net")};
  Life server{loop, "server"};
  Life agent{loop, "agent"};
  std::unique_ptr<runtime::Scope> server_scope =
      std::make_unique<runtime::Scope>(server.add_lane("net"), base::Logger());
  std::unique_ptr<runtime::Scope> agent_scope =
      std::make_unique<runtime::Scope>(agent.add_lane("agent"), base::Logger());
  runtime::ByteStreamPtr accepted;
  std::optional<base::Result<runtime::ByteStreamPtr>> connected;
  std::string at_server, at_agent, server_end, agent_end;
};

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + " ";
  return text;
}

}  // namespace

TEST_CASE("bytes arrive in order and whole, in whatever pieces") {
  Fixture f;
  auto& stream = f.connect();
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    f.send(stream, numbers(i % 13));
    sent += numbers(i % 13);
    if (i % 7 == 0) f.run(1ms);
  }
  f.run(1s);
  CHECK(f.at_server == sent);
  CHECK(f.server_end.empty());
}

TEST_CASE("nobody listens: refused; parted: it takes long and fails") {
  Fixture f;
  SUBCASE("refused") { f.net.stop_listening("server"); }
  SUBCASE("parted") { f.net.set_partition("agent", "server", true); }
  f.agent_scope->spawn("connect", Fixture::connect(&f));
  f.run(30s);
  REQUIRE(f.connected);
  CHECK_FALSE(f.connected->has_value());
}

TEST_CASE("a partition holds what is sent until it is healed") {
  Fixture f;
  auto& stream = f.connect();
  f.net.set_partition("agent", "server", true);
  f.send(stream, "one ");
  f.send(stream, "two");
  f.run(10s);
  CHECK(f.at_server.empty());
  f.net.set_partition("agent", "server", false);
  f.run(1s);
  CHECK(f.at_server == "one two");
}

TEST_CASE("a node that is cut off from everybody is heard again once that is over") {
  Fixture f;
  auto& stream = f.connect();
  f.net.set_partition("server", "*", true);
  f.net.set_partition("agent", "server", true);
  f.send(stream, "one ");
  f.run(10s);
  CHECK(f.net.parted_since("agent", "server").has_value());
  f.net.set_partition("agent", "server", false);
  f.run(1s);
  CHECK(f.at_server.empty());
  f.net.set_partition("server", "*", false);
  CHECK_FALSE(f.net.partitioned("agent", "server"));
  f.send(stream, "two");
  f.run(1s);
  CHECK(f.at_server == "one two");
}

TEST_CASE("cut: both ends know; half-open: nobody does") {
  Fixture f;
  auto& stream = f.connect();
  SUBCASE("cut") {
    REQUIRE(f.net.cut_one());
    f.run(1s);
    CHECK(f.server_end == "reset");
    CHECK(f.agent_end == "reset");
    CHECK_FALSE(f.net.cut_one());
  }
  SUBCASE("half-open") {
    REQUIRE(f.net.half_open_one());
    f.send(stream, "lost");
    f.run(1h);
    CHECK(f.at_server.empty());
    CHECK(f.server_end.empty());
    CHECK(f.agent_end.empty());
  }
}

TEST_CASE("the death of a process is a reset for its peers; of a host, silence until the next word") {
  Fixture f;
  auto& stream = f.connect();
  bool silent = false;
  SUBCASE("process") {}
  SUBCASE("host") { silent = true; }
  f.server.stop();
  f.net.stop_listening("server");
  f.net.end_life(f.server, silent);
  f.run(1min);
  CHECK(f.agent_end == (silent ? "" : "reset"));
  if (!silent) return;
  f.send(stream, "hello?");
  f.run(1min);
  CHECK(f.agent_end.empty());
  Life next(f.loop, "server");
  f.net.listen("server", next, [](const runtime::ByteStreamPtr&) {});
  f.send(stream, "hello?");
  f.run(1min);
  CHECK(f.agent_end == "reset");
}

TEST_CASE("back pressure: a peer that does not read stops the writer") {
  Fixture f;
  auto& stream = f.connect();
  f.server.pause(true);
  for (int i = 0; i < 100; ++i) f.send(stream, std::string(10'000, 'x'));
  f.run(1min);
  CHECK(f.agent_scope->running() > 1);  // writers that wait, besides the reader
  f.server.pause(false);
  f.run(1min);
  CHECK(f.at_server.size() == 1'000'000);
}
