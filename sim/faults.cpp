#include "sim/faults.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/crash_places.hpp"

namespace footman::sim {

Faults::Faults(FaultParts parts, std::uint64_t seed)
    : parts_(std::move(parts)), dice_(seed, "faults"), pause_(dice_.between(Duration(2s), Duration(40s))) {
  add(2, &Faults::crash_server);
  add(3, &Faults::crash_server_soon);
  add(3, &Faults::crash_at_a_point);
  add(0.5, &Faults::stop_server);
  add(1.5, &Faults::kill_agent);
  add(1, &Faults::freeze_agent);
  add(1, &Faults::reclaim_machine);
  add(1, &Faults::fail_host);
  add(2, &Faults::cut);
  add(1, &Faults::half_open);
  add(1, &Faults::part_agent);
  add(2, &Faults::part_agents);
  add(0.5, &Faults::part_server);
  add(0.5, &Faults::slow_net);
  add(0.5, &Faults::fill_disk);
  add(0.5, &Faults::fill_database);
  add(0.5, &Faults::break_database);
  add(2, &Faults::trouble_cloud);
  add(3, &Faults::fail_launches);
  add(1, &Faults::dry_up_zone);
  add(0.5, &Faults::lose_records);
  add(1.5, &Faults::set_server_clock);
  add(0.5, &Faults::set_agent_clock);
  add(0.7, &Faults::spoil_template);
}

void Faults::add(double weight, void (Faults::*happen)()) {
  const double mood = dice_.chance(0.35) ? 0 : dice_.uniform() * 2;
  kinds_.push_back({weight * mood, [this, happen] { (this->*happen)(); }});
}

void Faults::begin() {
  active_ = true;
  if (dice_.chance(0.3)) crash_at_a_point();  // some are come to at the very start only
  next();
}

void Faults::next() {
  parts_.loop.after(dice_.jitter(pause_), [this] {
    if (!active_) return;
    double total = 0;
    for (const auto& kind : kinds_) total += kind.weight;
    double at = dice_.uniform() * total;
    for (const auto& kind : kinds_) {
      at -= kind.weight;
      if (at >= 0 || kind.weight == 0) continue;
      parts_.checker.on_trouble();
      kind.happen();
      break;
    }
    next();
  });
}

void Faults::end() {
  active_ = false;
  parts_.loop.trace().note(parts_.loop.now(), "world", "nothing breaks any more");
  crash_in_steps_ = 0;
  parts_.server.arm({});
  parts_.net.heal();
  parts_.disk.set_full(false);
  parts_.store_trouble.full = false;
  parts_.store_trouble.io_error = 0;
  parts_.agents.thaw_all();
  for (auto* cloud : parts_.clouds) {
    cloud->trouble = {};
    cloud->dry_zones.clear();
  }
  parts_.checker.on_trouble();
}

void Faults::undo_after(Duration length, std::function<void()> undo) {
  ++others_;
  ++under_way_;
  parts_.loop.after(length, [this, call = std::move(undo)] {
    --under_way_;
    call();
    parts_.checker.on_trouble();
  });
}

void Faults::after_step() {
  if (parts_.loop.has_condemned()) {
    parts_.loop.clear_condemned();
    parts_.server.reap();
  }
  if (crash_in_steps_ > 0) {
    --crash_in_steps_;
    if (crash_in_steps_ == 0) crash_server();
  }
  if (parts_.server.running() || restart_planned_) return;
  restart_planned_ = true;
  parts_.checker.on_trouble();
  ++crashes_;
  // Mostly at once, sometimes after ten leases.
  const auto away = active_ && dice_.chance(0.1) ? parts_.lease * 10 : dice_.jitter(Duration(3s));
  parts_.loop.after(away, [this] {
    restart_planned_ = false;
    parts_.server.start();
  });
}

// --- the server

void Faults::crash_server() { parts_.server.crash(dice_.chance(0.2)); }
void Faults::crash_server_soon() { crash_in_steps_ = dice_.between(std::uint64_t{1}, 3000); }
void Faults::stop_server() { parts_.server.stop(); }

void Faults::crash_at_a_point() {
  // Half of them at what is come to so seldom that chance alone would leave it out.
  static const std::vector<std::string> kRare = {"cancel:before-send",
                                                 "before-commit:request_cancel",
                                                 "after-commit:request_cancel",
                                                 "before-commit:record_shutdown",
                                                 "after-commit:record_shutdown",
                                                 "before-commit:return_assignment",
                                                 "after-commit:return_assignment",
                                                 "before-commit:create_job",
                                                 "after-commit:create_job",
                                                 "before-commit:save_job",
                                                 "after-commit:save_job"};
  const auto& place = dice_.pick(dice_.chance(0.5) ? kRare : crash_places());
  parts_.server.arm(place);
  if (place.ends_with("record_shutdown")) stop_server();
}

// --- agents

void Faults::kill_agent() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  const auto machine = dice_.pick(machines);
  ++kills_;
  parts_.agents.kill(machine, dice_.chance(0.3));
  // The machine goes with it, or stands there with nothing on it.
  if (dice_.chance(0.7) && parts_.agents.on_exit)
    parts_.agents.on_exit(machine, "the agent was killed by signal 9");
}

void Faults::freeze_agent() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  const auto machine = dice_.pick(machines);
  parts_.agents.freeze(machine, true);
  for_a_while(20s, [this, machine] { parts_.agents.freeze(machine, false); });
}

void Faults::reclaim_machine() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  const auto machine = dice_.pick(machines);
  // Sometimes without a word.
  const auto left = dice_.chance(0.4) ? Duration(0) : dice_.between(Duration(1s), Duration(2min));
  ++others_;
  if (left > Duration(0)) parts_.agents.notice(machine, "the cloud takes the machine back", left);
  parts_.loop.after(left, [this, machine] {
    for (auto* cloud : parts_.clouds)
      if (cloud->find(machine) != nullptr) cloud->reclaim(machine);
  });
}

void Faults::fail_host() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  const auto machine = dice_.pick(machines);
  ++others_;
  for (auto* cloud : parts_.clouds)
    if (cloud->find(machine) != nullptr) cloud->fail_host(machine);
}

// --- the network

void Faults::cut() {
  if (!parts_.net.cut_one()) return;
  ++others_;
  parts_.witness.count(Happening::connection_cut);
}

void Faults::half_open() {
  if (!parts_.net.half_open_one()) return;
  ++others_;
  parts_.witness.count(Happening::connection_half_open);
}

// Shorter than a lease: nothing may be lost by it.
void Faults::part_agent() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  const auto agent = parts_.agents.agent_of(dice_.pick(machines)).str();
  parts_.loop.trace().note(parts_.loop.now(), agent, "is cut off from the server");
  parts_.net.set_partition(agent, std::string(kServerNode), true);
  parts_.witness.count(Happening::agent_cut_off);
  if (dice_.chance(0.5)) parts_.witness.disturbed_agents.insert(agent);
  const bool disturbed = parts_.witness.disturbed_agents.contains(agent);
  for_a_while(disturbed ? parts_.lease : parts_.lease / 60,
              [this, agent] { parts_.net.set_partition(agent, std::string(kServerNode), false); });
}

// Once there is work. Most of them at once, as when the network between two places fails, and for longer than
// a lease: what they do is lost for sure.
void Faults::part_agents() {
  if (std::exchange(waits_for_work_, true)) return;
  part_agents_at_work();
}

void Faults::part_agents_at_work() {
  if (!active_) return;
  if (!parts_.checker.is_at_work()) {
    parts_.loop.after(dice_.jitter(Duration(1s)), [this] { part_agents_at_work(); });
    return;
  }
  waits_for_work_ = false;
  parts_.checker.on_trouble();
  const auto length = dice_.between(parts_.lease, parts_.lease * 3);
  std::vector<std::string> parted;
  for (const auto& machine : parts_.agents.machines())
    if (dice_.chance(0.7)) parted.push_back(parts_.agents.agent_of(machine).str());
  if (parted.empty()) return;
  for (const auto& agent : parted) {
    parts_.loop.trace().note(parts_.loop.now(), agent, "is cut off from the server for long");
    parts_.net.set_partition(agent, std::string(kServerNode), true);
    parts_.witness.disturbed_agents.insert(agent);
  }
  parts_.witness.count(Happening::cut_off_for_long);
  undo_after(length, [this, parted] {
    for (const auto& agent : parted) parts_.net.set_partition(agent, std::string(kServerNode), false);
  });
}

void Faults::part_server() {
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, "is cut off from everybody");
  parts_.net.set_partition(std::string(kServerNode), "*", true);
  parts_.witness.count(Happening::server_cut_off);
  for_a_while(parts_.lease / 60, [this] { parts_.net.set_partition(std::string(kServerNode), "*", false); });
}

void Faults::slow_net() {
  parts_.net.set_slow(true);
  for_a_while(20s, [this] { parts_.net.set_slow(false); });
}

// --- the disk

void Faults::fill_disk() {
  parts_.loop.trace().note(parts_.loop.now(), "disk", "is full");
  parts_.disk.set_full(true);
  for_a_while(10s, [this] { parts_.disk.set_full(false); });
}

void Faults::fill_database() {
  parts_.loop.trace().note(parts_.loop.now(), "database", "is full");
  parts_.store_trouble.full = true;
  for_a_while(10s, [this] { parts_.store_trouble.full = false; });
}

void Faults::break_database() {
  parts_.store_trouble.io_error = 0.05;
  for_a_while(10s, [this] { parts_.store_trouble.io_error = 0; });
}

// --- clouds

void Faults::trouble_cloud() {
  auto* cloud = dice_.pick(parts_.clouds);
  const auto some = [this](double most) { return dice_.chance(0.5) ? 0 : dice_.uniform() * most; };
  cloud->trouble = {some(0.5), some(0.5), some(0.1), some(0.3), some(0.3),
                    some(0.2), some(0.4), some(0.4), 0.3};
  parts_.loop.trace().note(parts_.loop.now(), cloud->traits().name, "is in trouble");
  for_a_while(60s, [cloud] { cloud->trouble = {}; });
}

// All of a cloud go wrong in the same way, which is what breakers are for.
void Faults::fail_launches() {
  auto* cloud = dice_.pick(parts_.clouds);
  cloud->trouble = {};
  switch (dice_.below(7)) {
    case 0:
      cloud->trouble.throttled = 1;
      break;
    case 1:
      cloud->trouble.no_capacity = 1;
      break;
    case 2:
      cloud->trouble.refused = 1;
      break;
    case 3:
      cloud->trouble.no_answer = 1;
      break;
    case 4:
      cloud->trouble.no_answer = 0.5;  // most requests arrive
      break;
    case 5:
      cloud->trouble.never_starts = 1;
      break;
    default:
      cloud->trouble.dies_at_start = 1;
      break;
  }
  parts_.loop.trace().note(parts_.loop.now(), cloud->traits().name, "lets all launches fail");
  for_a_while(40s, [cloud] { cloud->trouble = {}; });
}

void Faults::dry_up_zone() {
  auto* cloud = dice_.pick(parts_.clouds);
  const auto zone = dice_.pick(cloud->traits().zones);
  cloud->dry_zones.insert(zone);
  parts_.loop.trace().note(parts_.loop.now(), cloud->traits().name, "has no capacity in zone " + zone);
  for_a_while(90s, [cloud, zone] { cloud->dry_zones.erase(zone); });
}

// Its image is gone, or a role: a person must change its configuration, or mend what no configuration shows.
// Then it is launched again after a restart, or once a person changes its configuration all the same.
void Faults::spoil_template() {
  using enum model::FailureClass;
  auto* cloud = dice_.pick(parts_.clouds);
  const auto name = dice_.pick(cloud->traits().templates);
  const auto why = dice_.pick(std::vector{configuration, permission, image});
  ++others_;
  cloud->spoil(name, why);
  parts_.loop.trace().note(parts_.loop.now(), cloud->traits().name, "refuses template " + name + " for good");
  if (why == permission) parts_.loop.after(dice_.jitter(Duration(40s)), [cloud, name] { cloud->mend(name); });
}

// As after a backup was put back, or on a copy of another server: machines that the next life finds no record
// of, and a database that may be sure of itself or not.
void Faults::lose_records() {
  ++others_;
  parts_.server.crash(dice_.chance(0.2));
  for (auto left = dice_.between(std::uint64_t{1}, 8); left > 0; --left)
    if (dice_.pick(parts_.clouds)->add_stray()) parts_.witness.count(Happening::stray_appeared);
  if (!dice_.chance(0.4)) return;
  *parts_.store_trouble.doubt = "The database was put back from a backup.";
  *parts_.store_trouble.doubtful_items = true;
  if (dice_.chance(0.3))
    parts_.server.arm(dice_.chance(0.5) ? "before-commit:settle_doubt" : "after-commit:settle_doubt");
  parts_.witness.count(Happening::doubt_raised);
}

// --- clocks

// As NTP sets one (seconds), or a person (hours), forwards or backwards.
Duration Faults::clock_step() {
  const auto by = dice_.chance(0.5) ? dice_.between(Duration(1s), Duration(30s))
                                    : dice_.between(Duration(1min), Duration(5h));
  return dice_.chance(0.5) ? by : -by;
}

void Faults::set_server_clock() {
  const auto by = clock_step();
  ++others_;
  parts_.witness.count(Happening::clock_set);
  parts_.checker.on_clock_set(by);
  parts_.loop.trace().note(parts_.loop.now(), kServerNode,
                           fmt::format("its clock is set by {} s", by.count() / 1'000'000));
  parts_.server.set_wall_clock(by);
}

void Faults::set_agent_clock() {
  const auto machines = parts_.agents.machines();
  if (machines.empty()) return;
  ++others_;
  parts_.witness.count(Happening::clock_set);
  parts_.agents.set_wall_clock(dice_.pick(machines), clock_step());
}

}  // namespace footman::sim
