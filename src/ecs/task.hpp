// A task as ECS tells of it: in the answers of RunTask and DescribeTasks, and in EventBridge's events "ECS
// Task State Change", whose `detail` has the same members. Times are numbers there and texts here. Source:
// Task and Container in the ECS API reference; "Amazon ECS task state change events".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::size_t kMaxTasksBytes = 8 << 20;  // of one answer
inline constexpr std::size_t kMaxEventBytes = 1 << 20;  // SQS' limit
inline constexpr std::size_t kMaxTasksInAnswer = 100;   // AWS' own
inline constexpr std::size_t kMaxTaskItems = 200;       // containers, tags or attachments of one task
inline constexpr std::size_t kMaxReasonBytes = 2048;    // longer reasons are cut
inline constexpr std::size_t kMaxTaskTextBytes = 2048;  // a longer ARN or name is corrupt

// In the order in which a task goes through them. Source: "Task lifecycle".
enum class TaskStatus {
  unknown,  // a word that is not in kTaskStatuses: look at the next answer
  provisioning,
  pending,
  activating,
  running,
  deactivating,
  stopping,
  deprovisioning,
  stopped,
  deleted
};
inline constexpr Word<TaskStatus> kTaskStatuses[] = {{TaskStatus::provisioning, "PROVISIONING"},
                                                     {TaskStatus::pending, "PENDING"},
                                                     {TaskStatus::activating, "ACTIVATING"},
                                                     {TaskStatus::running, "RUNNING"},
                                                     {TaskStatus::deactivating, "DEACTIVATING"},
                                                     {TaskStatus::stopping, "STOPPING"},
                                                     {TaskStatus::deprovisioning, "DEPROVISIONING"},
                                                     {TaskStatus::stopped, "STOPPED"},
                                                     {TaskStatus::deleted, "DELETED"}};

struct TaskContainer {
  std::string name;
  std::string last_status;
  std::string health_status;
  std::string image;
  std::string image_digest;
  std::optional<int> exit_code;
  std::string reason;  // "OutOfMemoryError: …", "CannotPullContainerError: …"
  bool operator==(const TaskContainer&) const = default;
};

struct Task {
  std::string arn;
  std::string id;  // the ARN's last part; also the session name of its task role's credentials
  std::string cluster_arn;
  std::string definition_arn;
  TaskStatus last_status = TaskStatus::unknown;     // what it is
  TaskStatus desired_status = TaskStatus::unknown;  // what ECS makes of it
  std::uint64_t version = 0;                        // grows with every change: the highest one is the newest
  std::string started_by;
  std::string group;
  std::string availability_zone;
  std::string launch_type;
  std::string capacity_provider;
  std::string platform_version;
  std::string subnet;           // of its network interface, once there is one
  std::string private_address;  // the same
  std::uint32_t cpu_units = 0;
  std::uint32_t memory_mib = 0;
  Instant created_at;
  Instant connectivity_at;
  Instant pull_started_at;
  Instant pull_stopped_at;
  Instant started_at;
  Instant stopping_at;
  Instant execution_stopped_at;
  Instant stopped_at;
  std::string stop_code;
  std::string stopped_reason;
  std::vector<TaskContainer> containers;
  TextMap tags;  // not in events; in answers only when asked for
  bool operator==(const Task&) const = default;
};

// A part of a request that ECS did not do, and why: "RESOURCE:MEMORY", "MISSING".
struct TaskFailure {
  std::string arn;  // of the task, or of the container instance
  std::string reason;
  std::string detail;
  bool operator==(const TaskFailure&) const = default;
};

struct TaskAnswer {
  std::vector<Task> tasks;
  std::vector<TaskFailure> failures;
};

struct TaskEvent {
  std::string id;  // of the event: the same one may come twice
  std::string account;
  std::string region;
  Instant time;
  Task task;
};

// Known members have the type that AWS documents, others are skipped; null is as if it were not there.
// Errors: corrupt, with the place ("tasks[3].containers[0].exitCode").
Result<TaskAnswer> parse_task_answer(std::string_view text);
// unsupported: an event of another kind, such as a container instance's.
Result<TaskEvent> parse_task_event(std::string_view text);

enum class TaskPhase { starting, running, stopping, gone };
// A task that is to stop is `stopping` whatever it does still. What has an unknown status is `starting`
// until it has started, then `running`.
TaskPhase find_phase(const Task& task);

// What happened to the task, and when, in order: "created", "network connected", "image pull started",
// "image pulled", "started", "stopping", "execution stopped", "stopped". Only what has happened.
struct TaskStep {
  Instant at;
  std::string_view what;
  bool operator==(const TaskStep&) const = default;
};
std::vector<TaskStep> list_steps(const Task& task);

}  // namespace footman::ecs
