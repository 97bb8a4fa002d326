// What an idle agent costs in this module: coroutines, session, node; not the transport's own buffers.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <malloc.h>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOOTMAN_OWN_MALLOC
#endif
#endif

namespace {

constexpr int kAgents = 2000;
[[maybe_unused]] constexpr std::size_t kMostBytes = 8 * 1024;

// Says what it was given, then stays silent. Answers are dropped.
class SilentStream final : public runtime::ByteStream {
 public:
  explicit SilentStream(std::string says) : says_(std::move(says)) {}
  runtime::Awaitable<Result<std::string>> read(std::size_t /*max*/) override {
    if (!says_.empty()) co_return std::exchange(says_, std::string());
    co_await never_.wait();
    co_return std::string();
  }
  runtime::Awaitable<Status> write(std::string /*bytes*/) override { co_return Status(); }
  void close() noexcept override { never_.notify(); }
  std::string peer() const override { return "10.0.0.1:40000"; }

 private:
  std::string says_;
  runtime::Event never_;
};

}  // namespace

TEST_CASE("an idle agent costs at most 8 KiB") {
  World world;
  runtime::Scope connections(world.server_io->get_executor(), Logger());
  const auto add = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const auto id = fmt::format("agent-{:08}", i);
      const auto secret = world.register_agent(id, 1, 0, {"linux", "x86_64"});
      std::string says(protocol::kPreface);
      says += protocol::encode(world.hello(id, secret));
      protocol::encode_to(says, protocol::Resume{});
      connections.spawn("serve",
                        world.controller->agents().serve(std::make_unique<SilentStream>(std::move(says))));
      world.settle();
    }
  };
  add(0, 100);  // warm: what grows only once
  const auto rows_before = world.ask(world.store->load_open_state())->nodes.size();
  const auto before = mallinfo2().uordblks;
  add(100, 100 + kAgents);
  const auto used = (mallinfo2().uordblks - before) / kAgents;
  REQUIRE(world.ask(world.store->load_open_state())->nodes.size() - rows_before == kAgents);
  REQUIRE(world.activity("agent-00000100") == ports::AgentActivity::idle);
  MESSAGE(used << " bytes for each agent, with its row in the database in memory");
#ifndef FOOTMAN_OWN_MALLOC
  CHECK(used <= kMostBytes);
#endif
  connections.cancel();
  world.settle();
}
