// Many streams, written, followed, finished and removed from two threads at once: for ThreadSanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "logs/tests/world.hpp"

using namespace footman;
using namespace footman::logs;
using namespace footman::logs::testing;

namespace {

constexpr std::int64_t kStreams = 24;
constexpr std::size_t kLogBytes = 60'000;

std::string whole_log(StreamId stream) {
  return make_log(kLogBytes, static_cast<std::uint32_t>(stream.value()));
}

Awaitable<bool> write_log(ports::LogStore& logs, StreamId stream) {
  const auto whole = whole_log(stream);
  std::uint64_t size = 0;
  while (size < whole.size()) {
    const auto durable = co_await logs.append(stream, size, whole.substr(size, 3'777), {{size, {1}}});
    if (!durable) co_return false;
    size = *durable;
  }
  co_return (co_await logs.finish(stream)).has_value();
}

// As a page does that shows a log while it is written; removes it at its end.
Awaitable<bool> follow_log(ports::LogStore& logs, StreamId stream) {
  std::string seen;
  while (true) {
    const auto extent = co_await logs.wait_beyond(stream, seen.size(), 1h);
    if (!extent) co_return false;
    if (extent->bytes == seen.size()) break;
    const auto bytes = co_await logs.read(stream, seen.size(), 10'000);
    if (!bytes) co_return false;
    seen += *bytes;
  }
  const auto marks = co_await logs.marks(stream, 0, seen.size());
  const bool good = seen == whole_log(stream) && marks && !marks->empty();
  co_return good&& co_await logs.remove(stream) && (co_await logs.extent(stream))->bytes == 0;
}

bool all(Loop& loop, Awaitable<bool> (*work)(ports::LogStore&, StreamId), ports::LogStore& logs) {
  std::vector<std::shared_ptr<std::optional<bool>>> results;
  for (std::int64_t id = 1; id <= kStreams; ++id) results.push_back(loop.begin(work(logs, StreamId(id))));
  bool good = true;
  for (const auto& result : results) {
    loop.run_until([&] { return result->has_value(); });
    good = good && **result;
  }
  return good;
}

}  // namespace

TEST_CASE("written on one thread, followed and removed on another") {
  Loop loop;  // executors of callers outlive the store
  World world;
  std::atomic<bool> followed{false};
  std::thread follower([&] { followed = all(loop, follow_log, *world.logs); });
  CHECK(all(world, write_log, *world.logs));
  follower.join();
  CHECK(followed);
  CHECK(world.extent(1).bytes == 0);
}

TEST_CASE("closed while everything is under way") {
  for (int i = 0; i < 10; ++i) {
    World world;
    std::vector<std::shared_ptr<std::optional<bool>>> results;
    for (std::int64_t id = 1; id <= kStreams; ++id) {
      results.push_back(world.begin(write_log(*world.logs, StreamId(id))));
      results.push_back(world.begin(follow_log(*world.logs, StreamId(id))));
    }
    world.run_until([&] { return world.exists(1 + i, ".log"); });
    world.stop();
    for (const auto& result : results) world.run_until([&] { return result->has_value(); });
  }
}
