// What must be known of each node after a restart: one record for each agent of a Jenkins, and where they are
// kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "ports/controller_port.hpp"
#include "runtime/awaitable.hpp"

namespace footman::jenkins {

using namespace footman::base;

enum class NodePhase {
  planned,  // it may exist in Jenkins
  held,     // it exists, and takes no builds
  open,     // it may take one
  working,  // it has one
  over,     // it takes no more
  noted,    // its agent is gone for good; it stays for a while and says why
  going,    // it is deleted, or will be; the record goes when Jenkins shows it no more
};
std::string_view to_string(NodePhase phase);
// Its agent was removed.
constexpr bool is_let_go(NodePhase phase) { return phase == NodePhase::noted || phase == NodePhase::going; }

enum class NodeLink { never, up, down };  // of its agent with Jenkins

struct NodeBuild {
  std::string path;          // "job/app/17/"; empty: none, or not told yet
  std::string item;          // ports::DemandItem::key
  std::string title;         // "app #17"
  bool is_pipeline = false;  // it comes back after a restart of Jenkins
  bool is_guess = false;     // it was not seen: Jenkins was restarted when it may have begun
  Instant since;
  Instant resume_since;  // it may come back since
  Instant ended;         // it is over, and its node is not held yet; not set: not that

  bool operator==(const NodeBuild&) const = default;
};

struct NodeRecord {
  ControllerName controller;
  AgentId agent;
  std::uint32_t attempt = 1;
  std::string node;  // its name in Jenkins; never used again
  std::vector<std::string> labels;
  std::uint32_t max_builds = 1;  // 0: no limit
  bool is_default = false;       // takes builds without a label
  ports::DemandItem item;        // it was launched for; empty key: a pool

  std::string key_hash;         // of who fetched its secret; empty: nobody has, here
  Duration secret_lifetime{0};  // it can be fetched for so long, from its registration or from a start on

  NodePhase phase = NodePhase::planned;
  NodeLink link = NodeLink::never;
  std::string session;           // of Jenkins (X-Jenkins-Session) in which the phase was seen
  std::int64_t released_id = 0;  // the queue item that it was opened for
  std::string released_key;
  std::string released_run;  // "job/app/17/", when that item is a step of a pipeline
  std::uint32_t builds_done = 0;
  NodeBuild build;    // the one that is there, or the last one
  NodeBuild awaited;  // a pipeline that another build was faster than: it gets the node after that one
  Instant created;
  Instant connected_at;
  Instant idle_since;
  Instant silent_since;  // its agent is not connected; set when link is down

  bool drained = false;  // gets no more builds, whatever comes
  bool lost = false;     // how it is over
  model::EndReason end_reason = model::EndReason::none;
  std::string detail;
  std::uint32_t violations = 0;  // builds that it should not have had
  std::string note;              // shown as long as it is noted
  bool note_shown = false;
  Instant note_until;

  bool operator==(const NodeRecord&) const = default;
};

// All calls on the control executor. A record that was put is durable with the answer. Two puts of one record
// are never under way at once. Errors: as of the store (unavailable, resource_exhausted, io).
class NodeBook {
 public:
  virtual ~NodeBook() = default;
  virtual runtime::Awaitable<Result<std::vector<NodeRecord>>> load(ControllerName controller) = 0;
  virtual runtime::Awaitable<Status> put(NodeRecord record) = 0;  // by controller and agent
  virtual runtime::Awaitable<Status> erase(ControllerName controller, AgentId agent) = 0;
  // The last builds that nodes should not have had, as sentences, oldest first.
  virtual runtime::Awaitable<Result<std::vector<std::string>>> load_violations(ControllerName controller) = 0;
  virtual runtime::Awaitable<Status> save_violations(ControllerName controller,
                                                     std::vector<std::string> sentences) = 0;
};

}  // namespace footman::jenkins
