#include "store/origin.hpp"

namespace footman::store {

namespace {

constexpr const char* kBackup = "The database was put back from a backup.";
constexpr const char* kCopied = "The data directory is a copy, or was moved to another disk.";
constexpr const char* kBehind = "The database is older than the numbers in footman.ids.";

}  // namespace

// After a crash the numbers may be ahead by a block, so only the database of a clean end can be caught.
void note_origin(Database& database, const Origin& origin) {
  const auto home = database.get<std::string>("SELECT home FROM installation");
  const bool copied = !home.empty() && !origin.home.empty() && home != origin.home;
  if (!origin.home.empty() && home != origin.home)
    database.run("UPDATE installation SET home = ?", origin.home);
  const bool is_backup = database.get<bool>("SELECT is_backup FROM installation");
  const char* doubt = is_backup                              ? kBackup
                      : copied                               ? kCopied
                      : origin.was_clean && origin.is_behind ? kBehind
                                                             : nullptr;
  if (doubt == nullptr) return;
  database.run("UPDATE installation SET doubt = ?, is_backup = 0", std::string_view(doubt));
  database.run("UPDATE queue_items SET in_doubt = 1 WHERE state <> 'left'");
}

void mark_as_backup(Database& copy) {
  copy.execute("PRAGMA locking_mode = EXCLUSIVE");  // the WAL needs no shared memory: see sqlite_store.cpp
  copy.run("UPDATE installation SET is_backup = 1");
}

}  // namespace footman::store
