#include "logs/tests/memory_logs.hpp"

#include <doctest/doctest.h>

#include <set>

#include "logs/tests/contract.hpp"

using namespace footman;
using namespace footman::logs;
using namespace footman::logs::testing;

namespace {

class MemoryWorld : public Loop {
 public:
  MemoryWorld() { restart(); }
  void restart() { logs = std::make_unique<MemoryLogStore>(disk, *clock); }

  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  MemoryLogs disk;
  std::unique_ptr<MemoryLogStore> logs;
};

}  // namespace

TEST_CASE("the log store in memory keeps the contract") { check_contract<MemoryWorld>(); }

TEST_CASE("a process that dies before its bytes are durable leaves them to the next one") {
  MemoryWorld world;
  const StreamId stream(1);
  world.logs->hold();
  const auto lost = world.begin(world.logs->append(stream, 0, "abc", marks_at({0, 2})));
  world.run_until([&] { return world.disk.streams.contains(stream); });
  CHECK(world.run(world.logs->extent(stream))->bytes == 0);
  CHECK(world.run(world.logs->read(stream, 0, 10)) == "");
  CHECK_FALSE(lost->has_value());
  SUBCASE("all of them when the machine lives") {
    world.restart();
    CHECK(world.run(world.logs->extent(stream))->bytes == 3);
  }
  SUBCASE("any part of them when it died too") {
    std::set<std::size_t> sizes;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      auto disk = world.disk;
      disk.lose_undurable([&](std::uint64_t most) { return seed % (most + 1); });
      const auto& left = disk.streams.at(stream);
      sizes.insert(left.bytes.size());
      CHECK(left.marks.size() == (left.bytes.size() + 1) / 2);
    }
    CHECK(sizes == std::set<std::size_t>{0, 1, 2, 3});
  }
}

TEST_CASE("what is durable is never lost") {
  MemoryWorld world;
  const StreamId stream(1);
  CHECK(world.run(world.logs->append(stream, 0, "abc", {})) == 3);
  world.disk.lose_undurable([](std::uint64_t) { return 0; });
  world.restart();
  CHECK(world.run(world.logs->read(stream, 0, 10)) == "abc");
}

TEST_CASE("every byte becomes durable once, in order") {
  MemoryWorld world;
  std::string seen;
  world.disk.on_durable = [&](StreamId, std::uint64_t offset, std::string_view bytes) {
    CHECK(offset == seen.size());
    seen += bytes;
  };
  const StreamId stream(1);
  CHECK(world.run(world.logs->append(stream, 0, "abc", {})) == 3);
  CHECK(world.run(world.logs->append(stream, 1, "bcde", {})) == 5);
  world.logs->hold();
  const auto lost = world.begin(world.logs->append(stream, 5, "fg", {}));
  CHECK(world.run(world.logs->extent(stream))->bytes == 5);  // by now the append waits in the store
  CHECK(world.disk.streams.at(stream).bytes.size() == 7);
  world.restart();
  CHECK(seen == "abcde");
  CHECK(world.run(world.logs->extent(stream))->bytes == 7);
  CHECK(seen == "abcdefg");
}

TEST_CASE("a full disk keeps nothing of a call, and the same call works later") {
  MemoryWorld world;
  const StreamId stream(1);
  world.disk.full = true;
  CHECK(world.run(world.logs->append(stream, 0, "abc", {})).error().code == Errc::resource_exhausted);
  CHECK(world.disk.streams.empty());
  world.disk.full = false;
  CHECK(world.run(world.logs->append(stream, 0, "abc", {})) == 3);
}

TEST_CASE("a store that goes takes along who waits in it") {
  MemoryWorld world;
  const auto waiting = world.begin(world.logs->wait_beyond(StreamId(1), 0, 1h));
  CHECK(world.run(world.logs->extent(StreamId(1)))->bytes == 0);
  world.restart();
  CHECK(world.run(world.logs->extent(StreamId(1)))->bytes == 0);
  CHECK_FALSE(waiting->has_value());
}
