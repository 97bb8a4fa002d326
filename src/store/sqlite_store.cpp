// Store's functions, each handed to the queue as one move.
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/post.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/rng.hpp"
#include "runtime/scope.hpp"
#include "store/backup.hpp"
#include "store/directory.hpp"
#include "store/ids.hpp"
#include "store/migrations.hpp"
#include "store/move_queue.hpp"
#include "store/moves.hpp"
#include "store/origin.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"

namespace footman::store {

namespace {

class SqliteStore final : public Store {
 public:
  // The lock is kept for as long as the database is open. No executor: a thread of its own.
  SqliteStore(std::optional<DirectoryLock> lock, Database database, std::optional<IdReserve> ids,
              bool was_clean, runtime::CrashPoints crash_points, base::Logger log,
              std::function<void(const CostLine&)> on_cost, std::optional<runtime::Executor> executor)
      : lock_(std::move(lock)), was_clean_(was_clean), on_cost_(std::move(on_cost)) {
    if (!executor) {
      thread_.emplace("store");
      executor = thread_->executor();
    }
    executor_ = *executor;
    queue_ = std::make_shared<MoveQueue>(executor_, std::move(database), std::move(crash_points),
                                         std::move(log), std::move(ids));
  }
  ~SqliteStore() override { shut(); }

  Awaitable<Result<OpenState>> load_open_state() override {
    return ask([clean = was_clean_](Database& db) {
      auto state = moves::load_open_state(db);
      if (state) state->clean_shutdown = clean;
      return state;
    });
  }
  Awaitable<Status> record_shutdown(bool clean, Instant now) override {
    return write("record_shutdown", [=](Database& db) { return moves::record_shutdown(db, clean, now); });
  }
  Awaitable<Status> settle_doubt() override {
    return write("settle_doubt", [](Database& db) { return moves::settle_doubt(db); });
  }
  Awaitable<Status> release_items() override {
    return write("release_items", [](Database& db) { return moves::release_items(db); });
  }
  Awaitable<Status> back_up(std::string path) override {
    if (closed_) return refuse<Status>();
    return runtime::run_on(executor_, back_up_database(queue_, std::move(path)));
  }

  // --- jobs

  Awaitable<Result<model::Job>> create_job(model::Job job) override {
    return write("create_job", [job = std::move(job)](Database& db) { return moves::create_job(db, job); });
  }
  Awaitable<Result<model::Job>> save_job(model::Job job) override {
    return write("save_job", [job = std::move(job)](Database& db) { return moves::save_job(db, job); });
  }
  Awaitable<Result<bool>> delete_job(JobPath path) override {
    return write("delete_job",
                 [path = std::move(path)](Database& db) { return moves::delete_job(db, path); });
  }

  // --- builds

  Awaitable<Result<SubmittedBuild>> submit_build(NewBuild build) override {
    return write("submit_build",
                 [build = std::move(build)](Database& db) { return moves::submit_build(db, build); });
  }
  Awaitable<Result<model::Build>> request_cancel(BuildId build, std::string reason,
                                                 Instant /*now*/) override {
    return write("request_cancel", [build, reason = std::move(reason)](Database& db) {
      return moves::request_cancel(db, build, reason);
    });
  }
  Awaitable<Result<FinishedBuild>> finish_build(FinishBuild finish) override {
    auto lines = std::make_shared<moves::CostLines>();
    return tell(on_cost_, lines, write("finish_build", [finish = std::move(finish), lines](Database& db) {
                  lines->clear();
                  return moves::finish_build(db, finish, lines.get());
                }));
  }
  Awaitable<Result<std::vector<StreamId>>> forget_builds(JobPath job, std::uint32_t keep,
                                                         Instant older_than) override {
    return write("forget_builds", [job = std::move(job), keep, older_than](Database& db) {
      return moves::forget_builds(db, job, keep, older_than);
    });
  }
  Awaitable<Result<std::vector<StreamId>>> list_forgotten_streams() override {
    return ask([](Database& db) { return moves::list_forgotten_streams(db); });
  }
  Awaitable<Status> confirm_removed_streams(std::vector<StreamId> streams) override {
    return write("confirm_removed_streams", [streams = std::move(streams)](Database& db) {
      return moves::confirm_removed_streams(db, streams);
    });
  }

  // --- assignments

  Awaitable<Result<model::Assignment>> offer_assignment(QueueItemId item, AgentId agent, std::uint64_t epoch,
                                                        Instant now) override {
    return write("offer_assignment", [item, agent = std::move(agent), epoch, now](Database& db) {
      return moves::offer_assignment(db, item, agent, epoch, now);
    });
  }
  Awaitable<Result<model::Assignment>> accept_assignment(AssignmentId id, Instant now) override {
    return write("accept_assignment", [=](Database& db) { return moves::accept_assignment(db, id, now); });
  }
  Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, Instant now) override {
    return write("start_assignment", [=](Database& db) { return moves::start_assignment(db, id, now); });
  }
  Awaitable<Status> return_assignment(AssignmentId id, std::string reason, Instant now) override {
    return write("return_assignment", [id, reason = std::move(reason), now](Database& db) {
      return moves::return_assignment(db, id, reason, now);
    });
  }
  Awaitable<Status> record_step(model::StepRecord step) override {
    return write("record_step",
                 [step = std::move(step)](Database& db) { return moves::record_step(db, step); });
  }

  // --- agents

  Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents,
                                          std::vector<model::Node> nodes) override {
    return write("record_launch_intents",
                 [agents = std::move(agents), nodes = std::move(nodes)](Database& db) {
                   return moves::record_launch_intents(db, agents, nodes);
                 });
  }
  Awaitable<Result<model::Agent>> change_agent(AgentChange change) override {
    auto lines = std::make_shared<moves::CostLines>();
    return tell(on_cost_, lines, write("change_agent", [change = std::move(change), lines](Database& db) {
                  lines->clear();
                  return moves::change_agent(db, change, lines.get());
                }));
  }

  // --- nodes

  Awaitable<Result<model::Node>> redeem_node(Redemption redemption) override {
    return write("redeem_node", [redemption = std::move(redemption)](Database& db) {
      return moves::redeem_node(db, redemption);
    });
  }
  Awaitable<Result<model::Node>> change_node(AgentId agent, bool draining, bool revoked,
                                             model::EndReason why) override {
    return write("change_node", [agent = std::move(agent), draining, revoked, why](Database& db) {
      return moves::change_node(db, agent, draining, revoked, why);
    });
  }
  Awaitable<Status> count_refused(AgentId agent) override {
    return write("count_refused",
                 [agent = std::move(agent)](Database& db) { return moves::count_refused(db, agent); });
  }
  Awaitable<Status> remove_node(AgentId agent) override {
    return write("remove_node",
                 [agent = std::move(agent)](Database& db) { return moves::remove_node(db, agent); });
  }

  Awaitable<Status> add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) override {
    return write("add_timeline", [subject = std::move(subject), entries = std::move(entries)](Database& db) {
      return moves::add_timeline(db, subject, entries);
    });
  }

  // --- questions

  Awaitable<Result<model::Build>> get_build(BuildId id) override {
    return ask([id](Database& db) { return get<model::Build>(db, id); });
  }
  Awaitable<Result<model::Build>> get_build_by_number(JobPath job, std::int64_t number) override {
    return ask(
        [job = std::move(job), number](Database& db) { return moves::get_build_by_number(db, job, number); });
  }
  Awaitable<Result<std::vector<model::Build>>> list_builds(BuildFilter filter) override {
    return ask([filter = std::move(filter)](Database& db) { return moves::list_builds(db, filter); });
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments(BuildId build) override {
    return ask([build](Database& db) { return moves::list_assignments(db, build); });
  }
  Awaitable<Result<std::vector<model::Assignment>>> list_assignments_of_agent(AgentId agent) override {
    return ask(
        [agent = std::move(agent)](Database& db) { return moves::list_assignments_of_agent(db, agent); });
  }
  Awaitable<Result<std::vector<model::StepRecord>>> list_steps(AssignmentId assignment) override {
    return ask([assignment](Database& db) { return moves::list_steps(db, assignment); });
  }
  Awaitable<Result<std::vector<model::LogStream>>> list_streams(BuildId build) override {
    return ask([build](Database& db) { return moves::list_streams(db, build); });
  }
  Awaitable<Result<model::QueueItem>> get_item(QueueItemId id) override {
    return ask([id](Database& db) { return get<model::QueueItem>(db, id); });
  }
  Awaitable<Result<model::Agent>> get_agent(AgentId id) override {
    return ask([id = std::move(id)](Database& db) { return get<model::Agent>(db, id); });
  }
  Awaitable<Result<std::vector<model::Agent>>> list_agents(AgentFilter filter) override {
    return ask([filter = std::move(filter)](Database& db) { return moves::list_agents(db, filter); });
  }
  Awaitable<Result<std::vector<LaunchTime>>> list_launch_times(std::size_t of_each) override {
    return ask([of_each](Database& db) { return moves::list_launch_times(db, of_each); });
  }
  Awaitable<Result<model::Cost>> get_build_cost(BuildId build) override {
    return ask([build](Database& db) { return moves::get_build_cost(db, build); });
  }
  Awaitable<Result<std::vector<CostLine>>> list_agent_work(AgentId agent) override {
    return ask([agent = std::move(agent)](Database& db) { return moves::list_agent_work(db, agent); });
  }
  Awaitable<Result<CostPage>> list_costs(CostSpan span, CostPlace behind) override {
    return ask([span, behind](Database& db) { return moves::list_costs(db, span, behind); });
  }
  Awaitable<Result<std::vector<Charge>>> list_charges(Instant since, Instant now) override {
    return ask([since, now](Database& db) { return moves::list_charges(db, since, now); });
  }
  Awaitable<Result<std::vector<model::TimelineEntry>>> list_timeline(std::string subject) override {
    return ask([subject = std::move(subject)](Database& db) { return moves::list_timeline(db, subject); });
  }

  bool is_writable() const override { return !queue_->is_failing(); }
  Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) override {
    return ask([key = std::move(key)](Database& db) { return moves::find_setting(db, key); });
  }
  Awaitable<Result<std::map<std::string, std::string>>> list_settings(std::string prefix) override {
    return ask([prefix = std::move(prefix)](Database& db) { return moves::list_settings(db, prefix); });
  }
  Awaitable<Status> save_setting(std::string key, std::string value) override {
    return write("save_setting", [key = std::move(key), value = std::move(value)](Database& db) {
      return moves::save_setting(db, key, value);
    });
  }

  void close() override { shut(); }

 private:
  template <class Body>
  using AnswerOf = Awaitable<std::invoke_result_t<Body, Database&>>;
  template <class Body>
  AnswerOf<Body> ask(Body body) {
    return write({}, std::move(body));
  }
  // The move's name is its crash points' (crash_points.hpp).
  template <class Body>
  AnswerOf<Body> write(std::string_view name, Body body) {
    using R = std::invoke_result_t<Body, Database&>;
    if (closed_) return refuse<R>();
    return answer(executor_, queue_, std::make_shared<MoveOf<R>>(name, std::move(body)));
  }
  template <class R>
  static Awaitable<R> answer(runtime::Executor executor, std::shared_ptr<MoveQueue> queue,
                             std::shared_ptr<MoveOf<R>> move) {
    co_await runtime::run_on(std::move(executor), MoveQueue::perform(std::move(queue), move));
    co_return std::move(*move->result);
  }
  // Once the move is durable.
  template <class R>
  static Awaitable<R> tell(std::function<void(const CostLine&)> on_cost,
                           std::shared_ptr<moves::CostLines> lines, Awaitable<R> move) {
    auto done = co_await std::move(move);
    if (done && on_cost)
      for (const auto& line : *lines) on_cost(line);
    co_return done;
  }
  template <class R>
  static Awaitable<R> refuse() {
    co_return fail(Errc::unavailable, "The database is closed");
  }

  void shut() {
    if (closed_.exchange(true)) return;
    if (thread_) {
      runtime::post(executor_, [queue = queue_] { queue->close(); });
      thread_->join();
    } else {
      queue_->close();
    }
  }

  std::optional<DirectoryLock> lock_;
  bool was_clean_;
  std::function<void(const CostLine&)> on_cost_;
  std::atomic<bool> closed_ = false;
  std::optional<runtime::real::Thread> thread_;
  runtime::Executor executor_;
  std::shared_ptr<MoveQueue> queue_;
};

// --- opening

constexpr std::string_view kInMemory = "in-memory";  // the installation's id: the simulation is deterministic
constexpr std::size_t kInstallationIdLength = 12;
// SQLite writes the log over from its beginning once it has a thousand pages of 4 KiB; the commit with the
// last of them has some more.
constexpr std::int64_t kLogBytes = 5 << 20;

// Before the first access: with the exclusive lock taken first, WAL needs no shared memory, which network
// file systems do not have. synchronous=FULL: a commit is on disk when it is answered.
constexpr const char* kPragmas = R"sql(
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -4096;
PRAGMA trusted_schema = OFF;
PRAGMA journal_size_limit = 67108864;
)sql";

// A copy of one that was made once: tests and simulations open thousands.
Status set_up_in_memory(Database& database) {
  database.execute(kPragmas);
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  static std::optional<Database> made;
  if (!made) {
    FOOTMAN_TRY(auto fresh, Database::open(":memory:"));
    migrate(fresh);
    made.emplace(std::move(fresh));
  }
  database.copy_from(*made);
  return {};
}

Status set_up_file(Database& database) {
  database.execute(kPragmas);
  FOOTMAN_TRY_STATUS(check_version(database));
  const auto mode = database.get<std::string>("PRAGMA journal_mode = WAL");
  if (mode != "wal")
    return fail(Errc::io, "The database cannot be switched to WAL: its journal mode is " + mode);
  migrate(database);
  database.extend_log(kLogBytes);  // before a commit, which brings it to the disk
  return {};
}

// True: the last run said good-bye, or there was none.
bool begin_run(Database& database, bool in_memory, Origin origin) {
  bool is_new = false;
  if (database.get<std::int64_t>("SELECT count(*) FROM installation") == 0) {
    is_new = true;
    const auto id = in_memory ? std::string(kInMemory) : runtime::make_os_rng()->name(kInstallationIdLength);
    database.run("INSERT INTO installation (id, clean_shutdown, stopped) VALUES (?, 1, 0)", id);
  }
  const bool was_clean = database.get<bool>("SELECT clean_shutdown FROM installation");
  origin.was_clean = was_clean && !is_new;  // a new installation has nothing in any cloud
  note_origin(database, origin);
  if (was_clean) database.run("UPDATE installation SET clean_shutdown = 0");
  return was_clean;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(StoreConfig config, base::Logger log,
                                          std::optional<runtime::Executor> executor) {
  const bool in_memory = config.directory.empty();
  std::optional<DirectoryLock> lock;
  std::string path = ":memory:";
  if (!in_memory) {
    FOOTMAN_TRY(auto taken, DirectoryLock::take(config.directory));
    lock.emplace(std::move(taken));
    path = config.directory + "/" + kDatabaseFile;
    FOOTMAN_TRY_STATUS(make_private_file(path));
    FOOTMAN_TRY(const auto was_open, close_to_others(path));
    if (was_open) log.warning("others could read the database; now they cannot", {{"file", path}});
  }
  const auto refuse = [&](base::Error error) {
    if (!in_memory) error.message += fmt::format(" ({})", path);
    // Who opens it does not wait for that.
    if (error.code == base::Errc::resource_exhausted)
      error.hint = "No space is left: free some, then start it again.";
    return std::unexpected(std::move(error));
  };
  try {
    FOOTMAN_TRY(auto database, Database::open(path));
    if (auto ready = in_memory ? set_up_in_memory(database) : set_up_file(database); !ready)
      return refuse(std::move(ready).error());
    std::optional<IdReserve> ids;
    Origin origin;
    // With the numbers goes what is seen of them: once raised, they do not tell any more that the database is
    // an older one.
    database.execute("BEGIN IMMEDIATE");
    if (!in_memory) {
      auto opened = IdReserve::open(config.directory, database);
      if (!opened) return refuse(std::move(opened).error());
      ids.emplace(std::move(*opened));
      origin.home = lock->identity();
      origin.is_behind = ids->was_behind();
    }
    const bool was_clean = begin_run(database, in_memory, std::move(origin));
    database.execute("COMMIT");
    if (!in_memory) FOOTMAN_TRY_STATUS(runtime::real::sync_directory(config.directory));
    return std::make_unique<SqliteStore>(std::move(lock), std::move(database), std::move(ids), was_clean,
                                         std::move(config.crash_points), std::move(log),
                                         std::move(config.on_cost), std::move(executor));
  } catch (const SqlError& error) {
    return refuse(error.error());
  }
}

}  // namespace footman::store
