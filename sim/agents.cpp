#include "sim/agents.hpp"

#include <fmt/format.h>

#include "runtime/post.hpp"
#include "sim/step_runner.hpp"

namespace footman::sim {

using runtime::Awaitable;

namespace {

// Spools in memory that counts as the machine's disk.
class SimSpoolFile final : public agent::SpoolFile {
 public:
  base::Status write(std::uint64_t position, std::string_view bytes) override {
    if (bytes_.size() < position + bytes.size()) bytes_.resize(position + bytes.size());
    bytes_.replace(position, bytes.size(), bytes);
    return {};
  }
  base::Result<std::string> read(std::uint64_t position, std::size_t size) override {
    return bytes_.substr(position, size);
  }
  void discard() override { bytes_.clear(); }

 private:
  std::string bytes_;
};

base::Result<std::unique_ptr<agent::SpoolFile>> open_spool() { return std::make_unique<SimSpoolFile>(); }

class SimConnector final : public agent::Connector {
 public:
  SimConnector(SimNet& net, Life& life) : net_(net), life_(life) {}
  Awaitable<base::Result<runtime::ByteStreamPtr>> connect() override {
    return net_.connect(&life_, life_.name(), std::string(kServerNode));
  }

 private:
  SimNet& net_;
  Life& life_;
};

agent::AgentConfig config_of(const ports::LaunchSpec& spec) {
  agent::AgentConfig config;
  config.name = spec.agent;
  config.attempt = spec.attempt;
  config.secret = spec.secret;
  config.wants_credential = spec.endpoint.program == ports::AgentProgram::jenkins;
  config.single_use = spec.one_shot;
  config.orphan_timeout = spec.orphan_timeout;
  config.host = {"linux", "x86_64", spec.agent.str(), 1, 2, std::uint64_t{1} << 30};
  config.spool_memory_bytes = 4096;  // small, so that builds reach the disk
  config.spool_disk_bytes = 16384;   // and its end
  return config;
}

}  // namespace

// One process. Dropping it is its crash.
class AgentProcess {
 public:
  AgentProcess(SimLoop& loop, SimNet& net, Witness& witness, Dice dice, base::Logger log,
               const ports::LaunchSpec& spec)
      : net_(net),
        spec_(spec),
        life_(loop, spec.agent.str()),
        executor_(life_.add_lane("agent")),
        clock_(loop, dice.between(Duration(-2s), Duration(2s))),
        rng_(runtime::make_seeded_rng(dice.next())),
        connector_(net, life_),
        runner_(clock_, Dice(dice.next(), "steps"), witness, spec.agent.str()) {
    agent_ = std::make_unique<agent::Agent>(
        config_of(spec), agent::AgentParts{executor_, clock_, *rng_, log, connector_, runner_, open_spool});
    scope_ = std::make_unique<runtime::Scope>(executor_, std::move(log));
    scope_->spawn("agent", live(this));
  }
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;
  ~AgentProcess() { end(false); }

  void end(bool silent) {
    if (!agent_) return;
    life_.stop();
    net_.end_life(life_, silent);
    scope_.reset();
    agent_.reset();
    life_.destroy();
  }

  const base::AgentId& name() const { return spec_.agent; }
  const ports::LaunchSpec& spec() const { return spec_; }
  Life& life() { return life_; }
  NodeClock& clock() { return clock_; }
  // A signal: the agent hears of it on its own executor, once it runs.
  void notice(const std::string& reason, Duration left) {
    runtime::post(executor_,
                  [this, reason, deadline = clock_.now() + left] { agent_->notice(reason, deadline); });
  }
  const std::optional<agent::AgentExit>& exit() const { return exit_; }

 private:
  static Awaitable<void> live(AgentProcess* self) { self->exit_ = co_await self->agent_->run(); }

  SimNet& net_;
  ports::LaunchSpec spec_;
  Life life_;
  runtime::Executor executor_;
  NodeClock clock_;
  std::unique_ptr<runtime::Rng> rng_;
  SimConnector connector_;
  SimStepRunner runner_;
  std::unique_ptr<agent::Agent> agent_;
  std::unique_ptr<runtime::Scope> scope_;
  std::optional<agent::AgentExit> exit_;
};

SimAgents::SimAgents(SimLoop& loop, SimNet& net, Witness& witness, std::uint64_t seed, base::Logger log)
    : loop_(loop), net_(net), witness_(witness), seed_(seed), log_(std::move(log)) {}
SimAgents::~SimAgents() = default;

void SimAgents::start(const std::string& machine, const ports::LaunchSpec& spec) {
  loop_.trace().note(loop_.now(), spec.agent.str(), "agent starts on " + machine);
  processes_[machine] = std::make_unique<AgentProcess>(loop_, net_, witness_, Dice(seed_, machine),
                                                       log_.with({{"node", spec.agent}}), spec);
}

void SimAgents::kill(const std::string& machine, bool silent) {
  const auto it = processes_.find(machine);
  if (it == processes_.end()) return;
  loop_.trace().note(loop_.now(), it->second->name().str(), silent ? "agent vanishes" : "agent is killed");
  witness_.disturbed_agents.insert(it->second->name().str());
  it->second->end(silent);
  processes_.erase(it);
}

void SimAgents::freeze(const std::string& machine, bool on) {
  const auto it = processes_.find(machine);
  if (it == processes_.end()) return;
  loop_.trace().note(loop_.now(), it->second->name().str(), on ? "agent freezes" : "agent goes on");
  witness_.disturbed_agents.insert(it->second->name().str());
  it->second->life().pause(on);
}

void SimAgents::set_wall_clock(const std::string& machine, Duration by) {
  if (const auto it = processes_.find(machine); it != processes_.end()) it->second->clock().set_wall(by);
}

void SimAgents::thaw_all() {
  for (const auto& [machine, process] : processes_) process->life().pause(false);
}

void SimAgents::notice(const std::string& machine, const std::string& reason, Duration left) {
  const auto it = processes_.find(machine);
  if (it == processes_.end()) return;
  loop_.trace().note(loop_.now(), it->second->name().str(), "notice: " + reason);
  witness_.disturbed_agents.insert(it->second->name().str());
  it->second->notice(reason, left);
}

std::vector<std::string> SimAgents::machines() const {
  std::vector<std::string> names;
  names.reserve(processes_.size());
  for (const auto& [machine, process] : processes_) names.push_back(machine);
  return names;
}

base::AgentId SimAgents::agent_of(const std::string& machine) const {
  const auto it = processes_.find(machine);
  return it == processes_.end() ? base::AgentId() : it->second->name();
}

void SimAgents::reap() {
  for (auto it = processes_.begin(); it != processes_.end();) {
    if (!it->second->exit()) {
      ++it;
      continue;
    }
    const auto machine = it->first;
    const auto why = fmt::format("the agent has left ({}): {}", agent::to_string(it->second->exit()->end),
                                 it->second->exit()->reason);
    loop_.trace().note(loop_.now(), it->second->name().str(), why);
    auto spec = it->second->spec();
    spec.controller_secret = it->second->exit()->credential;
    it = processes_.erase(it);
    if (!spec.controller_secret.empty())
      on_credential(machine, spec);
    else if (on_exit)
      on_exit(machine, why);
  }
}

}  // namespace footman::sim
