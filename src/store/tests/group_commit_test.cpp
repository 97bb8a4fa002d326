// Many moves, one commit; and what happens when it fails.
#include <algorithm>

#include "store/move_queue.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;

namespace {

class Lines final : public base::LogSink {
 public:
  void write(base::LogLevel /*level*/, std::string_view message, const base::LogFields& /*fields*/) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("moves that arrive together share a commit, in their order, and are answered after it") {
  std::vector<std::string> events;
  Fixture f({{}, runtime::CrashPoints([&](std::string_view name) { events.emplace_back(name); })});
  auto first = f.begin(f.store->submit_build(new_build()));
  auto question = f.begin(f.store->get_build(BuildId(1)));
  auto refused = f.begin(f.store->submit_build(new_build("no such job")));
  auto second = f.begin(f.store->request_cancel(BuildId(1), "why", at(3)));
  auto third = f.begin(f.store->submit_build(new_build()));
  while (events.size() < 6) {
    REQUIRE(f.turn());
    CHECK((events.empty() || events.size() == 6));  // one turn
    CHECK(!*first);
    CHECK(!*question);
    CHECK(!*third);
  }
  f.run();
  CHECK(events == std::vector<std::string>{"before-commit:submit_build", "before-commit:request_cancel",
                                           "before-commit:submit_build", "after-commit:submit_build",
                                           "after-commit:request_cancel", "after-commit:submit_build"});
  REQUIRE((*first && *question && *refused && *second && *third));
  CHECK((*first)->value().build.id == BuildId(1));
  CHECK((*question)->value().id == BuildId(1));
  CHECK((*refused)->error().code == Errc::not_found);
  CHECK((*second)->value().cancel_reason == "why");
  CHECK((*third)->value().build.id == BuildId(2));
  // The refused one took back its part, and only that.
  CHECK(f.get(f.store->list_builds({})).size() == 2);
}

TEST_CASE("more moves than one commit holds") {
  Fixture f;
  constexpr std::size_t kCount = 2 * kMaxMovesPerCommit + 1;
  std::vector<std::shared_ptr<std::optional<Result<SubmittedBuild>>>> answers;
  answers.reserve(kCount);
  for (std::size_t i = 0; i < kCount; ++i) answers.push_back(f.begin(f.store->submit_build(new_build())));
  f.run();
  for (std::size_t i = 0; i < kCount; ++i)
    CHECK((*answers[i])->value().build.id == BuildId(static_cast<std::int64_t>(i) + 1));
}

TEST_CASE("no space: nothing of the commit has happened, questions are answered, and it recovers") {
  TemporaryDirectory directory;
  const auto log = std::make_shared<Lines>();
  Fixture f({directory.path()}, base::Logger(log));
  f.submit();
  for (int round = 0; round < 3; ++round) {
    {
      const FullDisk full(1);
      auto submit = f.begin(f.store->submit_build(new_build()));
      auto cancel = f.begin(f.store->request_cancel(BuildId(1), "why", at(3)));
      auto question = f.begin(f.store->get_build(BuildId(1)));
      f.run();
      REQUIRE((*submit && *cancel && *question));
      CHECK((*submit)->error().code == Errc::resource_exhausted);
      CHECK(!(*submit)->error().hint.empty());
      CHECK((*cancel)->error().code == Errc::resource_exhausted);
      CHECK((*question)->has_value());
      CHECK(!(*question)->value().cancel_requested);
      CHECK(f.error(f.store->save_setting("a", "1")) == Errc::resource_exhausted);
      CHECK_FALSE(f.store->is_writable());
    }
    CHECK(f.submit().build.id == BuildId(round + 2));
    CHECK(f.store->is_writable());
  }
  CHECK(!f.get(f.store->get_build(BuildId(1))).cancel_requested);
  CHECK(std::count(log->lines.begin(), log->lines.end(), "the database cannot be written") == 3);
  CHECK(std::count(log->lines.begin(), log->lines.end(), "the database can be written again") == 3);
  f.reopen();
  CHECK(f.get(f.store->list_builds({})).size() == 4);
}

TEST_CASE("a test can make the commit fail") {
  bool broken = false;
  Fixture f({{}, runtime::CrashPoints([&](std::string_view name) {
               if (broken && name == "before-commit:submit_build")
                 throw SqlError({Errc::io, "broken", {}, {}});
             })});
  f.submit();
  broken = true;
  auto first = f.begin(f.store->request_cancel(BuildId(1), "why", at(3)));
  auto second = f.begin(f.store->submit_build(new_build()));
  f.run();
  CHECK((*first)->error().message == "broken");
  CHECK((*second)->error().code == Errc::io);
  CHECK(!f.get(f.store->get_build(BuildId(1))).cancel_requested);
  broken = false;
  CHECK(f.submit().build.id == BuildId(2));
}

TEST_CASE("a store on a full disk does not open, and says so") {
  TemporaryDirectory directory;
  {
    const FullDisk full(1);
    const auto opened = open_store({directory.path()}, Logger());
    REQUIRE(!opened);
    CHECK(opened.error().code == Errc::resource_exhausted);
  }
  const Fixture f({directory.path()});
}

namespace {

using NumberMove = MoveOf<Result<std::int64_t>>;

Awaitable<Result<std::int64_t>> perform(std::shared_ptr<MoveQueue> queue, std::shared_ptr<NumberMove> move) {
  co_await MoveQueue::perform(std::move(queue), move);
  co_return *move->result;
}

// A queue on a small database of its own, with moves that do as they are told.
struct SmallQueue {
  boost::asio::io_context io;
  runtime::Scope scope{io.get_executor(), Logger()};
  std::shared_ptr<MoveQueue> queue;

  SmallQueue() {
    auto database = Database::open(":memory:");
    REQUIRE(database);
    database->execute("CREATE TABLE t (x); PRAGMA max_page_count = 30");
    queue = std::make_shared<MoveQueue>(io.get_executor(), std::move(*database), runtime::CrashPoints(),
                                        Logger());
  }
  using Answer = std::shared_ptr<std::optional<Result<std::int64_t>>>;
  Answer begin(std::string_view name, std::function<Result<std::int64_t>(Database&)> body) {
    auto result = std::make_shared<std::optional<Result<std::int64_t>>>();
    auto move = std::make_shared<NumberMove>(name, std::move(body));
    scope.spawn("test", keep(perform(queue, std::move(move)), result));
    return result;
  }
  Answer insert(std::size_t bytes, bool then_fail = false) {
    return begin("insert", [=](Database& db) -> Result<std::int64_t> {
      db.run("INSERT INTO t VALUES (?)", std::string(bytes, 'x'));
      if (then_fail) return fail(Errc::conflict, "as it was told");
      return std::int64_t{1};
    });
  }
  Answer count() {
    return begin({}, [](Database& db) -> Result<std::int64_t> {
      return db.get<std::int64_t>("SELECT count(*) FROM t");
    });
  }
  void run() {
    io.restart();
    io.poll();
  }
};

}  // namespace

TEST_CASE("a move that finds no room in the database takes its commit with it, and the next one goes on") {
  SmallQueue q;
  const auto small = q.insert(10);
  const auto large = q.insert(1 << 20);
  const auto last = q.insert(10);
  const auto count = q.count();
  q.run();
  CHECK((*small)->error().code == Errc::resource_exhausted);
  CHECK((*large)->error().code == Errc::resource_exhausted);
  CHECK((*last)->error().code == Errc::resource_exhausted);
  CHECK((*count)->value() == 0);
  const auto again = q.insert(10);
  const auto refused = q.insert(10, true);
  const auto after = q.count();
  q.run();
  CHECK((*again)->has_value());
  CHECK((*refused)->error().code == Errc::conflict);
  CHECK((*after)->value() == 1);
}

TEST_CASE("when SQLite itself takes the transaction back, all of its moves fail") {
  SmallQueue q;
  const auto first = q.insert(10);
  const auto breaks = q.begin("break", [](Database& db) -> Result<std::int64_t> {
    db.run("INSERT INTO t VALUES (1)");
    db.run("ROLLBACK");  // as after a broken disk
    db.run("no such statement");
    return std::int64_t{0};
  });
  const auto behind = q.insert(10);
  const auto count = q.count();
  q.run();
  CHECK((*first)->error().code == Errc::internal);
  CHECK((*breaks)->error().code == Errc::internal);
  CHECK((*behind)->error().code == Errc::internal);
  CHECK((*count)->value() == 0);
  const auto later = q.insert(10);
  q.run();
  CHECK((*later)->has_value());
}

TEST_CASE("far too many moves that wait are refused, the others are not") {
  SmallQueue q;
  std::vector<SmallQueue::Answer> answers;
  answers.reserve(kMaxWaitingMoves + 1);
  for (std::size_t i = 0; i <= kMaxWaitingMoves; ++i) answers.push_back(q.count());
  q.run();
  CHECK((*answers.back())->error().code == Errc::unavailable);
  answers.pop_back();
  CHECK(std::all_of(answers.begin(), answers.end(), [](const auto& one) { return (*one)->has_value(); }));
  const auto later = q.count();
  q.run();
  CHECK((*later)->has_value());
}

TEST_CASE("an executor that drops what waits, as a crash does, leaves a queue that goes on") {
  auto opened = Database::open(":memory:");
  REQUIRE(opened);
  opened->execute("CREATE TABLE t (x)");
  // The store's executor outlives the crash here; only the turn that was asked for is lost with it.
  struct Dropping {
    boost::asio::io_context io;
  };
  auto dropped = std::make_unique<Dropping>();
  auto queue = std::make_shared<MoveQueue>(dropped->io.get_executor(), std::move(*opened),
                                           runtime::CrashPoints(), Logger());
  auto scope = std::make_unique<runtime::Scope>(dropped->io.get_executor(), Logger());
  auto result = std::make_shared<std::optional<Result<std::int64_t>>>();
  auto move = std::make_shared<NumberMove>("x", [](Database&) -> Result<std::int64_t> { return 1; });
  scope->spawn("test", keep(perform(queue, move), result));
  dropped->io.poll_one();  // it waits, its turn is posted
  scope.reset();
  queue->close();  // runs what waits, without the executor's help
  CHECK(move->result.has_value());
  dropped.reset();
}
