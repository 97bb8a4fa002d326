// Planted bugs between the controller and the fleet: what the fleet sees of a controller that misbehaves.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ports/controller_port.hpp"
#include "sim/remote.hpp"

namespace footman::sim {

class BentPort : public ports::ControllerPort {
 public:
  template <class T>
  using Awaitable = runtime::Awaitable<T>;
  template <class T>
  using Result = base::Result<T>;
  using AgentId = base::AgentId;
  using Status = base::Status;

  explicit BentPort(ports::ControllerPort& real) : real_(real) {}
  base::ControllerName name() const override { return real_.name(); }
  bool takes_agents() const override { return real_.takes_agents(); }
  std::vector<ports::DemandItem> demand() const override { return real_.demand(); }
  std::optional<model::Node> make_row(const ports::AgentRegistration& registration) const override {
    return real_.make_row(registration);
  }
  Awaitable<Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration registration) override {
    return real_.register_agent(std::move(registration));
  }
  ports::AgentObservation observe_agent(AgentId id) const override {
    return real_.observe_agent(std::move(id));
  }
  Awaitable<Status> drain_agent(AgentId id) override { return real_.drain_agent(std::move(id)); }
  Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override {
    return real_.remove_agent(std::move(id), std::move(end));
  }
  void agent_ended(AgentId id) override { real_.agent_ended(std::move(id)); }
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override {
    real_.set_wait_reason(item_key, std::move(reason));
  }
  void set_on_change(std::function<void()> look_again) override {
    real_.set_on_change(std::move(look_again));
  }

 protected:
  ports::ControllerPort& real_;
};

class TellsNoReasons final : public BentPort {
 public:
  using BentPort::BentPort;
  void set_wait_reason(const std::string&, ports::SharedReason) override {}
};

// Of those that were ever named, one that is at work.
class NamesTheBusy final : public BentPort {
 public:
  using BentPort::BentPort;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override {
    if (!reason->agent.empty()) {
      named_.push_back(reason->agent);
      const auto busy = std::ranges::find_if(named_, [&](const AgentId& one) {
        return real_.observe_agent(one).activity == ports::AgentActivity::busy;
      });
      if (busy != named_.end()) {
        auto named = *reason;
        named.agent = *busy;
        reason = std::make_shared<const ports::WaitReason>(std::move(named));
      }
    }
    BentPort::set_wait_reason(item_key, std::move(reason));
  }

 private:
  std::vector<AgentId> named_;
};

// For an hour each of them is taken for a newcomer.
class TellsYoungItems final : public BentPort {
 public:
  using BentPort::BentPort;
  std::vector<ports::DemandItem> demand() const override {
    auto items = BentPort::demand();
    for (auto& one : items) one.since = one.since + std::chrono::hours(1);
    return items;
  }
};

// What was lost is run again while its machine may be at work still.
class EndsTooSoon final : public BentPort {
 public:
  using BentPort::BentPort;
  Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override {
    auto answer = co_await BentPort::remove_agent(id, std::move(end));
    BentPort::agent_ended(std::move(id));
    co_return answer;
  }
};

class SaysIdleIsBusy final : public BentPort {
 public:
  using BentPort::BentPort;
  ports::AgentObservation observe_agent(AgentId id) const override {
    auto seen = BentPort::observe_agent(std::move(id));
    if (seen.activity == ports::AgentActivity::idle) seen.activity = ports::AgentActivity::busy;
    return seen;
  }
};

// Those on their way to an item that is gone: nobody else gets them.
class KeepsLeftOvers final : public BentPort {
 public:
  using BentPort::BentPort;
  Awaitable<Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration registration) override {
    item_of_[registration.id] = registration.for_item;
    return BentPort::register_agent(std::move(registration));
  }
  ports::AgentObservation observe_agent(AgentId id) const override {
    auto seen = BentPort::observe_agent(id);
    const auto item = item_of_.find(id);
    if (seen.activity != ports::AgentActivity::expected || item == item_of_.end()) return seen;
    const auto waiting = real_.demand();
    if (std::ranges::find(waiting, item->second, &ports::DemandItem::key) == waiting.end())
      seen.activity = ports::AgentActivity::busy;
    return seen;
  }

 private:
  std::map<AgentId, std::string> item_of_;
};

// One in each life of the server: it is given up, and another one launched.
class LosesANewcomer final : public BentPort {
 public:
  using BentPort::BentPort;
  ports::AgentObservation observe_agent(AgentId id) const override {
    auto seen = BentPort::observe_agent(id);
    if (seen.activity != ports::AgentActivity::expected) return seen;
    if (lost_.empty()) lost_ = id;
    if (lost_ == id) seen.activity = ports::AgentActivity::lost;
    return seen;
  }

 private:
  mutable AgentId lost_;
};

// What was asked for a while ago is asked for again, whatever has become of it.
class AsksAgain final : public BentPort {
 public:
  using BentPort::BentPort;
  std::vector<ports::DemandItem> demand() const override {
    auto items = BentPort::demand();
    lists_.push_back(items);
    if (lists_.size() < 8) return items;
    for (const auto& one : lists_.front())
      if (std::ranges::find(items, one.key, &ports::DemandItem::key) == items.end()) items.push_back(one);
    lists_.pop_front();
    return items;
  }

 private:
  mutable std::deque<std::vector<ports::DemandItem>> lists_;
};

// They are ended, and others are launched.
class CallsNewcomersDone final : public BentPort {
 public:
  using BentPort::BentPort;
  ports::AgentObservation observe_agent(AgentId id) const override {
    auto seen = BentPort::observe_agent(std::move(id));
    if (seen.activity == ports::AgentActivity::expected) seen.activity = ports::AgentActivity::done;
    return seen;
  }
};

// A controller that is not reached knows no agent.
class ForgetsTheDistant final : public RemotePort {
 public:
  using RemotePort::RemotePort;
  ports::AgentObservation observe_agent(base::AgentId id) const override {
    return remote_.is_reached() ? RemotePort::observe_agent(std::move(id)) : ports::AgentObservation();
  }
};

}  // namespace footman::sim
