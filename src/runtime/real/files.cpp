#include "runtime/real/files.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/secret.hpp"
#include "base/time.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::runtime::real {
namespace {

using base::Errc;
using base::Result;
using base::Status;

std::unexpected<base::Error> fail_to_open(const std::string& path, int error) {
  auto failed = base::fail_errno("open " + path, error);
  if (error == ENOENT || error == ENOTDIR) failed = base::fail(Errc::not_found, path + " does not exist");
  if (error == EACCES || error == EPERM) failed.error().code = Errc::permission_denied;
  return failed;
}

struct OpenFile {
  UniqueFd fd;
  std::size_t size = 0;  // 0 for the kernel's files
};

// Without O_NONBLOCK the open itself would wait for the other end of a FIFO.
Result<OpenFile> open_file(const std::string& path, Files kind, int more_flags = 0) {
  const int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC | more_flags;
  UniqueFd fd(::open(path.c_str(), flags | (kind == Files::regular ? O_NONBLOCK : 0)));
  if (!fd.is_open()) return fail_to_open(path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return base::fail_errno("look at " + path, errno);
  if (S_ISDIR(status.st_mode)) return base::fail(Errc::invalid_argument, path + " is a directory");
  if (kind == Files::regular && !S_ISREG(status.st_mode))
    return base::fail(Errc::invalid_argument, path + " is not a regular file");
  return OpenFile{std::move(fd), static_cast<std::size_t>(status.st_size)};
}

Result<std::string> read_up_to(const OpenFile& file, std::size_t limit, const std::string& path) {
  std::string text;
  text.reserve(std::min(limit, file.size));  // a secret leaves no copies behind in memory
  char buffer[4096];
  while (text.size() < limit) {
    const auto got = ::read(file.fd.get(), buffer, std::min(sizeof buffer, limit - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_errno("read " + path, errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::explicit_bzero(buffer, sizeof buffer);
  return text;
}

std::unexpected<base::Error> fail_to_write(const std::string& what, int error) {
  auto failed = base::fail_errno(what, error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) failed.error().code = Errc::resource_exhausted;
  return failed;
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_to_write("write " + path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit, Files kind) {
  FOOTMAN_TRY(const auto file, open_file(path, kind));
  FOOTMAN_TRY(auto text, read_up_to(file, limit + 1, path));
  if (text.size() <= limit) return text;
  base::wipe(text);
  return base::fail(Errc::resource_exhausted,
                    path + " has more than " + base::format_bytes(limit) + ", the most that it can have");
}

std::optional<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const auto file = open_file(path, Files::regular);
  if (!file) return std::nullopt;
  auto text = read_up_to(*file, limit, path);
  if (!text) return std::nullopt;
  return std::move(*text);
}

std::string read_file_end(const std::string& path, std::size_t limit) {
  const auto file = open_file(path, Files::regular, O_NOFOLLOW);
  if (!file) return {};
  if (file->size > limit && ::lseek(file->fd.get(), static_cast<off_t>(file->size - limit), SEEK_SET) < 0)
    return {};
  return read_up_to(*file, limit, path).value_or(std::string());
}

std::optional<unsigned> find_open_mode(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto real = fs::canonical(path, error);
  const auto file = fs::status(real, error);
  if (error || !fs::is_regular_file(file) || (file.permissions() & fs::perms::others_read) == fs::perms::none)
    return std::nullopt;
  for (auto folder = real; folder.has_relative_path();) {
    folder = folder.parent_path();
    const auto mode = fs::status(folder, error).permissions();
    if (error || (mode & fs::perms::others_exec) == fs::perms::none) return std::nullopt;
  }
  return static_cast<unsigned>(file.permissions());
}

Status write_private_file(const std::string& path, std::string_view bytes, Sync sync) {
  const auto temporary = path + ".new";
  ::unlink(temporary.c_str());
  {
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open()) return fail_to_write("open " + temporary, errno);
    FOOTMAN_TRY_STATUS(write_all(fd.get(), bytes, temporary));
    if (sync == Sync::yes && ::fsync(fd.get()) != 0) return fail_to_write("sync " + temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_to_write("rename " + temporary, errno);
  if (sync == Sync::no) return {};
  const auto slash = path.rfind('/');
  return sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

Status sync_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return base::fail_errno("open the directory " + directory, errno);
  if (::fsync(fd.get()) != 0) return base::fail_errno("sync the directory " + directory, errno);
  return {};
}

}  // namespace footman::runtime::real
