// What people are shown of each Jenkins that gets agents, and what they can do about it. Implemented by the
// program; used by api and web. Control executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/controller_port.hpp"
#include "runtime/awaitable.hpp"

namespace footman::ports {

struct JenkinsItem {
  std::string title;                 // "team/app #17"
  std::optional<std::string> label;  // empty: it has none; nothing: Jenkins did not tell it
  base::Instant since;
  std::string verdict;  // a word: "wanted", "blocked", "not_served", …
  std::string text;     // why it gets no agent; empty: it is to get one
  SharedReason reason;  // the fleet's; null: none
};

struct JenkinsNode {
  std::string name;
  base::AgentId agent;
  std::string state;  // a word: "held", "open", "working", …
  bool connected = false;
  std::string work;   // "team/app #17", its last build; empty: none
  std::string build;  // the URL of that; empty: not told
  base::Instant created;
  base::Instant working_since;  // not set: it has no build now
  std::string note;             // that is shown with it in Jenkins; empty: none
};

struct JenkinsStatus {
  base::ControllerName name;
  std::string url;
  std::string reach;    // a word: "unasked", "well", "away", "refused"
  base::Instant since;  // of reach
  std::string trouble;  // a sentence; empty: all is well
  bool detached = false;
  bool tells_labels = false;       // its placeholders stand
  std::vector<JenkinsItem> items;  // in the order of the queue
  std::vector<JenkinsNode> nodes;  // of agents
  std::vector<std::string> violations;
};

class JenkinsDesk {
 public:
  virtual ~JenkinsDesk() = default;
  virtual std::vector<JenkinsStatus> list() const = 0;  // as configured
  // Removes what stands there for all agents, and launches none for it any more in this run of the server.
  // Answers with how many nodes that were. Errors: not_found, and those of calling it.
  virtual runtime::Awaitable<base::Result<std::size_t>> detach(base::ControllerName name) = 0;
};

}  // namespace footman::ports
