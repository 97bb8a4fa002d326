// Numbers are given once, whatever becomes of the database.
#include "store/ids.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
namespace fs = std::filesystem;

namespace {

struct Given {
  BuildId build;
  QueueItemId item;
  AssignmentId assignment;
  StreamId stream;
};

Given give(Fixture& f) {
  const auto made = f.submit();
  const auto one = f.start(made);
  return {made.build.id, made.item.id, one.id, one.stream};
}

void check_after(const Given& later, const Given& earlier) {
  CHECK(later.build > earlier.build);
  CHECK(later.item > earlier.item);
  CHECK(later.assignment > earlier.assignment);
  CHECK(later.stream > earlier.stream);
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void remove_database(const TemporaryDirectory& directory) {
  fs::remove(directory.path("footman.db"));
  fs::remove(directory.path("footman.db-wal"));
}

void put_back(const TemporaryDirectory& directory) {
  remove_database(directory);
  fs::copy_file(directory.path("backup.db"), directory.path("footman.db"));
}

}  // namespace

TEST_CASE("a backup that is put back gives no number again") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  give(f);
  f.get(f.store->back_up(directory.path("backup.db")));
  const auto last = give(f);
  f.store.reset();
  put_back(directory);
  f.open();
  CHECK(f.error(f.store->get_build(last.build)) == Errc::not_found);
  check_after(give(f), last);
}

TEST_CASE("nor does an empty database") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  const auto last = give(f);
  f.store.reset();
  remove_database(directory);
  f.open();
  check_after(give(f), last);
}

TEST_CASE("nor a database that goes back after a crash") {
  TemporaryDirectory directory;
  Given last;
  {
    Fixture f({directory.path()});
    give(f);
    f.get(f.store->back_up(directory.path("backup.db")));
  }
  const auto child = ::fork();
  if (child == 0) {
    Fixture f({directory.path()});
    give(f);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  {
    Fixture f({directory.path()});
    last = give(f);
    CHECK(last.build <= BuildId(3 + kIdBlock));  // a gap of one block at most
  }
  put_back(directory);
  Fixture f({directory.path()});
  check_after(give(f), last);
}

TEST_CASE("a clean restart leaves no gap") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  const auto first = give(f);
  f.reopen();
  const auto second = give(f);
  CHECK(second.build.value() == first.build.value() + 1);
  CHECK(second.stream.value() == first.stream.value() + 1);
}

TEST_CASE("what was given before there was such a file is covered at the start") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  give(f);
  f.get(f.store->back_up(directory.path("backup.db")));
  const auto last = give(f);
  f.store.reset();
  fs::remove(directory.path(kIdsFile));
  f.open();  // the first start of a Footman that knows the file
  f.store.reset();
  put_back(directory);
  f.open();
  check_after(give(f), last);
}

TEST_CASE("a block at a time, not a write for each number") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.submit();
  const auto before = content(directory.path(kIdsFile));
  for (std::int64_t i = 0; i < kIdBlock; ++i) f.submit();
  CHECK(content(directory.path(kIdsFile)) == before);
  f.submit();
  CHECK(content(directory.path(kIdsFile)) != before);
}

TEST_CASE("a number that cannot be noted is not given") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.create_job("app");
  fs::create_directory(directory.path(std::string(kIdsFile) + ".new"));
  CHECK(f.error(f.store->submit_build({})) == Errc::io);
  fs::remove(directory.path(std::string(kIdsFile) + ".new"));
  CHECK(f.submit().build.id == BuildId(1));
}

TEST_CASE("a damaged file is named") {
  TemporaryDirectory directory;
  for (const auto* text :
       {"builds", "builds -1\n", "builds 12", "builds x\n", "builds 9000000000000000000\n", "\n"}) {
    CAPTURE(text);
    std::ofstream(directory.path(kIdsFile)) << text;
    const auto opened = open_store({directory.path()}, footman::base::Logger());
    REQUIRE(!opened);
    CHECK(opened.error().code == Errc::corrupt);
    CHECK(opened.error().message.find(directory.path(kIdsFile)) != std::string::npos);
  }
}
