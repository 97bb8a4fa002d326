// What the database refuses is thrown, so that a move reads as what it does. Caught where moves are run
// (move_queue.cpp) and where the database is opened.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "base/result.hpp"

struct sqlite3;

namespace footman::store {

class SqlError : public std::exception {
 public:
  explicit SqlError(base::Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const base::Error& error() const { return error_; }

 private:
  base::Error error_;
};

// What the connection's last failure means to a caller: resource_exhausted, corrupt, io, conflict (another
// process has the file) or internal (a bug in the store's SQL). `last_errno`: right after the failure, when
// SQLite was called with errno 0.
base::Error describe_failure(sqlite3* connection, int last_errno = 0);

// Stored bytes are not what they must be.
[[noreturn]] void throw_corrupt(const std::string& what);

}  // namespace footman::store
