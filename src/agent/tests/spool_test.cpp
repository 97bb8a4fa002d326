#include "agent/spool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "agent/real/spool_file.hpp"

using namespace footman;
using namespace footman::agent;

namespace {

// A disk in memory that can be full or broken.
struct Disk {
  std::string bytes;
  std::size_t limit = 1 << 20;
  bool broken = false;
  bool no_place = false;
  int opened = 0;
  int discarded = 0;
};

class FakeFile final : public SpoolFile {
 public:
  explicit FakeFile(Disk& disk) : disk_(disk) {}
  base::Status write(std::uint64_t position, std::string_view bytes) override {
    if (disk_.broken || position + bytes.size() > disk_.limit)
      return base::fail(base::Errc::io, "no space left");
    if (disk_.bytes.size() < position + bytes.size()) disk_.bytes.resize(position + bytes.size());
    std::copy(bytes.begin(), bytes.end(), disk_.bytes.begin() + static_cast<std::ptrdiff_t>(position));
    return {};
  }
  base::Result<std::string> read(std::uint64_t position, std::size_t size) override {
    if (position + size > disk_.bytes.size()) return base::fail(base::Errc::corrupt, "short");
    return disk_.bytes.substr(position, size);
  }
  void discard() override {
    disk_.bytes.clear();
    ++disk_.discarded;
  }

 private:
  Disk& disk_;
};

OpenSpoolFile on(Disk& disk) {
  return [&disk]() -> base::Result<std::unique_ptr<SpoolFile>> {
    ++disk.opened;
    if (disk.no_place) return base::fail(base::Errc::io, "read-only");
    return std::make_unique<FakeFile>(disk);
  };
}

std::string read_all(Spool& spool, std::uint64_t from) {
  std::string out;
  while (from + out.size() < spool.end()) out += spool.read(from + out.size(), 7);
  return out;
}

}  // namespace

TEST_CASE("memory first, then the file; order kept; nothing beyond both is taken") {
  Disk disk;
  Spool spool(100, {4, 6}, on(disk));
  CHECK(spool.append("ab") == 2);
  CHECK(disk.opened == 0);
  CHECK(spool.append("cdefgh") == 6);
  CHECK(spool.append("ijkl") == 2);
  CHECK(spool.append("m") == 0);
  CHECK(read_all(spool, 100) == "abcdefghij");
  spool.release(103);  // memory is free again, but the order is the file's
  CHECK(spool.append("k") == 0);
  spool.release(105);
  CHECK(spool.append("kl") == 1);
  CHECK(read_all(spool, 105) == "fghijk");
  spool.release(111);
  CHECK(disk.discarded == 1);
  CHECK(spool.append("xyz") == 3);
  CHECK(read_all(spool, 111) == "xyz");
}

TEST_CASE("without a place on disk only the memory counts") {
  Disk disk;
  SUBCASE("none wanted") {
    Spool spool(0, {4, 0}, on(disk));
    CHECK(spool.append("abcdef") == 4);
    CHECK(disk.opened == 0);
  }
  SUBCASE("none given") {
    Spool spool(0, {4, 10}, {});
    CHECK(spool.append("abcdef") == 4);
  }
  SUBCASE("read-only") {
    disk.no_place = true;
    Spool spool(0, {4, 10}, on(disk));
    CHECK(spool.append("abcdef") == 4);
    CHECK(spool.append("ef") == 0);
    CHECK(disk.opened == 1);  // not tried for every byte
    CHECK(spool.take_complaint() == "read-only");
    CHECK(spool.take_complaint().empty());
    spool.release(2);
    CHECK(spool.append("ef") == 2);
    CHECK(read_all(spool, 2) == "cdef");
  }
}

TEST_CASE("a full disk: what it took stays, the rest waits for the memory") {
  Disk disk;
  disk.limit = 3;
  Spool spool(0, {4, 100}, on(disk));
  CHECK(spool.append("abcd") == 4);
  CHECK(spool.append("efg") == 3);
  CHECK(spool.append("hij") == 0);
  spool.release(4);
  CHECK(spool.append("hij") == 0);  // would come before what is on disk
  CHECK(read_all(spool, 4) == "efg");
  spool.release(7);
  CHECK(spool.append("hij") == 3);
  CHECK(read_all(spool, 7) == "hij");
}

TEST_CASE("a disk that does not give back what it took cannot be papered over") {
  Disk disk;
  Spool spool(0, {1, 100}, on(disk));
  CHECK(spool.append("abc") == 3);
  disk.bytes.clear();
  CHECK(spool.read(0, 10) == "a");
  CHECK_THROWS(spool.read(1, 10));
}

TEST_CASE("random use, against a plain string; disk writes fail now and then") {
  std::mt19937 random(99);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    Disk disk;
    const SpoolLimits limits{1 + random() % 20, random() % 30};
    Spool spool(0, limits, on(disk));
    std::string all;
    std::uint64_t begin = 0;
    for (int move = 0; move < 200; ++move) {
      disk.broken = random() % 8 == 0;
      std::string more(random() % 12, '\0');
      for (char& c : more) c = static_cast<char>('a' + random() % 26);
      all += more.substr(0, spool.append(more));
      REQUIRE(spool.end() == all.size());
      REQUIRE(spool.end() - begin <= limits.memory_bytes + limits.disk_bytes);
      REQUIRE(read_all(spool, begin) == all.substr(begin));
      if (random() % 2 == 0) begin += random() % (spool.end() - begin + 1);
      spool.release(begin);
    }
  }
}

TEST_CASE("the real file: has no name, reads what was written, is bounded by the ring") {
  const auto directory = std::string("/tmp");
  auto file = real::open_spool_file(directory);
  REQUIRE(file);
  REQUIRE((*file)->write(5, "hello"));
  CHECK((*file)->read(5, 5).value() == "hello");
  CHECK_FALSE((*file)->read(5, 6));
  (*file)->discard();
  CHECK_FALSE((*file)->read(5, 5));
  CHECK_FALSE(real::open_spool_file("/no/such/directory"));
}
