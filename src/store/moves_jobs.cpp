// Jobs, settings, shutdown.
#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

Status record_shutdown(Database& db, bool clean, Instant now) {
  db.run("UPDATE installation SET clean_shutdown = ?, stopped = ?", clean, now);
  return {};
}

Status settle_doubt(Database& db) {
  db.run("UPDATE installation SET doubt = ''");
  return {};
}

Status release_items(Database& db) {
  db.run("UPDATE queue_items SET in_doubt = 0 WHERE state <> 'left'");
  return {};
}

Result<model::Job> create_job(Database& db, model::Job job) {
  if (find<model::Job>(db, job.path))
    return fail(Errc::already_exists, "There is a job " + job.path.str() + " already", "path");
  // The numbers of a deleted job of this name go on.
  db.run(
      "INSERT INTO job_numbers VALUES (?, ?) "
      "ON CONFLICT (path) DO UPDATE SET next_number = max(next_number, excluded.next_number)",
      job.path, job.next_number);
  insert(db, job);
  return get<model::Job>(db, job.path);
}

Result<model::Job> save_job(Database& db, model::Job job) {
  FOOTMAN_TRY_STATUS(get<model::Job>(db, job.path));
  update(db, job);
  return get<model::Job>(db, job.path);
}

Result<bool> delete_job(Database& db, const JobPath& path) {
  FOOTMAN_TRY_STATUS(get<model::Job>(db, path));
  const auto open =
      db.get<std::int64_t>("SELECT count(*) FROM builds WHERE job = ? AND state <> 'finished'", path);
  if (open > 0)
    return fail(Errc::conflict,
                "Job " + path.str() + " has " + std::to_string(open) + " builds that are not finished", {},
                "Cancel them first.");
  FOOTMAN_TRY_STATUS(forget_builds(db, path, 0, Instant{INT64_MAX}));
  if (db.get<std::int64_t>("SELECT count(*) FROM builds WHERE job = ?", path) > 0) return false;
  db.run("DELETE FROM jobs WHERE path = ?", path);
  return true;
}

Status save_setting(Database& db, const std::string& key, const std::string& value) {
  if (value.empty()) {
    db.run("DELETE FROM settings WHERE key = ?", key);
    return {};
  }
  db.run("INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key,
         value);
  return {};
}

Result<std::optional<std::string>> find_setting(Database& db, const std::string& key) {
  auto rows = db.query("SELECT value FROM settings WHERE key = ?", key);
  if (!rows.step()) return std::nullopt;
  std::string value;
  rows.read(value);
  return value;
}

Result<std::map<std::string, std::string>> list_settings(Database& db, const std::string& prefix) {
  auto behind = prefix;
  ++behind.back();
  std::map<std::string, std::string> all;
  auto rows = db.query("SELECT key, value FROM settings WHERE key >= ? AND key < ?", prefix, behind);
  while (rows.step()) {
    std::string key;
    std::string value;
    rows.read(key, value);
    all.emplace(std::move(key), std::move(value));
  }
  return all;
}

}  // namespace footman::store::moves
