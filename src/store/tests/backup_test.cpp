// Backups of a store in use: whole, openable, and nothing half under the name that was asked for.
#include <sys/stat.h>

#include <fstream>

#include "runtime/real/thread.hpp"
#include "store/tests/dump.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
namespace fs = std::filesystem;

namespace {

// Enough for many pieces.
void fill(Fixture& f, int builds) {
  auto request = new_build();
  request.spec.steps[0].script = std::string(20'000, 'x');
  for (int i = 0; i < builds; ++i) f.get(f.store->submit_build(request));
}

}  // namespace

TEST_CASE("a backup is opened by a second store and holds the same") {
  TemporaryDirectory directory;
  TemporaryDirectory other;
  Fixture f({directory.path()});
  f.create_job("app");
  f.start(f.submit("app", "key", "hash"));
  fill(f, 300);
  f.get(f.store->back_up(other.path("footman.db")));
  struct stat status{};
  REQUIRE(::stat(other.path("footman.db").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  CHECK(std::distance(fs::directory_iterator(other.path()), {}) == 1);  // nothing beside it
  const auto installation = f.get(f.store->load_open_state()).installation;
  f.store.reset();
  CHECK(dump(other.path()) == dump(directory.path()));
  Fixture copy({other.path()});
  CHECK(copy.get(copy.store->load_open_state()).installation == installation);
  CHECK(copy.submit("app", "key", "hash").existed);
  CHECK(copy.submit("app").build.number == 2);
}

TEST_CASE("moves go on during a backup, and what they changed is in it") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  fill(f, 300);
  auto backup = f.begin(f.store->back_up(directory.path("copy")));
  while (!fs::exists(directory.path("copy.partial"))) REQUIRE(f.turn());
  REQUIRE(!fs::exists(directory.path("copy")));
  auto cancel = f.begin(f.store->request_cancel(BuildId(1), "during the backup", at(3)));
  while (!*cancel) REQUIRE(f.turn());
  REQUIRE(!*backup);
  f.run();
  REQUIRE((*backup)->has_value());
  auto database = Database::open(directory.path("copy"));
  REQUIRE(database);
  CHECK(database->get<std::string>("SELECT cancel_reason FROM builds WHERE id = 1") == "during the backup");
  CHECK(database->get<std::string>("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a backup never replaces a file, and a failed one leaves nothing") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  fill(f, 100);
  std::ofstream(directory.path("there")) << "precious";
  CHECK(f.error(f.store->back_up(directory.path("there"))) == Errc::already_exists);
  CHECK(fs::file_size(directory.path("there")) == 8);
  CHECK(!fs::exists(directory.path("there.partial")));
  CHECK(f.error(f.store->back_up(directory.path("no/such/directory"))) == Errc::io);
  {
    const FullDisk full(100'000);
    CHECK(f.error(f.store->back_up(directory.path("full"))) == Errc::resource_exhausted);
  }
  CHECK(!fs::exists(directory.path("full")));
  CHECK(!fs::exists(directory.path("full.partial")));
  // What a crash left is no obstacle.
  std::ofstream(directory.path("new.partial")) << std::string(10'000, 'x');
  f.get(f.store->back_up(directory.path("new")));
  CHECK(!fs::exists(directory.path("new.partial")));
  // Two to the same place: one wins.
  auto first = f.begin(f.store->back_up(directory.path("same")));
  auto second = f.begin(f.store->back_up(directory.path("same")));
  f.run();
  CHECK((*first)->has_value() != (*second)->has_value());
  CHECK(fs::exists(directory.path("same")));
  CHECK(!fs::exists(directory.path("same.partial")));
  auto database = Database::open(directory.path("same"));
  REQUIRE(database);
  CHECK(database->get<std::string>("PRAGMA integrity_check") == "ok");
  CHECK(database->get<int>("SELECT count(*) FROM builds") == 100);
}

TEST_CASE("closing during a backup gives it up") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  fill(f, 300);
  auto backup = f.begin(f.store->back_up(directory.path("copy")));
  while (!fs::exists(directory.path("copy.partial"))) REQUIRE(f.turn());
  f.store->close();
  f.run();
  REQUIRE(*backup);
  CHECK((*backup)->error().code == Errc::unavailable);
  CHECK(!fs::exists(directory.path("copy.partial")));
  CHECK(!fs::exists(directory.path("copy")));
}

TEST_CASE("a database in memory can be backed up, too") {
  TemporaryDirectory directory;
  Fixture f;
  f.submit();
  f.get(f.store->back_up(directory.path("footman.db")));
  Fixture copy({directory.path()});
  CHECK(copy.get(copy.store->get_build(BuildId(1))).cause == "a test");
}
