#include "logs/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace footman::logs {

using base::Errc;
using base::Result;
using base::Status;

namespace {

constexpr const char* kAttribute = "user.footman.tail";
constexpr std::size_t kMaxAttributeBytes = 256;

std::unexpected<base::Error> fail_disk(std::string_view what, std::string_view path, int error) {
  std::string text(what);
  if (!path.empty()) text.append(" ").append(path);
  auto failed = base::fail_errno(text, error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      failed.error().code = Errc::resource_exhausted;
      break;
    case ENOENT:
      failed.error().code = Errc::not_found;
      break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      failed.error().code = Errc::unavailable;
      break;
    case ENOTSUP:
      failed.error().code = Errc::unsupported;
      break;
    default:
      break;
  }
  return failed;
}

template <class Call>
auto retry_interrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Status status_of(int result, std::string_view what, std::string_view path = {}) {
  if (result == 0) return {};
  return fail_disk(what, path, errno);
}

}  // namespace

Result<UniqueFd> Disk::open(const std::string& path, int flags) {
  UniqueFd fd(retry_interrupted([&] { return ::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, 0600); }));
  if (!fd.is_open()) return fail_disk("open", path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_disk("look at", path, errno);
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
    return base::fail(base::Errc::corrupt, path + " is neither a file nor a directory");
  return fd;
}

Result<std::uint64_t> Disk::size(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_disk("stat a log file", {}, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> Disk::read(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const auto got = retry_interrupted([&] {
      return ::pread(fd, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    });
    if (got < 0) return fail_disk("read a log file", {}, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Status Disk::write(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = retry_interrupted(
        [&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (put < 0) return fail_disk("write a log file", {}, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Status Disk::sync_data(int fd) {
  return status_of(retry_interrupted([&] { return ::fdatasync(fd); }), "sync a log file");
}

Status Disk::sync(int fd) {
  return status_of(retry_interrupted([&] { return ::fsync(fd); }), "sync a log file");
}

Status Disk::set_attribute(int fd, std::string_view value) {
  return status_of(::fsetxattr(fd, kAttribute, value.data(), value.size(), 0),
                   "set an attribute of a log file");
}

Result<std::string> Disk::attribute(int fd) {
  std::string value(kMaxAttributeBytes, '\0');
  const auto size = ::fgetxattr(fd, kAttribute, value.data(), value.size());
  const bool none = size < 0 && (errno == ENODATA || errno == ENOTSUP || errno == ERANGE);
  if (size < 0 && !none) return fail_disk("read an attribute of a log file", {}, errno);
  value.resize(none ? 0 : static_cast<std::size_t>(size));
  return value;
}

Status Disk::truncate(int fd, std::uint64_t size) {
  return status_of(retry_interrupted([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }),
                   "cut a log file back");
}

Status Disk::rename(const std::string& from, const std::string& to) {
  return status_of(std::rename(from.c_str(), to.c_str()), "rename to", to);
}

Status Disk::unlink(const std::string& path) {
  const int result = ::unlink(path.c_str());
  if (result != 0 && errno == ENOENT) return {};
  return status_of(result, "delete", path);
}

Status Disk::make_directory(const std::string& path) {
  const int result = ::mkdir(path.c_str(), 0700);
  if (result != 0 && errno == EEXIST) return {};
  return status_of(result, "make the directory", path);
}

Status Disk::sync_directory(const std::string& path) {
  FOOTMAN_TRY(const auto fd, Disk::open(path, O_RDONLY | O_DIRECTORY));
  return status_of(retry_interrupted([&] { return ::fsync(fd.get()); }), "sync the directory", path);
}

void Disk::start_writeback(int fd) { (void)::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); }

void Disk::remove_empty_directory(const std::string& path) { (void)::rmdir(path.c_str()); }

bool Disk::exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

bool Disk::is_at(int fd, const std::string& path) {
  struct stat open{};
  struct stat named{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

Result<std::vector<std::string>> Disk::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir) return fail_disk("read the directory", directory, errno);
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace footman::logs
