// The highest numbers that may have been given, in a file of their own beside the database. A database that
// was put back from a backup, or that was deleted, knows less than what was given meanwhile; with this file
// it gives no number twice, so that nothing old on the disk, in a cloud or in a bookmark is taken for
// something new.
//
// Numbers are reserved in blocks, so that few commits write the file. A clean end gives back what is left of
// a block; after a crash the numbers go on behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.hpp"
#include "store/database.hpp"

namespace footman::store {

inline constexpr const char* kIdsFile = "footman.ids";
inline constexpr std::int64_t kIdBlock = 100;
inline constexpr std::int64_t kMaxId = 1'000'000'000'000'000;  // beyond: the file is damaged

class IdReserve {
 public:
  // Raises the database's sequences to what the file says; without a file it is made. corrupt, io. Throws
  // SqlError.
  static base::Result<IdReserve> open(const std::string& directory, Database& database);

  // At the opening the file knew of numbers that the database had not given: after a clean end, the database
  // is an older one.
  bool was_behind() const { return was_behind_; }

  // Before a commit: the file covers every number that the database has given. Throws SqlError
  // (resource_exhausted, io): then the transaction must be taken back.
  void cover(Database& database);
  // Before the database is closed. What cannot be written costs a gap only.
  void settle(Database& database) noexcept;

 private:
  using Numbers = std::map<std::string, std::int64_t, std::less<>>;  // of the tables

  explicit IdReserve(std::string directory) : directory_(std::move(directory)) {}
  base::Status load();
  void raise(Database& database);
  void save(const Numbers& numbers);

  std::string directory_;
  Numbers reserved_;
  bool was_behind_ = false;
};

}  // namespace footman::store
