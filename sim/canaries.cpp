#include "sim/canaries.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/wait.hpp"
#include "sim/bent_ports.hpp"
#include "sim/other.hpp"
#include "sim/remote.hpp"

namespace footman::sim {

using base::AgentId;
using base::AssignmentId;
using base::Errc;
using base::Result;
using base::Status;
using runtime::Awaitable;

namespace {

// --- bent stores

template <class Bent>
void plant_store(WorldOptions& options) {
  options.bends.make_store = [](store::Store& real, runtime::Clock& clock, Dice dice,
                                const StoreTrouble& trouble) {
    return std::make_unique<Bent>(real, clock, dice, trouble);
  };
}

// Hands the same agent two items at once: the second is put down to the agent of the first.
class DoublesAssignments final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<model::Assignment>> offer_assignment(base::QueueItemId item, AgentId agent,
                                                        std::uint64_t epoch, base::Instant now) override {
    if (last_.empty()) last_ = agent;
    return BentStore::offer_assignment(item, last_, epoch, now);
  }

 private:
  AgentId last_;
};

// After a restart nothing fits an agent that is still on its way.
class ForgetsLabels final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::OpenState>> load_open_state() override {
    auto state = co_await BentStore::load_open_state();
    if (!state) co_return state;
    for (auto& one : state->agents)
      if (model::is_serving(one.state) && !one.connected.is_set()) one.labels.clear();
    co_return state;
  }
};

// What was lost with its agent comes back to the queue as if it had never run.
class RunsAgain final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::FinishedBuild>> finish_build(store::FinishBuild finish) override {
    const bool lost = finish.assignment_state == model::AssignmentState::lost;
    auto done = co_await BentStore::finish_build(std::move(finish));
    if (!done || !lost) co_return done;
    store::NewBuild again;
    again.job = done->build.job;
    again.spec = done->build.spec;
    again.parameters = done->build.parameters;
    again.cause = "lost before";
    again.quiet_until = again.now = done->build.finished;
    (void)co_await BentStore::submit_build(std::move(again));
    co_return done;
  }
};

class GivesUpTheLost final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::FinishedBuild>> finish_build(store::FinishBuild finish) override {
    finish.retry_cause.clear();
    return BentStore::finish_build(std::move(finish));
  }
};

class RetriesFailures final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::FinishedBuild>> finish_build(store::FinishBuild finish) override {
    if (finish.exit_status.value_or(0) != 0 && left_ > 0) {
      --left_;
      finish.retry_cause = "it failed";
    }
    return BentStore::finish_build(std::move(finish));
  }

 private:
  int left_ = 2;  // else a build that fails never ends
};

// Start is sent before its row is written.
class StartsTooEarly final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, base::Instant now) override {
    auto accepted = co_await BentStore::accept_assignment(id, now);
    if (accepted) {
      accepted->state = model::AssignmentState::started;
      accepted->started = now;
    }
    co_return accepted;
  }
};

// A second result for a finished build: the reason grows with each look.
class RewritesResults final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<model::Build>> get_build(BuildId id) override {
    auto build = co_await BentStore::get_build(id);
    if (build && build->state == model::BuildState::finished) build->reason += std::string(++looks_, '.');
    co_return build;
  }

 private:
  std::size_t looks_ = 0;
};

class ForgetsKeys final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override {
    build.idempotency_key.clear();
    return BentStore::submit_build(std::move(build));
  }
};

class CallsFailureSuccess final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::FinishedBuild>> finish_build(store::FinishBuild finish) override {
    if (finish.result == model::BuildResult::failure) finish.result = model::BuildResult::success;
    return BentStore::finish_build(std::move(finish));
  }
};

// The server waits for longer than its row says.
class StretchesQuietPeriods final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override {
    auto made = co_await BentStore::submit_build(std::move(build));
    if (made && made->item.quiet_until.is_set()) {
      made->item.since = made->item.since - 1h;
      made->item.quiet_until = made->item.quiet_until + 1h;
    }
    co_return made;
  }
};

class ForgetsPauses final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) override {
    if (key.ends_with(".pause")) co_return std::optional<std::string>();
    co_return co_await BentStore::find_setting(std::move(key));
  }
};

// What agents that are gone have cost.
class ForgetsCharges final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<std::vector<store::Charge>>> list_charges(base::Instant, base::Instant) override {
    co_return std::vector<store::Charge>();
  }
};

// After a launch was refused, which may have opened a breaker, another agent comes with the next one.
class LaunchesOneMore final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<model::Agent>> change_agent(store::AgentChange change) override {
    if (change.end_reason == model::EndReason::launch_refused) was_refused_ = true;
    return BentStore::change_agent(std::move(change));
  }
  Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents,
                                          std::vector<model::Node> nodes) override {
    if (agents.size() == 1 && std::exchange(was_refused_, false)) {
      auto more = agents.front();
      more.id = AgentId(more.id.str() + "-too");
      more.client_token += "-too";
      more.for_item.clear();
      agents.push_back(std::move(more));
    }
    return BentStore::record_launch_intents(std::move(agents), std::move(nodes));
  }

 private:
  bool was_refused_ = false;
};

// --- bent logs

template <class Bent>
void plant_logs(WorldOptions& options) {
  options.bends.make_logs = [](SimDisk& disk, runtime::Clock& clock) {
    return std::make_unique<Bent>(disk, clock);
  };
}

// Answers before the bytes are on the disk.
class AcknowledgesTooEarly final : public SimLogStore {
 public:
  using SimLogStore::SimLogStore;
  Awaitable<Result<std::uint64_t>> append(base::StreamId stream, std::uint64_t offset, std::string bytes,
                                          std::vector<ports::TimeMark> marks) override {
    auto durable = co_await SimLogStore::append(stream, offset, std::move(bytes), std::move(marks));
    if (durable) *durable += 7;
    co_return durable;
  }
};

// Appends what it has already once more.
class RepeatsLines final : public SimLogStore {
 public:
  using SimLogStore::SimLogStore;
  Awaitable<Result<std::uint64_t>> append(base::StreamId stream, std::uint64_t offset, std::string bytes,
                                          std::vector<ports::TimeMark> marks) override {
    auto extent = co_await SimLogStore::extent(stream);
    if (extent && extent->bytes > offset) offset = extent->bytes;
    if (++appends_ % 5 == 0) {
      auto copy = bytes;
      auto first = co_await SimLogStore::append(stream, offset, std::move(copy), {});
      if (first) offset = *first;
    }
    co_return co_await SimLogStore::append(stream, offset, std::move(bytes), std::move(marks));
  }

 private:
  std::uint64_t appends_ = 0;
};

// Never lets a log end, so that its build does not either.
class NeverFinishes final : public SimLogStore {
 public:
  using SimLogStore::SimLogStore;
  Awaitable<Status> finish(base::StreamId) override {
    co_await runtime::sleep_for(clock_, sync_time());
    co_return base::fail(Errc::io, "disk I/O error");
  }
};

// --- bent clouds

template <class Bent>
void plant_provider(WorldOptions& options) {
  options.bends.make_provider = [](SimCloud& cloud, runtime::Executor control,
                                   base::InstallationId installation) {
    return std::make_unique<Bent>(cloud, std::move(control), std::move(installation));
  };
}

// With each machine comes another one that nobody wrote down.
class LaunchesGhosts final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    auto ghost = spec;
    ghost.agent = AgentId(spec.agent.str() + "-ghost");
    ghost.client_token += "-ghost";
    (void)co_await SimProvider::launch(std::move(ghost));
    co_return co_await SimProvider::launch(std::move(spec));
  }
};

class VariesTheRequest final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    spec.options += std::string(++calls_, ' ');
    return SimProvider::launch(std::move(spec));
  }

 private:
  std::size_t calls_ = 0;
};

// A new token for each call, so that a repeated launch is a second machine.
class ForgetsTheToken final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    spec.client_token += std::string(calls_++, '+');
    return SimProvider::launch(std::move(spec));
  }

 private:
  std::size_t calls_ = 0;
};

class NeverTerminates final : public SimProvider {
 public:
  NeverTerminates(SimCloud& cloud, runtime::Executor control, base::InstallationId installation)
      : SimProvider(cloud, std::move(control), std::move(installation)) {
    cloud.outlives_agents = true;  // nothing ends by itself
  }
  Awaitable<Result<ports::Resource>> terminate(std::string handle, std::string client_token) override {
    ports::Resource gone;
    gone.handle = std::move(handle);
    gone.client_token = std::move(client_token);
    gone.state = ports::ResourceState::gone;
    co_return gone;
  }
  Awaitable<Result<std::vector<ports::Resource>>> observe() override {
    co_return std::vector<ports::Resource>();
  }
};

class AsksWithoutEnd final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    for (int i = 0; i < 50; ++i) (void)co_await SimProvider::launch(spec);
    co_return co_await SimProvider::launch(std::move(spec));
  }
};

// Its first lists have only what was launched.
class HidesStrays final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<Result<std::vector<ports::Resource>>> observe() override {
    auto listed = co_await SimProvider::observe();
    if (listed && ++lists_ < 5)
      std::erase_if(*listed, [](const ports::Resource& one) {
        return one.agent.str().find("stray") != std::string::npos;
      });
    co_return listed;
  }

 private:
  int lists_ = 0;
};

// Does at once what should wait for a person.
class EndsStrays final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<Result<std::vector<ports::Resource>>> observe() override {
    auto listed = co_await SimProvider::observe();
    if (!listed) co_return listed;
    for (const auto& one : *listed)
      if (one.agent.str().find("stray") != std::string::npos)
        (void)co_await SimProvider::terminate(one.handle, one.client_token);
    co_return listed;
  }
};

// All of them are what their template says.
class ForgetsForms final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Result<std::vector<ports::Variant>> freeze(const base::TemplateName& name) const override {
    auto variants = SimProvider::freeze(name);
    if (!variants) return variants;
    for (auto& one : *variants) {
      one.size.reset();
      one.price.reset();
    }
    return variants;
  }
};

// What the cloud wishes does not get to the fleet.
class ForgetsWishes final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    auto answer = co_await SimProvider::launch(std::move(spec));
    if (!answer) answer.error().retry_at = {};
    co_return answer;
  }
};

// Of a cloud that was not asked at all.
class InventsWishes final : public SimProvider {
 public:
  InventsWishes(SimCloud& cloud, runtime::Executor control, base::InstallationId installation)
      : SimProvider(cloud, std::move(control), std::move(installation)), of_(cloud) {}
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    if (++calls_ % 4 == 0)
      co_return std::unexpected(ports::LaunchFailure{model::FailureClass::throttled, false,
                                                     of_.servers_now() + 90s, "Rate exceeded"});
    co_return co_await SimProvider::launch(std::move(spec));
  }

 private:
  SimCloud& of_;
  std::size_t calls_ = 0;
};

class RefusesForGood final : public SimProvider {
 public:
  using SimProvider::SimProvider;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    auto answer = co_await SimProvider::launch(std::move(spec));
    if (!answer && answer.error().definite) answer.error().failure = model::FailureClass::permission;
    co_return answer;
  }
};

// --- bent controllers (bent_ports.hpp)

template <class Bent>
void plant_port(WorldOptions& options) {
  options.bends.make_port = [](ports::ControllerPort& real) { return std::make_unique<Bent>(real); };
}

// --- the rest

void plant_oblivion(WorldOptions& options) {
  options.bends.make_other_port = [](OtherController& other, OtherParts parts) -> std::unique_ptr<OtherPort> {
    if (auto* remote = dynamic_cast<RemoteController*>(&other))
      return std::make_unique<ForgetsTheDistant>(*remote, std::move(parts.control), parts.clock);
    return other.make_port(std::move(parts));
  };
}

// A node that has its build is said to be held, and is not.
class ForgetsToHold final : public jenkins::Transport {
 public:
  explicit ForgetsToHold(jenkins::Transport& real) : real_(real) {}
  Awaitable<Result<jenkins::Answer>> send(jenkins::Request request) override {
    const bool holds = request.body.contains("takes+no+more") || request.body.contains("takes%20no%20more");
    if (!holds) co_return co_await real_.send(std::move(request));
    jenkins::Answer done{302, {}, {}};
    done.headers.add("Location", "../");
    co_return done;
  }

 private:
  jenkins::Transport& real_;
};

// Nobody knows the nodes of an earlier life.
class ForgetsNodes final : public jenkins::NodeBook {
 public:
  explicit ForgetsNodes(jenkins::NodeBook& real) : real_(real) {}
  Awaitable<Result<std::vector<jenkins::NodeRecord>>> load(base::ControllerName) override {
    co_return std::vector<jenkins::NodeRecord>();
  }
  Awaitable<Status> put(jenkins::NodeRecord record) override { return real_.put(std::move(record)); }
  Awaitable<Status> erase(base::ControllerName controller, base::AgentId agent) override {
    return real_.erase(std::move(controller), std::move(agent));
  }
  Awaitable<Result<std::vector<std::string>>> load_violations(base::ControllerName controller) override {
    return real_.load_violations(std::move(controller));
  }
  Awaitable<Status> save_violations(base::ControllerName controller,
                                    std::vector<std::string> sentences) override {
    return real_.save_violations(std::move(controller), std::move(sentences));
  }

 private:
  jenkins::NodeBook& real_;
};

void plant_openness(WorldOptions& options) {
  options.jenkins = true;
  options.bends.make_other_port = [](OtherController& other, OtherParts parts) {
    parts.bend_transport = [](jenkins::Transport& real) { return std::make_unique<ForgetsToHold>(real); };
    return other.make_port(std::move(parts));
  };
}

void plant_lost_book(WorldOptions& options) {
  options.jenkins = true;
  options.bends.make_other_port = [](OtherController& other, OtherParts parts) {
    parts.bend_book = [](jenkins::NodeBook& real) { return std::make_unique<ForgetsNodes>(real); };
    return other.make_port(std::move(parts));
  };
}

void plant_cap(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    config.limits.agents = 0;
    for (auto& [name, limits] : config.cloud_limits) limits.agents = 0;
    for (auto& one : config.templates) one.limits.agents = one.limits.agents * 2 + 1;
  };
}

void plant_generosity(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    const auto forget_all_but_agents = [](model::AgentLimits& limits) {
      const auto agents = limits.agents;
      limits = {};
      limits.agents = agents;
    };
    forget_all_but_agents(config.limits);
    for (auto& [name, limits] : config.cloud_limits) forget_all_but_agents(limits);
    for (auto& one : config.templates) forget_all_but_agents(one.limits);
    config.label_limits.clear();
    config.controller_limits.clear();
  };
}

// It shows where a step goes on after the end of its agent's lease.
void plant_haste_to_end(WorldOptions& options) {
  options.long_steps = true;
  plant_port<EndsTooSoon>(options);
}

// A day has three times as much money as it should.
void plant_largesse(WorldOptions& options) {
  options.dear_rush = true;
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    const auto give = [](model::AgentLimits& limits) {
      if (auto& per_day = limits.budget.per_day) per_day->micros *= 3;
    };
    give(config.limits);
    for (auto& one : config.templates) give(one.limits);
  };
}

void plant_low_caps(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    config.limits.agents = 1;
    for (auto& [label, limits] : config.label_limits) limits.agents = 1;
  };
}

void plant_avarice(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    config.limits.milli_cpus /= 2;
    config.limits.memory_bytes /= 2;
    if (auto& budget = config.limits.budget.per_hour) budget->micros /= 2;
  };
}

void plant_pool(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    for (auto& one : config.templates)
      if (!one.pool.empty()) ++one.pool.size.min_idle;
  };
}

void plant_haste(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    for (auto& one : config.templates) {
      one.launch_deadline /= 4;
      one.idle_timeout /= 4;
      one.max_age /= 4;
    }
  };
}

void plant_patience(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    for (auto& one : config.templates) one.idle_timeout += 2h;
  };
}

void plant_trust(WorldOptions& options) {
  options.bends.bend_controller_config = [](controller::ControllerConfig& config) { config.lease *= 5; };
}

void plant_thrift(WorldOptions& options) {
  options.bends.bend_fleet_config = [](fleet::FleetConfig& config) {
    for (auto& one : config.templates)
      if (one.keep_paid) one.price.billing.minimum = 2h;
  };
}

// The value goes where only the reference belongs.
class StoresSecrets final : public BentStore {
 public:
  using BentStore::BentStore;
  Awaitable<Result<store::SubmittedBuild>> submit_build(store::NewBuild build) override {
    for (auto& var : build.spec.env)
      if (!std::exchange(var.secret_ref, {}).empty()) var.value = "correct-horse-battery-staple";
    return BentStore::submit_build(std::move(build));
  }
};

void plant_chance(WorldOptions& options) { options.undetermined = true; }

}  // namespace

const std::vector<Canary>& canaries() {
  static const std::vector<Canary> all = {
      {"launches-ghosts", "every_machine_has_a_row", "machines are launched that have no row", 10,
       plant_provider<LaunchesGhosts>},
      {"never-terminates", "every_machine_has_a_row", "a machine is called gone that was never ended", 10,
       plant_provider<NeverTerminates>},
      {"forgets-the-token", "one_machine_per_agent", "a repeated launch has a new token", 400,
       plant_provider<ForgetsTheToken>},
      {"caps-too-high", "never_above_a_cap", "the fleet reads higher caps than were set", 30, plant_cap},
      {"limits-too-high", "never_above_a_cap", "the fleet reads no limits of vCPU, memory, money and labels",
       60, plant_generosity},
      {"hides-strays", "never_above_a_cap", "machines without a record are listed late", 400,
       plant_provider<HidesStrays>},
      {"forgets-forms", "never_above_a_cap", "every variant is counted as what its template says", 200,
       plant_provider<ForgetsForms>},
      {"forgets-charges", "never_above_a_cap", "a restart forgets what agents that are gone have cost", 400,
       plant_store<ForgetsCharges>},
      {"days-are-rich", "money_ends", "the fleet reads three times the money of a day", 60, plant_largesse},
      {"doubles-assignments", "one_open_assignment", "an agent is given two items at once", 30,
       plant_store<DoublesAssignments>},
      {"forgets-labels", "one_agent_per_item", "what an agent on its way can do is forgotten at a restart",
       800, plant_store<ForgetsLabels>},
      {"keeps-left-overs", "launches_are_needed", "agents whose item is gone are called busy", 200,
       plant_port<KeepsLeftOvers>},
      {"loses-a-newcomer", "launches_are_accounted", "one agent on its way is called lost", 40,
       plant_port<LosesANewcomer>},
      {"asks-again", "launches_are_accounted", "items that are gone are asked for again later", 150,
       plant_port<AsksAgain>},
      {"pools-too-large", "pools_are_filled_once", "the fleet reads larger pools than were set", 40,
       plant_pool},
      {"forgets-pauses", "paused_is_paused", "a pause is forgotten at a restart", 200,
       plant_store<ForgetsPauses>},
      {"launches-one-more", "breakers_hold", "with a probe comes another agent", 600,
       plant_store<LaunchesOneMore>},
      {"forgets-wishes", "wishes_are_heeded", "a time that a throttling cloud has told is forgotten", 40,
       plant_provider<ForgetsWishes>},
      {"asks-without-end", "launches_are_paced", "a launch is asked for over and over", 10,
       plant_provider<AsksWithoutEnd>},
      {"newcomers-are-done", "launches_are_paced", "agents that have not connected yet are called done", 40,
       plant_port<CallsNewcomersDone>},
      {"forgets-the-distant", "other_controllers_are_served",
       "agents of a controller that cannot be reached are called unknown", 400, plant_oblivion},
      {"forgets-to-hold", "jenkins_is_used_well", "a node is not held once it has its build", 60,
       plant_openness},
      {"forgets-nodes", "jenkins_is_used_well", "nodes of an earlier life of the server are nobody's", 400,
       plant_lost_book},
      {"ends-strays", "held_is_not_ended", "agents without a record are ended at sight", 400,
       plant_provider<EndsStrays>},
      {"hurries", "time_is_given", "the fleet reads shorter times than were set", 60, plant_haste},
      {"repeats-lines", "log_is_gapless", "some log bytes are appended twice", 10, plant_logs<RepeatsLines>},
      {"acknowledges-too-early", "acknowledged_is_stored", "log bytes are acknowledged that are not stored",
       10, plant_logs<AcknowledgesTooEarly>},
      {"starts-too-early", "acknowledged_is_stored", "Start is sent without its row", 10,
       plant_store<StartsTooEarly>},
      {"rewrites-results", "finished_is_final", "a finished build's reason grows", 30,
       plant_store<RewritesResults>},
      {"runs-again", "no_script_runs_twice", "a build that was lost runs again by itself", 120,
       plant_store<RunsAgain>},
      {"ends-too-soon", "one_run_at_a_time", "an agent is said to have ended when that is only asked for",
       600, plant_haste_to_end},
      {"retries-failures", "run_again_when_lost", "a build whose step failed is run again", 10,
       plant_store<RetriesFailures>},
      {"gives-up-the-lost", "run_again_when_lost", "a build that is lost is never run again", 60,
       plant_store<GivesUpTheLost>},
      {"stores-secrets", "no_secret_is_shown", "a secret's value is stored in place of its reference", 20,
       plant_store<StoresSecrets>},
      {"tells-no-reasons", "reasons_are_true", "the fleet's reasons do not arrive", 40,
       plant_port<TellsNoReasons>},
      {"stretches-quiet-periods", "reasons_are_true", "quiet periods are an hour longer", 60,
       plant_store<StretchesQuietPeriods>},
      {"caps-too-low", "reasons_are_true", "the fleet reads lower caps than were set", 60, plant_low_caps},
      {"limits-too-low", "reasons_are_true", "the fleet reads lower limits of vCPU, memory and money", 100,
       plant_avarice},
      {"refuses-for-good", "reasons_are_true", "each refusal of a cloud is told as one for good", 300,
       plant_provider<RefusesForGood>},
      {"invents-wishes", "reasons_are_true", "a cloud that was not asked is said to want no launch", 200,
       plant_provider<InventsWishes>},
      {"names-the-busy", "reasons_are_true", "an item is told an agent that works for another one", 200,
       plant_port<NamesTheBusy>},
      {"items-stay-young", "nobody_starves", "the fleet is told that items have just come", 200,
       plant_port<TellsYoungItems>},
      {"idle-is-busy", "idle_is_bounded", "idle agents are called busy", 40, plant_port<SaysIdleIsBusy>},
      {"waits-for-hours", "idle_is_bounded", "the fleet reads longer idle times than were set", 60,
       plant_patience},
      {"pays-for-hours", "idle_is_bounded", "what is billed at least is taken for hours", 100, plant_thrift},
      {"varies-requests", "launch_is_frozen", "a repeated launch has other options", 600,
       plant_provider<VariesTheRequest>},
      {"forgets-keys", "one_build_per_key", "idempotency keys are not stored", 10, plant_store<ForgetsKeys>},
      {"trusts-the-silent", "silence_is_loss", "the controller reads a longer lease than was set", 60,
       plant_trust},
      {"failure-is-success", "results_are_true", "failed builds are stored as successful", 40,
       plant_store<CallsFailureSuccess>},
      {"never-finishes", "everything_drains", "a log can never be finished", 5, plant_logs<NeverFinishes>},
      {"undetermined", "same_seed_same_trace", "a choice does not come from the seed", 3, plant_chance},
  };
  return all;
}

}  // namespace footman::sim
