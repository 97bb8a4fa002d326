// The system calls of the log store, as one seam: tests replace it to let any step fail. Blocking; any
// thread. Errors: resource_exhausted (no space, quota), not_found, unavailable (no descriptor or memory to be
// had), unsupported, io.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::logs {

using runtime::UniqueFd;

class Disk {
 public:
  virtual ~Disk() = default;

  // O_CLOEXEC and mode 0600 are added. What somebody else put there and is no file is `corrupt`; a FIFO is
  // not waited for.
  virtual base::Result<UniqueFd> open(const std::string& path, int flags);
  virtual base::Result<std::uint64_t> size(int fd);
  // Fewer than `size` bytes only at the end of the file.
  virtual base::Result<std::string> read(int fd, std::uint64_t offset, std::size_t size);
  // All of it, or an error with any part of it written.
  virtual base::Status write(int fd, std::uint64_t offset, std::string_view bytes);
  virtual base::Status sync_data(int fd);
  virtual base::Status sync(int fd);  // the attribute, too
  virtual base::Status truncate(int fd, std::uint64_t size);
  virtual base::Status rename(const std::string& from, const std::string& to);
  virtual base::Status unlink(const std::string& path);          // absent already: fine
  virtual base::Status make_directory(const std::string& path);  // there already: fine
  virtual base::Status sync_directory(const std::string& path);

  // A few bytes that the file system keeps beside the file's own (user.footman.tail). `unsupported`: it does
  // not do that.
  virtual base::Status set_attribute(int fd, std::string_view value);
  virtual base::Result<std::string> attribute(int fd);  // empty: there is none

  // What cannot hurt, so tests do not replace it.
  static void start_writeback(int fd);  // a hint: a later sync_data has less to do
  static void remove_empty_directory(const std::string& path);
  static bool exists(const std::string& path);         // whatever it is, also a link that leads nowhere
  static bool is_at(int fd, const std::string& path);  // the open file is the one with this name
  static base::Result<std::vector<std::string>> list(
      const std::string& directory);  // not_found: there is none
};

}  // namespace footman::logs
