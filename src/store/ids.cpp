#include "store/ids.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/number.hpp"
#include "runtime/real/files.hpp"
#include "store/directory.hpp"
#include "store/sql_error.hpp"

namespace footman::store {

using base::Errc;
using base::Status;

namespace {

constexpr std::size_t kMaxFileBytes = 4096;

std::map<std::string, std::int64_t, std::less<>> read_given(Database& database) {
  std::map<std::string, std::int64_t, std::less<>> given;
  auto rows = database.query("SELECT name, seq FROM sqlite_sequence");
  std::string table;
  std::int64_t number = 0;
  while (rows.step()) {
    rows.read(table, number);
    given[table] = number;
  }
  return given;
}

}  // namespace

base::Result<IdReserve> IdReserve::open(const std::string& directory, Database& database) {
  IdReserve ids(directory);
  FOOTMAN_TRY_STATUS(ids.load());
  ids.raise(database);
  ids.cover(database);  // also what was given before there was such a file
  return ids;
}

// Lines "table number".
Status IdReserve::load() {
  const auto path = directory_ + "/" + kIdsFile;
  const auto text = runtime::real::read_file(path, kMaxFileBytes);
  if (!text && text.error().code == Errc::not_found) return {};
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    const auto space = line.find(' ');
    std::int64_t number = -1;
    if (space != std::string_view::npos && line.size() < rest.size())
      number = base::find_number<std::int64_t>(line.substr(space + 1)).value_or(-1);
    if (number < 0 || number > kMaxId)
      return base::fail(
          Errc::corrupt, fmt::format("{} does not hold a table and a number in each line", path), {},
          "Restore it; or remove it, and numbers that were given after the last backup are given "
          "again once that is restored.");
    reserved_[std::string(line.substr(0, space))] = number;
    rest.remove_prefix(line.size() + 1);
  }
  return {};
}

void IdReserve::raise(Database& database) {
  const auto given = read_given(database);
  for (const auto& [table, number] : reserved_) {
    const auto it = given.find(table);
    was_behind_ = was_behind_ || number > (it == given.end() ? 0 : it->second);
    if (it == given.end())
      database.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, number);
    else if (it->second < number)
      database.run("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", number, table);
  }
}

void IdReserve::cover(Database& database) {
  auto numbers = reserved_;
  for (const auto& [table, number] : read_given(database))
    if (auto& reserved = numbers[table]; number > reserved) reserved = number + kIdBlock;
  if (numbers != reserved_) save(numbers);
}

void IdReserve::settle(Database& database) noexcept {
  try {
    if (const auto given = read_given(database); given != reserved_) save(given);
  } catch (const SqlError&) {
    return;
  }
}

void IdReserve::save(const Numbers& numbers) {
  std::string text;
  for (const auto& [table, number] : numbers) text += fmt::format("{} {}\n", table, number);
  const auto written =
      runtime::real::write_private_file(directory_ + "/" + kIdsFile, text, runtime::real::Sync::yes);
  if (!written) throw SqlError(written.error());
  reserved_ = numbers;
}

}  // namespace footman::store
