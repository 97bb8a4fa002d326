#include "agent/real/spool_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "runtime/unique_fd.hpp"

namespace footman::agent::real {
namespace {

class File final : public SpoolFile {
 public:
  explicit File(runtime::UniqueFd fd) : fd_(std::move(fd)) {}

  base::Status write(std::uint64_t position, std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto put = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(position));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return base::fail_errno("write the spool file", put < 0 ? errno : ENOSPC);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      position += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  base::Result<std::string> read(std::uint64_t position, std::size_t size) override {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const auto got =
          ::pread(fd_.get(), bytes.data() + have, size - have, static_cast<off_t>(position + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return base::fail_errno("read the spool file", errno);
      if (got == 0) return base::fail(base::Errc::corrupt, "the spool file is shorter than what was written");
      have += static_cast<std::size_t>(got);
    }
    return bytes;
  }

  void discard() override { [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), 0); }

 private:
  runtime::UniqueFd fd_;
};

runtime::UniqueFd open_unnamed(const std::string& directory) {
  runtime::UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.is_open() || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string pattern = directory + "/spool-XXXXXX";  // a file system that knows no unnamed files
  fd = runtime::UniqueFd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (fd.is_open()) ::unlink(pattern.c_str());
  return fd;
}

}  // namespace

base::Result<std::unique_ptr<SpoolFile>> open_spool_file(const std::string& directory) {
  auto fd = open_unnamed(directory);
  if (!fd.is_open()) return base::fail_errno("make a spool file in " + directory, errno);
  return std::make_unique<File>(std::move(fd));
}

}  // namespace footman::agent::real
