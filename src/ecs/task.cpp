#include "ecs/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>

#include "base/number.hpp"
#include "base/utf8.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

constexpr double kLatestSecond = 253'402'300'799.0;  // of the year 9999

std::unexpected<Error> corrupt(const std::string& place, std::string message) {
  return fail(Errc::corrupt, fmt::format("ECS' answer: {}", message), place);
}

// Reads the members of one object; after the first error it reads nothing more.
class Reader {
 public:
  Reader(const json::value& value, std::string place) : place_(std::move(place)) {
    object_ = value.if_object();
    if (object_ == nullptr) status_ = corrupt(place_, "an object was expected");
  }

  void text(const char* name, std::string& out) {
    const auto* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string() || value->get_string().size() > kMaxTaskTextBytes)
      return set(corrupt(at(name), fmt::format("text of at most {} bytes was expected", kMaxTaskTextBytes)));
    out = value->get_string();
  }

  void reason(const char* name, std::string& out) {
    const auto* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return set(corrupt(at(name), "text was expected"));
    out = cut_utf8(value->get_string(), kMaxReasonBytes);
  }

  template <class Number>
  void number(const char* name, Number& out) {
    const auto* value = find(name);
    if (value == nullptr) return;
    boost::system::error_code error;
    const auto number = value->to_number<Number>(error);
    if (error || value->is_double())
      return set(corrupt(
          at(name), fmt::format("a whole number from {} to {} was expected",
                                std::numeric_limits<Number>::min(), std::numeric_limits<Number>::max())));
    out = number;
  }
  void number(const char* name, std::optional<int>& out) {
    if (find(name) != nullptr) number(name, out.emplace());
  }

  // "1024"
  void amount(const char* name, std::uint32_t& out) {
    std::string digits;
    text(name, digits);
    if (digits.empty()) return;
    const auto value = find_number<std::uint32_t>(digits);
    if (!value) return set(corrupt(at(name), "a number was expected"));
    out = *value;
  }

  // Seconds since 1970 in answers, RFC 3339 in events.
  void instant(const char* name, Instant& out) {
    const auto* value = find(name);
    if (value == nullptr) return;
    if (value->is_string()) {
      const auto parsed = parse_rfc3339(std::string_view(value->get_string()));
      if (!parsed) return set(corrupt(at(name), "a time was expected"));
      out = *parsed;
      return;
    }
    boost::system::error_code error;
    const auto seconds = value->to_number<double>(error);
    if (error || !(seconds >= 0 && seconds <= kLatestSecond))
      return set(corrupt(at(name), "a time was expected"));
    out = Instant{std::llround(seconds * 1e6)};
  }

  void status(const char* name, TaskStatus& out) {
    std::string word;
    text(name, word);
    out = model::find_value(kTaskStatuses, word).value_or(TaskStatus::unknown);
  }

  template <class ReadItem>
  void list(const char* name, std::size_t most, ReadItem read_item) {
    const auto* value = find(name);
    if (value == nullptr) return;
    const auto* array = value->if_array();
    if (array == nullptr || array->size() > most)
      return set(corrupt(at(name), fmt::format("a list of at most {} was expected", most)));
    std::size_t index = 0;
    for (const auto& item : *array) {
      if (!status_) return;
      set(read_item(item, fmt::format("{}[{}]", at(name), index++)));
    }
  }

  const json::value* find(const char* name) const {
    if (!status_) return nullptr;
    const auto* value = object_->if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  std::string at(std::string_view name) const {
    return place_.empty() ? std::string(name) : fmt::format("{}.{}", place_, name);
  }
  void set(Status status) {
    if (status_ && !status) status_ = std::move(status);
  }
  Status take() { return std::move(status_); }

 private:
  std::string place_;
  const json::object* object_ = nullptr;
  Status status_;
};

Status read_container(const json::value& value, const std::string& place, std::vector<TaskContainer>& out) {
  Reader reader(value, place);
  auto& container = out.emplace_back();
  reader.text("name", container.name);
  reader.text("lastStatus", container.last_status);
  reader.text("healthStatus", container.health_status);
  reader.text("image", container.image);
  reader.text("imageDigest", container.image_digest);
  reader.number("exitCode", container.exit_code);
  reader.reason("reason", container.reason);
  return reader.take();
}

Status read_tag(const json::value& value, const std::string& place, TextMap& out) {
  Reader reader(value, place);
  std::string key;
  std::string text;
  reader.text("key", key);
  reader.text("value", text);
  if (!key.empty()) out[key] = text;
  return reader.take();
}

// {"type": "ElasticNetworkInterface" (in events "eni"), "details": [{"name": "subnetId", "value":
// "subnet-…"}]}
Status read_attachment(const json::value& value, const std::string& place, Task& out) {
  Reader reader(value, place);
  reader.list("details", kMaxTaskItems, [&](const json::value& item, const std::string& at) {
    Reader detail(item, at);
    std::string name;
    std::string text;
    detail.text("name", name);
    detail.text("value", text);
    if (name == "subnetId") out.subnet = text;
    if (name == "privateIPv4Address") out.private_address = text;
    return detail.take();
  });
  return reader.take();
}

void read_times(Reader& reader, Task& task) {
  reader.instant("createdAt", task.created_at);
  reader.instant("connectivityAt", task.connectivity_at);
  reader.instant("pullStartedAt", task.pull_started_at);
  reader.instant("pullStoppedAt", task.pull_stopped_at);
  reader.instant("startedAt", task.started_at);
  reader.instant("stoppingAt", task.stopping_at);
  reader.instant("executionStoppedAt", task.execution_stopped_at);
  reader.instant("stoppedAt", task.stopped_at);
}

Status read_task(const json::value& value, const std::string& place, Task& task) {
  Reader reader(value, place);
  reader.text("taskArn", task.arn);
  reader.text("clusterArn", task.cluster_arn);
  reader.text("taskDefinitionArn", task.definition_arn);
  reader.status("lastStatus", task.last_status);
  reader.status("desiredStatus", task.desired_status);
  reader.number("version", task.version);
  reader.text("startedBy", task.started_by);
  reader.text("group", task.group);
  reader.text("availabilityZone", task.availability_zone);
  reader.text("launchType", task.launch_type);
  reader.text("capacityProviderName", task.capacity_provider);
  reader.text("platformVersion", task.platform_version);
  reader.amount("cpu", task.cpu_units);
  reader.amount("memory", task.memory_mib);
  read_times(reader, task);
  reader.text("stopCode", task.stop_code);
  reader.reason("stoppedReason", task.stopped_reason);
  reader.list("containers", kMaxTaskItems,
              [&](const auto& item, const auto& at) { return read_container(item, at, task.containers); });
  reader.list("tags", kMaxTaskItems,
              [&](const auto& item, const auto& at) { return read_tag(item, at, task.tags); });
  reader.list("attachments", kMaxTaskItems,
              [&](const auto& item, const auto& at) { return read_attachment(item, at, task); });
  FOOTMAN_TRY_STATUS(reader.take());
  task.id = task.arn.substr(task.arn.rfind('/') + 1);
  if (task.id.empty()) return corrupt(reader.at("taskArn"), "a task's ARN was expected");
  return {};
}

Result<json::value> parse_within(std::string_view text, std::size_t most) {
  if (text.size() > most)
    return corrupt({}, fmt::format("{} bytes are more than the limit of {}", text.size(), most));
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) return corrupt({}, "this is not JSON: " + error.message());
  return value;
}

}  // namespace

Result<TaskAnswer> parse_task_answer(std::string_view text) {
  FOOTMAN_TRY(const auto value, parse_within(text, kMaxTasksBytes));
  TaskAnswer answer;
  Reader reader(value, {});
  reader.list("tasks", kMaxTasksInAnswer, [&](const auto& item, const auto& at) {
    return read_task(item, at, answer.tasks.emplace_back());
  });
  reader.list("failures", kMaxTasksInAnswer, [&](const json::value& item, const std::string& at) {
    Reader one(item, at);
    auto& failure = answer.failures.emplace_back();
    one.text("arn", failure.arn);
    one.reason("reason", failure.reason);
    one.reason("detail", failure.detail);
    return one.take();
  });
  FOOTMAN_TRY_STATUS(reader.take());
  return answer;
}

Result<TaskEvent> parse_task_event(std::string_view text) {
  FOOTMAN_TRY(const auto value, parse_within(text, kMaxEventBytes));
  TaskEvent event;
  std::string kind;
  std::string source;
  Reader reader(value, {});
  reader.text("detail-type", kind);
  reader.text("source", source);
  reader.text("id", event.id);
  reader.text("account", event.account);
  reader.text("region", event.region);
  reader.instant("time", event.time);
  const auto* detail = reader.find("detail");
  FOOTMAN_TRY_STATUS(reader.take());
  if (kind != "ECS Task State Change" || source != "aws.ecs")
    return fail(Errc::unsupported, fmt::format("an event of the kind '{}' from '{}'", kind, source));
  if (detail == nullptr) return corrupt("detail", "an object was expected");
  FOOTMAN_TRY_STATUS(read_task(*detail, "detail", event.task));
  return event;
}

TaskPhase find_phase(const Task& task) {
  const auto last = task.last_status;
  if (last == TaskStatus::stopped || last == TaskStatus::deleted) return TaskPhase::gone;
  if (last >= TaskStatus::deactivating || task.desired_status == TaskStatus::stopped)
    return TaskPhase::stopping;
  if (last == TaskStatus::running || (last == TaskStatus::unknown && task.started_at.is_set()))
    return TaskPhase::running;
  return TaskPhase::starting;
}

std::vector<TaskStep> list_steps(const Task& task) {
  std::vector<TaskStep> steps;
  for (const auto& [at, what] :
       {TaskStep{task.created_at, "created"}, TaskStep{task.connectivity_at, "network connected"},
        TaskStep{task.pull_started_at, "image pull started"}, TaskStep{task.pull_stopped_at, "image pulled"},
        TaskStep{task.started_at, "started"}, TaskStep{task.stopping_at, "stopping"},
        TaskStep{task.execution_stopped_at, "execution stopped"}, TaskStep{task.stopped_at, "stopped"}})
    if (at.is_set()) steps.push_back({at, what});
  std::ranges::stable_sort(steps, {}, &TaskStep::at);
  return steps;
}

}  // namespace footman::ecs
