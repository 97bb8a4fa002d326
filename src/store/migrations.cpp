#include "store/migrations.hpp"

#include <fmt/format.h>

namespace footman::store {

using base::Errc;
using base::fail;

namespace {

// AUTOINCREMENT: an id that was given once is never given again, also when its row is gone.
// Partial indexes hold what is open or live, so that questions about it stay quick while history grows.
constexpr const char* kTables = R"sql(
CREATE TABLE installation (
  id TEXT NOT NULL,
  clean_shutdown INTEGER NOT NULL,
  stopped INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Outlives the job: a number is never used again. Ad-hoc builds count at the empty path.
CREATE TABLE job_numbers (path TEXT PRIMARY KEY, next_number INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  path TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  spec TEXT NOT NULL,
  parameters TEXT NOT NULL,
  quiet_period INTEGER NOT NULL,
  max_concurrent INTEGER NOT NULL,
  keep_builds INTEGER NOT NULL,
  keep_for INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;

CREATE TABLE builds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  result TEXT NOT NULL,
  submitted INTEGER NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  exit_status INTEGER,
  reason TEXT NOT NULL,
  cause TEXT NOT NULL,
  cancel_reason TEXT NOT NULL,
  parameters TEXT NOT NULL,
  spec TEXT NOT NULL,
  UNIQUE (job, number)
) STRICT;
CREATE INDEX builds_by_job ON builds (job);
CREATE INDEX builds_open ON builds (id) WHERE state <> 'finished';
CREATE INDEX builds_by_result ON builds (result) WHERE state = 'finished';
CREATE INDEX builds_by_end ON builds (job, finished) WHERE state = 'finished';

CREATE TABLE idempotency_keys (
  key TEXT PRIMARY KEY,
  request_hash TEXT NOT NULL,
  build INTEGER NOT NULL REFERENCES builds ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_build ON idempotency_keys (build);

CREATE TABLE queue_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  build INTEGER NOT NULL REFERENCES builds ON DELETE CASCADE,
  job TEXT NOT NULL,
  state TEXT NOT NULL,
  label TEXT NOT NULL,
  since INTEGER NOT NULL,
  quiet_until INTEGER NOT NULL,
  assignment INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_items_by_build ON queue_items (build);
CREATE INDEX queue_items_open ON queue_items (id) WHERE state <> 'left';

CREATE TABLE assignments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  build INTEGER NOT NULL REFERENCES builds ON DELETE CASCADE,
  item INTEGER NOT NULL,
  agent TEXT NOT NULL,
  stream INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  offered INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  end_reason TEXT NOT NULL
) STRICT;
CREATE INDEX assignments_by_build ON assignments (build);
CREATE INDEX assignments_by_agent ON assignments (agent);
CREATE INDEX assignments_open ON assignments (id) WHERE state IN ('offered', 'accepted', 'started');

CREATE TABLE log_streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  build INTEGER NOT NULL REFERENCES builds ON DELETE CASCADE,
  assignment INTEGER NOT NULL,
  final_bytes INTEGER NOT NULL,
  closed INTEGER NOT NULL
) STRICT;
CREATE INDEX log_streams_by_build ON log_streams (build);

CREATE TABLE steps (
  assignment INTEGER NOT NULL REFERENCES assignments ON DELETE CASCADE,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  exit_status INTEGER,
  signal INTEGER NOT NULL,
  out_of_memory INTEGER NOT NULL,
  peak_memory_bytes INTEGER NOT NULL,
  cpu_time INTEGER NOT NULL,
  wall_time INTEGER NOT NULL,
  PRIMARY KEY (assignment, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  cloud TEXT NOT NULL,
  template_name TEXT NOT NULL,
  template_generation INTEGER NOT NULL,
  controller TEXT NOT NULL,
  for_item TEXT NOT NULL,
  labels TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  client_token TEXT NOT NULL,
  handle TEXT NOT NULL,
  one_shot INTEGER NOT NULL,
  idle_timeout INTEGER NOT NULL,
  builds_done INTEGER NOT NULL,
  planned INTEGER NOT NULL,
  launched INTEGER NOT NULL,
  connected INTEGER NOT NULL,
  launch_deadline INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  end_reason TEXT NOT NULL,
  end_detail TEXT NOT NULL,
  death TEXT NOT NULL,
  frozen_request TEXT NOT NULL
) STRICT;
CREATE INDEX agents_live ON agents (sequence) WHERE state <> 'terminated';

CREATE TABLE nodes (
  agent TEXT PRIMARY KEY,
  attempt INTEGER NOT NULL,
  labels TEXT NOT NULL,
  one_shot INTEGER NOT NULL,
  secret_deadline INTEGER NOT NULL,
  key_hash TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  draining INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  builds_done INTEGER NOT NULL,
  refused_attempts INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE timeline (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX timeline_by_subject ON timeline (subject, at);
)sql";

// Agents that were there before took everything.
constexpr const char* kDefaultAgents = R"sql(
ALTER TABLE nodes ADD COLUMN is_default INTEGER NOT NULL DEFAULT 1;
)sql";

// Streams whose builds are forgotten and whose logs may still be on disk.
constexpr const char* kForgottenStreams = R"sql(
CREATE TABLE forgotten_streams (id INTEGER PRIMARY KEY) STRICT;
)sql";

constexpr const char* kTimedOutBuilds = R"sql(
ALTER TABLE builds ADD COLUMN timed_out INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr const char* kOrigin = R"sql(
ALTER TABLE installation ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE installation ADD COLUMN doubt TEXT NOT NULL DEFAULT '';
)sql";

constexpr const char* kRetries = R"sql(
ALTER TABLE builds ADD COLUMN retry_of INTEGER NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN retried_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN retry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN revoked_for TEXT NOT NULL DEFAULT 'none';
)sql";

// Agents that were there before were free, of a size that nobody said.
constexpr const char* kAgentSizes = R"sql(
ALTER TABLE agents ADD COLUMN milli_cpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN price TEXT NOT NULL DEFAULT '{}';
)sql";

// An agent for one build is one whose number of builds is 1; 0 was, and is, one without a limit.
constexpr const char* kMaxBuilds = R"sql(
ALTER TABLE agents RENAME COLUMN one_shot TO max_builds;
ALTER TABLE nodes RENAME COLUMN one_shot TO max_builds;
)sql";

// Lines of the ledger: each build's time on an agent, and the rest of the agent's time. `charged` is the
// agent's whole cost, in the line of its end.
constexpr const char* kCosts = R"sql(
ALTER TABLE agents ADD COLUMN stop_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN cost_useful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN cost_idle INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN time_useful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN time_idle INTEGER NOT NULL DEFAULT 0;
CREATE TABLE costs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent TEXT NOT NULL,
  build INTEGER NOT NULL,
  job TEXT NOT NULL,
  label TEXT NOT NULL,
  cloud TEXT NOT NULL,
  template_name TEXT NOT NULL,
  useful INTEGER NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  time INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  charged INTEGER NOT NULL
) STRICT;
CREATE INDEX costs_by_end ON costs (until);
CREATE INDEX costs_by_agent ON costs (agent);
CREATE INDEX costs_by_build ON costs (build) WHERE build <> 0;
)sql";

// Whose budgets the charge counts in: of the last days, which budgets ask about. Of agents that are forgotten
// nobody knows it any more.
constexpr const char* kPayers = R"sql(
ALTER TABLE costs ADD COLUMN controller TEXT NOT NULL DEFAULT '';
ALTER TABLE costs ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
UPDATE costs SET
  controller = coalesce((SELECT controller FROM agents WHERE id = costs.agent), ''),
  labels = coalesce((SELECT labels FROM agents WHERE id = costs.agent), '[]')
WHERE charged > 0 AND until >= (SELECT max(until) FROM costs) - 3 * 86400 * 1000000;
)sql";

constexpr const char* kPromises = R"sql(
ALTER TABLE agents ADD COLUMN promised_to TEXT NOT NULL DEFAULT '';
)sql";

// "app #17" of a build of another controller's; builds of this one have their row.
constexpr const char* kTitles = R"sql(
ALTER TABLE costs ADD COLUMN title TEXT NOT NULL DEFAULT '';
)sql";

// What waits in a database that is in doubt already is in doubt, too.
constexpr const char* kDoubtfulItems = R"sql(
ALTER TABLE queue_items ADD COLUMN in_doubt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN is_backup INTEGER NOT NULL DEFAULT 0;
UPDATE queue_items SET in_doubt = 1 WHERE state <> 'left' AND (SELECT doubt FROM installation) <> '';
)sql";

// Step n leads from version n to n + 1: only ever added to.
constexpr const char* kSteps[] = {kTables,   kDefaultAgents, kForgottenStreams, kTimedOutBuilds, kOrigin,
                                  kRetries,  kAgentSizes,    kMaxBuilds,        kCosts,          kPayers,
                                  kPromises, kTitles,        kDoubtfulItems};

}  // namespace

std::span<const char* const> migrations() { return kSteps; }

base::Status check_version(Database& database, std::span<const char* const> steps) {
  const auto version = database.get<std::int64_t>("PRAGMA user_version");
  const auto application = database.get<std::int64_t>("PRAGMA application_id");
  const auto newest = static_cast<std::int64_t>(steps.size());
  const bool empty = database.get<std::int64_t>("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && application != kApplicationId)
    return fail(Errc::invalid_argument, "The database is not one of Footman's", {},
                "Choose another data directory.");
  if (version > newest)
    return fail(
        Errc::unsupported,
        fmt::format("The database has version {}, this Footman knows versions up to {}", version, newest), {},
        "Use the newer Footman that wrote it, or a backup from before the upgrade.");
  return {};
}

void migrate(Database& database, std::span<const char* const> steps) {
  const auto version = static_cast<std::size_t>(database.get<std::int64_t>("PRAGMA user_version"));
  for (auto step = version; step < steps.size(); ++step) {
    database.execute("BEGIN IMMEDIATE");
    database.execute(steps[step]);
    database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                                 kApplicationId, step + 1));
  }
}

}  // namespace footman::store
