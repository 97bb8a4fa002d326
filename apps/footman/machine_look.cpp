// Blocking, but for a moment only.
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "apps/footman/clouds.hpp"
#include "apps/footman/machine.hpp"
#include "base/log.hpp"
#include "cli/server_access.hpp"
#include "cloud/local/cgroup.hpp"
#include "net/tcp.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/loop.hpp"

namespace footman::app {
namespace {

// The directory itself, else the first above it that is there.
std::filesystem::path find_existing(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

void look_at_data(const std::string& data, MachineFacts& facts) {
  std::error_code error;
  const auto path = std::filesystem::absolute(data, error).lexically_normal();
  facts.data = path.string();
  const auto existing = find_existing(path);
  facts.data_is_there = existing == path;
  if (!std::filesystem::is_directory(existing, error))
    facts.data_trouble = existing.string() + " is not a directory";
  else if (::access(existing.c_str(), R_OK | W_OK | X_OK) != 0)
    facts.data_trouble = fmt::format("{}: {}", existing.string(), std::strerror(errno));
  struct statvfs space{};
  if (::statvfs(existing.c_str(), &space) == 0) facts.free_bytes = space.f_bavail * space.f_frsize;
  facts.server = cli::find_holder(facts.data);
}

// By listening for a moment.
PortFacts look_at_port(std::string key, const std::string& address) {
  PortFacts facts{std::move(key), address, {}};
  const auto endpoint = net::parse_endpoint(address);
  if (!endpoint) {
    facts.trouble = base::describe(endpoint.error());
    return facts;
  }
  const auto clock = runtime::real::make_clock();
  const runtime::real::Loop loop;
  const auto listener = net::create_listener(loop.executor(), *clock, *endpoint, {});
  if (!listener) facts.trouble = listener.error().message;
  return facts;
}

LocalFacts look_at_local(const config::CloudConfig& cloud) {
  LocalFacts facts;
  facts.cloud = cloud.name;
  const auto program = find_agent_binary(cloud);
  if (!program)
    facts.trouble = base::describe(program.error());
  else if (::access(program->c_str(), X_OK) != 0)
    facts.trouble = std::strerror(errno);
  facts.agent_program = program.value_or("");
  for (const auto& one : cloud.templates) {
    facts.wants_memory_limit |= one.memory_bytes > 0;
    facts.wants_process_limit |= one.max_processes > 0;
  }
  return facts;
}

}  // namespace

MachineFacts look_at_machine(const config::Config& config, const std::string& data) {
  MachineFacts facts;
  look_at_data(data, facts);
  facts.ports.push_back(look_at_port("listen", config.listen));
  facts.ports.push_back(look_at_port("agent_listen", config.agent_listen));
  for (const auto& cloud : config.clouds)
    if (cloud.type == "local") facts.local.push_back(look_at_local(cloud));
  const auto wants_limits = [](const auto& one) { return one.wants_memory_limit || one.wants_process_limit; };
  if (std::ranges::any_of(facts.local, wants_limits)) {
    const auto groups = cloud::local::detect_cgroups();
    facts.can_limit_memory = groups.limits_memory();
    facts.can_limit_processes = groups.unified_limits || !groups.pids.empty();
  }
  return facts;
}

}  // namespace footman::app
