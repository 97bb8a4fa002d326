#include "runtime/real/cgroup_mounts.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "base/number.hpp"
#include "runtime/real/files.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::runtime::real {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;

void write_one(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.is_open()) return;
  [[maybe_unused]] const auto put = ::write(fd.get(), "1", 1);
}

bool is_own_thread(pid_t thread) {
  return ::access(("/proc/self/task/" + std::to_string(thread)).c_str(), F_OK) == 0;
}

// A signal to a thread's number is one to its process.
bool kill_owners_of_threads(const std::string& directory) {
  auto text = read_small_file(directory + "/cgroup.threads", kFileLimit);  // v2
  if (!text) text = read_small_file(directory + "/tasks", kFileLimit);     // v1
  if (!text) return false;
  bool any = false;
  for (const auto line : split_fields(*text, '\n')) {
    const auto thread = base::find_number<pid_t>(line).value_or(0);
    if (thread <= 1 || is_own_thread(thread)) continue;
    ::kill(thread, SIGKILL);
    any = true;
  }
  return any;
}

}  // namespace

std::vector<std::string_view> split_fields(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool has_field(std::string_view list, char separator, std::string_view word) {
  for (const auto part : split_fields(list, separator))
    if (part == word) return true;
  return false;
}

std::uint64_t read_cgroup_counter(const std::string& path, std::string_view key) {
  const auto text = read_small_file(path, kFileLimit);
  if (!text) return 0;
  for (const auto line : split_fields(*text, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.substr(0, space) != key) continue;
    return base::find_number<std::uint64_t>(line.substr(space + 1)).value_or(0);
  }
  return 0;
}

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo) {
  // "36 35 98:0 /root /mount/point options … - type source super,options"
  std::vector<CgroupMount> mounts;
  for (const auto line : split_fields(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split_fields(line.substr(0, dash), ' ');
    const auto after = split_fields(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] != "cgroup" && after[0] != "cgroup2") continue;
    mounts.push_back(
        {after[0] == "cgroup2", std::string(after[2]), std::string(before[3]), std::string(before[4])});
  }
  return mounts;
}

std::optional<std::string> find_own_group(const std::vector<CgroupMount>& mounts,
                                          std::string_view self_cgroup, std::string_view controller) {
  for (const auto line : split_fields(self_cgroup, '\n')) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool matches = controller.empty() ? controllers.empty() : has_field(controllers, ',', controller);
    if (!matches) continue;
    std::string path(line.substr(second + 1));
    for (const auto& mount : mounts) {
      if (controller.empty() ? !mount.v2 : (mount.v2 || !has_field(mount.controllers, ',', controller)))
        continue;
      if (mount.root != "/" && path.starts_with(mount.root)) path.erase(0, mount.root.size());
      return path == "/" || path.empty() ? mount.mount_point : mount.mount_point + path;
    }
  }
  return std::nullopt;
}

bool kill_cgroup(const std::string& directory) {
  write_one(directory + "/cgroup.kill");
  bool any = kill_owners_of_threads(directory);
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    if (at->is_directory(error) && kill_owners_of_threads(at->path().string())) any = true;
  return any;
}

}  // namespace footman::runtime::real
