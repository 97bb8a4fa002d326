#include "store/tests/dump.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

#include "store/directory.hpp"

namespace footman::store::testing {

std::string dump(Database& database) {
  std::vector<std::string> tables;
  {
    auto rows = database.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    while (rows.step()) rows.read(tables.emplace_back());
  }
  std::string text;
  for (const auto& table : tables) {
    if (table == "installation") continue;
    text += table + "\n";
    std::string columns;
    {
      auto rows = database.query("SELECT name FROM pragma_table_info(?)", table);
      std::string column;
      while (rows.step()) {
        rows.read(column);
        columns += columns.empty() ? "quote(" : " || ' ' || quote(";
        columns += column;
        columns += ')';
      }
    }
    auto rows = database.query(fmt::format("SELECT {} AS line FROM {} ORDER BY line", columns, table));
    std::string line;
    while (rows.step()) {
      rows.read(line);
      text += "  " + line + "\n";
    }
  }
  return text;
}

std::string dump(const std::string& directory) {
  auto database = Database::open(directory + "/" + kDatabaseFile);
  if (!database) throw std::runtime_error(describe(database.error()));
  return dump(*database);
}

}  // namespace footman::store::testing
