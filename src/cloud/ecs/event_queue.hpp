// What tasks do, told by EventBridge ("ECS Task State Change") through a queue of SQS that is ours alone.
// Messages come at least once and in any order; who reads them goes by the task's version. Source: SQS API
// Reference, ReceiveMessage and DeleteMessageBatch; "Amazon ECS task state change events".
#pragma once

#include <string>
#include <vector>

#include "cloud/aws/client.hpp"
#include "ecs/task.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// A message is waited for so long in one call; SQS takes no more.
inline constexpr Duration kReceiveWait = 20s;

struct QueuedEvents {
  std::vector<footman::ecs::Task> tasks;  // as they were; without tags
  std::vector<std::string> receipts;      // of all messages, also of those that say nothing of a task
};

// On the client's executor; the client (of aws::kSqs) outlives all calls.
class EventQueue {
 public:
  EventQueue(aws::Client& client, std::string url) : client_(client), url_(std::move(url)) {}

  // Up to ten messages; none after kReceiveWait.
  runtime::Awaitable<aws::CallResult<QueuedEvents>> receive();
  // What was read does not come again. One that is lost comes twice: no harm.
  runtime::Awaitable<aws::CallResult<void>> remove(std::vector<std::string> receipts);

 private:
  aws::Client& client_;
  std::string url_;
};

}  // namespace footman::cloud::ecs
