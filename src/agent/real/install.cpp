#include "agent/real/install.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "runtime/unique_fd.hpp"

namespace footman::agent::real {
namespace {

using base::fail_errno;
using base::Status;
using runtime::UniqueFd;

Status copy_all(int from, int to, const std::string& name) {
  constexpr std::size_t kPiece = 1UL << 24;
  while (true) {
    const auto sent = ::sendfile(to, from, nullptr, kPiece);
    if (sent == 0) return {};
    if (sent < 0 && errno != EINTR) return fail_errno("write " + name, errno);
  }
}

Status copy_program(const std::string& target) {
  const UniqueFd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!self.is_open()) return fail_errno("read this program (/proc/self/exe)", errno);
  const auto unfinished = target + ".new";
  ::unlink(unfinished.c_str());
  UniqueFd file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  if (!file.is_open()) return fail_errno("make " + unfinished, errno);
  FOOTMAN_TRY_STATUS(copy_all(self.get(), file.get(), unfinished));
  if (::fchmod(file.get(), 0755) != 0) return fail_errno("make executable: " + unfinished, errno);
  // A volume that reports a full disk only now must not give half a program.
  if (::fsync(file.get()) != 0) return fail_errno("write " + unfinished, errno);
  file.reset();
  if (std::rename(unfinished.c_str(), target.c_str()) != 0) return fail_errno("make " + target, errno);
  return {};
}

}  // namespace

Status install_agent(const std::string& directory) {
  FOOTMAN_TRY_STATUS(copy_program(directory + "/footman-agent"));
  const auto work = directory + "/work";
  if (::mkdir(work.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make " + work, errno);
  if (::chmod(work.c_str(), 01777) != 0) return fail_errno("let everybody write in " + work, errno);
  return {};
}

}  // namespace footman::agent::real
