// An account of every launch, kept from what others see: the rows past the server's view of them, the
// machines of the clouds, what was broken and what people did. Each launch is decided for one item that waits
// and for which nothing else is on its way, or for a pool; what was launched for the same item before has
// served another one, or was lost to something that has really happened. This holds at each moment of a seed,
// whatever breaks meanwhile.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/agent.hpp"
#include "sim/cloud.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

using ItemKey = std::pair<base::ControllerName, std::string>;

// An item that is not over, as its controller has it. What is not clear at this moment, such as the end of a
// quiet period once a clock was set, may be both.
struct QueuedItem {
  ItemKey key;
  bool may_be_wanted = false;    // it waits, and nothing but the lack of an agent stands in its way
  bool may_be_unwanted = false;  // something else does, or it has an agent
};

struct GivenWork {  // over or not
  base::AgentId agent;
  ItemKey item;
  bool started = false;
};

struct AccountParts {
  SimLoop& loop;
  Witness& witness;
  std::vector<SimCloud*> clouds;
  // The controller has chosen other work for it, and nobody else can see that yet.
  std::function<bool(const model::Agent& row)> is_reserved;
  // The other item that waits for it now: until its launch has an answer its row may say an earlier one.
  std::function<std::string(const model::Agent& row)> promised_to;
  std::function<Duration()> server_started;  // last; 0 while it is down
  // Its controller can tell of it now.
  std::function<bool(const model::Agent& row)> is_told_of;
};

class LaunchAccounts {
 public:
  explicit LaunchAccounts(AccountParts parts) : parts_(std::move(parts)) {}

  // After each commit, in this order; the items also as time passes.
  void note_items(const std::vector<QueuedItem>& items);
  void note_work(const std::vector<GivenWork>& work);
  void note_agents(const std::vector<model::Agent>& rows);
  void note_clock_set() { clock_set_ = parts_.loop.now(); }
  // When agents of the template ended before any work had begun on them, though they were still wanted.
  const std::vector<Duration>& failures_of(const base::TemplateName& name) const;
  // Every machine that was ever made is in one of the accounts, and in each there is one.
  void check_end() const;

 private:
  struct ItemTimes {
    bool is_wanted = false;            // at the last look
    std::optional<Duration> wanted;    // last
    std::optional<Duration> unwanted;  // last
  };
  struct Account {     // of one agent
    model::Agent row;  // as it was last seen
    Duration decided{0};
    std::optional<Duration> left;                        // since then it serves nobody
    model::EndReason left_for = model::EndReason::none;  // as it was said first
    std::set<ItemKey> given;                             // that it ever had
    bool worked = false;
    bool is_replaced = false;  // another launch for its item was found to be right
    ItemKey key() const { return {row.controller, row.for_item}; }
  };

  void open(const model::Agent& row);
  void close(Account& account);
  void judge(const Account& fresh);
  void judge_earlier(const Account& fresh, Account& earlier);
  bool is_for_another(const Account& account) const;
  std::string find_cause(const Account& account) const;
  bool has_another(const Account& account) const;
  std::string find_cause_outside(const Account& account) const;
  const SimCloud* find_cloud(const model::Agent& row) const;
  void report(std::string text) { parts_.witness.report("launches_are_accounted", std::move(text)); }

  AccountParts parts_;
  std::map<ItemKey, ItemTimes> items_;
  std::map<base::AgentId, Account> accounts_;
  std::map<ItemKey, std::vector<base::AgentId>> launched_for_;
  std::map<base::TemplateName, std::vector<Duration>> failures_;
  Duration clock_set_{-1};  // last
};

}  // namespace footman::sim
