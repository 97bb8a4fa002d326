// The agents of the simulated machines: the production session with a runner that runs scripts of script.hpp.
// Each is a process of its own: it knows nothing but its launch, and can be killed or frozen at any step.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "ports/cloud_provider.hpp"
#include "runtime/scope.hpp"
#include "sim/loop.hpp"
#include "sim/net.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

inline constexpr std::string_view kServerNode = "server";

class AgentProcess;

class SimAgents {
 public:
  SimAgents(SimLoop& loop, SimNet& net, Witness& witness, std::uint64_t seed, base::Logger log);
  ~SimAgents();

  // The machine is up: its agent starts.
  void start(const std::string& machine, const ports::LaunchSpec& spec);
  // SIGKILL, or the machine is gone. `silent`: its peers hear nothing.
  void kill(const std::string& machine, bool silent);
  void freeze(const std::string& machine, bool on);
  void set_wall_clock(const std::string& machine, Duration by);
  void notice(const std::string& machine, const std::string& reason, Duration left);
  void thaw_all();
  // Of the processes that are there.
  std::vector<std::string> machines() const;
  base::AgentId agent_of(const std::string& machine) const;

  // An agent has left by itself: (machine, why).
  std::function<void(const std::string&, const std::string&)> on_exit;
  // It has fetched what it stands in front of: (machine, spec with the controller_secret).
  std::function<void(const std::string&, const ports::LaunchSpec&)> on_credential;

  // To be called between steps: ends processes that are over.
  void reap();

 private:
  SimLoop& loop_;
  SimNet& net_;
  Witness& witness_;
  std::uint64_t seed_;
  base::Logger log_;
  std::map<std::string, std::unique_ptr<AgentProcess>> processes_;
};

}  // namespace footman::sim
