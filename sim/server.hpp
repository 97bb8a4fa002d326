// The server: the production controller and fleet on the real store, as one process that can die at any step.
// What survives is the database and the disk; they belong to the world.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/controller.hpp"
#include "fleet/fleet.hpp"
#include "sim/bent_store.hpp"
#include "sim/cloud.hpp"
#include "sim/disk.hpp"
#include "sim/net.hpp"
#include "sim/other.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

// How the server's parts are put together. A planted bug replaces one of them (canaries.cpp).
struct Bends {
  using MakeStore = std::function<std::unique_ptr<store::Store>(store::Store& real, runtime::Clock& clock,
                                                                Dice dice, const StoreTrouble& trouble)>;
  MakeStore make_store;
  std::function<std::unique_ptr<ports::LogStore>(SimDisk& disk, runtime::Clock& clock)> make_logs;
  std::function<std::unique_ptr<ports::CloudProvider>(SimCloud& cloud, runtime::Executor control,
                                                      base::InstallationId installation)>
      make_provider;
  // Null: the fleet talks to the controller itself.
  std::function<std::unique_ptr<ports::ControllerPort>(ports::ControllerPort& controller)> make_port;
  std::function<std::unique_ptr<OtherPort>(OtherController& other, OtherParts parts)> make_other_port;
  std::function<void(fleet::FleetConfig&)> bend_fleet_config;
  std::function<void(controller::ControllerConfig&)> bend_controller_config;
};
Bends make_straight();

struct ServerParts {
  SimLoop& loop;
  SimNet& net;
  SimDisk& disk;
  store::Store& real_store;
  std::vector<SimCloud*> clouds;
  OtherController* remote;  // null: the built-in controller is the only one
  Witness& witness;
  const StoreTrouble& store_trouble;
  std::map<std::string, std::string> secrets;  // what references resolve to
  controller::ControllerConfig controller_config;
  fleet::FleetConfig fleet_config;
  const Bends& bends;
  base::Logger log;
};

class ServerLife;

class ServerNode {
 public:
  ServerNode(ServerParts parts, std::uint64_t seed);
  ServerNode(const ServerNode&) = delete;
  ServerNode& operator=(const ServerNode&) = delete;
  ~ServerNode();

  void start();
  // `silent`: the host is gone, its peers hear nothing.
  void crash(bool silent);
  // In order, as on SIGTERM; it is down once that is done.
  void stop();
  // Ends a life that is condemned or has stopped. Between steps.
  void reap();

  // Somebody sets the wall clock of its host, whether it runs or not.
  void set_wall_clock(Duration by);
  Duration wall_ahead() const { return wall_ahead_; }
  Instant wall_now() const { return NodeClock(parts_.loop, wall_ahead_).now(); }
  std::uint64_t starts() const { return starts_; }

  bool running() const { return life_ != nullptr; }
  bool up() const;                       // started, answers calls
  Duration up_since() const;             // valid when up
  controller::Controller& controller();  // when up
  fleet::Fleet& fleet();                 // when up
  void apply_config(fleet::FleetConfig config) { parts_.fleet_config = std::move(config); }
  const fleet::FleetConfig& fleet_config() const { return parts_.fleet_config; }

  // The next hit of this named point is the end of the process. Empty: disarmed.
  void arm(std::string crash_point) { armed_ = std::move(crash_point); }
  void hit(std::string_view crash_point);           // throws when it is the armed one
  void hit_in_store(std::string_view crash_point);  // the same, on the store's executor

  // An API call on the control executor; `answer` is called there unless the server dies before.
  template <class R>
  void serve(std::function<runtime::Awaitable<R>(ServerNode&)> act, std::function<void(R)> answer);
  // As stored, through the server's own view of the store.
  store::Store& store();

 private:
  template <class R>
  static runtime::Awaitable<void> serve_call(ServerNode* self,
                                             std::function<runtime::Awaitable<R>(ServerNode&)> act,
                                             std::function<void(R)> answer);
  void spawn_call(runtime::Awaitable<void> call);
  bool dies_at(std::string_view crash_point);  // it is the armed one

  ServerParts parts_;
  std::uint64_t seed_;
  std::uint64_t starts_ = 0;
  std::string armed_;
  Duration wall_ahead_{0};  // of the host's clock
  std::unique_ptr<ServerLife> life_;
};

template <class R>
runtime::Awaitable<void> ServerNode::serve_call(ServerNode* self,
                                                std::function<runtime::Awaitable<R>(ServerNode&)> act,
                                                std::function<void(R)> answer) {
  auto result = co_await act(*self);
  answer(std::move(result));
}

template <class R>
void ServerNode::serve(std::function<runtime::Awaitable<R>(ServerNode&)> act, std::function<void(R)> answer) {
  spawn_call(serve_call<R>(this, std::move(act), std::move(answer)));
}

// Ends that are only reported, of agents without a record, or of those that a database in doubt knows; and
// what waits in such a database. Nothing does while the server is down.
inline bool waits_for_a_person(ServerNode& server) {
  if (!server.up()) return false;
  const auto& view = server.fleet().last_reconcile();
  return view.held || std::ranges::any_of(view.findings, &fleet::Finding::held) ||
         server.controller().count_doubtful() > 0;
}

}  // namespace footman::sim
