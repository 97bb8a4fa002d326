// SQLite's C interface behind RAII: one connection, cached prepared statements, typed columns (columns.hpp).
// One thread at a time. Failures are thrown as SqlError.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/check.hpp"
#include "base/result.hpp"
#include "store/columns.hpp"

namespace footman::store {

// A cached statement in use; given back when this goes.
class Query {
 public:
  // Copies the values.
  template <class... Values>
  Query(sqlite3* connection, sqlite3_stmt* statement, const Values&... values)
      : connection_(connection), statement_(statement) {
    FOOTMAN_CHECK(sqlite3_bind_parameter_count(statement) == sizeof...(values), sqlite3_sql(statement));
    [[maybe_unused]] int index = 0;
    (bind_column(statement_, ++index, values), ...);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  bool step();  // true: there is a row
  // The columns of the row, in order.
  template <class... Fields>
  void read(Fields&... fields) const {
    int index = 0;
    (read_column(statement_, index++, fields), ...);
  }

 private:
  sqlite3* connection_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  // ":memory:" or the path of a file, which is made when it is missing. Nothing is read or locked yet.
  static base::Result<Database> open(const std::string& path);

  // All that stands in the other one takes the place of what stands here.
  void copy_from(Database& other);

  // Statements without parameters, any number of them, not cached.
  void execute(const std::string& sql);
  // One statement; rows are ignored.
  template <class... Values>
  void run(std::string_view sql, const Values&... values) {
    Query(connection_.get(), prepare(sql), values...).step();
  }
  // One statement whose rows are read. The same text must not be in use a second time meanwhile.
  template <class... Values>
  Query query(std::string_view sql, const Values&... values) {
    return Query(connection_.get(), prepare(sql), values...);
  }
  // The first column of the first row, or T() when there is no row.
  template <class T, class... Values>
  T get(std::string_view sql, const Values&... values) {
    auto rows = query(sql, values...);
    T value{};
    if (rows.step()) rows.read(value);
    return value;
  }

  // Makes the write-ahead log's file so large at once. A commit that only writes over what is there costs the
  // disk much less than one that makes a file larger. As far as there is space for it.
  void extend_log(std::int64_t bytes);

  std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(connection_.get()); }
  std::int64_t changed_rows() const { return sqlite3_changes64(connection_.get()); }
  bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }
  sqlite3* connection() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
  };
  struct Finish {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  struct TextHash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  explicit Database(sqlite3* connection) : connection_(connection) {}
  sqlite3_stmt* prepare(std::string_view sql);

  // Destroyed in reverse order: statements before their connection.
  std::unique_ptr<sqlite3, Close> connection_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finish>, TextHash, std::equal_to<>> cache_;
};

}  // namespace footman::store
