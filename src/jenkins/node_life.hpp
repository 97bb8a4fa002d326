// The life of one agent's node in Jenkins: what is to be done about it next, by its record and by what
// Jenkins shows of it. Pure, so that every order of steps, restarts and losses can be gone through in tests.
//
//   planned → held → open → working → over → (noted →) going
//
// A node is made and held - temporarily offline: it takes no builds - before its agent starts. It is opened
// only while its agent is connected and a build that it fits waits, and held again as soon as that build is
// seen, so that no second one slips in between. Nodes for several builds stay open until their last one.
//
// After a restart of Jenkins (another session) the run of a pipeline finds its node by name, and gives up
// after five minutes when that is held: such a node is opened, and held once the run is back.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jenkins/answers.hpp"
#include "jenkins/demand.hpp"
#include "jenkins/node_book.hpp"

namespace footman::jenkins {

// How long an agent may be away without a build, and with the build of a pipeline, for which Jenkins waits
// five minutes. agent.jar comes back every ten seconds.
inline constexpr Duration kSilence = 2min;
inline constexpr Duration kResumePatience = 6min;

// With what Footman holds nodes; all begin so.
inline constexpr std::string_view kHoldMark = "Footman: ";
inline constexpr std::string_view kHeldUntilWork = "Footman: held until there is work for it";
inline constexpr std::string_view kHeldSingleUse = "Footman: takes no more builds";

enum class NodeStep {
  none,
  hold,
  open,
  erase,
  note,       // show the record's note: held, with this as the message
  ask_item,   // what became of the item that it was opened for?
  ask_build,  // is its build over?
  ask_node,   // it is not listed: is it there?
};
std::string_view to_string(NodeStep step);

// What it says that Jenkins does not show an agent's connection.
enum class Silence {
  away,     // the agent is not there
  hidden,   // Footman lacks the right to see it
  unclear,  // one or the other
};

enum class ItemEnd { unknown, started, not_started };

// What is known of the world around one node, all of it read after the last step on the node was done.
struct NodeSight {
  const Computer* computer = nullptr;  // null: not listed
  std::string session;
  // Jenkins tells since then which agents are there: it was started, or hid them before.
  Instant links_since;
  Silence silence = Silence::away;
  Instant now;
  // Jenkins has run for long enough that what it does not show is not there.
  bool is_settled = true;
  bool is_served = true;  // false: as if all its agents were drained
  // The item that this node is to be opened for; null: none.
  const QueueItem* open_for = nullptr;
  bool released_waits = true;  // the item that it was opened for is in the queue still
  // An item left the queue while this node was open, and it is not known yet where its build was. May be
  // null.
  std::function<bool()> is_in_doubt;
  ItemEnd released_end = ItemEnd::unknown;  // answer to ask_item
  bool build_over = false;                  // answer to ask_build
  bool is_gone = false;                     // answer to ask_node
  // A step of a pipeline in the queue that was here before a restart of Jenkins, and asks for the node by its
  // name; null: none.
  const QueueItem* step_for_it = nullptr;
  // Of the items that were in the queue lately, the one whose build this is; null: none.
  std::function<const JudgedItem*(const std::string& build)> find_item;
};

struct NodeTurn {
  NodeRecord record;
  NodeStep step = NodeStep::none;
  std::string_view message;        // for hold
  bool forget = false;             // the record has done its duty
  bool may_be_waited_for = false;  // drained, and a build may yet come back to it after a restart of Jenkins
  std::string violation;           // a sentence; empty: none
};

NodeTurn look_at_node(const NodeRecord& record, const NodeSight& sight);

// What was opened is done: `record` after the step `open` was.
void note_opened(NodeRecord& record, const QueueItem* item);

// Its next build is its last one.
bool is_last_build(const NodeRecord& record);
// It is open for a last build that is not seen yet: what comes after that one would be too many.
bool is_exposed(const NodeRecord& record);
// It has one that is named and not over.
bool has_build(const NodeRecord& record);
// It has a build, and it is not told yet which one.
bool is_unnamed(const NodeRecord& record);
// Something can change about it at any moment: look often.
bool is_lively(const NodeRecord& record);

// A sentence on a build that it should not have had, which is counted.
std::string note_violation(NodeRecord& record, std::string_view what);

ports::AgentObservation observe_node(const NodeRecord& record);

// Who is opened for what: the items that want an agent, in their order, each with the node that was launched
// for it, or the one that waits for longest of those that it fits. By agent; only held nodes whose agent is
// there: `is_up`, by what was read last.
std::map<std::string, const QueueItem*> plan_openings(const std::vector<JudgedItem>& items,
                                                      const std::vector<const NodeRecord*>& nodes,
                                                      const std::function<bool(const NodeRecord&)>& is_up);

}  // namespace footman::jenkins
