// The data directory: made when it is missing, and locked, so that one server uses it at a time.
#pragma once

#include <string>

#include "base/result.hpp"

namespace footman::store {

inline constexpr const char* kDatabaseFile = "footman.db";
inline constexpr const char* kLockFile = "footman.lock";

class DirectoryLock {
 public:
  // Makes the directory (mode 0700) and takes the lock (flock: it works on NFS, too, and goes with the
  // process). already_exists: another server has it. io: it cannot be made or written.
  static base::Result<DirectoryLock> take(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

  // The same over restarts and renames of the directory, another one in a copy of it. Empty: the file system
  // does not tell.
  std::string identity() const;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

// Makes an empty file with mode 0600, unless there is one; SQLite gives its other files the same mode.
base::Status make_private_file(const std::string& path);
// Takes the file from everybody but its owner. True: others had it until now. not_found, io.
base::Result<bool> close_to_others(const std::string& path);

}  // namespace footman::store
