// What the fleet shows to the API, the pages and `footman explain`. Values; copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/agent.hpp"
#include "model/pool.hpp"
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"

namespace footman::fleet {

using namespace footman::base;

struct AgentView {
  // As stored; promised_to as it is now; of a living one without its frozen request.
  model::Agent agent;
  ports::AgentObservation observation;  // what its controller says now
  bool kept_ready = false;              // by the pool of its template; of a single agent's view only
  std::string trouble = {};             // sentences: why its record stays, and what to do; empty: none
};

// A template's circuit breaker (policy/breaker.hpp).
struct BreakerView {
  std::string_view state;    // closed, open, half_open, disabled
  std::string_view failure;  // class of the last failure; this and the next three only when it is not closed
  std::string reason;        // what was said about it
  std::uint32_t failures = 0;  // in a row
  Instant since;
  Instant next_probe;  // open: one agent is tried from then on, once an item waits for it
  AgentId probe;       // half_open: the agent that is tried
};

// One form of a template (policy/rotation.hpp); shown when there are several.
struct VariantView {
  std::string name;
  model::AgentSize size;
  model::Price price;
  Instant rests_until;  // not set: it does not rest
  std::string reason;   // of its last failure; empty: none since work began on one
};

// What somebody has found out about a pool with a goal: how many idle agents it needs, and what is to be
// expected of them.
struct PoolAnswer {
  std::uint32_t min_idle = 0;
  bool met = false;                        // the goal, with so many
  std::string text;                        // sentences, for people
  Instant at;                              // found out
  std::uint64_t builds = 0;                // of the past, that it was tried on
  std::optional<Duration> wait;            // so many per cent of them would have waited no longer
  std::optional<model::Money> cost_a_day;  // of the template's agents, builds included
  bool operator==(const PoolAnswer&) const = default;
};
using PoolAnswers = std::map<TemplateName, PoolAnswer>;

// The warm pool of a template: what it wants and has by the last plan, and what it was good for.
struct PoolView {
  std::string size;           // "2 idle or 20% of those at work"
  std::string schedule;       // that is on: "0 8 * * 1-5 Europe/Berlin"; empty: none
  Instant until;              // another schedule may be on from then; not set: there is none
  std::uint32_t target = 0;   // agents without work that are wanted
  std::uint32_t at_work = 0;  // agents of the template
  std::uint32_t idle = 0;     // without work, with those beyond the target
  std::uint32_t on_way = 0;
  std::string_view
      hold;             // why nothing more is launched for it: policy::HoldReason; empty: nothing is missing
  std::string trouble;  // the same as a sentence
  Instant look_again;
  std::uint64_t hits = 0;    // since the server was started: builds that no agent was launched for
  std::uint64_t misses = 0;  // builds that waited for the launch of their agent
  std::optional<model::PoolGoal> goal;
  std::optional<PoolAnswer> answer;  // to the goal; empty: none yet
};

struct TemplateView {
  TemplateName name;
  CloudName cloud;
  std::uint64_t generation = 0;
  std::vector<std::string> labels;
  bool is_default = false;
  std::uint32_t max_builds = 1;  // of one agent; 0: no limit
  std::uint32_t cap = 0;         // 0: none
  std::uint32_t holding = 0;     // agents that may hold a resource
  model::AgentSize size;         // of its first variant, as the price
  model::Price price;
  bool held = false;    // its breaker is not closed, see `trouble`
  std::string trouble;  // sentence; empty: none
  Instant look_again;
  BreakerView breaker;
  std::vector<VariantView> variants;       // best first; empty: it has one form only
  std::optional<PoolView> pool;            // empty: it keeps none now
  Duration idle_time{0};                   // of all its agents together, since the server was started
  model::Money idle_cost;                  // of that, at the agents' prices
  std::optional<Duration> typical_launch;  // from the decision to the connection, as launches went lately
};

// A person keeps a cloud from launching agents; those that are there go on.
struct Pause {
  Instant since;     // not set: it is not paused
  std::string text;  // who and why, after "paused": "by admin: maintenance"
};

struct CloudView {
  CloudName name;
  bool is_configured = true;   // false: there are records of its agents only
  std::uint32_t cap = 0;       // the smaller of the config's and the provider's; 0: none
  std::uint32_t starting = 0;  // planned … connecting
  std::uint32_t online = 0;
  std::uint32_t ending = 0;  // draining, terminating, failed, lost
  bool healthy = true;       // the last call to it was answered
  std::string trouble;       // sentence; empty: none
  Instant trouble_since;
  std::string warning;  // what people should see to though it does what it is asked; empty: nothing
  Instant last_listed;  // last complete observe()
  Pause pause;
  std::vector<TemplateView> templates;
};

// One template that was considered for an item and what it said.
struct Consideration {
  TemplateName template_name;
  CloudName cloud;
  std::string code;     // stable word: policy::HoldReason; of the item's own agent that of its WaitReason; of
                        // those that were passed over without a word: not_asked, not_needed
  std::string text;     // sentence
  Instant look_again;   // for holds
  Instant expected_at;  // of an agent that is on its way: as in WaitReason
  std::string_view look_again_on{};  // likewise; empty: it is no hold, or is none any more
  bool operator==(const Consideration&) const = default;
};

struct ItemView {
  ControllerName controller;
  std::string item_key;
  std::string title;
  ports::WaitReason reason;
  // In the order in which they are tried, all that fit, kConsideredKept at most once an agent is on its way:
  // if it was launched for the item, those that said no then, its template, those that were not asked; if it
  // was there already, its template among those of which none was needed.
  std::vector<Consideration> considered;
};

struct EndingView {
  AgentId agent;
  model::EndReason reason = model::EndReason::none;
  std::string text;
};

struct PlanView {
  Instant at;
  std::uint64_t number = 0;         // grows with each plan
  std::uint32_t launches = 0;       // of this plan
  std::vector<ItemView> items;      // every item that waited when the plan was made
  std::vector<EndingView> endings;  // agents this plan decided to end
  Instant next_look;                // not set: at the next event
};

// What a reconcile round found about one row or one resource.
enum class Verdict {
  matched,         // row and resource agree
  handle_learned,  // launched, but the answer was lost: the handle is stored now
  not_listed_yet,  // inside the grace period of the cloud's listing
  never_launched,  // an intent whose token the cloud does not know, too old to be sent again
  resource_gone,   // the row says alive, the cloud says ended
  must_end,        // the row says ended, the resource is alive: terminated again
  orphan,          // a resource of this installation without a row: ended
  foreign,         // of another installation: not touched
  past_deadline,   // not connected in time: ended
  cloud_unknown,   // the row's cloud is not configured any more: nobody can look, so it counts
};
std::string_view to_string(Verdict verdict);

struct Finding {
  Verdict verdict = Verdict::matched;
  AgentId agent;
  CloudName cloud;
  std::string handle;
  std::string text;
  bool held = false;  // it is not ended before a person has said so
};
std::string sentence(const Finding& finding);  // its text, and what it waits for

// Ends of strays that wait, after a start, for `footman reconcile --apply`.
struct Hold {
  std::string reason;  // stable word: policy::ReconcileVerdict
  std::string text;    // sentence
  std::size_t would_end = 0;
  std::size_t seen = 0;  // agents of this installation that live in the clouds
};
struct ReconcileView {
  Instant at;
  std::optional<Hold> held;
  std::vector<Finding> findings;  // all but `matched`
  std::uint32_t matched = 0;
};

}  // namespace footman::fleet
