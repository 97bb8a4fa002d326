// The people who run the server: they pause clouds and resume them, give it another configuration and the old
// one again, mend templates that their cloud has refused for good, and, when a start-up comparison waits for
// a person, say that it may go on. In the end they allow more money.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/scope.hpp"
#include "sim/caller.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

struct AdminHabits {
  bool pause_clouds = false;
  bool change_config = false;
  Duration keep_budgets_for{0};  // after all faults; then the money of a day is no limit any more
};

class SimAdmins {
 public:
  // on_meddling: something changes now that may take time to show.
  SimAdmins(SimLoop& loop, ServerNode& server, Witness& witness, std::uint64_t seed, AdminHabits habits,
            std::vector<base::CloudName> clouds, std::function<void()> on_meddling, base::Logger log);
  SimAdmins(const SimAdmins&) = delete;
  SimAdmins& operator=(const SimAdmins&) = delete;
  ~SimAdmins();

  // No more changes: what they have changed is put right.
  void calm_down();
  // It is.
  bool done() const { return scope_->running() == 0; }

 private:
  static runtime::Awaitable<void> pause_clouds(SimAdmins* self);
  static runtime::Awaitable<void> change_config(SimAdmins* self);
  runtime::Awaitable<base::Status> set_pause(base::CloudName cloud, bool on);
  runtime::Awaitable<base::Status> set_config(fleet::FleetConfig config);
  fleet::FleetConfig other_config();
  static runtime::Awaitable<void> set_first_config(SimAdmins* self);
  static runtime::Awaitable<void> allow_more(SimAdmins* self);
  void drop_budgets();
  void look_at_holds();
  void look_at_disabled();
  bool mend_templates();

  SimLoop& loop_;
  ServerNode& server_;
  Witness& witness_;
  Dice dice_;
  AdminHabits habits_;
  std::vector<base::CloudName> clouds_;
  fleet::FleetConfig first_config_;  // with what was mended since
  std::function<void()> on_meddling_;
  bool calm_ = false;
  Life life_;
  runtime::Executor executor_;
  NodeClock clock_;
  Caller caller_;
  std::unique_ptr<runtime::Scope> scope_;
};

}  // namespace footman::sim
