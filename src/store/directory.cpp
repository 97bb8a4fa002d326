#include "store/directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "runtime/unique_fd.hpp"

namespace footman::store {

using base::Errc;
using base::Result;
using base::Status;

namespace {

constexpr const char* kChooseAnother = "Choose another one with --data, or make it writable for this user.";

std::unexpected<base::Error> refuse(const std::string& directory, int error_number) {
  auto refused = base::fail_errno("The data directory " + directory + " cannot be used", error_number);
  refused.error().hint = kChooseAnother;
  return refused;
}

// "process 1234 on host", for people; empty when it is not written yet.
std::string read_owner(int fd) {
  std::array<char, 256> text{};
  const auto size = ::pread(fd, text.data(), text.size(), 0);
  std::string owner(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (owner.ends_with('\n')) owner.pop_back();
  return owner;
}

void write_owner(int fd) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto owner = fmt::format("process {} on {}\n", ::getpid(), host.data());
  // For the message of a second server, and for clients, which wait for a server that starts
  // (cli::kLockFile): the lock holds without it, also on a full disk.
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, owner.data(), owner.size(), 0) < 0) return;
}

Status make_directory(const std::string& directory) {
  std::error_code error;
  if (const auto parent = std::filesystem::path(directory).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, error);  // the next call says what went wrong
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return refuse(directory, errno);
  return {};
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  FOOTMAN_TRY_STATUS(make_directory(directory));
  const auto path = directory + "/" + kLockFile;
  DirectoryLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.fd_ < 0) return refuse(directory, errno);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refuse(directory, errno);
    const auto owner = read_owner(lock.fd_);
    return base::fail(Errc::already_exists,
                      fmt::format("Another Footman server{} uses the data directory {}",
                                  owner.empty() ? "" : " (" + owner + ")", directory),
                      {}, "Stop it first, or choose another directory with --data.");
  }
  write_owner(lock.fd_);
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

// Of the lock's file: a directory may be a mount point, and those have the same inode everywhere.
std::string DirectoryLock::identity() const {
  struct statx found{};
  if (::statx(fd_, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found) != 0) return {};
  if ((found.stx_mask & STATX_INO) == 0) return {};
  auto identity = fmt::format("inode {}", found.stx_ino);
  if ((found.stx_mask & STATX_BTIME) != 0)
    identity += fmt::format(" of {}.{:09}", found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
  return identity;
}

Status make_private_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return base::fail_errno("The file " + path + " cannot be opened", errno);
  ::close(fd);
  return {};
}

Result<bool> close_to_others(const std::string& path) {
  const runtime::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open() && errno == ENOENT) return base::fail(Errc::not_found, path + " does not exist");
  struct stat status{};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0)
    return base::fail_errno("The file " + path + " cannot be opened", errno);
  if (!S_ISREG(status.st_mode)) return base::fail(Errc::io, path + " is not a file");
  if ((status.st_mode & 077U) == 0) return false;
  if (::fchmod(fd.get(), 0600) != 0)
    return base::fail_errno("The file " + path + " is open to others, and that cannot be changed", errno);
  return true;
}

}  // namespace footman::store
