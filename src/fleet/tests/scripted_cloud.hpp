// A cloud that is stricter than real ones and does what a test tells it. What it has (CloudState) survives
// the crash of the server; the provider object does not.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/cloud_provider.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::fleet::testing {

using namespace footman::base;
using runtime::Awaitable;

// What happens to one launch call.
enum class Launching {
  answered,         // the resource starts, the handle comes back
  lost_answer,      // the resource starts, the caller is told "unknown"
  not_done,         // nothing starts, the caller is told "unknown"
  hangs,            // nothing starts, no answer
  done_then_hangs,  // the resource starts, no answer
  refused,          // with `refusal`, also for a token that is known where that is not definite
};

struct CloudState {
  struct Held {
    ports::LaunchSpec spec;
    ports::Resource resource;
    Duration created{0};               // steady
    std::optional<Duration> stopping;  // steady, since
  };
  std::map<std::string, Held> resources;  // by token
  std::vector<std::string> violations;    // of the contract, by the fleet
  std::deque<Launching> script;           // of the next launch calls; afterwards `launching`
  Launching launching = Launching::answered;
  ports::LaunchFailure refusal{model::FailureClass::capacity, true, {}, "no capacity here"};
  ports::CloudLimits limits{0, 1h, Duration(0)};
  std::string options = R"({"size":1})";
  std::vector<std::string> variants{""};          // their names
  std::map<std::string, model::AgentSize> sizes;  // of variants that have one of their own; prices likewise
  std::map<std::string, model::Price> prices;
  std::set<std::string> spot;              // variants that may be taken back
  std::set<std::string> without_capacity;  // variants that are refused, as by `refusal`
  bool freeze_fails = false;
  bool lists = true;          // observe() works
  bool look_ups_work = true;  // find_by_token()
  std::string out_of_reach;   // why the look-up finds nothing of what it should; empty: it does
  bool terminate_works = true;
  bool hide_all = false;   // from the list and the look-up
  Duration list_takes{0};  // from what it saw to its answer
  Duration stop_takes{0};  // from the first terminate() to gone
  int launch_calls = 0;
  int terminate_calls = 0;
  int observe_calls = 0;
  int find_calls = 0;
  std::vector<std::string> found;  // tokens that were looked up
  ports::ProofAnswer proof_answer{ports::ProofVerdict::right, {}};
  std::vector<std::string> proofs;  // "handle options binding" of each that was checked
  int most_alive = 0;
  std::vector<std::string> suspected;  // handles
  struct Recalled {
    std::string token, handle, options;
  };
  std::vector<Recalled> recalled;
  std::string warning;
  bool repeats = true;         // launches of before go where they went
  std::set<std::string> ever;  // tokens of resources that ever existed

  int alive() const;
  // It ends by itself.
  void end(const std::string& token, model::DeathCertificate death);
};

class ScriptedCloud final : public ports::CloudProvider {
 public:
  ScriptedCloud(CloudState& state, runtime::Clock& clock, CloudName name = CloudName("cloud"))
      : state_(state), clock_(clock), name_(std::move(name)) {}

  CloudName name() const override { return name_; }
  ports::CloudLimits limits() const override { return state_.limits; }
  Result<std::vector<ports::Variant>> freeze(const TemplateName& name) const override;
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override;
  Awaitable<Result<std::vector<ports::Resource>>> observe() override;
  Awaitable<Result<ports::Resource>> find_by_token(std::string client_token) override;
  Awaitable<Result<ports::Resource>> terminate(std::string handle, std::string client_token) override;
  Awaitable<ports::ProofAnswer> check_proof(std::string handle, std::string options,
                                            ports::IdentityProof proof) override;
  bool recall(const ports::Resource& known, const std::string& options) override {
    state_.recalled.push_back({known.client_token, known.handle, options});
    return state_.repeats;
  }
  std::string find_warning() const override { return state_.warning; }
  void suspect(const std::string& handle) override { state_.suspected.push_back(handle); }
  void set_on_change(std::function<void()> look_again) override { on_change_ = std::move(look_again); }
  void changed() const {
    if (on_change_) on_change_();
  }

 private:
  void create(const ports::LaunchSpec& spec);
  void check_token(const ports::LaunchSpec& spec);
  bool is_listed(const CloudState::Held& held) const;
  void settle_stops();

  CloudState& state_;
  runtime::Clock& clock_;
  CloudName name_;
  runtime::Event never_;  // what hangs waits here
  std::function<void()> on_change_;
};

}  // namespace footman::fleet::testing
