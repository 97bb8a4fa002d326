#include "agent/real/step_group.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"

namespace footman::agent::real {
namespace {

using runtime::real::find_own_group;
using runtime::real::parse_cgroup_mounts;
using runtime::real::read_cgroup_counter;
using runtime::real::read_small_file;

constexpr std::size_t kFileLimit = 1 << 20;
constexpr std::string_view kPrefix = "footman-";

std::optional<std::string> own_group(const char* controller) {
  const auto mounts = read_small_file("/proc/self/mountinfo", kFileLimit);
  const auto self = read_small_file("/proc/self/cgroup", kFileLimit);
  if (!mounts || !self) return std::nullopt;
  return find_own_group(parse_cgroup_mounts(*mounts), *self, controller);
}

// Of agents that were killed together with their guardians. A group that has members stays.
void remove_stale_groups(const std::string& root) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    pid_t owner = 0;
    const auto [end, bad] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), owner);
    if (bad != std::errc() || *end != '-' || owner <= 0) continue;
    if (::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry.path().c_str());
  }
}

}  // namespace

std::string find_group_root() {
  const auto own = own_group("");
  if (!own) return {};
  // Tried out, because a mount can be read-only and a kernel too old for cgroup.kill.
  const auto probe = *own + "/footman-probe-" + std::to_string(::getpid());
  if (::mkdir(probe.c_str(), 0755) != 0) return {};
  const bool kills = ::access((probe + "/cgroup.kill").c_str(), W_OK) == 0;
  ::rmdir(probe.c_str());
  if (!kills) return {};
  remove_stale_groups(*own);
  return *own;
}

StepGroup::StepGroup(const std::string& root, const std::string& name) {
  if (root.empty()) return;
  auto path = root + "/" + name;
  if (::mkdir(path.c_str(), 0755) == 0) path_ = std::move(path);
}

StepGroup::StepGroup(StepGroup&& other) noexcept : path_(std::exchange(other.path_, {})) {}

StepGroup& StepGroup::operator=(StepGroup&& other) noexcept {
  if (this == &other) return *this;
  if (exists()) ::rmdir(path_.c_str());
  path_ = std::exchange(other.path_, {});
  return *this;
}

StepGroup::~StepGroup() {
  if (exists()) ::rmdir(path_.c_str());
}

void StepGroup::kill() const {
  if (!exists()) return;
  runtime::real::kill_cgroup(path_);
}

std::optional<base::Duration> StepGroup::cpu_time() const {
  if (!exists()) return std::nullopt;
  const auto us = read_cgroup_counter(path_ + "/cpu.stat", "usage_usec");
  if (us == 0) return std::nullopt;
  return base::Duration(static_cast<std::int64_t>(us));
}

std::optional<std::uint64_t> StepGroup::peak_memory_bytes() const {
  const auto text = exists() ? read_small_file(path_ + "/memory.peak", kFileLimit) : std::nullopt;
  if (!text) return std::nullopt;
  std::uint64_t bytes = 0;
  std::from_chars(text->data(), text->data() + text->size(), bytes);
  return bytes;
}

std::string group_name(pid_t owner, std::uint64_t number) {
  return std::string(kPrefix) + std::to_string(owner) + "-" + std::to_string(number);
}

void end_groups_of(pid_t owner) {
  const auto own = own_group("");
  if (!own) return;
  const auto prefix = std::string(kPrefix) + std::to_string(owner) + "-";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*own, error)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    const auto path = entry.path().string();
    runtime::real::kill_cgroup(path);
    ::rmdir(path.c_str());
  }
}

MemoryKills MemoryKills::find() {
  MemoryKills kills;
  kills.file_ = "/proc/vmstat";
  const auto v2 = own_group("");
  const auto v1 = own_group("memory");
  for (const auto& file : {v2 ? *v2 + "/memory.events" : "", v1 ? *v1 + "/memory.oom_control" : ""}) {
    if (file.empty() || ::access(file.c_str(), R_OK) != 0) continue;
    kills.file_ = file;
    break;
  }
  return kills;
}

std::uint64_t MemoryKills::count() const { return read_cgroup_counter(file_, "oom_kill"); }

}  // namespace footman::agent::real
