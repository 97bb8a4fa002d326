#include "apps/footman/machine.hpp"

#include <fmt/format.h>

#include <utility>

namespace footman::app {
namespace {

using model::Finding;
using model::FindingState;

class MachineFindings {
 public:
  void add(FindingState state, std::string check, std::string text, std::string advice = {}) {
    list_.push_back({state, std::move(check), std::move(text), std::move(advice), {}, place_});
  }
  void set_place(std::string place) { place_ = std::move(place); }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::string place_ = "server";
  std::vector<Finding> list_;
};

void examine_data(const MachineFacts& facts, MachineFindings& out) {
  if (!facts.data_trouble.empty())
    return out.add(FindingState::failed, "data-directory",
                   fmt::format("{} cannot be used: {}", facts.data, facts.data_trouble),
                   "choose another one with data: or --data, or make it writable for the server's user");
  const auto text = fmt::format("{} {}", facts.data, facts.data_is_there ? "can be written" : "can be made");
  if (facts.free_bytes == 0) return out.add(FindingState::ok, "data-directory", text);
  const auto with_space = fmt::format("{}, {} MiB are free", text, facts.free_bytes >> 20);
  if (facts.free_bytes < kLittleSpace)
    return out.add(FindingState::warning, "data-directory", with_space,
                   "the logs of builds are kept there: make room, or keep fewer with retention");
  out.add(FindingState::ok, "data-directory", with_space);
}

// The server that runs has its own ports; of another program's nobody can tell.
void examine_port(const MachineFacts& facts, const PortFacts& port, MachineFindings& out) {
  if (port.trouble.empty())
    return out.add(FindingState::ok, "ports", fmt::format("{} {} is free", port.key, port.address));
  if (facts.server != 0)
    return out.add(FindingState::ok, "ports",
                   fmt::format("{} {} is in use; the server of this data directory runs (process {})",
                               port.key, port.address, facts.server));
  out.add(FindingState::failed, "ports", fmt::format("{} {}: {}", port.key, port.address, port.trouble),
          fmt::format("end what has it, or give {} another address", port.key));
}

void examine_local(const MachineFacts& facts, const LocalFacts& cloud, MachineFindings& out) {
  out.set_place(fmt::format("cloud {}", cloud.cloud));
  if (!cloud.trouble.empty())
    out.add(FindingState::failed, "agent-program",
            fmt::format("the agent's program cannot be run: {}{}{}", cloud.agent_program,
                        cloud.agent_program.empty() ? "" : ": ", cloud.trouble),
            "put footman-agent beside footman, or name it with agent_binary");
  else
    out.add(FindingState::ok, "agent-program", cloud.agent_program);
  if (cloud.wants_memory_limit && !facts.can_limit_memory)
    out.add(FindingState::warning, "limits",
            "memory is limited for each process only, as no control group can be made here",
            "run the server as a systemd service with Delegate=yes, or as root");
  if (cloud.wants_process_limit && !facts.can_limit_processes)
    out.add(FindingState::warning, "limits",
            "processes are not limited, as no control group can be made here",
            "run the server as a systemd service with Delegate=yes, or as root");
  if ((cloud.wants_memory_limit && facts.can_limit_memory) ||
      (cloud.wants_process_limit && facts.can_limit_processes))
    out.add(FindingState::ok, "limits", "control groups can be made");
}

}  // namespace

std::vector<Finding> examine_machine(const MachineFacts& facts) {
  MachineFindings out;
  examine_data(facts, out);
  for (const auto& port : facts.ports) examine_port(facts, port, out);
  for (const auto& cloud : facts.local) examine_local(facts, cloud, out);
  return out.take();
}

}  // namespace footman::app
