// The clouds of the configuration, each made by its type.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/footman/aws_access.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "ports/cloud_provider.hpp"
#include "runtime/clock.hpp"
#include "runtime/crash_points.hpp"

namespace footman::app {

// What clouds need of the server; it outlives them.
struct CloudSite {
  base::InstallationId installation;
  std::string local_folder;  // of all local clouds, in the data directory
  runtime::Executor control;
  runtime::Executor net;
  runtime::Clock& clock;
  runtime::Rng& rng;
  base::Logger log;
  runtime::CrashPoints crash_points;
  std::uint64_t open_files = 0;  // of agents on this machine whose template says nothing else
};

// Of a local cloud: what is said, else the one beside this program. io: where that is cannot be found.
base::Result<std::string> find_agent_binary(const config::CloudConfig& cloud);

// On the control executor.
class Clouds {
 public:
  // The provider and its way to get the templates of another configuration: its own cloud, and all of them.
  struct Member {
    std::unique_ptr<ports::CloudProvider> provider;
    std::function<void(const config::CloudConfig&, const std::vector<config::CloudConfig>&)> set_templates;
    std::string type;
    // Empty: it does nothing by itself.
    std::function<void()> start;
    std::function<runtime::Awaitable<void>()> stop;
    std::string folder;  // of a local one
  };

  static base::Result<Clouds> create(const std::vector<config::CloudConfig>& clouds, const CloudSite& site);

  std::vector<ports::CloudProvider*> providers() const;
  // Once; they do nothing by themselves before.
  void start();
  // For a reload: invalid_argument when it names a cloud that was not made, or was of another type.
  base::Status check(const std::vector<config::CloudConfig>& clouds) const;
  void set_templates(const std::vector<config::CloudConfig>& clouds);
  // Where an agent works on this machine; empty: it will be elsewhere, at a place of its image.
  std::string work_folder(const base::CloudName& name, const std::string& client_token) const;
  // Before they are destroyed; what runs in them goes on.
  runtime::Awaitable<void> stop();

 private:
  std::unique_ptr<AwsAccess> aws_;  // made with the first cloud on AWS; outlives them
  std::map<std::string, Member> members_;
};

}  // namespace footman::app
