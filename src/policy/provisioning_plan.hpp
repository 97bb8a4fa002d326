// The fleet's decision: which agents to launch, to match with other items, to drain, to end, and why the rest
// waits. Pure, deterministic, independent of the order of the input. The ledger: each waiting item has at
// most one agent, each agent at most one item; an agent that is on its way for an item that still waits stays
// with it, what is left over goes to the next items it fits, launches are for the rest in queue order. An
// agent that is to end keeps the item that it was launched for until its row says so and its controller gives
// it no work any more. Cost:
// items + (classes of items with the same label) × (templates + classes of agents with the same labels),
// sorted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "model/budget.hpp"
#include "model/label.hpp"
#include "model/pool.hpp"
#include "model/size.hpp"
#include "policy/breaker.hpp"
#include "policy/spending.hpp"

namespace footman::policy {

using namespace footman::base;

struct ItemRef {
  ControllerName controller;
  std::string key;
  auto operator<=>(const ItemRef&) const = default;
};
struct ItemRefHash {
  std::size_t operator()(const ItemRef& ref) const {
    return std::hash<std::string>()(ref.key) ^ std::hash<ControllerName>()(ref.controller);
  }
};

// An item that wants an agent and has none at work on it.
struct Item {
  ItemRef ref;
  model::LabelExpr label;  // empty: default templates only
  Instant since;
  std::string title;
  AgentId before{};  // the last one that was launched for it, which ended without work; empty: none
};

struct Agent {
  AgentId id;
  CloudName cloud;
  TemplateName template_name;
  std::uint64_t generation = 0;  // of its template, at launch
  std::vector<std::string> labels;
  model::AgentSize size;
  model::Money per_hour;
  Duration least_billed{0};  // that is billed once it begins to be; 0: it has begun
  bool is_default = false;   // takes items without a label
  model::AgentState state = model::AgentState::planned;
  model::AgentActivity activity = model::AgentActivity::unknown;
  ControllerName controller;
  std::string for_item;          // key at that controller; empty: none
  std::uint32_t max_builds = 1;  // 0: no limit
  std::uint32_t builds_done = 0;
  bool working = false;  // has work that is not over, though it may be disconnected
  bool awaited = false;  // connected before the server was restarted; its controller has not spoken of it yet
  // It is to end or to drain, and its row does not say so yet. Its item stays with it until then, and until
  // it is barred: a server that dies now would find it as it was, and with another agent for the same item.
  bool is_leaving = false;
  bool is_barred = false;  // its controller has confirmed that it gets no more work
  // On its way by records that are in doubt: it may be at work for another server, or for an item whose build
  // they do not know. No surplus, whatever waits, and nothing to count on: only the item that it was launched
  // for waits for it.
  bool is_unheard = false;
  Duration idle_timeout{0};
  Duration max_age{0};  // 0: no limit
  Instant planned;
  Instant connected;
  Instant idle_since;
  Instant paid_until;  // it is not ended for being idle before; not set: that does not matter
  Instant launch_deadline;
  model::EndReason end_reason = model::EndReason::none;  // the controller's word for lost and done
};

// What a group of agents may take, and what it has spent; agents count that hold a resource, or will.
struct Quota {
  model::AgentLimits most;
  Spent spent;
};

struct Template {
  CloudName cloud;
  TemplateName name;  // unique over all clouds
  std::uint64_t generation = 0;
  std::vector<std::string> labels;
  bool is_default = false;
  int priority = 0;         // higher first
  model::AgentLimits most;  // agents of it that hold a resource, or will
  // Of one agent, as it would be launched now.
  model::AgentSize size;
  model::Money per_hour;
  Duration least_billed{0};
  Instant offered_until;  // another size or price is offered from then on; not set: nobody knows of any
  // While it is open and its pause is over, one launch of a plan at most: that one is the probe, and who
  // carries the plan out tells the breaker (on_probe_launched) before the next plan.
  Breaker breaker;
  model::PoolSize pool;  // agents that are kept without an item; empty: none
  ControllerName pool_controller;
  std::vector<ControllerName> controllers = {};  // for whose items it is; empty: of all
  bool operator==(const Template&) const = default;
};

// Resources of this installation that live in a cloud and that no agent counts for: no record tells of them,
// or one that says they have ended.
// So many of one kind, as far as that is known.
struct Strays {
  std::uint32_t count = 0;
  model::AgentSize size;  // of one of them, as the next two
  model::Money per_hour{};
  Duration least_billed{0};
  TemplateName template_name{};  // the next three: empty, it is not known
  std::vector<std::string> labels{};
  ControllerName controller{};
  bool operator==(const Strays&) const = default;
};

struct Cloud {
  CloudName name;
  std::string pause_text;  // "by admin: maintenance"; empty: a person has not paused it
  Instant hold_until;
  std::string hold_text;
  Quota quota;
  // Count while they live: in its limits, in those of all agents, and in those of their template, labels and
  // controller where these are known.
  std::vector<Strays> strays{};
};

struct Snapshot {
  std::vector<Item> items;
  std::vector<Agent> agents;  // all that may hold a resource; terminated ones are ignored
  std::vector<Template> templates;
  std::vector<Cloud> clouds;  // a template of a cloud that is not here is not used
};

struct Limits {
  Quota all;
  std::map<TemplateName, Spent> templates_spent;     // their limits are with them
  std::map<std::string, Quota, std::less<>> labels;  // of agents that offer it, in any cloud
  std::map<ControllerName, Quota> controllers;       // of agents for its work, in any cloud
  std::string storage_trouble;                       // why nothing can be stored; empty: it can
  // Of one cloud, planned or launching; 0: no limit. What is beyond waits for an answer: another template
  // would not be the best one.
  std::uint32_t launches_at_once = 0;
};

enum class HoldReason {
  no_template,          // no template's labels satisfy the expression
  no_default_template,  // no label asked for and no template has default: true
  storage_full,
  // Limits: of all agents; then the same of one cloud, template, label and controller.
  global_cap,
  vcpu_cap,
  memory_cap,
  hour_budget,
  day_budget,
  cloud_cap,
  cloud_vcpu_cap,
  cloud_memory_cap,
  cloud_hour_budget,
  cloud_day_budget,
  template_cap,
  template_vcpu_cap,
  template_memory_cap,
  template_hour_budget,
  template_day_budget,
  label_cap,
  label_vcpu_cap,
  label_memory_cap,
  label_hour_budget,
  label_day_budget,
  controller_cap,
  controller_vcpu_cap,
  controller_memory_cap,
  controller_hour_budget,
  controller_day_budget,
  template_disabled,   // by its breaker, until its configuration changes
  template_open,       // its breaker: too many failures, and a pause
  template_half_open,  // its breaker: one agent is tried, the others wait for it
  cloud_held,          // throttled, or without clear answers
  cloud_paused,        // by a person, until a person resumes it
  launch_limit,        // the best template's cloud has enough launches to answer
};
std::string_view to_string(HoldReason reason);
// What it is looked at again for, besides the time that a hold may have; a stable word. Where an agent would
// never fit, Held says otherwise.
std::string_view look_again_on(HoldReason reason);

// What stands against a launch.
struct Held {
  HoldReason reason = HoldReason::no_template;
  std::string text;
  Instant look_again;  // not set: at the next event
  std::string of{};    // of a limit: the cloud, template, label or controller; empty: all
  std::string_view look_again_on{policy::look_again_on(reason)};
  bool operator==(const Held&) const = default;
};
// The same of one template that fits.
struct Tried {
  CloudName cloud;
  TemplateName template_name;
  HoldReason reason = HoldReason::no_template;
  std::string text;
  Instant look_again;
  std::string_view look_again_on;
  bool operator==(const Tried&) const = default;
};
using TriedList = std::shared_ptr<const std::vector<Tried>>;  // best first; shared by items of one class

struct Launch {
  ItemRef item;  // without a key: for the pool of the template
  CloudName cloud;
  TemplateName template_name;
  model::LaunchReason reason = model::LaunchReason::waiting_item;
  std::string text;     // with the inputs it was decided on
  TriedList not_these;  // the better ones; null: none of them, or for a pool
};
struct Match {  // this item is served by this agent
  ItemRef item;
  AgentId agent;
};
struct Termination {
  AgentId agent;
  model::EndReason reason = model::EndReason::none;
  std::string text;
};
struct Drain {
  AgentId agent;
  model::EndReason reason = model::EndReason::none;
  std::string text;
};
struct Hold {
  ItemRef item;
  HoldReason reason = HoldReason::no_template;
  std::string text;  // with the inputs it was decided on
  Instant look_again;
  TriedList tried;  // never null
  std::string_view look_again_on{};
};

// The same for all waiting items of a controller with this label, as it is now.
struct Words {
  ControllerName controller;
  std::string label;  // its text
  Held held;
  TriedList tried;  // never null
};

struct PoolReport {  // of a template that has a pool now
  TemplateName template_name;
  std::uint32_t target = 0;     // agents without work that it wants
  std::uint32_t at_work = 0;    // or given an item by this plan
  std::uint32_t idle = 0;       // without an item, with those beyond the target
  std::uint32_t on_way = 0;     // not idle yet, with those that this plan launches
  std::optional<Held> hold;     // why the rest is not launched
  std::vector<AgentId> wanted;  // idle time does not end them
  bool operator==(const PoolReport&) const = default;
};

struct Plan {
  std::vector<Match> matches;  // in queue order, as launches and holds are
  std::vector<Launch> launches;
  std::vector<Hold> holds;
  std::vector<Words> words;               // of a ledger's plan only
  std::vector<Termination> terminations;  // by agent id, as drains are
  std::vector<Drain> drains;
  std::vector<PoolReport> pools;  // by template
  Instant next_look;              // not set: at the next event
};

// The plan of a whole world from nothing. The server does not call it: its fleet keeps a Ledger (ledger.hpp),
// which makes the same plan from changes. This is what tests hold that to, and what benchmarks compare it
// with.
Plan plan_provisioning(const Snapshot& snapshot, const Limits& limits, Instant now);

}  // namespace footman::policy
