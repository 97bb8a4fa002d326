// A cloud of which only the behaviour matters: how long an agent takes until it is there and until it is
// gone, how often that goes wrong, how many there may be. It answers truthfully and at once but for the times
// that the model gives it. On the control executor of a simulation.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ports/cloud_provider.hpp"
#include "runtime/clock.hpp"
#include "simulate/records.hpp"
#include "virtual_time/dice.hpp"

namespace footman::simulate {

struct CloudModel {
  Duration boot = 30s;                     // from the launch to the connection: half take less
  Duration boot_p90{0};                    // nine in ten take less (log-normal); 0: all take `boot`
  std::map<TemplateName, Duration> boots;  // of single templates instead of `boot`
  Duration stop{0};                        // from the order to end until it is gone
  double refused = 0;                      // of the launches: an internal error of the cloud
  double never_connect = 0;                // of the agents
  std::uint32_t capacity = 0;              // agents at once; beyond it has none left. 0: no limit
};

class ModelCloud final : public ports::CloudProvider {
 public:
  using OnUp = std::function<void(const AgentId&)>;

  // `on_up`: its agent reaches the controller now. All references outlive the cloud.
  ModelCloud(CloudName name, CloudModel model, std::uint64_t seed, runtime::Clock& clock,
             runtime::Executor control, Happenings& happenings, OnUp on_up);

  CloudName name() const override { return name_; }
  ports::CloudLimits limits() const override;
  Result<std::vector<ports::Variant>> freeze(const TemplateName& name) const override;
  runtime::Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override;
  runtime::Awaitable<Result<std::vector<ports::Resource>>> observe() override;
  runtime::Awaitable<Result<ports::Resource>> find_by_token(std::string client_token) override;
  runtime::Awaitable<Result<ports::Resource>> terminate(std::string handle,
                                                        std::string client_token) override;
  void set_on_change(std::function<void()> look_again) override { on_change_ = std::move(look_again); }

  std::size_t live() const { return machines_.size(); }
  // The record of an agent that exists; null: there is none.
  AgentRecord* find_record(const AgentId& agent);

 private:
  struct Machine {
    ports::Resource resource;
    std::size_t record = 0;                 // in happenings
    std::unique_ptr<runtime::Timer> timer;  // of what happens to it next
  };

  ports::LaunchResult try_launch(const ports::LaunchSpec& spec);
  ports::LaunchResult refuse(model::FailureClass failure, std::string message);
  ports::LaunchHandle make(const ports::LaunchSpec& spec);
  Duration draw_boot(const TemplateName& name);
  void come_up(const std::string& token);
  void end(const std::string& token);
  static ports::Resource nothing(std::string token);

  CloudName name_;
  CloudModel model_;
  virtual_time::Dice dice_;
  runtime::Clock& clock_;
  runtime::Executor control_;
  Happenings& happenings_;
  Duration start_;  // steady
  OnUp on_up_;
  std::function<void()> on_change_;
  std::map<std::string, Machine> machines_;  // that exist, by token, which is the handle too
  std::unordered_map<AgentId, std::string> token_of_;
};

}  // namespace footman::simulate
