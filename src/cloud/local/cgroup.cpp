#include "cloud/local/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <ranges>
#include <system_error>

#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::cloud::local {

using namespace runtime::real;
using runtime::UniqueFd;

namespace {

constexpr std::size_t kFileLimit = 1 << 20;
constexpr int kKillPasses = 20;
constexpr int kRemovePasses = 20;

bool write_file(const std::string& path, std::string_view text) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.is_open() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_directory(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST; }

std::string usable_v1(const std::vector<CgroupMount>& mounts, std::string_view self,
                      std::string_view controller) {
  const auto own = find_own_group(mounts, self, controller);
  if (!own) return {};
  auto path = *own + "/footman";
  return make_directory(path) ? path : std::string();
}

std::string usable_v2(const std::vector<CgroupMount>& mounts, std::string_view self) {
  const auto own = find_own_group(mounts, self, "");
  if (!own) return {};
  auto path = *own + "/footman";
  return make_directory(path) ? path : std::string();
}

// Fails where our own group holds processes and is not the root, and where v1 has the controllers.
bool enable_limits(const std::string& unified) {
  const auto own = unified.substr(0, unified.rfind('/'));
  const auto offered = read_small_file(own + "/cgroup.controllers", kFileLimit);
  if (!offered) return false;
  std::string_view list = *offered;
  if (list.ends_with('\n')) list.remove_suffix(1);
  if (!has_field(list, ' ', "memory") || !has_field(list, ' ', "pids")) return false;
  return write_file(own + "/cgroup.subtree_control", "+memory +pids") &&
         write_file(unified + "/cgroup.subtree_control", "+memory +pids");
}

// False: it has members. Groups go before the group they are in.
bool remove_tree(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
  if (read_cgroup_counter(directory + "/cgroup.events", "populated") > 0) return false;
  std::vector<std::string> below;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    if (at->is_directory(error)) below.push_back(at->path().string());
  for (auto& path : below | std::views::reverse) ::rmdir(path.c_str());
  return ::rmdir(directory.c_str()) == 0;
}

// Itself or a group below it. With v1 nothing says so for all of them at once.
bool has_members(const std::string& directory) {
  const auto is_populated = [](const std::string& path) {
    const auto text = read_small_file(path + "/cgroup.procs", 1);
    return text && !text->empty();  // where it cannot be read, no group with members can be removed anyway
  };
  if (is_populated(directory)) return true;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    if (at->is_directory(error) && is_populated(at->path().string())) return true;
  return static_cast<bool>(error);
}

// A group that was killed once kills whoever is born in it later (seen with Linux 6.18): no old one is used
// again.
bool make_fresh_group(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  return errno == EEXIST && remove_tree(path) && ::mkdir(path.c_str(), 0755) == 0;
}

}  // namespace

CgroupRoots detect_cgroups() {
  const auto mountinfo = read_small_file("/proc/self/mountinfo", kFileLimit);
  const auto self = read_small_file("/proc/self/cgroup", kFileLimit);
  CgroupRoots roots;
  if (!mountinfo || !self) return roots;
  const auto mounts = parse_cgroup_mounts(*mountinfo);
  roots.unified = usable_v2(mounts, *self);
  roots.unified_limits = !roots.unified.empty() && enable_limits(roots.unified);
  if (roots.unified_limits) return roots;
  roots.memory = usable_v1(mounts, *self, "memory");
  roots.pids = usable_v1(mounts, *self, "pids");
  return roots;
}

std::vector<std::string> group_directories(const CgroupRoots& roots, const std::string& name) {
  std::vector<std::string> out;
  for (const auto* root : {&roots.unified, &roots.memory, &roots.pids})
    if (!root->empty()) out.push_back(*root + "/" + name);
  return out;
}

std::vector<std::string> make_group(const CgroupRoots& roots, const std::string& name,
                                    const CgroupLimits& limits) {
  std::vector<std::string> groups;
  const auto memory = limits.memory_bytes > 0 ? std::to_string(limits.memory_bytes) : std::string();
  const auto pids = limits.max_processes > 0 ? std::to_string(limits.max_processes) : std::string();
  if (const auto path = roots.unified + "/" + name; !roots.unified.empty() && make_fresh_group(path)) {
    groups.push_back(path);
    if (roots.unified_limits && !memory.empty()) write_file(path + "/memory.max", memory);
    if (roots.unified_limits && !pids.empty()) write_file(path + "/pids.max", pids);
  }
  const auto join = [&](const std::string& root, const std::string& file, const std::string& value) {
    if (root.empty() || value.empty()) return;
    auto path = root + "/" + name;
    if (make_directory(path) && write_file(path + "/" + file, value)) groups.push_back(std::move(path));
  };
  join(roots.memory, "memory.limit_in_bytes", memory);
  join(roots.pids, "pids.max", pids);
  return groups;
}

void kill_group(const CgroupRoots& roots, const std::string& name) {
  for (const auto& directory : group_directories(roots, name))
    for (int pass = 0; pass < kKillPasses && kill_cgroup(directory); ++pass) ::usleep(1000);
}

bool was_out_of_memory(const CgroupRoots& roots, const std::string& name) {
  if (!roots.unified.empty() &&
      read_cgroup_counter(roots.unified + "/" + name + "/memory.events", "oom_kill") > 0)
    return true;
  return !roots.memory.empty() &&
         read_cgroup_counter(roots.memory + "/" + name + "/memory.oom_control", "oom_kill") > 0;
}

void remove_group(const CgroupRoots& roots, const std::string& name) {
  for (const auto& directory : group_directories(roots, name)) {
    // Who was killed a moment ago is still a member.
    for (int pass = 0; pass < kRemovePasses && !remove_tree(directory); ++pass) ::usleep(1000);
  }
}

int remove_groups_without_members(const CgroupRoots& roots, int most,
                                  std::chrono::system_clock::time_point now) {
  const auto made_before = std::chrono::system_clock::to_time_t(now - kOldGroup);
  int removed = 0;
  for (const auto* root : {&roots.unified, &roots.memory, &roots.pids}) {
    if (root->empty()) continue;
    std::vector<std::string> old;
    std::error_code error;
    for (std::filesystem::directory_iterator at(*root, error), end; !error && at != end;
         at.increment(error)) {
      struct stat status{};
      const auto path = at->path().string();
      if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_ctime <= made_before)
        old.push_back(path);
    }
    for (const auto& path : old) {
      if (removed == most) return removed;
      if (!has_members(path) && remove_tree(path)) ++removed;
    }
  }
  return removed;
}

}  // namespace footman::cloud::local
