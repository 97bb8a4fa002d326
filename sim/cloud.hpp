// A cloud that is stricter than any real one: it throttles, has no capacity, forgets to answer after it did
// what was asked, lists what is long gone and does not list what is there, starts machines that never come up
// or die at once, takes machines back, and remembers every parameter of every token.
//
// SimCloud is the cloud itself: outside all nodes, it survives every crash. SimProvider is what one life of
// the server holds of it: each call is a request on its way there and an answer on its way back, and the
// request goes on when the caller dies.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/cloud_provider.hpp"
#include "sim/loop.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

struct CloudTraits {
  std::string name;
  std::vector<std::string> templates;
  std::uint32_t max_agents = 0;
  Duration token_lifetime = 1h;
  Duration listing_lag = 5s;
  Duration own_exit{0};
  Duration boot = 2s;  // typical
  std::vector<std::string> zones{""};
  // Of machines of these zones, whatever their template says.
  std::map<std::string, model::AgentSize> sizes;
  std::map<std::string, model::Price> prices;
  double repeats = 0;  // a machine is in a list twice, as on two pages that were made one after the other
};

// Probabilities; all zero: a cloud that works.
struct CloudTrouble {
  double throttled = 0;
  double no_capacity = 0;
  double refused = 0;     // a failure that is definite, but passes
  double no_effect = 0;   // "internal error", and nothing has happened
  double bad_answer = 0;  // "internal error", but it has happened
  double no_answer = 0;   // never answered
  double never_starts = 0;
  double dies_at_start = 0;
  double leaves_no_trace = 0;  // an event for the provider is lost
};

// The zone that a launch asks for; the cloud has several, or one without a name.
std::string zone_of(const ports::LaunchSpec& spec);

class SimCloud {
 public:
  enum class Fate { runs, never_starts, dies_at_start };
  struct Machine {
    ports::LaunchSpec spec;
    std::string handle;
    Fate fate = Fate::runs;
    Instant created;
    Duration launched_at{0};
    Duration visible_at{0};
    Duration ended_at{0};
    std::vector<std::pair<Duration, ports::ResourceState>> history;
    model::DeathCertificate death;
    bool reclaimed = false;
    bool taken = false;     // reclaimed, or its host has failed
    bool is_stray = false;  // nobody launched it
    ports::ResourceState state() const { return history.back().second; }
    bool live() const { return state() != ports::ResourceState::gone; }
  };

  SimCloud(SimLoop& loop, Dice dice, Witness& witness, CloudTraits traits);

  const CloudTraits& traits() const { return traits_; }
  const std::map<std::string, Machine>& machines() const { return machines_; }  // by handle, ended ones too
  const Machine* find(const std::string& handle) const;
  std::size_t live_count() const;
  std::uint64_t launched() const { return launched_; }

  // What the clock on the wall of the server shows; unless set, what the cloud's does.
  std::function<Instant()> clock_of_server;
  Instant servers_now() const { return clock_of_server ? clock_of_server() : now(); }

  void set_repeats(double chance) { traits_.repeats = chance; }

  CloudTrouble trouble;
  std::set<std::string> dry_zones;  // without capacity
  bool outlives_agents = false;     // a machine stays when its agent has left, until it is ended
  // From now on launches of the template as it is configured now are refused for good.
  void spoil(const std::string& template_name, model::FailureClass why) {
    spoiled_[template_name] = {why, {}};
  }
  void mend(const std::string& template_name) { spoiled_.erase(template_name); }
  bool has_refused_for_good(const std::string& template_name, std::uint64_t generation) const {
    return refused_for_good_.contains({template_name, generation});
  }
  // With the token, for good.
  bool has_refused(const std::string& token) const { return refused_.contains(token); }
  // One of the template, for this reason.
  bool has_refused(const std::string& template_name, model::FailureClass why) const {
    return reasons_.contains({template_name, why});
  }
  const Machine* find_by_agent(const base::AgentId& agent) const;  // its first
  // Until when at most nothing is to be asked of it, by what it has told a server since then, or has not
  // told; not set: it has given clear answers.
  std::optional<Duration> held_until(Duration since) const;
  // What the machines do: set by the world.
  std::function<void(const ports::LaunchSpec&)> on_ask;     // a launch arrives
  std::function<void(const ports::LaunchSpec&)> on_effect;  // a machine is being made
  std::function<void(const Machine&)> on_terminate;         // of one that lives
  // A server hears that it is to ask for nothing more for so long; it was this token that it had asked for.
  std::function<void(const std::string& token, Duration left)> on_wish;
  std::function<void(const std::string& handle, const ports::LaunchSpec&)> on_up;  // its agent starts
  std::function<void(const std::string& handle)> on_down;                          // killed, at once
  std::function<void(const Machine&)> on_taken;  // of one that lives: reclaimed, or its host fails now

  // A machine of the installation that launched here last, which its database does not know: as after a
  // backup was put back. False: nobody has launched anything yet.
  bool add_stray();
  // The agent of the machine has ended by itself.
  void exited(const std::string& handle, model::DeathCertificate death);
  // The cloud ends a machine by itself.
  void kill(const std::string& handle, const std::string& why);
  void reclaim(const std::string& handle);    // as Spot does
  void fail_host(const std::string& handle);  // nobody sees how what ran there ended

 private:
  friend class SimProvider;
  struct Spoiled {
    model::FailureClass why;
    std::optional<std::uint64_t> generation;  // not set: that of the next launch
  };
  // What arrives from a provider.
  ports::LaunchResult launch(const ports::LaunchSpec& spec);
  ports::LaunchResult answer_launch(const ports::LaunchSpec& spec);
  base::Result<std::vector<ports::Resource>> observe(const base::InstallationId& installation);
  base::Result<ports::Resource> find_by_token(const std::string& token);
  base::Result<ports::Resource> terminate(const std::string& handle, const std::string& token);

  bool throttles();
  ports::LaunchResult put_off(bool definite);
  void note_unclear(const ports::LaunchFailure& failure);
  ports::LaunchResult launch_known(const Machine& machine, const ports::LaunchSpec& spec);
  const Spoiled* find_spoiled(const ports::LaunchSpec& spec);
  ports::LaunchResult make(const ports::LaunchSpec& spec);
  Machine& add(const ports::LaunchSpec& spec);
  void boot(const std::string& handle);
  void set_state(Machine& machine, ports::ResourceState state);
  void end(Machine& machine, model::DeathCertificate death);
  ports::Resource describe(const Machine& machine, Duration as_of) const;
  Duration lag() { return dice_.between(Duration(0), traits_.listing_lag); }
  Duration latency() { return dice_.jitter(Duration(5ms)); }
  void tell_changed();
  Instant now() const { return NodeClock(loop_, Duration(0)).now(); }

  SimLoop& loop_;
  Dice dice_;
  Witness& witness_;
  CloudTraits traits_;
  std::map<std::string, Machine> machines_;
  std::map<std::string, std::string> tokens_;  // to the newest machine
  std::map<std::string, Spoiled> spoiled_;     // by template
  std::set<std::pair<std::string, std::uint64_t>> refused_for_good_;
  std::set<std::string> refused_;  // tokens
  std::set<std::pair<std::string, model::FailureClass>> reasons_;
  std::vector<std::pair<Duration, Duration>> holds_;  // known since, and until when at most
  std::uint64_t launched_ = 0;
  std::weak_ptr<std::function<void()>> listener_;
};

class SimProvider : public ports::CloudProvider {
 public:
  SimProvider(SimCloud& cloud, runtime::Executor control, base::InstallationId installation)
      : cloud_(cloud), control_(std::move(control)), installation_(std::move(installation)) {}

  base::CloudName name() const override { return base::CloudName(cloud_.traits().name); }
  ports::CloudLimits limits() const override;
  base::Result<std::vector<ports::Variant>> freeze(const base::TemplateName& name) const override;
  runtime::Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override;
  runtime::Awaitable<base::Result<std::vector<ports::Resource>>> observe() override;
  runtime::Awaitable<base::Result<ports::Resource>> find_by_token(std::string client_token) override;
  runtime::Awaitable<base::Result<ports::Resource>> terminate(std::string handle,
                                                              std::string client_token) override;
  void set_on_change(std::function<void()> look_again) override;

 private:
  template <class R>
  runtime::Awaitable<R> ask(std::function<R()> at_the_cloud, R when_broken);

  SimCloud& cloud_;
  runtime::Executor control_;
  base::InstallationId installation_;
  std::shared_ptr<std::function<void()>> listener_;
};

}  // namespace footman::sim
