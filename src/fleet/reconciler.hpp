// Compares what the clouds have with what the rows say, at start, at every event of a cloud and every few
// minutes, and repairs both ways. Inside the module; control executor.
#pragma once

#include <set>

#include "fleet/comparison.hpp"
#include "fleet/core.hpp"
#include "fleet/start_guard.hpp"
#include "fleet/steward.hpp"

namespace footman::fleet {

class Reconciler {
 public:
  Reconciler(Core& core, Steward& steward);

  // Before the first look. doubt: of OpenState.
  void begin(std::string doubt);
  // What waits for a person is ended; returns how many.
  std::size_t apply(const std::string& text);

  // Looks at this cloud until it is cancelled. `cloud` is one of the core's.
  Awaitable<void> watch(CloudName name, CloudEntry* cloud);

 private:
  struct Stray {
    ports::Resource resource;
    Finding finding;
    std::optional<StrayEntry> entry;  // not set: its agent's record counts
  };
  Awaitable<bool> look(CloudName name, CloudEntry* cloud);
  std::vector<RowFacts> facts_of(const CloudName& name, Duration listed) const;
  void begin_round(const CloudName& name, std::uint32_t matched);
  void report_unheard(const CloudName& name);
  void count_held();              // what waits for a person
  std::size_t release_unheard();  // how many
  static bool is_end_under_way(const AgentEntry& entry);
  bool has_left_in_order(const AgentEntry& entry) const;
  void carry_out(const Comparison& found);
  AgentEntry* find_renamed(const ports::Resource& resource) const;
  void note_renamed_gone(AgentEntry* entry, const ports::Resource& resource, CloudEntry* cloud);
  std::optional<Stray> explain_renamed(const AgentEntry& entry, ports::Resource resource,
                                       const CloudEntry& cloud) const;
  Awaitable<void> look_for_all(CloudName name, std::vector<AgentId> missing, CloudEntry* cloud);
  Awaitable<bool> look_for(AgentId agent, CloudEntry* cloud);
  struct List {      // when it was begun, and how many agents of ours live in it
    Duration at{0};  // steady
    std::size_t living = 0;
  };
  Awaitable<void> judge_strays(std::vector<ports::Resource> listed, CloudEntry* cloud, List list);
  bool may_end(const CloudName& name, std::set<std::string> strays, const List& list);
  void tell_hold(const CloudName& name, bool was_held);
  void end_strays(std::vector<Stray> strays, CloudEntry* cloud);
  Awaitable<void> settle_doubt();
  Awaitable<std::optional<Stray>> explain_stray(ports::Resource resource, CloudEntry* cloud, Duration seen);
  std::optional<StrayEntry> enter_unexplained(const ports::Resource& resource) const;
  void set_strays(CloudEntry& cloud, std::map<std::string, StrayEntry> strays);
  void note_ended(const ports::Resource& resource, const CloudName& name);
  Awaitable<void> end_stray(ports::Resource resource, CloudEntry* cloud);

  Core& core_;
  Steward& steward_;
  std::ptrdiff_t left_alone_ = 0;
  StartGuard guard_;
  std::set<std::pair<CloudName, std::string>> being_ended_;  // strays, by token and handle
  struct Round {
    Duration ends{0};  // steady
    std::uint32_t matched = 0;
    std::size_t strays_ended = 0;  // never many at once: a mistake must not end a whole fleet
    std::uint64_t looked_for = 0;  // the order of the last agent that the cloud was asked for
  };
  std::map<CloudName, Round> rounds_;  // looks caused by events belong to the periodic round before them
};

}  // namespace footman::fleet
