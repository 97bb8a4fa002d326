// What every LogStore keeps (ports/log_store.hpp). `World` has run(), `logs`, restart() and a clock.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "logs/tests/world.hpp"

namespace footman::logs::testing {

inline std::vector<TimeMark> marks_at(std::initializer_list<std::uint64_t> offsets) {
  std::vector<TimeMark> marks;
  for (const auto offset : offsets)
    marks.push_back({offset, Instant{static_cast<std::int64_t>(1000 + offset)}});
  return marks;
}

template <class World>
void check_unknown_stream(World& world) {
  const StreamId stream(7);
  CHECK(world.run(world.logs->extent(stream))->bytes == 0);
  CHECK_FALSE(world.run(world.logs->extent(stream))->finished);
  CHECK(world.run(world.logs->read(stream, 0, 10)) == "");
  CHECK(world.run(world.logs->marks(stream, 0, 10))->empty());
  CHECK(world.run(world.logs->wait_beyond(stream, 0, 1ms))->bytes == 0);
  CHECK(world.run(world.logs->remove(stream)));
  CHECK(world.run(world.logs->append(stream, 0, "", {})) == 0);
}

template <class World>
void check_begin(World& world) {
  const StreamId stream(9);
  CHECK(world.run(world.logs->append(stream, 0, "foreign", {})) == 7);
  CHECK(world.run(world.logs->finish(stream)));
  CHECK(world.run(world.logs->begin(stream)));
  CHECK(world.run(world.logs->extent(stream))->bytes == 0);
  CHECK_FALSE(world.run(world.logs->extent(stream))->finished);
  CHECK(world.run(world.logs->read(stream, 0, 10)) == "");
  CHECK(world.run(world.logs->append(stream, 0, "own", {})) == 3);
  CHECK(world.run(world.logs->read(stream, 0, 10)) == "own");
  CHECK_FALSE(world.run(world.logs->begin(StreamId(0))));
}

template <class World>
void check_append_table(World& world) {
  const StreamId stream(8);
  struct Row {
    std::uint64_t offset;
    std::string bytes;
    std::uint64_t size;  // 0: a gap
  };
  const std::vector<Row> rows = {
      {1, "x", 0},          {0, "abc", 3}, {0, "abc", 3}, {3, "", 3},    {2, "cde", 5},
      {0, "abcdef", 6},     {1, "bc", 6},  {7, "x", 0},   {6, "ghi", 9}, {9, std::string(1, '\0'), 10},
      {UINT64_MAX, "x", 0}, {0, "", 10},
  };
  for (const auto& row : rows) {
    CAPTURE(row.offset);
    CAPTURE(row.bytes);
    const auto size = world.run(world.logs->append(stream, row.offset, row.bytes, {}));
    if (row.size == 0) {
      REQUIRE_FALSE(size);
      CHECK(size.error().code == Errc::conflict);
    } else {
      CHECK(size == row.size);
    }
  }
  for (int i = 0; i < 2; ++i) {
    CHECK(world.run(world.logs->read(stream, 0, 100)) == std::string("abcdefghi\0", 10));
    CHECK(world.run(world.logs->read(stream, 4, 3)) == "efg");
    CHECK(world.run(world.logs->read(stream, 10, 3)) == "");
    CHECK(world.run(world.logs->read(stream, 1000, 3)) == "");
    CHECK(world.run(world.logs->extent(stream))->bytes == 10);
    world.restart();
  }
  CHECK_FALSE(world.run(world.logs->append(StreamId(0), 0, "x", {})));
}

template <class World>
void check_marks(World& world) {
  const StreamId stream(9);
  CHECK(world.run(world.logs->append(stream, 0, "0123456789", marks_at({0, 4}))) == 10);
  // What is known already brings no marks; what lies beyond the call's bytes is nobody's.
  CHECK(world.run(world.logs->append(stream, 5, "567890", marks_at({5, 10, 11}))) == 11);
  CHECK(world.run(world.logs->append(stream, 11, "123456789", marks_at({15, 12}))) == 20);
  for (int i = 0; i < 2; ++i) {
    CHECK(world.run(world.logs->marks(stream, 0, 100)) == marks_at({0, 4, 10, 12, 15}));
    CHECK(world.run(world.logs->marks(stream, 4, 12)) == marks_at({0, 4, 10}));
    CHECK(world.run(world.logs->marks(stream, 5, 12)) == marks_at({4, 10}));
    CHECK(world.run(world.logs->marks(stream, 16, 20)) == marks_at({15}));
    CHECK(world.run(world.logs->marks(stream, 0, 0)) == marks_at({}));
    world.restart();
  }
}

template <class World>
void check_finish(World& world) {
  const StreamId stream(10);
  CHECK(world.run(world.logs->append(stream, 0, "abc", marks_at({1}))) == 3);
  CHECK(world.run(world.logs->finish(stream)));
  CHECK(world.run(world.logs->finish(stream)));
  for (int i = 0; i < 2; ++i) {
    CHECK(world.run(world.logs->extent(stream))->bytes == 3);
    CHECK(world.run(world.logs->extent(stream))->finished);
    CHECK(world.run(world.logs->append(stream, 3, "d", {})).error().code == Errc::conflict);
    CHECK(world.run(world.logs->append(stream, 0, "abc", {})).error().code == Errc::conflict);
    CHECK(world.run(world.logs->read(stream, 0, 100)) == "abc");
    CHECK(world.run(world.logs->marks(stream, 0, 3)) == marks_at({1}));
    CHECK(world.run(world.logs->wait_beyond(stream, 3, 1h))->finished);
    world.restart();
  }
  const StreamId empty(11);
  CHECK(world.run(world.logs->finish(empty)));
  CHECK(world.run(world.logs->extent(empty))->finished);
  CHECK(world.run(world.logs->read(empty, 0, 10)) == "");
}

template <class World>
void check_wait(World& world) {
  const StreamId stream(12);
  CHECK(world.run(world.logs->append(stream, 0, "abc", {})) == 3);
  CHECK(world.run(world.logs->wait_beyond(stream, 2, 1h))->bytes == 3);
  CHECK(world.run(world.logs->wait_beyond(stream, 3, 2ms))->bytes == 3);
  const auto first = world.begin(world.logs->wait_beyond(stream, 3, 1h));
  const auto second = world.begin(world.logs->wait_beyond(stream, 4, 1h));
  CHECK(world.run(world.logs->append(stream, 3, "d", {})) == 4);
  world.run_until([&] { return first->has_value(); });
  CHECK((**first)->bytes == 4);
  CHECK_FALSE(second->has_value());
  CHECK(world.run(world.logs->finish(stream)));
  world.run_until([&] { return second->has_value(); });
  CHECK((**second)->bytes == 4);
  CHECK((**second)->finished);
}

template <class World>
void check_remove(World& world) {
  const StreamId stream(13);
  CHECK(world.run(world.logs->append(stream, 0, "abc", marks_at({1}))) == 3);
  SUBCASE("while it is written") {}
  SUBCASE("finished") { CHECK(world.run(world.logs->finish(stream))); }
  CHECK(world.run(world.logs->remove(stream)));
  CHECK(world.run(world.logs->remove(stream)));
  for (int i = 0; i < 2; ++i) {
    CHECK(world.run(world.logs->extent(stream))->bytes == 0);
    CHECK_FALSE(world.run(world.logs->extent(stream))->finished);
    CHECK(world.run(world.logs->read(stream, 0, 100)) == "");
    CHECK(world.run(world.logs->marks(stream, 0, 100))->empty());
    world.restart();
  }
}

// Any number of appends may be under way at once; they happen in the order in which they were called.
template <class World>
void check_pipelined(World& world) {
  const StreamId stream(14);
  std::vector<std::shared_ptr<std::optional<Result<std::uint64_t>>>> results;
  results.reserve(50);
  for (std::uint64_t i = 0; i < 50; ++i)
    results.push_back(world.begin(world.logs->append(stream, i * 4, "line", {})));
  world.run_until([&] { return std::ranges::all_of(results, [](const auto& r) { return r->has_value(); }); });
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(***results[i] >= (i + 1) * 4);
  CHECK(world.run(world.logs->extent(stream))->bytes == 200);
}

template <class World>
void check_contract() {
  World world;
  SUBCASE("an unknown stream") { check_unknown_stream(world); }
  SUBCASE("begin") { check_begin(world); }
  SUBCASE("appends") { check_append_table(world); }
  SUBCASE("time marks") { check_marks(world); }
  SUBCASE("finish") { check_finish(world); }
  SUBCASE("waiting") { check_wait(world); }
  SUBCASE("remove") { check_remove(world); }
  SUBCASE("many at once") { check_pipelined(world); }
}

}  // namespace footman::logs::testing
