// Answers and events of ECS can be anything. What is read keeps its limits, and an event's task is read as
// the same task in an answer.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "ecs/stop_reason.hpp"
#include "ecs/task.hpp"

namespace {

using namespace footman::ecs;

void check_task(const Task& task) {
  FOOTMAN_CHECK(!task.id.empty() && task.arn.ends_with(task.id), "a task has an id, the end of its ARN");
  FOOTMAN_CHECK(task.containers.size() <= kMaxTaskItems && task.tags.size() <= kMaxTaskItems,
                "lists are bounded");
  FOOTMAN_CHECK(task.stopped_reason.size() <= kMaxReasonBytes, "reasons are bounded");
  FOOTMAN_CHECK(footman::base::is_utf8(task.stopped_reason), "a reason is cut between characters");
  FOOTMAN_CHECK(list_steps(task).size() <= 8, "each step once");
  FOOTMAN_CHECK(!explain_stop(task, "agent").sentence.empty(), "every end has a sentence");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = parse_task_answer(text)) {
    for (const auto& task : answer->tasks) check_task(task);
    for (const auto& failure : answer->failures)
      FOOTMAN_CHECK(!explain_failure(failure).sentence.empty(), "every failure has a sentence");
  } else {
    FOOTMAN_CHECK(answer.error().code == footman::base::Errc::corrupt, "an answer is right or corrupt");
  }
  const auto event = parse_task_event(text);
  if (!event) {
    FOOTMAN_CHECK(!event.error().message.empty(), "an error has a message");
    return 0;
  }
  check_task(event->task);
  boost::json::object answer;
  answer["tasks"] = boost::json::array{boost::json::parse(text).at("detail")};
  const auto again = parse_task_answer(boost::json::serialize(answer));
  FOOTMAN_CHECK(again && again->tasks.size() == 1 && again->tasks.front() == event->task, "the same task");
  return 0;
}
