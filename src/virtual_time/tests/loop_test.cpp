#include "virtual_time/loop.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/post.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::virtual_time;

namespace {

struct Fixture {
  explicit Fixture(std::uint64_t seed = 1) : loop(seed, trace) {}
  void run() {
    while (loop.step()) continue;
  }
  Trace trace{Trace::Mode::keep};
  SimLoop loop;
};

runtime::Awaitable<void> note_after(runtime::Clock* clock, Duration delay, std::string name,
                                    std::vector<std::string>* said) {
  co_await runtime::sleep_for(*clock, delay);
  said->push_back(std::move(name));
}

std::vector<std::string> order_of_one_instant(std::uint64_t seed) {
  Fixture f(seed);
  Life life(f.loop, "node");
  const auto executor = life.add_lane("lane");
  std::vector<std::string> said;
  std::vector<std::unique_ptr<runtime::Timer>> timers;
  for (const std::string name : {"a", "b", "c", "d", "e"})
    timers.push_back(f.loop.call_after(executor, 1s, [&said, name] { said.push_back(name); }));
  f.run();
  return said;
}

struct CountedEnd {
  explicit CountedEnd(int* the_count) : count(the_count) { ++*count; }
  CountedEnd(const CountedEnd& other) : count(other.count) { ++*count; }
  CountedEnd& operator=(const CountedEnd&) = delete;
  ~CountedEnd() { --*count; }
  int* count;
};

}  // namespace

TEST_CASE("coroutines of the production code run in virtual time") {
  Fixture f;
  Life life(f.loop, "node");
  NodeClock clock(f.loop, Duration(0));
  std::vector<std::string> said;
  runtime::Scope scope(life.add_lane("lane"), {});
  scope.spawn("late", note_after(&clock, 2h, "late", &said));
  scope.spawn("soon", note_after(&clock, 1s, "soon", &said));
  const auto before = clock.steady();
  f.run();
  CHECK(said == std::vector<std::string>{"soon", "late"});
  CHECK(clock.steady() - before >= 2h);
  CHECK(clock.steady() - before < 2h + 1s);
  CHECK(scope.running() == 0);
}

TEST_CASE("handlers of one lane keep their order, those of several mix") {
  Fixture f;
  Life life(f.loop, "node");
  const auto one = life.add_lane("one");
  const auto two = life.add_lane("two");
  std::string said;
  for (char c = 'a'; c <= 'h'; ++c) {
    runtime::post(one, [&said, c] { said += c; });
    runtime::post(two, [&said, c] { said += static_cast<char>(c - 'a' + 'A'); });
  }
  f.run();
  std::string lower;
  std::string upper;
  for (const char c : said) (c >= 'a' ? lower : upper) += c;
  CHECK(lower == "abcdefgh");
  CHECK(upper == "ABCDEFGH");
  CHECK(said.substr(0, 8) != lower);
  CHECK(said.substr(0, 8) != upper);
}

TEST_CASE("timers of one instant come together, in an order of the seed") {
  const auto first = order_of_one_instant(1);
  CHECK(first.size() == 5);
  CHECK(order_of_one_instant(1) == first);
  bool differs = false;
  for (std::uint64_t seed = 2; seed < 10; ++seed) differs = differs || order_of_one_instant(seed) != first;
  CHECK(differs);
}

TEST_CASE("a timer that is dropped does not call, even after it was released") {
  Fixture f;
  Life life(f.loop, "node");
  const auto executor = life.add_lane("lane");
  int calls = 0;
  std::unique_ptr<runtime::Timer> other;
  auto timer = f.loop.call_after(executor, 1s, [&] {
    ++calls;
    other.reset();
  });
  other = f.loop.call_after(executor, 1s, [&] {
    ++calls;
    timer.reset();
  });
  f.run();
  CHECK(calls == 1);
}

TEST_CASE("a crash: nothing runs any more, and what waited is destroyed") {
  Fixture f;
  int alive = 0;
  int ran = 0;
  {
    Life life(f.loop, "node");
    const auto executor = life.add_lane("lane");
    runtime::post(executor, [&, keep = CountedEnd(&alive)] { ++ran; });
    runtime::post(executor, [&, keep = CountedEnd(&alive)] { ++ran; });
    const auto timer = f.loop.call_after(executor, 1s, [&, keep = CountedEnd(&alive)] { ++ran; });
    REQUIRE(f.loop.step());
    CHECK(ran == 1);
    life.stop();
    runtime::post(executor, [&, keep = CountedEnd(&alive)] { ++ran; });
    CHECK(alive == 3);
    life.destroy();
    CHECK(alive == 0);
    runtime::post(executor, [&, keep = CountedEnd(&alive)] { ++ran; });
    CHECK(alive == 0);
  }
  f.run();
  CHECK(ran == 1);
}

TEST_CASE("a condemned life ends within its own handler") {
  Fixture f;
  Life life(f.loop, "node");
  const auto executor = life.add_lane("lane");
  int ran = 0;
  runtime::post(executor, [&] {
    life.condemn();
    runtime::post(executor, [&] { ++ran; });
  });
  REQUIRE(f.loop.step());
  CHECK(f.loop.has_condemned());
  life.stop();
  runtime::post(executor, [&] { ++ran; });
  f.run();
  CHECK(ran == 0);
}

TEST_CASE("a frozen life misses nothing") {
  Fixture f;
  Life life(f.loop, "node");
  const auto executor = life.add_lane("lane");
  int ran = 0;
  life.pause(true);
  runtime::post(executor, [&] { ++ran; });
  const auto timer = f.loop.call_after(executor, 1s, [&] { ++ran; });
  f.run();
  CHECK(ran == 0);
  life.pause(false);
  f.run();
  CHECK(ran == 2);
}

TEST_CASE("an urgent lane runs before everything else") {
  Fixture f;
  Life life(f.loop, "node");
  const auto plain = life.add_lane("plain");
  const auto urgent = life.add_lane("urgent", true);
  std::string said;
  for (int i = 0; i < 5; ++i) runtime::post(plain, [&said] { said += 'p'; });
  for (int i = 0; i < 5; ++i) runtime::post(urgent, [&said] { said += 'u'; });
  f.run();
  CHECK(said == "uuuuuppppp");
}
