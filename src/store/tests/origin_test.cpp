// Is this the database that the last run left here? What a restored, older or copied one says of itself.
#include <fstream>

#include "store/database.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
namespace fs = std::filesystem;

namespace {

std::string doubt(Fixture& f) { return f.get(f.store->load_open_state()).doubt; }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// One letter for each item that waits: is it in doubt?
std::string doubtful(Fixture& f) {
  std::string items;
  for (const auto& item : f.get(f.store->load_open_state()).items) items += item.in_doubt ? 'd' : '-';
  return items;
}

void end_cleanly(Fixture& f) {
  f.get(f.store->record_shutdown(true, at(5)));
  f.store.reset();
}

}  // namespace

TEST_CASE("a database that was only opened and closed is not in doubt") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  CHECK(doubt(f).empty());
  f.submit();
  end_cleanly(f);
  f.open();
  CHECK(doubt(f).empty());
  f.submit();
  f.reopen();  // without a good-bye
  CHECK(doubt(f).empty());
}

TEST_CASE("a backup says that it is one, until that is settled") {
  TemporaryDirectory directory;
  TemporaryDirectory other;
  Fixture f({directory.path()});
  f.submit();
  f.get(f.store->back_up(other.path("footman.db")));
  CHECK(doubt(f).empty());
  CHECK(std::distance(fs::directory_iterator(other.path()), {}) == 1);  // no journal beside it
  Fixture restored({other.path()});
  CHECK(has(doubt(restored), "from a backup"));
  restored.reopen();
  CHECK(has(doubt(restored), "from a backup"));
  restored.submit();
  restored.get(restored.store->settle_doubt());
  CHECK(doubt(restored).empty());
  end_cleanly(restored);
  restored.open();
  CHECK(doubt(restored).empty());
  CHECK(doubtful(restored) == "d-");  // what waited in it; that is for a person to settle
  CHECK(doubtful(f) == "-");
  restored.get(restored.store->release_items());
  restored.reopen();
  CHECK(doubtful(restored) == "--");
}

TEST_CASE("so does a backup of a database in memory") {
  TemporaryDirectory directory;
  Fixture f;
  f.get(f.store->back_up(directory.path("footman.db")));
  Fixture restored({directory.path()});
  CHECK(has(doubt(restored), "from a backup"));
}

TEST_CASE("a directory may be renamed, a copy of it is in doubt") {
  TemporaryDirectory directory;
  const auto home = directory.path("data");
  {
    Fixture f({home});
    f.submit();
    end_cleanly(f);
  }
  fs::rename(home, directory.path("renamed"));
  {
    Fixture f({directory.path("renamed")});
    CHECK(doubt(f).empty());
    end_cleanly(f);
  }
  fs::copy(directory.path("renamed"), home, fs::copy_options::recursive);
  Fixture copy({home});
  CHECK(has(doubt(copy), "is a copy"));
  CHECK(doubtful(copy) == "d");
  copy.reopen();
  CHECK(has(doubt(copy), "is a copy"));
  Fixture original({directory.path("renamed")});
  CHECK(doubt(original).empty());
  CHECK(doubtful(original) == "-");
}

TEST_CASE("an older database that ended cleanly is caught by the numbers that were given since") {
  TemporaryDirectory directory;
  const auto database = directory.path("footman.db");
  Fixture f({directory.path()});
  f.submit();
  end_cleanly(f);
  fs::copy_file(database, directory.path("old"));
  f.open();
  f.submit();
  end_cleanly(f);
  fs::copy_file(directory.path("old"), database, fs::copy_options::overwrite_existing);
  f.open();
  CHECK(has(doubt(f), "older"));
  CHECK(doubtful(f) == "d");
  f.reopen();  // the numbers agree now
  CHECK(has(doubt(f), "older"));
}

TEST_CASE("a crash alone raises no doubt, although numbers are ahead") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.submit();
  f.store.reset();
  // A block of numbers that was reserved and never given.
  std::ofstream(directory.path("footman.ids")) << "builds 101\nqueue_items 101\n";
  f.open();
  CHECK(doubt(f).empty());
}

TEST_CASE("an emptied directory is a new installation, which has nothing to be in doubt of") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.submit();
  const auto before = f.get(f.store->load_open_state()).installation;
  end_cleanly(f);
  fs::remove(directory.path("footman.db"));
  f.open();
  CHECK(doubt(f).empty());
  CHECK(f.get(f.store->load_open_state()).installation != before);
}
