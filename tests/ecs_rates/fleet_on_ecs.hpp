// The fleet itself over the provider itself over a small ECS, in virtual time: how often AWS is called for a
// given load, and how often it would have refused a call. AWS' token buckets are counted here by themselves,
// from AWS' documentation; the provider's own are what is judged. Agents and their controller are scripts.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/tests/small_ecs.hpp"
#include "fleet/fleet.hpp"
#include "fleet/tests/scripted_controller.hpp"
#include "store/store.hpp"

namespace footman::tests::ecs_rates {

using namespace footman::base;
using namespace std::chrono_literals;

// What an agent and its task do. AWS' times are those of a small image on Fargate.
struct Life {
  Duration cold_start = 40s;  // from RunTask until the agent has its work
  Duration shortest_build = 2min;
  Duration longest_build = 15min;
  bool leaves = true;           // by itself, when its build is over; else it must be ended
  Duration container_end = 1s;  // from its word, or from StopTask, until ECS says that the task stops
  Duration deprovisioning = 15s;
};

// As AWS counts: "Request throttling for the Amazon ECS API", "AWS Fargate throttling quotas".
class AwsBucket {
 public:
  AwsBucket(double burst, double per_second) : burst_(burst), rate_(per_second), tokens_(burst) {}
  bool take(Duration now);
  void use_up(Duration now);

 private:
  double burst_;
  double rate_;
  double tokens_;
  Duration filled_{0};
};

class FleetOnEcs {
 public:
  explicit FleetOnEcs(Life life);
  ~FleetOnEcs();

  void submit(int builds);
  void run_for(Duration time);
  // False: not within the time.
  bool run_until_idle(Duration limit);
  void restart();          // of the server
  void use_up_launches();  // that AWS allows now
  void end_agent(const AgentId& id);

  // --- what AWS has seen
  int calls(const std::string& operation) { return ecs.calls[operation]; }
  int ecs_calls();
  int throttled = 0;
  std::vector<Duration> launches;  // steady: RunTask that AWS did as it was told
  int finished = 0;                // builds

  cloud::aws::test::World outside;
  cloud::ecs::testing::SmallEcs ecs{outside};
  fleet::testing::ScriptedController controller;

 private:
  void start();
  void stop();
  void settle();
  void after(Duration delay, std::function<void()> call);
  bool is_refused(const std::string& operation);
  void on_run(const std::string& arn);
  void on_stop(const std::string& arn);
  void begin_work(const std::string& arn, const AgentId& id);
  void finish_work(const std::string& arn, const AgentId& id);
  void end_task(const std::string& arn, const std::string& code, const std::string& reason);
  template <class T>
  T run(runtime::Awaitable<T> work);

  Life life_;
  std::unique_ptr<runtime::Rng> dice_ = runtime::make_seeded_rng(5);
  std::unique_ptr<runtime::Rng> rng_ = runtime::make_seeded_rng(11);
  std::map<std::string, AwsBucket> buckets_;
  runtime::asio::io_context store_io_;
  std::unique_ptr<store::Store> store_;
  cloud::aws::FixedCredentials credentials_{{"key", base::Secret("secret"), {}, {}, "a test"}};
  std::unique_ptr<cloud::aws::RateLimits> rates_;
  std::unique_ptr<cloud::ecs::EcsCloud> provider_;
  runtime::Feed<model::Change> changes_{10'000};
  base::Metrics metrics_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::vector<std::unique_ptr<runtime::Timer>> timers_;
  int submitted_ = 0;
};

}  // namespace footman::tests::ecs_rates
