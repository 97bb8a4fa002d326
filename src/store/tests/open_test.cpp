// Opening: the data directory, its lock, versions, damage; what survives.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "store/database.hpp"
#include "store/directory.hpp"
#include "store/migrations.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

footman::base::Error open_error(const std::string& directory) {
  auto opened = open_store({directory}, footman::base::Logger());
  REQUIRE(!opened);
  return opened.error();
}

}  // namespace

TEST_CASE("the directory and its files are private") {
  TemporaryDirectory parent;
  const auto directory = parent.path("new/data");
  Fixture f({directory});
  f.submit();
  CHECK(mode_of(directory) == 0700);
  CHECK(mode_of(directory + "/footman.db") == 0600);
  CHECK(mode_of(directory + "/footman.db-wal") == 0600);
  CHECK(mode_of(directory + "/footman.lock") == 0600);
  CHECK(!std::filesystem::exists(directory + "/footman.db-shm"));  // no shared memory: it works over NFS
}

TEST_CASE("a database that others could read is taken from them") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.submit();
  f.store.reset();
  REQUIRE(::chmod(directory.path("footman.db").c_str(), 0644) == 0);
  f.open();
  CHECK(mode_of(directory.path("footman.db")) == 0600);
  CHECK(close_to_others(directory.path("footman.db")).value() == false);
  REQUIRE(::chmod(directory.path("footman.db").c_str(), 0640) == 0);
  CHECK(close_to_others(directory.path("footman.db")).value() == true);
  CHECK(close_to_others(directory.path("nothing")).error().code == Errc::not_found);
  CHECK(close_to_others(directory.path()).error().code == Errc::io);
}

TEST_CASE("everything is there again after a restart") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  f.create_job("app");
  const auto made = f.submit("app", "key", "h");
  f.start(made);
  f.submit();
  f.get(f.store->record_launch_intents({new_agent("a")}));
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  const auto before = f.get(f.store->load_open_state());
  f.reopen();
  const auto after = f.get(f.store->load_open_state());
  CHECK(after.jobs.size() == 1);
  CHECK(after.builds.size() == 2);
  CHECK(after.items.size() == 2);
  REQUIRE(after.assignments.size() == 1);
  CHECK(after.assignments[0].state == model::AssignmentState::started);
  REQUIRE(after.streams.size() == 1);
  CHECK(after.streams[0].id == after.assignments[0].stream);
  CHECK(after.newest_stream == after.streams[0].id);
  CHECK(after.agents.size() == 1);
  CHECK(after.nodes.size() == 1);
  CHECK(after.installation == before.installation);
  CHECK(after.installation.str().size() == 12);
  CHECK(f.submit("app", "key", "h").existed);
}

TEST_CASE("commits write over a log that is there, they do not make it larger") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  const auto size = [&] { return std::filesystem::file_size(directory.path("footman.db-wal")); };
  const auto at_first = size();
  CHECK(at_first >= 1000 * 4096);  // when SQLite begins it anew
  for (int i = 0; i < 500; ++i) f.submit();
  CHECK(size() == at_first);
}

TEST_CASE("two databases are two installations") {
  TemporaryDirectory one;
  TemporaryDirectory two;
  Fixture a({one.path()});
  Fixture b({two.path()});
  CHECK(a.get(a.store->load_open_state()).installation != b.get(b.store->load_open_state()).installation);
}

TEST_CASE("the last run said good-bye, or it did not") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  CHECK(f.get(f.store->load_open_state()).clean_shutdown);  // there was none
  f.reopen();
  CHECK(!f.get(f.store->load_open_state()).clean_shutdown);
  f.get(f.store->record_shutdown(true, at(5)));
  f.reopen();
  CHECK(f.get(f.store->load_open_state()).clean_shutdown);
  f.get(f.store->record_shutdown(true, at(5)));
  f.get(f.store->record_shutdown(false, at(6)));
  f.reopen();
  CHECK(!f.get(f.store->load_open_state()).clean_shutdown);
}

TEST_CASE("a second server is kept out, and told by whom") {
  TemporaryDirectory directory;
  {
    Fixture f({directory.path()});
    const auto error = open_error(directory.path());
    CHECK(error.code == Errc::already_exists);
    CHECK(error.message.find("process " + std::to_string(::getpid()) + " on ") != std::string::npos);
    CHECK(error.message.find(directory.path()) != std::string::npos);
    CHECK(!error.hint.empty());
  }
  Fixture again({directory.path()});
}

TEST_CASE("a directory that cannot be used is named") {
  TemporaryDirectory directory;
  std::ofstream(directory.path("file")) << "x";
  CHECK(open_error(directory.path("file")).code == Errc::io);
  CHECK(open_error(directory.path("file/below")).code == Errc::io);
  const auto error = open_error("/proc/footman");
  CHECK(error.code == Errc::io);
  CHECK(error.message.find("/proc/footman") != std::string::npos);
  CHECK(error.hint.find("--data") != std::string::npos);
}

TEST_CASE("a directory without space is not opened, and nothing promises that this changes by itself") {
  TemporaryDirectory directory;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  rlimit tight = old;
  tight.rlim_cur = 4096;  // the lock has room, the database has not
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const auto opened = open_store({directory.path("data")}, footman::base::Logger());
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, old_handler);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::resource_exhausted);
  CHECK(opened.error().hint == "No space is left: free some, then start it again.");
}

TEST_CASE("a database of a newer version is left alone") {
  TemporaryDirectory directory;
  {
    Fixture f({directory.path()});
  }
  const auto path = directory.path("footman.db");
  const auto set_version = [&](int version) {
    auto database = Database::open(path);
    REQUIRE(database);
    database->execute("PRAGMA user_version = " + std::to_string(version));
  };
  set_version(1000);
  const auto error = open_error(directory.path());
  CHECK(error.code == Errc::unsupported);
  CHECK(error.message.find("version 1000") != std::string::npos);
  CHECK(error.message.find(path) != std::string::npos);
  CHECK(!error.hint.empty());
  set_version(static_cast<int>(migrations().size()));
  Fixture again({directory.path()});
}

TEST_CASE("another program's database is left alone") {
  TemporaryDirectory directory;
  const auto path = directory.path("footman.db");
  {
    auto database = Database::open(path);
    REQUIRE(database);
    database->execute("CREATE TABLE theirs (x)");
  }
  CHECK(open_error(directory.path()).code == Errc::invalid_argument);
  auto database = Database::open(path);
  REQUIRE(database);
  CHECK(database->get<std::string>("PRAGMA journal_mode") == "delete");
}

TEST_CASE("a damaged database is said to be damaged, and what to do") {
  TemporaryDirectory directory;
  std::ofstream(directory.path("footman.db")) << std::string(10'000, 'x');
  const auto error = open_error(directory.path());
  CHECK(error.code == Errc::corrupt);
  CHECK(error.message.find("footman.db") != std::string::npos);
  CHECK(error.hint.find("backup") != std::string::npos);
}

TEST_CASE("damage that is met later fails the move and nothing else") {
  TemporaryDirectory directory;
  {
    Fixture f({directory.path()});
    f.submit();
    f.submit();
  }
  {
    auto database = Database::open(directory.path("footman.db"));
    REQUIRE(database);
    database->execute("UPDATE builds SET state = 'upside down' WHERE id = 1");
    database->execute("UPDATE builds SET spec = '[' WHERE id = 2");
  }
  Fixture f({directory.path()});
  CHECK(f.error(f.store->get_build(BuildId(1))) == Errc::corrupt);
  CHECK(f.error(f.store->get_build(BuildId(2))) == Errc::corrupt);
  CHECK(f.error(f.store->request_cancel(BuildId(1), "x", at(1))) == Errc::corrupt);
  f.get(f.store->get_item(QueueItemId(1)));
}

TEST_CASE("another process that has the file open is a conflict") {
  TemporaryDirectory directory;
  {
    Fixture f({directory.path()});
  }
  auto database = Database::open(directory.path("footman.db"));
  REQUIRE(database);
  database->execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE");
  CHECK(open_error(directory.path()).code == Errc::conflict);
}

TEST_CASE("agents of before the number of builds keep what they were made for") {
  auto database = Database::open(":memory:");
  REQUIRE(database);
  const auto steps = migrations();
  constexpr std::size_t kBefore = 5;
  migrate(*database, steps.first(kBefore));
  database->execute(
      "INSERT INTO nodes (agent, attempt, labels, one_shot, secret_deadline, key_hash, epoch, draining, "
      "revoked, builds_done, refused_attempts, created) VALUES ('single', 1, '', 1, 0, '', 0, 0, 0, 0, 0, "
      "0), "
      "('kept', 1, '', 0, 0, '', 0, 0, 0, 7, 0, 0)");
  migrate(*database, steps);
  CHECK(database->get<int>("SELECT max_builds FROM nodes WHERE agent = 'single'") == 1);
  CHECK(database->get<int>("SELECT max_builds FROM nodes WHERE agent = 'kept'") == 0);
}

TEST_CASE("charges of before they said whose they were learn it from the agents that are known") {
  auto database = Database::open(":memory:");
  REQUIRE(database);
  const auto steps = migrations();
  constexpr std::size_t kBefore = 9;
  migrate(*database, steps.first(kBefore));
  database->execute(
      "INSERT INTO agents (id, cloud, template_name, template_generation, controller, for_item, labels, "
      "state, "
      "attempt, client_token, handle, max_builds, idle_timeout, builds_done, planned, launched, connected, "
      "launch_deadline, ended, end_reason, end_detail, death, frozen_request) VALUES ('known', 'local', "
      "'small', 0, 'footman', '', '[\"linux\"]', 'terminated', 1, '', '', 1, 0, 0, 0, 0, 0, 0, 0, '', '', "
      "'', "
      "'')");
  const auto add_line = [&](const std::string& agent, std::int64_t until) {
    database->run(
        "INSERT INTO costs (agent, build, job, label, cloud, template_name, useful, since, until, time, "
        "amount, "
        "charged) VALUES (?, 0, '', '', 'local', 'small', 0, 0, ?, 0, 5, 5)",
        agent, until);
  };
  constexpr std::int64_t kDay = Duration(24h).count();
  add_line("known", 0);  // no budget asks about it any more
  add_line("known", 10 * kDay);
  add_line("forgotten", 10 * kDay);
  migrate(*database, steps);
  const auto payer = [&](std::int64_t line) {
    return database->get<std::string>("SELECT controller || labels FROM costs WHERE id = ?", line);
  };
  CHECK(payer(1) == "[]");
  CHECK(payer(2) == "footman[\"linux\"]");
  CHECK(payer(3) == "[]");
}

TEST_CASE("each migration is a step of its own, and an old database catches up") {
  auto opened = Database::open(":memory:");
  REQUIRE(opened);
  auto& database = *opened;
  const char* const steps[] = {"CREATE TABLE a (x); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN y",
                               "CREATE TABLE a (x)"};  // fails: it is there
  migrate(database, std::span(steps).first(1));
  CHECK(database.get<int>("PRAGMA user_version") == 1);
  migrate(database, std::span(steps).first(2));
  CHECK(database.get<int>("PRAGMA user_version") == 2);
  CHECK_THROWS_AS(migrate(database, steps), SqlError);
  database.execute("ROLLBACK");
  CHECK(database.get<int>("PRAGMA user_version") == 2);
  CHECK(database.get<int>("SELECT x FROM a") == 1);
  CHECK(check_version(database, steps));
  CHECK(!check_version(database, std::span(steps).first(1)));
}
