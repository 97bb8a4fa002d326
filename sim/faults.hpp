// What breaks, and when. Each seed has its own mixture: some kinds of fault often, some not at all, so that
// they meet in all combinations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/agents.hpp"
#include "sim/cloud.hpp"
#include "sim/disk.hpp"
#include "sim/invariants.hpp"
#include "sim/loop.hpp"
#include "sim/net.hpp"
#include "sim/server.hpp"

namespace footman::sim {

struct FaultParts {
  SimLoop& loop;
  SimNet& net;
  SimDisk& disk;
  StoreTrouble& store_trouble;
  std::vector<SimCloud*> clouds;
  SimAgents& agents;
  ServerNode& server;
  Checker& checker;
  Witness& witness;
  Duration lease;
};

class Faults {
 public:
  Faults(FaultParts parts, std::uint64_t seed);

  void begin();  // schedules the first one
  void end();    // no more, and all that is broken is mended
  // Between steps: a crash that is due after a number of steps, a server that has died starts again.
  void after_step();
  // Nothing is broken at this moment.
  bool quiet() const { return under_way_ == 0 && parts_.server.up(); }

  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t kills() const { return kills_; }
  std::uint64_t others() const { return others_; }

 private:
  struct Kind {
    double weight;
    std::function<void()> happen;
  };

  void add(double weight, void (Faults::*happen)());
  void next();
  // Undone by itself after a while.
  void for_a_while(Duration typical, std::function<void()> undo) {
    undo_after(dice_.jitter(typical), std::move(undo));
  }
  void undo_after(Duration length, std::function<void()> undo);

  void crash_server();
  void crash_server_soon();
  void crash_at_a_point();
  void stop_server();
  void kill_agent();
  void freeze_agent();
  void reclaim_machine();
  void fail_host();
  void cut();
  void half_open();
  void part_agent();
  void part_agents();
  void part_agents_at_work();
  void part_server();
  void slow_net();
  void fill_disk();
  void fill_database();
  void break_database();
  void trouble_cloud();
  void fail_launches();
  void dry_up_zone();
  void spoil_template();
  void lose_records();
  void set_server_clock();
  void set_agent_clock();
  Duration clock_step();

  FaultParts parts_;
  Dice dice_;
  std::vector<Kind> kinds_;
  Duration pause_;  // typical, between faults
  bool active_ = false;
  std::uint32_t under_way_ = 0;
  std::uint64_t crash_in_steps_ = 0;
  bool restart_planned_ = false;
  bool waits_for_work_ = false;  // before agents are cut off
  std::uint64_t crashes_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t others_ = 0;
};

}  // namespace footman::sim
