// Token buckets for the API of one account in one region: so that Footman is not throttled, and that ending
// agents never waits for launching them, nor launching for looking. Pure: the time comes in.
//
// The buckets are AWS' own (their sizes below), counted here a second time. Others use the same account, so
// AWS may throttle all the same: then the bucket is empty and fills at half its rate, which comes back within
// kRecovery. One RateLimits for each account and region, shared by everything that calls there; one executor.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

enum class ApiCategory {
  cluster_resource_modify,  // RunTask, StopTask, ExecuteCommand
  cluster_resource_read,    // DescribeTasks, ListTasks, DescribeContainerInstances
  task_definition_modify,   // RegisterTaskDefinition, DeregisterTaskDefinition
  task_definition_read,     // DescribeTaskDefinition, ListTaskDefinitions
  task_definition_delete,   // DeleteTaskDefinitions
  cluster_read,             // DescribeClusters, ListClusters
  capacity_provider_read,   // DescribeCapacityProviders
  tag_modify,               // TagResource, UntagResource
  tag_read,                 // ListTagsForResource
  fargate_launch,           // tasks of RunTask on Fargate on demand, besides cluster_resource_modify
  fargate_spot_launch,      // the same for Fargate Spot
  log_read,                 // GetLogEvents
  unlimited,                // no bucket: STS, SQS
};
inline constexpr std::size_t kApiCategories = 13;

struct BucketSize {
  double burst = 0;       // 0: no limit
  double per_second = 0;  // refill
};
// By category, in the order above. Source: "Request throttling for the Amazon ECS API" in the ECS API
// Reference and "AWS Fargate throttling quotas" in the ECS Developer Guide (20 launches per second with a
// burst of 100; some newer regions: 25 and 5). Of logs at most half of what CloudWatch gives (5 reads per
// second in the poorest regions): people read them, too.
inline constexpr std::array<BucketSize, kApiCategories> kBucketSizes{{{100, 40},
                                                                      {100, 20},
                                                                      {20, 1},
                                                                      {50, 20},
                                                                      {5, 1},
                                                                      {50, 20},
                                                                      {50, 20},
                                                                      {20, 10},
                                                                      {50, 20},
                                                                      {100, 20},
                                                                      {100, 20},
                                                                      {5, 2},
                                                                      {0, 0}}};

// What is kept for those who may go first: a call takes a token only when more than its share of the burst
// stays behind.
enum class Urgency {
  terminate,  // takes the last one
  launch,     // leaves a tenth
  read,       // leaves a quarter
};
inline constexpr std::size_t kUrgencies = 3;

// Of the burst, when a program begins: another one, the last run of a server perhaps, may have used AWS'
// bucket up a moment ago. Little more than what those who read leave; a few seconds later it is full in any
// case.
inline constexpr double kFilledAtStart = 0.3;
inline constexpr double kSlowestRate = 1.0 / 16;  // of the full one, however often AWS throttles
// Calls under way that AWS throttles at the same time are one reason to go slower, not many.
inline constexpr Duration kOneEpisode = 1s;
inline constexpr Duration kRecovery = 60s;        // from standstill to the full rate
inline constexpr Duration kLongestPromise = 60s;  // nobody is sent away for longer

// Tokens of one bucket.
struct Charge {
  ApiCategory category = ApiCategory::unlimited;
  double count = 1;
};

class RateLimits {
 public:
  // `begun`: the program, which has kFilledAtStart then; not set: the buckets are full.
  explicit RateLimits(Instant begun = {}, const std::array<BucketSize, kApiCategories>& sizes = kBucketSizes);

  // Takes all tokens that a call costs, or none and says when to ask again. Those who are sent away get
  // different times, one call's tokens apart, so that they do not all come back at once. Who wants more than
  // a bucket ever holds for this urgency goes when it is full, and the next ones wait longer.
  std::optional<Instant> take(const std::vector<Charge>& charges, Urgency urgency, Instant now);
  std::optional<Instant> take(ApiCategory category, Urgency urgency, Instant now, double count = 1) {
    return take({{category, count}}, urgency, now);
  }

  // AWS said "throttled", although a token was there.
  void on_throttled(ApiCategory category, Instant now);

  double tokens(ApiCategory category, Instant now);      // for metrics and tests
  double rate(ApiCategory category, Instant now) const;  // tokens per second at this moment

 private:
  struct Bucket {
    double tokens = 0;
    double factor = 1;  // of the full rate, when it was filled last
    Instant filled;
    Instant slowed;                              // the factor, last
    std::array<Instant, kUrgencies> promised{};  // the last one's time
  };
  void fill(std::size_t at, Instant now);
  bool can_pay(const Charge& charge, Urgency urgency, Instant now);
  Instant promise(const Charge& charge, Urgency urgency, Instant now);

  std::array<BucketSize, kApiCategories> sizes_;
  std::array<Bucket, kApiCategories> buckets_;
};

}  // namespace footman::cloud::aws
