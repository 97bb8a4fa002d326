// The files of streams on a disk that fails at any step, in processes that die at any step, on a machine that
// loses its power at any step.
#include "logs/stream_files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "logs/archive.hpp"
#include "logs/limits.hpp"
#include "logs/reader.hpp"
#include "logs/tests/sim_disk.hpp"
#include "logs/tests/world.hpp"

using namespace footman::logs;
using namespace footman::logs::testing;
namespace fs = std::filesystem;

namespace {

const StreamId kStream(1);

Error no_space() { return {Errc::resource_exhausted, "no space"}; }
Error broken() { return {Errc::io, "broken"}; }

// One machine, one process at a time, and a client who resends what was not acknowledged.
class Machine {
 public:
  Machine() {
    fs::create_directory(dir_.path() / "logs");
    fs::create_directory(dir_.path() / "backup");
    start();
  }

  void start() {
    files.emplace(disk, layout, Logger());
    reader.emplace(disk, layout);
  }

  // The client's next call: true when it was acknowledged.
  bool append(std::size_t bytes) {
    const auto offset = told;
    const auto size = files->append(kStream, offset, std::string_view(whole).substr(offset, bytes),
                                    {{offset, Instant{static_cast<std::int64_t>(offset)}}});
    const auto failed = files->commit();
    if (!size || failed.contains(kStream)) {
      last_error = size ? failed.at(kStream) : size.error();
      return false;
    }
    told = *size;
    return true;
  }
  bool finish() {
    const auto raw = files->finish(kStream);
    return raw && files->commit().empty();
  }
  bool compress() {
    const auto source = disk.open(layout.file(kStream, FileKind::done), O_RDONLY);
    if (!source) return source.error().code == Errc::not_found;
    const std::atomic<bool> stop{false};
    return write_archive(disk, source->get(), layout.file(kStream, FileKind::partial), stop) &&
           files->install_archive(kStream, source->get());
  }
  // Asks what is durable; the client forgets everything below that.
  bool ask() {
    const auto extent = files->extent(kStream);
    if (!extent) return false;
    CHECK(extent->bytes >= told);
    told = extent->bytes;
    return true;
  }
  void check_content() {
    const auto bytes = reader->read(kStream, 0, kMaxReadBytes, told);
    REQUIRE(bytes);
    const bool same = *bytes == whole.substr(0, told);
    CHECK(same);
    const auto marks = reader->marks(kStream, 0, told, told);
    REQUIRE(marks);
    CHECK(std::ranges::is_sorted(*marks, {}, &TimeMark::offset));
    for (const auto& mark : *marks) CHECK(mark.at.us == static_cast<std::int64_t>(mark.offset));
  }
  // Everything works from here on: the client gets done.
  void finish_all() {
    REQUIRE(ask());
    check_content();
    while (told < whole.size()) {
      const auto extent = files->extent(kStream);
      if (extent && extent->finished) break;
      REQUIRE(append(5000));
    }
    REQUIRE(finish());
    REQUIRE(compress());
    check_content();
    REQUIRE(files->extent(kStream)->finished);
  }

  std::uint64_t size_on_disk(FileKind kind) const {
    std::error_code missing;
    const auto size = fs::file_size(layout.file(kStream, kind), missing);
    return missing ? 0 : size;
  }

 private:
  TempDir dir_;

 public:
  SimDisk disk{(dir_.path() / "logs").string(), (dir_.path() / "backup").string()};
  Layout layout{(dir_.path() / "logs").string()};
  std::string whole = make_log(20'000);
  std::uint64_t told = 0;  // acknowledged, or heard from extent()
  std::optional<StreamFiles> files;
  std::optional<Reader> reader;
  Error last_error;
};

// Everything that happens to a log, once each.
void live(Machine& machine) {
  (void)machine.append(4000);
  (void)machine.append(1);
  (void)machine.append(8000);
  if (machine.told == 12'001) (void)machine.finish();
  (void)machine.compress();
}

// Runs live() with the n-th step failing; false: there is no such step.
template <class Fault>
bool live_with_fault(Machine& machine, int at, Fault fault) {
  int steps = 0;
  bool hit = false;
  machine.disk.fault = [&, at](const std::string&) -> std::optional<Error> {
    if (++steps < at) return std::nullopt;
    hit = true;
    return fault(steps == at);
  };
  live(machine);
  machine.disk.fault = {};
  return hit;
}

}  // namespace

TEST_CASE("the process dies at every step") {
  int at = 1;
  for (bool hit = true; hit; ++at) {
    CAPTURE(at);
    Machine machine;
    hit = live_with_fault(machine, at, [](bool) { return broken(); });
    machine.start();
    machine.finish_all();
  }
  CHECK(at > 20);
}

TEST_CASE("the power goes at every step") {
  std::mt19937 random(3);
  int at = 1;
  for (bool hit = true; hit; ++at) {
    for (int again = 0; again < 5; ++again) {
      CAPTURE(at);
      CAPTURE(again);
      Machine machine;
      hit = live_with_fault(machine, at, [](bool) { return broken(); });
      machine.disk.power_off(random);
      machine.start();
      machine.finish_all();
    }
  }
  CHECK(at > 20);
}

TEST_CASE("every step fails once, and the client tries again") {
  for (const auto code : {Errc::io, Errc::resource_exhausted}) {
    for (int at = 1, hit = 1; hit != 0; ++at) {
      CAPTURE(at);
      CAPTURE(static_cast<int>(code));
      Machine machine;
      hit = live_with_fault(machine, at, [code](bool is_first) -> std::optional<Error> {
        if (is_first) return Error{code, "fault"};
        return std::nullopt;
      });
      machine.finish_all();
      std::mt19937 random(static_cast<std::uint32_t>(at));
      machine.disk.power_off(random);
      machine.start();
      CHECK(machine.ask());
      machine.check_content();
    }
  }
}

TEST_CASE("no space: nothing of the call is kept") {
  for (int at = 1; at <= 8; ++at) {
    CAPTURE(at);
    Machine machine;
    REQUIRE(machine.append(100));
    const auto index_size = machine.size_on_disk(FileKind::index);
    int steps = 0;
    machine.disk.fault = [&, at](const std::string& step) -> std::optional<Error> {
      if (step == "truncate" || ++steps < at) return std::nullopt;
      return no_space();
    };
    if (machine.append(10'000)) {
      CHECK(at > 3);  // write, write of the index, sync
      break;
    }
    CHECK(machine.last_error.code == Errc::resource_exhausted);
    CHECK(machine.size_on_disk(FileKind::open) == 100);
    CHECK(machine.size_on_disk(FileKind::index) == index_size);
    machine.disk.fault = {};
    CHECK(machine.append(10'000));
    CHECK(machine.size_on_disk(FileKind::open) == 10'100);
    machine.check_content();
  }
}

TEST_CASE("bytes that cannot be cut away keep the stream from growing") {
  Machine machine;
  REQUIRE(machine.append(100));
  machine.disk.fault = [](const std::string& step) -> std::optional<Error> {
    if (step == "sync_data" || step == "truncate") return broken();
    return std::nullopt;
  };
  CHECK_FALSE(machine.append(50));
  CHECK(machine.size_on_disk(FileKind::open) == 150);
  CHECK_FALSE(machine.append(60));
  CHECK_FALSE(machine.finish());
  CHECK(machine.files->extent(kStream)->bytes == 100);
  machine.disk.fault = {};
  CHECK(machine.append(70));
  CHECK(machine.size_on_disk(FileKind::open) == 170);
  std::mt19937 random(1);
  machine.disk.power_off(random);
  machine.start();
  CHECK(machine.ask());
  machine.check_content();
}

// The kernel drops pages of a failed sync and reports the failure once. Who syncs again and believes it,
// loses them.
TEST_CASE("a failed sync at the first use after a restart is not believed to be over") {
  Machine machine;
  REQUIRE(machine.append(100));
  machine.disk.fault = [](const std::string& step) -> std::optional<Error> {
    if (step == "write" || step == "set_attribute") return std::nullopt;
    return broken();  // written, nothing else: the process dies
  };
  CHECK_FALSE(machine.append(200));
  machine.start();
  CHECK_FALSE(machine.ask());
  machine.disk.fault = {};
  CHECK(machine.ask());
  CHECK(machine.told == 300);
  std::mt19937 random(1);
  machine.disk.power_off(random);
  machine.start();
  CHECK(machine.ask());
  machine.check_content();
}

TEST_CASE("what never came to the disk as a whole is not taken for content") {
  Machine machine;
  REQUIRE(machine.append(100));
  REQUIRE(machine.append(200));
  const auto path = machine.layout.file(kStream, FileKind::open);
  SUBCASE("zeros behind the end") {
    std::ofstream(path, std::ios::app | std::ios::binary) << std::string(40, '\0');
  }
  SUBCASE("bytes behind the end") {
    std::ofstream(path, std::ios::app | std::ios::binary) << machine.whole.substr(300, 40);
  }
  SUBCASE("the next batch has its tail, and zeros in the place of some bytes") {
    const auto bytes = machine.whole.substr(300, 50);
    const auto file = machine.disk.open(path, O_RDWR);
    REQUIRE(machine.disk.set_attribute(file->get(), encode_tail({300, 350, crc32c(bytes)})));
    REQUIRE(machine.disk.write(file->get(), 300, bytes.substr(0, 20) + std::string(30, '\0')));
  }
  SUBCASE("the next batch has its tail and not all of its bytes") {
    const auto bytes = machine.whole.substr(300, 50);
    const auto file = machine.disk.open(path, O_RDWR);
    REQUIRE(machine.disk.set_attribute(file->get(), encode_tail({300, 350, crc32c(bytes)})));
    REQUIRE(machine.disk.write(file->get(), 300, bytes.substr(0, 20)));
  }
  machine.start();
  REQUIRE(machine.ask());
  CHECK(machine.told == 300);
  CHECK(machine.size_on_disk(FileKind::open) == 300);
  machine.finish_all();
}

TEST_CASE("a file of a new log without any durable byte is empty") {
  Machine machine;
  REQUIRE(machine.files->begin(kStream, Instant{1}));
  std::ofstream(machine.layout.file(kStream, FileKind::open), std::ios::app | std::ios::binary)
      << std::string(40, '\0');
  machine.start();
  REQUIRE(machine.ask());
  CHECK(machine.told == 0);
  machine.finish_all();
}

TEST_CASE("a log whose tail says nothing of its end keeps all its bytes") {
  Machine machine;
  const auto no_attributes = [](const std::string& step) -> std::optional<Error> {
    if (step == "set_attribute") return Error{Errc::unsupported, "not here", {}, {}};
    return std::nullopt;
  };
  const auto add = [&](std::uint64_t from, std::uint64_t size) {
    std::ofstream(machine.layout.file(kStream, FileKind::open), std::ios::app | std::ios::binary)
        << machine.whole.substr(from, size);
  };
  std::uint64_t size = 150;
  SUBCASE("the file system keeps none") {
    machine.disk.fault = no_attributes;
    REQUIRE(machine.append(100));
    add(100, 50);
  }
  SUBCASE("an older program went on with the log") {
    REQUIRE(machine.append(100));
    add(100, 50);
    const auto index = machine.disk.open(machine.layout.file(kStream, FileKind::index), O_RDWR);
    REQUIRE(machine.disk.write(index->get(), 0, encode_index_header(kStream, 150)));
  }
  SUBCASE("it is damaged") {
    REQUIRE(machine.append(100));
    add(100, 50);
    const auto file = machine.disk.open(machine.layout.file(kStream, FileKind::open), O_RDWR);
    REQUIRE(machine.disk.set_attribute(file->get(), "damaged"));
  }
  SUBCASE("bytes that were on disk are damaged: they are kept, the next ones follow") {
    REQUIRE(machine.append(100));
    const auto file = machine.disk.open(machine.layout.file(kStream, FileKind::open), O_RDWR);
    REQUIRE(machine.disk.set_attribute(file->get(), encode_tail({50, 100, 7})));
    size = 100;
  }
  machine.start();
  REQUIRE(machine.ask());
  CHECK(machine.told == size);
  machine.disk.fault = {};
  machine.finish_all();
}

TEST_CASE("a tail that can no longer be written fails the batch: an old one must never speak for new bytes") {
  Machine machine;
  REQUIRE(machine.append(100));
  machine.disk.fault = [](const std::string& step) -> std::optional<Error> {
    if (step == "set_attribute") return Error{Errc::unsupported, "not any more", {}, {}};
    return std::nullopt;
  };
  CHECK_FALSE(machine.append(50));
  CHECK(machine.told == 100);
}

TEST_CASE("time marks do not outgrow their log") {
  Machine machine;
  std::vector<TimeMark> marks;
  for (std::uint64_t at = 0; at < 20'000; at += 500) {
    marks.clear();
    for (std::uint64_t i = 0; i < 500; ++i)
      marks.push_back({at + i, Instant{static_cast<std::int64_t>(at + i)}});
    REQUIRE(machine.files->append(kStream, at, std::string_view(machine.whole).substr(at, 500), marks));
    REQUIRE(machine.files->append(kStream, at, std::string_view(machine.whole).substr(at, 500), marks));
    REQUIRE(machine.files->commit().empty());
  }
  CHECK(machine.size_on_disk(FileKind::index) <= kMaxIndexLeadBytes + 20'000);
  machine.told = 20'000;
  machine.check_content();
}

TEST_CASE("golden bytes of the tail; its checksum is CRC-32C, however it is computed") {
  CHECK(crc32c("123456789") == 0xE3069283U);
  const auto text = make_log(10'000);
  for (const std::size_t cut : {0, 1, 7, 8, 9, 1000, 9'999, 10'000}) {
    const auto front = std::string_view(text).substr(0, cut);
    CHECK(crc32c(front) == crc32c_by_tables(front, 0));
    CHECK(crc32c(std::string_view(text).substr(cut), crc32c(front)) == crc32c(text));
  }
  const Tail tail{0x0102, 0x030405, 0x0A0B0C0D};
  const std::string golden(
      "\x01\0\0\0"
      "\x02\x01\0\0\0\0\0\0"
      "\x05\x04\x03\0\0\0\0\0"
      "\x0D\x0C\x0B\x0A",
      24);
  const auto bytes = encode_tail(tail);
  REQUIRE(bytes.size() == 28);
  CHECK(bytes.substr(0, 24) == golden);
  const auto read = decode_tail(bytes);
  REQUIRE(read);
  CHECK(read->from == tail.from);
  CHECK(read->to == tail.to);
  CHECK(read->crc == tail.crc);
  CHECK_FALSE(decode_tail(bytes.substr(1)));
  CHECK_FALSE(decode_tail(bytes + "x"));
  CHECK_FALSE(decode_tail(""));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    CHECK_FALSE(decode_tail(damaged));
  }
  CHECK_FALSE(decode_tail(encode_tail({2, 1, 0})));
}

TEST_CASE("random lives: failures, deaths and power cuts in any order") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Machine machine;
    for (int i = 0; i < 60; ++i) {
      const auto odds = random() % 4 == 0 ? 3 : 1'000'000;
      machine.disk.fault = [&, odds](const std::string&) -> std::optional<Error> {
        if (random() % odds != 0) return std::nullopt;
        return random() % 2 == 0 ? broken() : no_space();
      };
      switch (random() % 10) {
        case 0:
          machine.start();
          break;
        case 1:
          machine.disk.fault = {};
          machine.disk.power_off(random);
          machine.start();
          break;
        case 2:
          (void)machine.ask();
          break;
        default:
          (void)machine.append(random() % 1500);
      }
      if (random() % 5 == 0 && machine.ask()) machine.check_content();
    }
    machine.disk.fault = {};
    machine.finish_all();
  }
}

TEST_CASE("an index with a torn or damaged end loses that end only") {
  Machine machine;
  for (int i = 0; i < 5; ++i) REQUIRE(machine.append(100));
  const auto path = machine.layout.file(kStream, FileKind::index);
  const auto size = machine.size_on_disk(FileKind::index);
  std::size_t left = 5;
  SUBCASE("torn") {
    fs::resize_file(path, size - 3);
    left = 4;
  }
  SUBCASE("garbage behind it") {
    std::ofstream(path, std::ios::app | std::ios::binary) << std::string(50, 'x');
  }
  SUBCASE("zeros behind it") {
    std::ofstream(path, std::ios::app | std::ios::binary) << std::string(50, '\0');
  }
  SUBCASE("a record in the middle is damaged") {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(kIndexHeaderBytes + kIndexRecordBytes + 3));
    file << "x";
    left = 4;
  }
  SUBCASE("marks of bytes that the log does not have") {
    std::string records;
    encode_mark(records, {500, {1}});
    encode_mark(records, {7'000, {2}});
    std::ofstream(path, std::ios::app | std::ios::binary) << records;
  }
  SUBCASE("the header is damaged") {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << "x";
    left = 0;
  }
  SUBCASE("shorter than its header") {
    fs::resize_file(path, 3);
    left = 0;
  }
  machine.start();
  REQUIRE(machine.append(100));
  CHECK(machine.reader->marks(kStream, 0, 600, machine.told)->size() == left + 1);
  machine.check_content();
}

TEST_CASE("an archive of a log that was removed meanwhile is thrown away") {
  Machine machine;
  REQUIRE(machine.append(9000));
  REQUIRE(machine.finish());
  const auto source = machine.disk.open(machine.layout.file(kStream, FileKind::done), O_RDONLY);
  REQUIRE(source);
  const std::atomic<bool> stop{false};
  const auto partial = machine.layout.file(kStream, FileKind::partial);
  REQUIRE(write_archive(machine.disk, source->get(), partial, stop));
  REQUIRE(machine.files->remove(kStream));
  SUBCASE("and is gone") {}
  SUBCASE("and is there again") {
    machine.told = 0;
    REQUIRE(machine.append(9000));
    REQUIRE(machine.finish());
    REQUIRE(write_archive(machine.disk, source->get(), partial, stop));
  }
  CHECK(machine.files->install_archive(kStream, source->get()));
  CHECK_FALSE(fs::exists(partial));
  CHECK_FALSE(fs::exists(machine.layout.file(kStream, FileKind::archive)));
}

TEST_CASE("the log is deleted once the archive's name is on disk, not before") {
  Machine machine;
  REQUIRE(machine.append(9000));
  REQUIRE(machine.finish());
  int deletions = 0;
  machine.disk.fault = [&](const std::string& step) -> std::optional<Error> {
    if (step == "unlink") {
      ++deletions;
      CHECK(machine.disk.names_are_synced());
    }
    return std::nullopt;
  };
  REQUIRE(machine.compress());
  CHECK(deletions == 1);
}

TEST_CASE("compression stops when it is told to") {
  Machine machine;
  REQUIRE(machine.append(9000));
  REQUIRE(machine.finish());
  const auto source = machine.disk.open(machine.layout.file(kStream, FileKind::done), O_RDONLY);
  REQUIRE(source);
  const std::atomic<bool> stop{true};
  const auto done =
      write_archive(machine.disk, source->get(), machine.layout.file(kStream, FileKind::partial), stop);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::cancelled);
}
