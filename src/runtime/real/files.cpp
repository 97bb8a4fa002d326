#include "runtime/real/files.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/secret.hpp"
#include "base/time.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::runtime::real {
namespace {

using base::Errc;
using base::Result;

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

}  // namespace footman::runtime::real
