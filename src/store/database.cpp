#include "store/database.hpp"

#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace footman::store {

using base::Errc;
using base::Error;

namespace {

constexpr int kLogPiece = 1 << 16;  // SQLite writes less than 128 KiB at once

// SQLite knows ENOSPC; a quota and a limit on the file's size are no space left, too.
bool is_no_space(int code, int system_error) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  return (code & 0xff) == SQLITE_IOERR &&
         (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG);
}

}  // namespace

Error describe_failure(sqlite3* connection, int last_errno) {
  const int code = sqlite3_extended_errcode(connection);
  // SQLite keeps errno of what failed in a statement, but not of what failed in its COMMIT.
  const int kept = sqlite3_system_errno(connection);
  const int system_error = kept != 0 ? kept : last_errno;
  std::string message = "The database: ";
  message += sqlite3_errmsg(connection);
  if (is_no_space(code, system_error))
    return {Errc::resource_exhausted, message, {}, "No space is left: free some, and it goes on by itself."};
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::corrupt, message, {}, "Stop the server and restore the database from a backup."};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::conflict, message, {}, "Another process has the database open: end it."};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      if (system_error != 0) message += std::string(" (") + std::strerror(system_error) + ")";
      return {Errc::io, message, {}, {}};
    default:
      return {Errc::internal, message, {}, {}};
  }
}

void throw_corrupt(const std::string& what) {
  throw SqlError({Errc::corrupt,
                  "The database is damaged: " + what,
                  {},
                  "Stop the server and restore the database from a backup."});
}

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::step() {
  errno = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  throw SqlError(describe_failure(connection_, errno));
}

base::Result<Database> Database::open(const std::string& path) {
  sqlite3* connection = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  Database database(connection);
  if (connection == nullptr) return base::fail(Errc::internal, "The database: out of memory");
  if (code != SQLITE_OK) return std::unexpected(describe_failure(connection));
  return database;
}

void Database::execute(const std::string& sql) {
  errno = 0;
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw SqlError(describe_failure(connection_.get(), errno));
}

void Database::copy_from(Database& other) {
  auto* copy = sqlite3_backup_init(connection_.get(), "main", other.connection_.get(), "main");
  if (copy == nullptr) throw SqlError(describe_failure(connection_.get()));
  sqlite3_backup_step(copy, -1);
  if (sqlite3_backup_finish(copy) != SQLITE_OK) throw SqlError(describe_failure(connection_.get()));
}

void Database::extend_log(std::int64_t bytes) {
  sqlite3_file* log = nullptr;
  const bool found = sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                          static_cast<void*>(&log)) == SQLITE_OK;
  if (!found || log == nullptr || log->pMethods == nullptr) return;
  sqlite3_int64 size = 0;
  if (log->pMethods->xFileSize(log, &size) != SQLITE_OK) return;
  // Zeros are no frame of a log. Real ones: to fill a hole later makes the file larger, too.
  const std::string zeros(kLogPiece, '\0');
  while (size < bytes && log->pMethods->xWrite(log, zeros.data(), kLogPiece, size) == SQLITE_OK)
    size += kLogPiece;
}

sqlite3_stmt* Database::prepare(std::string_view sql) {
  if (const auto found = cache_.find(sql); found != cache_.end()) {
    FOOTMAN_CHECK(sqlite3_stmt_busy(found->second.get()) == 0, sql);
    return found->second.get();
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) throw SqlError(describe_failure(connection_.get()));
  return cache_.emplace(std::string(sql), statement).first->second.get();
}

}  // namespace footman::store
