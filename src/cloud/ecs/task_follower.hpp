// What our tasks do: they are looked at, each at its own pace (task_table.hpp), and where there is a queue of
// events it tells most of it sooner. The fleet is told of each change, and hears what agents said last.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cloud/ecs/last_lines.hpp"
#include "cloud/ecs/shared.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {

// `shared` outlives it; the scope of start() must have been joined when it is destroyed.
class TaskFollower {
 public:
  explicit TaskFollower(Shared& shared);

  // Until the scope is cancelled.
  void start(runtime::Scope& scope);
  // The table has a task that is to be looked at sooner than those before.
  void wake() { wake_.notify(); }
  // What ECS says of a task. True: something has changed that the fleet cares for.
  bool note_task(Task task);
  // What the agent of a task that has ended badly said last is found out, once. Nothing waits for it.
  void ask_for_words(Tracked& one);
  // ECS says that it does not know the task. True: it is over now.
  bool note_missing(const std::string& arn);
  // Why nobody learns of a task's end, when that does not pass by itself; null: somebody does.
  const aws::CallFailure* find_blindness() const;
  // What is wrong with the queue of events, a sentence; empty: nothing, or there is none.
  const std::string& find_warning() const { return warning_; }

 private:
  Awaitable<void> look_on();
  Awaitable<void> look();
  Awaitable<bool> look_in(std::vector<std::string> arns);
  void note_look(const aws::CallFailure* failure);  // null: it succeeded
  void note_lines(const std::string& arn, std::string lines);
  Awaitable<void> read_events();
  void set_events(bool readable, const std::string& reason);
  void judge_silence(bool told);  // told: the queue has just told of a task

  Shared& shared_;
  LastLines last_lines_;
  std::optional<aws::CallFailure> look_failure_;  // of the last look
  Duration look_pause_{0};
  bool events_readable_ = true;  // until a read has failed
  Instant unheard_;              // even: the first end since the last event; not set: none, or no queue
  bool is_silent_ = false;       // the queue can be read, but nobody writes to it
  std::string warning_;
  runtime::Event wake_;  // of look_on()
};

}  // namespace footman::cloud::ecs
