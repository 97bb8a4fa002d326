#include "cloud/local/cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "cloud/local/proc.hpp"

namespace footman::cloud::local {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;
constexpr int kKillPasses = 20;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool has_word(std::string_view list, char separator, std::string_view word) {
  for (const auto part : split(list, separator))
    if (part == word) return true;
  return false;
}

bool write_file(const std::string& path, std::string_view text) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.is_open() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_directory(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST; }

std::uint64_t counter_in(const std::string& path, std::string_view key) {
  const auto text = read_small_file(path, kFileLimit);
  if (!text) return 0;
  for (const auto line : split(*text, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.substr(0, space) != key) continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

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
  const auto offered = read_small_file(*own + "/cgroup.controllers", kFileLimit);
  if (!offered) return {};
  std::string_view list = *offered;
  if (list.ends_with('\n')) list.remove_suffix(1);
  if (!has_word(list, ' ', "memory") || !has_word(list, ' ', "pids")) return {};
  auto path = *own + "/footman";
  // Fails where our own group holds processes and is not the root: then there are only rlimits.
  if (!write_file(*own + "/cgroup.subtree_control", "+memory +pids")) return {};
  if (!make_directory(path) || !write_file(path + "/cgroup.subtree_control", "+memory +pids")) return {};
  return path;
}

bool kill_members(const std::string& directory) {
  const auto text = read_small_file(directory + "/cgroup.procs", kFileLimit);
  if (!text || text->empty()) return false;
  for (const auto line : split(*text, '\n')) {
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid > 1 && pid != ::getpid()) ::kill(pid, SIGKILL);
  }
  return true;
}

}  // namespace

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo) {
  // "36 35 98:0 /root /mount/point options … - type source super,options"
  std::vector<CgroupMount> mounts;
  for (const auto line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] != "cgroup" && after[0] != "cgroup2") continue;
    mounts.push_back(
        {after[0] == "cgroup2", std::string(after[2]), std::string(before[3]), std::string(before[4])});
  }
  return mounts;
}

std::optional<std::string> find_own_group(const std::vector<CgroupMount>& mounts,
                                          std::string_view self_cgroup, std::string_view controller) {
  for (const auto line : split(self_cgroup, '\n')) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool matches = controller.empty() ? controllers.empty() : has_word(controllers, ',', controller);
    if (!matches) continue;
    std::string path(line.substr(second + 1));
    for (const auto& mount : mounts) {
      if (controller.empty() ? !mount.v2 : (mount.v2 || !has_word(mount.controllers, ',', controller)))
        continue;
      if (mount.root != "/" && path.starts_with(mount.root)) path.erase(0, mount.root.size());
      return path == "/" || path.empty() ? mount.mount_point : mount.mount_point + path;
    }
  }
  return std::nullopt;
}

CgroupRoots detect_cgroups() {
  const auto mountinfo = read_small_file("/proc/self/mountinfo", kFileLimit);
  const auto self = read_small_file("/proc/self/cgroup", kFileLimit);
  CgroupRoots roots;
  if (!mountinfo || !self) return roots;
  const auto mounts = parse_cgroup_mounts(*mountinfo);
  roots.unified = usable_v2(mounts, *self);
  if (!roots.unified.empty()) return roots;
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
  std::vector<std::string> procs;
  const auto memory = limits.memory_bytes > 0 ? std::to_string(limits.memory_bytes) : std::string();
  const auto pids = limits.max_processes > 0 ? std::to_string(limits.max_processes) : std::string();
  const auto join = [&](const std::string& root, const std::string& file, const std::string& value) {
    if (root.empty() || value.empty()) return;
    const auto path = root + "/" + name;
    if (!make_directory(path) || !write_file(path + "/" + file, value)) return;
    procs.push_back(path + "/cgroup.procs");
  };
  join(roots.unified, "memory.max", memory);
  join(roots.unified, "pids.max", pids);
  join(roots.memory, "memory.limit_in_bytes", memory);
  join(roots.pids, "pids.max", pids);
  return procs;
}

void kill_group(const CgroupRoots& roots, const std::string& name) {
  for (const auto& directory : group_directories(roots, name)) {
    if (write_file(directory + "/cgroup.kill", "1")) continue;
    for (int pass = 0; pass < kKillPasses && kill_members(directory); ++pass) ::usleep(1000);
  }
}

bool was_out_of_memory(const CgroupRoots& roots, const std::string& name) {
  if (!roots.unified.empty() && counter_in(roots.unified + "/" + name + "/memory.events", "oom_kill") > 0)
    return true;
  return !roots.memory.empty() &&
         counter_in(roots.memory + "/" + name + "/memory.oom_control", "oom_kill") > 0;
}

void remove_group(const CgroupRoots& roots, const std::string& name) {
  for (const auto& directory : group_directories(roots, name)) ::rmdir(directory.c_str());
}

}  // namespace footman::cloud::local
