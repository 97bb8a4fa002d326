// A controller that says what a test tells it. It survives the crash of the fleet, as a real one's rows do.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/controller_port.hpp"
#include "runtime/wait.hpp"

namespace footman::fleet::testing {

using namespace footman::base;
using runtime::Awaitable;

class ScriptedController final : public ports::ControllerPort {
 public:
  struct Node {
    ports::AgentRegistration registration;
    ports::AgentObservation seen;
    bool draining = false;
  };
  std::deque<ports::DemandItem> items;
  std::map<AgentId, Node> nodes;
  std::map<AgentId, std::string> removed;  // with the sentence
  std::map<AgentId, model::EndReason> removed_for;
  std::vector<AgentId> ended;
  // What was told of items, as it reads now.
  struct Reasons {
    std::map<std::string, ports::SharedReason> by_item;
    bool contains(const std::string& key) const { return by_item.contains(key); }
    ports::WaitReason at(const std::string& key) const { return *by_item.at(key); }
  };
  Reasons reasons;
  int reasons_told = 0;
  mutable int demand_calls = 0;
  bool tells_news = false;  // of agents: only of those that changed
  std::set<AgentId> changed_agents;
  mutable int observe_calls = 0;
  bool registers = true;
  bool takes = true;   // agents
  bool hangs = false;  // all calls
  bool removes = true;
  bool has_rows = false;                         // in the fleet's store
  std::optional<ports::AgentEndpoint> endpoint;  // of its agents
  std::optional<Errc> drain_error;               // it answers so and has changed nothing
  std::set<AgentId> seen_at_work;                // of other controllers
  std::function<void(const AgentId&)> on_drain;  // just before it is carried out

  explicit ScriptedController(ControllerName name = ControllerName("builtin")) : name_(std::move(name)) {}

  ControllerName name() const override { return name_; }
  bool takes_agents() const override { return takes; }
  std::vector<ports::DemandItem> demand() const override {
    ++demand_calls;
    return {items.begin(), items.end()};
  }
  std::optional<ports::AgentEndpoint> find_endpoint(const AgentId&) const override { return endpoint; }
  void agent_ended(AgentId id) override { ended.push_back(std::move(id)); }
  std::optional<model::Node> make_row(const ports::AgentRegistration& registration) const override;
  Awaitable<Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(AgentId id) const override;
  bool sees_at_work(const AgentId& id) const override { return seen_at_work.contains(id); }
  ports::AgentNews agents_since(std::uint64_t version) override;
  Awaitable<Status> drain_agent(AgentId id) override;
  Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override { on_change_ = std::move(look_again); }
  void changed() const {
    if (on_change_) on_change_();
  }

  void submit(const std::string& key, Instant since, const std::string& label = {});
  void withdraw(const std::string& key);
  // Of a node: as the real one would tell it.
  void connect(const AgentId& id, Instant now);
  void work(const AgentId& id, const std::string& key);  // takes the item out of the demand
  void finish(const AgentId& id, Instant now);
  void say(const AgentId& id, ports::AgentActivity activity, model::EndReason reason = model::EndReason::none,
           std::string detail = {});

  // The server dies: what hangs is gone.
  void crash() {
    never_ = std::make_unique<runtime::Event>();
    on_change_ = {};
  }

 private:
  Awaitable<void> turn();
  void changed(const AgentId& id) {
    changed_agents.insert(id);
    changed();
  }
  ControllerName name_;
  std::uint64_t told_ = 0;
  std::unique_ptr<runtime::Event> never_ = std::make_unique<runtime::Event>();
  std::function<void()> on_change_;
};

}  // namespace footman::fleet::testing
