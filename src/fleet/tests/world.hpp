// A fleet on one executor with a clock that stands still, a scripted cloud and controller, and the real store
// in memory. What is outside of the server survives its crash.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fleet/fleet.hpp"
#include "fleet/tests/scripted_cloud.hpp"
#include "fleet/tests/scripted_controller.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"
#include "store/store.hpp"

namespace footman::fleet::testing {

class World {
 public:
  World();
  ~World();

  runtime::asio::io_context store_io;
  std::unique_ptr<runtime::asio::io_context> io;  // of one life of the server
  runtime::ManualClock clock;
  std::unique_ptr<store::Store> store;
  bool store_full = false;         // every commit fails: no space left
  bool rows_vanish = false;        // no change finds its agent's row
  int commits = 0;                 // moves that were to be committed
  std::vector<std::string> moves;  // their names
  CloudState cloud;
  std::unique_ptr<ScriptedCloud> provider;
  std::optional<CloudState> second_cloud;  // "second"; not set: there is none
  std::unique_ptr<ScriptedCloud> second_provider;
  ScriptedController controller;
  std::vector<ScriptedController*> others;  // besides it; of the next build()
  base::Metrics metrics;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(11);
  runtime::Feed<model::Change> changes{10'000};
  FleetConfig config;
  bool storage_full = false;
  std::vector<std::string> crash_points;  // hit so far
  std::vector<std::string> log_lines;     // of the server: "message key=value …"
  std::unique_ptr<Fleet> fleet;

  void start();
  // The parts without starting the fleet; after a crash, if there was anything before.
  void build();
  void stop();
  void crash();
  void restart() {
    crash();
    start();
  }
  bool step();                // one handler of one executor; false: nothing moves without time
  void settle();              // until nothing moves without time
  void advance(Duration by);  // with everything that happens on the way
  Instant now() const { return clock.now(); }

  template <class R>
  R run(runtime::Awaitable<R> work) {
    auto result = begin(std::move(work));
    if (!*result) throw std::runtime_error("the call does not return");
    return std::move(**result);
  }
  // Starts it; the test looks later.
  template <class R>
  std::shared_ptr<std::optional<R>> begin(runtime::Awaitable<R> work) {
    auto result = std::make_shared<std::optional<R>>();
    tools_->spawn("test", keep(std::move(work), result));
    settle();
    return result;
  }

  // --- what tests ask
  void submit(const std::string& key, const std::string& label = {}) {
    controller.submit(key, clock.now(), label);
    settle();
  }
  std::vector<AgentView> agents() const { return fleet->list_agents(); }
  model::Agent only_agent() const;                // the only live one
  std::vector<model::Agent> live_agents() const;  // not terminated
  model::Agent row(const AgentId& id);            // from the store
  std::vector<model::TimelineEntry> timeline(const AgentId& id);
  static bool has(const std::vector<model::TimelineEntry>& lines, const std::string& kind);
  // Launched, connected and at work on the item.
  AgentId busy_agent(const std::string& key);
  // Lets the controller tell the cloud's story: agents whose resource runs connect, take their item, finish.
  void play_agents();

 private:
  template <class R>
  static runtime::Awaitable<void> keep(runtime::Awaitable<R> work, std::shared_ptr<std::optional<R>> result) {
    result->emplace(co_await std::move(work));
  }
  std::unique_ptr<runtime::Scope> tools_;
};

Awaitable<Status> as_status(Awaitable<void> work);
Template make_template(const std::string& name = "small", std::vector<std::string> labels = {"linux"});

}  // namespace footman::fleet::testing
