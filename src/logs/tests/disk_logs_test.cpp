#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "logs/limits.hpp"
#include "logs/tests/contract.hpp"
#include "logs/tests/world.hpp"

using namespace footman::logs;
using namespace footman::logs::testing;

TEST_CASE("the log store on disk keeps the contract") { check_contract<World>(); }

TEST_CASE("a finished log is compressed and reads the same") {
  World world;
  const auto text = make_log(3 * kFrameBytes + 1234);
  CHECK(world.append(1, 0, text, marks_at({0, 500'000})) == text.size());
  CHECK(world.run(world.logs->finish(StreamId(1))));
  world.wait_compressed(1);
  CHECK(std::filesystem::file_size(world.file(1, ".zst")) < text.size() / 3);
  CHECK_FALSE(world.exists(1, ".zst.tmp"));
  for (int i = 0; i < 2; ++i) {
    CHECK(world.extent(1).bytes == text.size());
    CHECK(world.extent(1).finished);
    CHECK(world.read_all(1) == text);
    CHECK(world.run(world.logs->marks(StreamId(1), 1, text.size())) == marks_at({0, 500'000}));
    CHECK(world.append(1, text.size(), "x").error().code == Errc::conflict);
    CHECK(world.run(world.logs->finish(StreamId(1))));
    world.restart();
  }
  CHECK(world.run(world.logs->remove(StreamId(1))));
  CHECK(world.run(world.logs->read(StreamId(1), 0, 10)) == "");
  CHECK(std::filesystem::is_empty(world.file(1, ".zst").parent_path()));
  world.restart();
  CHECK_FALSE(std::filesystem::exists(world.file(1, ".zst").parent_path()));
}

TEST_CASE("any byte range of a compressed log is what was written") {
  World world;
  const auto text = make_log(2 * kFrameBytes + 77, 3);
  CHECK(world.append(1, 0, text) == text.size());
  CHECK(world.run(world.logs->finish(StreamId(1))));
  world.wait_compressed(1);
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const auto edge = random() % 3 * kFrameBytes;
    const auto offset = i % 2 == 0 ? random() % (text.size() + 10) : edge + random() % 5;
    const auto max = i % 3 == 0 ? random() % 10 : random() % (2 * kFrameBytes);
    CAPTURE(offset);
    CAPTURE(max);
    const auto bytes = world.run(world.logs->read(StreamId(1), offset, max));
    const bool same = bytes == (offset < text.size() ? text.substr(offset, max) : std::string());
    CHECK(same);
  }
}

TEST_CASE("zeros at the end of a log, left by a power failure, are not served") {
  World world;
  REQUIRE(world.append(1, 0, "one\n"));
  REQUIRE(world.append(1, 4, "two\n"));
  world.stop();
  std::ofstream(world.file(1, ".log"), std::ios::app | std::ios::binary) << std::string(40, '\0');
  world.start();
  CHECK(world.extent(1).bytes == 8);
  CHECK(world.read_all(1) == "one\ntwo\n");
  CHECK(world.append(1, 8, "three\n") == 14);
  REQUIRE(world.run(world.logs->finish(StreamId(1))));
  CHECK(world.read_all(1) == "one\ntwo\nthree\n");
}

TEST_CASE("a small finished log stays as it is") {
  World world;
  CHECK(world.append(1, 0, "hello\n") == 6);
  CHECK(world.run(world.logs->finish(StreamId(1))));
  CHECK(world.append(2, 0, make_log(kCompressFromBytes)) == kCompressFromBytes);
  CHECK(world.run(world.logs->finish(StreamId(2))));
  world.wait_compressed(2);  // one after another: 1 was looked at before
  CHECK(world.exists(1, ".done"));
}

TEST_CASE("a start goes on with compressions that were interrupted") {
  World world;
  const auto text = make_log(kFrameBytes + 5);
  CHECK(world.append(1, 0, text) == text.size());
  CHECK(world.append(2, 0, text) == text.size());
  world.stop();
  std::filesystem::rename(world.file(1, ".log"), world.file(1, ".done"));
  std::ofstream(world.file(1, ".zst.tmp")) << "half an archive";
  std::ofstream(world.file(7, ".zst.tmp")) << "of a log that is gone";
  std::ofstream(world.file(2, ".txt")) << "not ours";
  world.start();
  world.wait_compressed(1);
  CHECK(world.read_all(1) == text);
  world.run_until([&] { return !world.exists(7, ".zst.tmp"); });
  CHECK_FALSE(world.exists(1, ".zst.tmp"));
  CHECK_FALSE(world.extent(2).finished);
  CHECK(world.exists(2, ".txt"));
}

TEST_CASE("a damaged archive is said to be one, the other logs are fine") {
  World world;
  const auto text = make_log(2 * kFrameBytes);
  for (std::int64_t stream = 1; stream <= 3; ++stream) {
    CHECK(world.append(stream, 0, text) == text.size());
    CHECK(world.run(world.logs->finish(StreamId(stream))));
    world.wait_compressed(stream);
  }
  world.stop();
  {
    std::fstream file(world.file(1, ".zst"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1000);
    file << "damage";
  }
  std::filesystem::resize_file(world.file(2, ".zst"), 5000);
  world.start();
  CHECK(world.run(world.logs->read(StreamId(1), 0, 10)).error().code == Errc::corrupt);
  CHECK(world.run(world.logs->read(StreamId(1), kFrameBytes, 10)) == text.substr(kFrameBytes, 10));
  CHECK(world.run(world.logs->read(StreamId(2), 0, 10)).error().code == Errc::corrupt);
  CHECK(world.read_all(3) == text);
  CHECK(world.run(world.logs->remove(StreamId(2))));
}

TEST_CASE("calls after close() are refused, calls under way end") {
  World world;
  CHECK(world.append(1, 0, "abc") == 3);
  const auto waiting = world.begin(world.logs->wait_beyond(StreamId(1), 3, 1h));
  const auto appending = world.begin(world.logs->append(StreamId(1), 3, "def", {}));
  world.run(world.logs->close());
  CHECK((*appending).has_value());
  CHECK(**appending == 6);
  CHECK((*waiting).has_value());
  CHECK(world.append(1, 6, "x").error().code == Errc::unavailable);
  CHECK(world.run(world.logs->extent(StreamId(1))).error().code == Errc::unavailable);
  world.logs.reset();
  world.start();
  CHECK(world.read_all(1) == "abcdef");
}

TEST_CASE("limits of one call") {
  World world;
  CHECK(world.append(1, 0, std::string(kMaxAppendBytes + 1, 'x')).error().code == Errc::invalid_argument);
  CHECK(world.append(1, 0, "x", std::vector<TimeMark>(kMaxMarksInAppend + 1)).error().code ==
        Errc::invalid_argument);
  CHECK(world.append(1, 0, std::string(kMaxAppendBytes, 'x')) == kMaxAppendBytes);
  CHECK(world.run(world.logs->read(StreamId(1), 0, SIZE_MAX))->size() == kMaxReadBytes);
  CHECK(world.append(2, 0, std::string(kMaxAppendBytes, 'x'), std::vector<TimeMark>(kMaxMarksInAppend)) ==
        kMaxAppendBytes);
  CHECK(world.append(2, kMaxAppendBytes, "xy", {{kMaxAppendBytes, {}}, {kMaxAppendBytes + 1, {}}}));
  CHECK(world.run(world.logs->marks(StreamId(2), 0, 1U << 30))->size() == kMaxMarksInAnswer);
}

TEST_CASE("a bucket that somebody deletes is made again") {
  World world;
  CHECK(world.append(1, 0, "a") == 1);
  CHECK(world.run(world.logs->remove(StreamId(1))));
  std::filesystem::remove(world.file(1, ".log").parent_path());
  while (!world.append(5, 0, "b")) CHECK(world.extent(5).bytes == 0);
  CHECK(world.read_all(5) == "b");
}

TEST_CASE("appends that came before a removal happen before it") {
  World world;
  const auto first = world.begin(world.logs->append(StreamId(1), 0, "a", {}));
  const auto removed = world.begin(world.logs->remove(StreamId(1)));
  world.run_until([&] { return first->has_value() && removed->has_value(); });
  CHECK(**first == 1);
  CHECK(world.extent(1).bytes == 0);
}

TEST_CASE("a directory that cannot be used is said so") {
  World world;
  const auto at = (world.dir.path() / "missing" / "logs").string();
  const auto store = create_log_store({at, {}, {}}, *world.clock, {});
  REQUIRE_FALSE(store);
  CHECK(store.error().message.find(at) != std::string::npos);
}

TEST_CASE("logs of later streams than the newest known one are set aside and never read") {
  World world;
  for (const auto stream : {1, 2, 999, 1000, 2001}) CHECK(world.append(stream, 0, "old\n") == 4);
  CHECK(world.run(world.logs->finish(StreamId(2))));
  world.newest = StreamId(2);
  world.restart();
  CHECK(world.read_all(1) == "old\n");
  CHECK(world.read_all(2) == "old\n");
  for (const auto stream : {999, 1000, 2001}) CHECK(world.extent(stream).bytes == 0);
  CHECK(world.append(999, 0, "new\n") == 4);
  CHECK(world.read_all(999) == "new\n");
  std::vector<std::string> aside;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.dir.path()))
    if (entry.path().parent_path().filename().string().starts_with("unknown-") &&
        entry.path().extension() == ".log")
      aside.push_back(entry.path().filename());
  std::ranges::sort(aside);
  CHECK(aside == std::vector<std::string>{"1000.log", "2001.log", "999.log"});
}

TEST_CASE("after a start on the wrong database the right one has the logs back that are being written") {
  World world;
  CHECK(world.append(5, 0, "first\n") == 6);
  CHECK(world.append(6, 0, "other\n") == 6);
  const auto start_with = [&](std::int64_t newest, std::vector<StreamId> open) {
    world.newest = StreamId(newest);
    world.open = std::move(open);
    world.restart();
  };
  start_with(4, {});
  CHECK(world.extent(5).bytes == 0);
  SUBCASE("at once") {
    start_with(6, {StreamId(5)});
    CHECK(world.read_all(5) == "first\n");
    CHECK(world.append(5, 6, "more\n") == 11);
    CHECK(world.extent(6).bytes == 0);  // nobody writes it
    start_with(6, {StreamId(6)});
    CHECK(world.read_all(6) == "other\n");
  }
  SUBCASE("not in the place of what was written since") {
    CHECK(world.append(5, 0, "new\n") == 4);
    start_with(6, {StreamId(5)});
    CHECK(world.read_all(5) == "new\n");
  }
}

TEST_CASE("a FIFO in the place of a log is neither waited for nor read") {
  World world;
  std::filesystem::create_directories(world.file(5, "").parent_path());
  REQUIRE(::mkfifo(world.file(5, ".done").c_str(), 0600) == 0);
  world.restart();  // the compressor looks for finished logs
  const auto extent = world.run(world.logs->extent(StreamId(5)));
  REQUIRE_FALSE(extent);
  CHECK(extent.error().code == Errc::corrupt);
}

TEST_CASE("whatever has the number of a new log is set aside, not taken for it") {
  World world;
  const StreamId stream(5);
  std::filesystem::create_directories(world.file(5, "").parent_path());
  std::vector<std::string> expected;
  for (const auto* suffix : {".idx", ".log", ".zst"}) {
    std::ofstream(world.file(5, suffix)) << "foreign";
    expected.push_back(std::string("5") + suffix);
  }
  CHECK(world.extent(5).bytes == 7);
  CHECK(world.run(world.logs->begin(stream)));
  CHECK(world.extent(5).bytes == 0);
  CHECK(world.append(5, 0, "own\n") == 4);
  CHECK(world.read_all(5) == "own\n");
  world.restart();
  CHECK(world.read_all(5) == "own\n");
  std::vector<std::string> aside;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.dir.path()))
    if (entry.path().parent_path().filename().string().starts_with("unknown-"))
      aside.push_back(entry.path().filename());
  std::ranges::sort(aside);
  CHECK(aside == expected);
}

TEST_CASE("an empty database knows no log") {
  World world;
  CHECK(world.append(1, 0, "old\n") == 4);
  world.newest = StreamId();
  world.restart();
  CHECK(world.extent(1).bytes == 0);
}

TEST_CASE("more streams than files stay open, over restarts, against a map of strings") {
  World world;
  std::map<std::int64_t, std::string> model;
  std::mt19937 random(11);
  constexpr std::int64_t kStreams = 3 * kWriters * kMaxOpenStreams;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::shared_ptr<std::optional<Result<std::uint64_t>>>> results;
    for (std::int64_t stream = 1; stream <= kStreams; ++stream) {
      auto& text = model[stream];
      const auto line = std::to_string(random()) + "\n";
      results.push_back(world.begin(world.logs->append(StreamId(stream), text.size(), line, {})));
      text += line;
    }
    world.run_until(
        [&] { return std::ranges::all_of(results, [](const auto& r) { return r->has_value(); }); });
    for (const auto& result : results) CHECK((**result).has_value());
    if (round == 1) world.restart();
  }
  for (const auto& [stream, text] : model) CHECK(world.read_all(stream) == text);
}

TEST_CASE("random appends with duplicates, overlaps and gaps, over restarts, against a string") {
  World world;
  std::mt19937 random(13);
  for (std::int64_t stream = 1; stream <= 4; ++stream) {
    const auto whole = make_log(40'000, static_cast<std::uint32_t>(stream));
    std::uint64_t size = 0;
    while (size < whole.size()) {
      const auto back = random() % 3 == 0 ? random() % 2000 : 0;
      const auto gap = random() % 10 == 0 ? 1 + random() % 100 : 0;
      const auto offset = size - std::min<std::uint64_t>(size, back) + gap;
      const auto bytes = whole.substr(std::min(offset, whole.size()), random() % 3000);
      const auto result = world.append(stream, offset, bytes);
      if (offset > size) {
        CHECK(result.error().code == Errc::conflict);
      } else {
        size = std::max<std::uint64_t>(size, offset + bytes.size());
        CHECK(result == size);
      }
      if (random() % 15 == 0) world.restart();
      CHECK(world.extent(stream).bytes == size);
    }
    CHECK(world.read_all(stream, 777) == whole);
  }
}
