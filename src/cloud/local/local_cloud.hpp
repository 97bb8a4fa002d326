// The local cloud: agents are processes of this machine.
//
// Each launch is `footman-agent run …` as its own session with a clean environment, no inherited descriptors
// but one, and its own directory. Files below `directory` (mode 0700):
//   tokens/<client token>  one per launch; locked (flock) by the agent's processes as long as one of them
//   lives. Lines:
//                          "footman-token 1 <installation> <agent> <attempt> <created us>", "launched
//                          <pid>:<start time>", "ended <exit status or -> <signal> <oom 0|1> <sentence>"
//   launches/<client token>/  what the agent and we tell each other: secret (0600, the agent unlinks it),
//                          ca.pem, agent.log, exit.json (written by the agent's guardian)
//   <client token>/        the agent's work directory, beside that, with home/ and tmp/
// The last two are removed after terminate() has answered `gone`. Steps run as the same user and may change
// any of these files: nothing here waits for one of them or takes its word for more than a sentence.
// Contract with the agent: descriptor 3 is the locked token file (FOOTMAN_AGENT_LOCK_FD=3). The agent's own
// processes keep it open with FD_CLOEXEC, steps do not get it. FOOTMAN_AGENT_COOKIE=<client token> marks
// every process of the tree. A handle is "<pid>:<start time of the process in clock ticks since boot>".
//
// An agent that lives without holding its token file's lock belongs to a directory that ours is a copy of: it
// is listed as gone and never touched.
//
// All calls on the control executor given at creation; file and process work happens on the cloud's own
// threads. Destroying the object leaves the agents alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "ports/cloud_provider.hpp"
#include "runtime/clock.hpp"
#include "runtime/crash_points.hpp"

namespace footman::cloud::local {

using namespace footman::base;

// The PATH of agents. Fixed, so that a build does not depend on who started the server and how; a template's
// env may set another one.
inline constexpr std::string_view kAgentPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Provider options of one template; frozen as JSON into the launch.
struct TemplateOptions {
  std::uint64_t memory_bytes = 0;   // 0: no limit. cgroup memory.max where usable, else RLIMIT_AS per process
  std::uint32_t max_processes = 0;  // 0: no limit. cgroup pids.max where usable, else not enforced
  std::uint32_t max_open_files = 0;        // 0: the server's own limit
  std::map<std::string, std::string> env;  // added to the clean environment
  bool inherit_proxy_variables = false;    // http_proxy, https_proxy, no_proxy and their upper-case forms
};

struct LocalCloudConfig {
  CloudName name{"local"};
  InstallationId installation;
  std::string directory;  // absolute; created when missing
  // Of local clouds that are not configured any more, or are called otherwise now: what they launched is
  // listed here and can be ended; nothing is launched there. Of one cloud of an installation only.
  std::vector<std::string> former_directories;
  std::string agent_binary;        // absolute path of footman-agent
  std::uint32_t max_agents = 0;    // 0: no limit of the provider
  Duration terminate_grace = 10s;  // between SIGTERM and SIGKILL
  std::map<TemplateName, TemplateOptions> templates;
  runtime::CrashPoints crash_points;  // launch:before-fork, launch:after-fork
  // The soft limit of agents whose template says nothing else, where the server has raised its own; 0: its
  // own.
  std::uint64_t open_files = 0;
};

// The work directory of an agent, below that of its cloud.
std::string work_directory_of(const std::string& directory, const std::string& client_token);

class LocalCloud : public ports::CloudProvider {
 public:
  // For a reload of the configuration; agents that run keep what was frozen for them.
  virtual void set_templates(std::map<TemplateName, TemplateOptions> templates) = 0;
};

// Reads what earlier runs of the server launched. io: the directory cannot be made or read; not_found: no
// agent binary.
Result<std::unique_ptr<LocalCloud>> create_local_cloud(LocalCloudConfig config, runtime::Executor control,
                                                       runtime::Clock& clock, base::Logger log);

}  // namespace footman::cloud::local
