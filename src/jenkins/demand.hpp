// Which waiting items want an agent, of what label, or why not. Pure.
//
// Nothing is launched for what is not understood. An item wants an agent when it is buildable, its label is
// known, a template serves that label here, and no idle executor of somebody else's node is about to take it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "jenkins/answers.hpp"
#include "model/label.hpp"

namespace footman::jenkins {

// Jenkins looks through its queue at each event, and at least every five seconds: the text of an item may be
// that old, and an idle executor that has not taken an item after that time will not.
inline constexpr Duration kQueueBeat = 6s;

// When labels also stand on nodes that Footman does not own.
enum class Overflow {
  never,      // no agents for such labels
  when_busy,  // where none of those nodes has an idle executor
  after,      // the same, and the item has waited for `overflow_after`
};

struct ServedLabels {  // of one template
  std::vector<std::string> labels;
  bool is_default = false;  // takes items without a label
  bool operator==(const ServedLabels&) const = default;
};

struct DemandRules {
  std::vector<ServedLabels> served;
  Overflow overflow = Overflow::when_busy;
  Duration overflow_after{0};
};

enum class Verdict {
  wanted,
  quiet_period,
  blocked,
  pending,         // is about to start
  shutting_down,   // Jenkins takes no new builds
  idle_executor,   // one of another node's is about to take it
  foreign_nodes,   // other nodes have its label, and Footman is to stand back (for now)
  not_served,      // no template has its label
  needs_no_agent,  // a pipeline itself runs on the controller
  label_not_told,  // and nothing more can be asked
  ask_flow_graph,  // the page of its run may tell the label
  not_understood,
};
std::string_view to_string(Verdict verdict);

struct JudgedItem {
  QueueItem item;
  Verdict verdict = Verdict::not_understood;
  bool has_label = false;  // `label` is known
  std::string label;       // normalised; empty: none
  std::string text;        // a sentence for people
  // Of ours, which it waits for by its name: a step that goes on after a restart of Jenkins. Empty: none.
  std::string node;
};

// What was learned about items before, by key: an item's label does not change.
using KnownLabels = std::map<std::string, std::string, std::less<>>;

struct DemandInput {
  const Queue& queue;
  const Computers& computers;
  const DemandRules& rules;
  const KnownLabels& known;
  std::function<bool(const Computer&)> is_own;  // an agent's node of Footman's, or a placeholder
  // All placeholders have stood for longer than a text may be old, so that a text names the label of every
  // item that a template could serve.
  bool placeholders_stand = false;
  Instant jenkins_now;  // by Jenkins' clock
};

// In the order of the queue.
std::vector<JudgedItem> judge_items(const DemandInput& input);

// The labels of the items of one run, by key, out of its page of steps; none when they cannot be told apart.
// A step that goes on after a restart waits for the node that it had, whose name begins with `prefix`.
KnownLabels assign_flow_labels(const std::vector<std::string>& waiting, const Queue& queue,
                               const std::string& task, const std::string& prefix);

// Whether this is a build of the item: the task of a freestyle item is its job, that of a node step its run.
bool is_build_of(const QueueItem& item, const std::string& build);

// The item whose build this is: the one with the key `preferred`, else the first whose label has a place on a
// node with these labels. Null: none.
const JudgedItem* find_started(const std::vector<const JudgedItem*>& items, const std::string& build,
                               const std::vector<std::string>& labels, const std::string& preferred);

}  // namespace footman::jenkins
