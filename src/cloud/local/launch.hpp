// The blocking half of the local cloud: what touches files and processes, for its worker threads. No state of
// its own; everything is found again from the token file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/local/cgroup.hpp"
#include "cloud/local/local_cloud.hpp"
#include "cloud/local/token_file.hpp"

namespace footman::cloud::local {

// Fixed when the cloud is made.
struct Site {
  InstallationId installation;
  std::string directory;
  std::string agent_binary;
  CgroupRoots cgroups;
  std::vector<std::string> environment;  // PATH, LANG
  std::vector<std::string> proxies;
  runtime::CrashPoints crash_points;
  std::uint64_t open_files = 0;

  std::string token_path(const std::string& token) const { return directory + "/tokens/" + token; }
  std::string work_directory(const std::string& token) const { return work_directory_of(directory, token); }
  std::string launch_directory(const std::string& token) const { return directory + "/launches/" + token; }
};

struct Launched {
  TokenRecord record;
  UniqueFd pidfd;  // open while the process lives
};
using LaunchOutcome = std::expected<Launched, ports::LaunchFailure>;

// At most one process per token, ever: see local_cloud.hpp.
LaunchOutcome launch_process(const Site& site, const ports::LaunchSpec& spec, Instant now);

struct RecordedEnd {
  model::DeathCertificate death;
  std::string last_lines;
};
// After the agent's first process has ended: kills what is left of its tree, finds out how it ended and
// writes it all down. The exit file is believed where it agrees with what we saw ourselves.
RecordedEnd record_end(const Site& site, const std::string& token, int pidfd);

// Hard end of the whole tree, with and without control groups.
void kill_tree(const Site& site, const std::string& token);
// The work directory and control group; the token file stays.
void remove_leftovers(const Site& site, const std::string& token);

// Everything earlier runs left behind. A token without a process and without a lock was never launched:
// removed.
struct Found {
  std::string token;
  TokenRecord record;
  UniqueFd pidfd;         // open: it lives
  bool starting = false;  // locked, but the process has not written itself down yet
  bool foreign = false;   // it lives, but locks another file: our directory is a copy. Written down as ended
};
Result<std::vector<Found>> find_launches(const Site& site);

}  // namespace footman::cloud::local
