// A second controller beside the built-in one, outside all nodes: it survives every crash of the server. What
// the world and the invariants know of it; RemoteController and SimJenkins are such ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "jenkins/node_book.hpp"
#include "jenkins/transport.hpp"
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "ports/credential_source.hpp"
#include "runtime/clock.hpp"
#include "sim/accounts.hpp"
#include "sim/loop.hpp"
#include "store/store.hpp"

namespace footman::sim {

// What one life of the server gives its port. The last two are planted bugs; null: none.
struct OtherParts {
  runtime::Executor control;
  runtime::Clock& clock;
  store::Store& store;
  base::InstallationId installation;
  bool in_doubt = false;    // its records may be those of a copy
  base::Secret server_key;  // of the agents' bootstrap secrets
  base::Metrics& metrics;
  base::Logger log;
  std::function<std::unique_ptr<jenkins::NodeBook>(jenkins::NodeBook& real)> bend_book;
  std::function<std::unique_ptr<jenkins::Transport>(jenkins::Transport& real)> bend_transport;
};

// What one life of the server holds of it. Errors of start(): as of the store.
class OtherPort : public ports::ControllerPort {
 public:
  virtual ports::CredentialSource* credentials() { return nullptr; }  // null: nobody fetches a secret of it
  virtual runtime::Awaitable<base::Status> start() { co_return base::Status(); }
  virtual runtime::Awaitable<void> stop() { co_return; }
};

class OtherController {
 public:
  struct Waiting {            // as the server is told, when it is reached
    std::int64_t number = 0;  // of no other item
    std::string key;
    std::string label;
    Instant since;
    ports::SharedReason reason;  // null: nothing was said yet
  };
  struct Demanded {
    std::string label;
    std::size_t others = 0;  // items that may want an agent, or did a moment ago
  };

  OtherController() = default;
  OtherController(const OtherController&) = delete;
  OtherController& operator=(const OtherController&) = delete;
  virtual ~OtherController() = default;

  base::ControllerName name() const { return base::ControllerName("jenkins"); }
  // From now on items come and things break; from now on nothing breaks and no more come.
  virtual void begin() = 0;
  virtual void calm_down() = 0;
  // All items are over, and only agents that are ready for more are known.
  virtual bool done() const = 0;
  virtual std::string what_is_left() const { return {}; }
  // Everything has drained: once more.
  virtual void check_end() {}

  // --- what is true
  virtual bool is_reached() const = 0;
  virtual Duration reached_since() const = 0;  // valid when it is
  virtual std::vector<Waiting> list_waiting() const = 0;
  virtual std::optional<std::string> find_key(std::int64_t number) const = 0;
  virtual std::optional<Demanded> find_demanded(const std::string& key, Duration within) const = 0;
  virtual std::vector<QueuedItem> list_queued() const = 0;
  virtual std::vector<GivenWork> list_work() const = 0;  // with what is over
  virtual std::optional<Duration> last_work(const base::AgentId& agent) const = 0;
  // Until then agents may be kept for work that it has lost.
  virtual Duration may_wait_until() const { return Duration(0); }

  // --- its agents
  virtual bool knows(const base::AgentId& agent) const = 0;  // or did
  // As it is, whether it is reached or not.
  virtual ports::AgentActivity activity_of(const base::AgentId& agent) const = 0;
  virtual void start_agent(const std::string& machine, const ports::LaunchSpec& spec) = 0;
  virtual void lose_machine(const std::string& machine) = 0;

  virtual std::unique_ptr<OtherPort> make_port(OtherParts parts) = 0;

  // An agent has left by itself: (machine, why).
  std::function<void(const std::string&, const std::string&)> on_exit;
  std::function<void()> on_trouble;  // it cannot be reached from now on, or is so again
  std::function<Instant()> clock_of_server;
  // Since when nothing is broken, the server's own life included.
  std::function<Duration()> calm_since;
};

}  // namespace footman::sim
