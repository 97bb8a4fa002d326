#include "cli/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace footman::cli {

Status write_new_file(const std::string& path, std::string_view text, const std::string& field) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST)
    return fail(Errc::invalid_argument, path + " is there already", field, "Name another file.");
  if (fd < 0) return fail(Errc::invalid_argument, fail_errno(path, errno).error().message, field);
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(fd);
      ::unlink(path.c_str());
      return fail(Errc::invalid_argument, fail_errno(path, error).error().message, field);
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::close(fd) != 0) return fail(Errc::invalid_argument, fail_errno(path, errno).error().message, field);
  return {};
}

}  // namespace footman::cli
