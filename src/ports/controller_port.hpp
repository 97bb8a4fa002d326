// ControllerPort: what the fleet needs from any CI controller. All calls on the control executor.
// Implemented by `controller`; used by `fleet`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "ports/agent_endpoint.hpp"
#include "runtime/awaitable.hpp"

namespace footman::ports {

// One waiting item that wants an agent now (buildable, not served by an agent that is already at work on it).
// One that was given to an agent is among them again only once that agent can begin it no more: the fleet may
// have another agent run it.
struct DemandItem {
  std::string key;      // unique over the controller's whole life, never used again
  std::string label;    // normalised label expression; empty: none
  base::Instant since;  // buildable since
  std::string title;    // "team/app #17", for people
  bool operator==(const DemandItem&) const = default;
};

// What has become of the demand since an earlier answer.
struct DemandNews {
  std::uint64_t version = 0;  // for the next question
  bool complete = true;       // `items` is all of it; false: after those that are gone, those that came
  std::vector<DemandItem> items;
  std::vector<std::string> gone;  // keys
};

// Agents of which something else may be observed than at an earlier answer.
struct AgentNews {
  std::uint64_t version = 0;  // for the next question
  bool complete = true;       // of any of them; false: of these
  std::vector<base::AgentId> changed;
};

using model::AgentActivity;

struct AgentObservation {
  AgentActivity activity = AgentActivity::unknown;
  // First connection. From then on a lease of the controller says when it is `lost`, also while it is
  // `expected` because it is not ready yet: no launch deadline ends it any more.
  base::Instant connected_at;
  base::Instant idle_since;  // set when idle
  std::uint32_t builds_done = 0;
  std::string working_on;                                // DemandItem::key when busy
  bool started = false;                                  // that work has begun: it stays with this agent
  std::string build;                                     // its last one, for log lines; empty: not known
  model::EndReason end_reason = model::EndReason::none;  // for lost and done
  std::string detail;                                    // sentence for lost and done
  std::string peer;                                      // address that it connected from last
};

struct AgentRegistration {
  base::AgentId id;
  std::uint32_t attempt = 1;
  std::vector<std::string> labels;
  std::uint32_t max_builds = 1;       // then it takes no more; 0: no limit
  std::string for_item;               // preferred first work
  base::Duration secret_lifetime{0};  // it can be redeemed for so long from now on
  bool is_default = false;            // takes items without a label
  base::CloudName cloud = {};         // where it will be launched
  std::string client_token = {};      // of its launch
  bool is_stored = false;             // its make_row() is durable
};

// What the agent shows. For the launch, never for a row.
struct AgentBootstrap {
  base::Secret secret;  // to a Footman server, once
  // To a controller of another kind. Only for where no footman-agent can fetch it: see CredentialSource.
  base::Secret controller_secret{};
};

// Why an agent is removed, for those whose work is lost with it.
struct AgentEnd {
  model::EndReason reason = model::EndReason::none;
  std::string text;  // a sentence, for the build's reason
};

// Why an item waits, as the fleet sees it; shown with the item. Items that wait for the same share one. Code
// and agent of it stay; text and times follow what they tell of, such as how many agents there are, with each
// plan (on the control executor): read it when it is shown.
struct WaitReason {
  std::string code;             // stable word: "launching", "no_template", "cap", "backoff", …
  std::string text;             // sentence with the inputs it was decided on
  base::AgentId agent;          // the agent on its way, if any
  base::Instant look_again;     // for holds
  base::Instant expected_at;    // its agent should be connected by then, as launches went lately; may be past
  std::string look_again_on{};  // for holds: the event, a stable word
  bool operator==(const WaitReason&) const = default;
};
using SharedReason = std::shared_ptr<const WaitReason>;

class ControllerPort {
 public:
  virtual ~ControllerPort() = default;
  virtual base::ControllerName name() const = 0;

  // How an agent for its work reaches it; nothing: as the agent's template says. The same for the same id.
  virtual std::optional<AgentEndpoint> find_endpoint(const base::AgentId& id) const {
    (void)id;
    return std::nullopt;
  }

  // Items that want an agent, oldest first. A view; calling it costs no I/O. The whole contract of a
  // controller whose queue is short enough to be read each time; the fleet itself asks for news. While the
  // controller cannot be reached: what it said last, also after a restart, as agents whose item is gone are
  // ended. The same holds for observe_agent().
  virtual std::vector<DemandItem> demand() const = 0;
  // The same for somebody who keeps what he was told: since the answer with that version; 0: from nothing. A
  // controller that does not know any more what it answered then lists all. Costs no I/O.
  virtual DemandNews demand_since(std::uint64_t version) {
    (void)version;
    return {0, true, demand(), {}};
  }

  // The row that the agent has in the controller's own tables, for a controller that shares the fleet's
  // store: it becomes durable together with the launch intent, in one commit. Nothing: none.
  virtual std::optional<model::Node> make_row(const AgentRegistration& registration) const {
    (void)registration;
    return std::nullopt;
  }
  // Makes the agent known before its resource exists. Idempotent for the same id and attempt (the same secret
  // again); a higher attempt replaces the lower one, whose secret and session become invalid, or is a
  // conflict where a name stands for one attempt.
  virtual runtime::Awaitable<base::Result<AgentBootstrap>> register_agent(AgentRegistration registration) = 0;
  virtual AgentObservation observe_agent(base::AgentId id) const = 0;
  // Which ones to observe again, since the answer with that version; 0: from nothing. Costs no I/O. The whole
  // contract of a controller with few agents: all of them.
  virtual AgentNews agents_since(std::uint64_t version) {
    (void)version;
    return {};
  }
  // It sees a build on an agent that is not its own, and was of a controller that is not configured any more.
  virtual bool sees_at_work(const base::AgentId& id) const {
    (void)id;
    return false;
  }
  // No new work from the answer on, over restarts too; running work goes on. Idempotent. With an error
  // nothing has changed; `timeout`: that is not known.
  virtual runtime::Awaitable<base::Status> drain_agent(base::AgentId id) = 0;
  // Ends the session, refuses later ones, gives work that has not started back to the queue; a build that had
  // started is declared lost with `end.text` as its sentence; whether it is run again is the controller's own
  // policy. Idempotent. With the answer, or not_found, all that is durable: no agent is launched in place of
  // this one before, so that two never take the same item. Until then the item that it was registered for
  // waits with it, unless observe_agent() says `unknown`, `lost` or `done`, which is as much.
  virtual runtime::Awaitable<base::Status> remove_agent(base::AgentId id, AgentEnd end) = 0;

  // After the answer to remove_agent(), if there was any: nothing of the agent runs any more, as its record
  // is closed, or nobody will ever know, as its cloud is not configured any more. What a controller runs
  // again in place of work that was lost with it may begin now. Cheap; at least once.
  virtual void agent_ended(base::AgentId id) { (void)id; }

  // The fleet's word on a waiting item, never null, shown to people until the next one.
  virtual void set_wait_reason(const std::string& item_key, SharedReason reason) = 0;
  // Called (on the control executor, cheaply, often) when demand or an observation may have changed: look
  // again.
  virtual void set_on_change(std::function<void()> look_again) = 0;

  // False: it gets no agents any more, and none are kept ready for it by pools.
  virtual bool takes_agents() const { return true; }
};

}  // namespace footman::ports
