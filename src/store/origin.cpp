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
  const char* doubt = copied ? kCopied : origin.was_clean && origin.is_behind ? kBehind : nullptr;
  if (doubt != nullptr)
    database.run("UPDATE installation SET doubt = ? WHERE doubt = ''", std::string_view(doubt));
}

void mark_as_backup(Database& copy) {
  copy.execute("PRAGMA locking_mode = EXCLUSIVE");  // the WAL needs no shared memory: see sqlite_store.cpp
  copy.run("UPDATE installation SET doubt = ?", std::string_view(kBackup));
}

}  // namespace footman::store
