#include "store/ids.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/number.hpp"
#include "runtime/real/files.hpp"
#include "runtime/unique_fd.hpp"
#include "store/directory.hpp"
#include "store/sql_error.hpp"

namespace footman::store {

using base::Errc;
using base::Status;

namespace {

constexpr std::size_t kMaxFileBytes = 4096;

std::unexpected<base::Error> fail_file(const std::string& what, int error_number) {
  auto failed = base::fail_errno(what, error_number);
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG)
    failed.error().code = Errc::resource_exhausted;
  return failed;
}

Status write_file(const std::string& directory, const std::string& text) {
  const auto path = directory + "/" + kIdsFile;
  const auto temporary = path + ".new";
  {
    const runtime::UniqueFd fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open()) return fail_file("Open " + temporary, errno);
    errno = ENOSPC;  // of a write that was cut short
    if (std::cmp_not_equal(::write(fd.get(), text.data(), text.size()), text.size()))
      return fail_file("Write " + temporary, errno);
    if (::fsync(fd.get()) != 0) return fail_file("Sync " + temporary, errno);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return fail_file("Rename " + temporary, errno);
  return sync_directory(directory);
}

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
  if (const auto written = write_file(directory_, text); !written) throw SqlError(written.error());
  reserved_ = numbers;
}

}  // namespace footman::store
