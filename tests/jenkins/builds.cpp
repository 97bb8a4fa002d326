// Builds: what runs on executors, from the claim of an executor to the result.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "tests/jenkins/consoles.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

std::string_view to_string(BuildResult result) {
  switch (result) {
    case BuildResult::success:
      return "SUCCESS";
    case BuildResult::unstable:
      return "UNSTABLE";
    case BuildResult::failure:
      return "FAILURE";
    case BuildResult::not_built:
      return "NOT_BUILT";
    case BuildResult::aborted:
      return "ABORTED";
  }
  return {};
}

bool Computer::is_idle() const {
  return std::ranges::none_of(slots, [](const auto& slot) { return slot.has_value(); });
}

std::optional<Execution>* Computer::find_free_slot() {
  const auto found =
      std::ranges::find_if(slots.rbegin(), slots.rend(), [](const auto& slot) { return !slot.has_value(); });
  return found == slots.rend() ? nullptr : &*found;
}

Run& FakeJenkins::start_run(const QueueItem& item) {
  auto& job = jobs_.at(item.task.job);
  Run run;
  run.job = job.name;
  run.number = job.next_number++;
  run.item = item.id;
  run.started = now_;
  run.users = item.users;
  run.parameters = item.parameters;
  run.log.push_back("Started by user " + make_note(item.users.empty() ? "anonymous" : item.users.front()));
  items_.at(item.id).number = run.number;
  open_.emplace(job.name, run.number);
  return runs_[{job.name, run.number}] = std::move(run);
}

// currentExecutable is shown, and the agent gets its work.
void FakeJenkins::begin_work(std::uint64_t work) {
  auto* slot = find_slot(work);
  const auto place = works_.find(work);
  if (slot == nullptr || place == works_.end()) return;
  const auto& [task, number, node, connection] = place->second;
  auto& run = runs_.at({task.job, number});
  if (task.kind != Task::Kind::freestyle) {
    auto& block_run = run.blocks[task.index];
    // Its agent was lost meanwhile; continue_block() begins again.
    if (block_run.begun || block_run.state != BlockRun::State::running) return;
    block_run.begun = true;
  }
  (*slot)->visible = true;
  starts_.push_back({node, task.job, number, now_});
  const auto* block = task.kind == Task::Kind::block ? block_of(run, task.index) : nullptr;
  const auto& what = block != nullptr ? block->work : jobs_.at(task.job).work;
  agent_events_.push_back({AgentEvent::Kind::start_work, connection, work, task.job, number, what.command,
                           !what.takes.has_value()});
  if (!what.takes) return;
  auto takes = *what.takes;
  const auto computer = computers_.find(node);
  if (computer != computers_.end() && computer->second.builds_on_connection == 1) {
    takes = std::max(takes, pick(settings_.timing.first_build));
  }
  if (task.kind != Task::Kind::freestyle) run.blocks[task.index].ends = now_ + takes;
  schedule_end(work, now_ + takes, what.result);
}

void FakeJenkins::schedule_end(std::uint64_t work, base::Instant ends, BuildResult result) {
  at(ends, [this, work, result] {
    const auto place = works_.find(work);
    if (place == works_.end()) return;
    const auto& task = place->second.task;
    if (task.kind != Task::Kind::freestyle) {
      const auto& block = runs_.at({task.job, task.number}).blocks[task.index];
      // Nobody hears of the end while the agent is lost; continue_block() looks again.
      if (block.work != work || block.state != BlockRun::State::running) return;
    }
    end_work(work, result);
  });
}

void FakeJenkins::end_work(std::uint64_t work, BuildResult result) {
  const auto place = works_.find(work);
  if (place == works_.end()) return;
  const auto task = place->second.task;
  const auto number = place->second.number;
  const auto found = runs_.find({task.job, number});
  if (found == runs_.end()) return;
  if (task.kind == Task::Kind::freestyle) {
    finish_run(found->second, result);
  } else {
    end_block(found->second, task.index, result);
  }
}

void FakeJenkins::finish_run(Run& run, BuildResult result) {
  if (!run.building) return;
  run.building = false;
  run.result = run.stopped ? BuildResult::aborted : result;
  run.duration = now_ - run.started;
  if (jobs_.at(run.job).kind == Job::Kind::pipeline) log_step(run, "End of Pipeline");
  run.log.push_back(fmt::format("Finished: {}", to_string(*run.result)));
  after(pick(settings_.timing.settle), [this, key = std::pair(run.job, run.number)] {
    const auto found = runs_.find(key);
    if (found == runs_.end()) return;
    found->second.in_progress = false;
    open_.erase(key);
    free_slot(found->second.work);
    ask_for_round();
  });
}

void FakeJenkins::free_slot(std::uint64_t work) {
  if (auto* slot = find_slot(work)) slot->reset();
  const auto place = works_.find(work);
  if (place != works_.end()) {
    const auto zombie = computers_.find(place->second.node);
    if (zombie != computers_.end() && zombie->second.deleted && zombie->second.is_idle()) {
      computers_.erase(zombie);
    }
    works_.erase(place);
  }
  ask_for_round();
}

const Run* FakeJenkins::find_run(const std::string& job, int number) const {
  const auto found = runs_.find({job, number});
  return found == runs_.end() ? nullptr : &found->second;
}

std::vector<Run*> FakeJenkins::open_runs() {
  std::vector<Run*> runs;
  runs.reserve(open_.size());
  for (const auto& key : open_) runs.push_back(&runs_.at(key));
  return runs;
}

const Run* FakeJenkins::last_run(const std::string& job) const {
  const auto next = runs_.upper_bound({job, std::numeric_limits<int>::max()});
  if (next == runs_.begin()) return nullptr;
  const auto& [key, run] = *std::prev(next);
  return key.first == job ? &run : nullptr;
}

// As Jenkins guesses: the average of three of the last six that ended, preferably of such that went well.
std::optional<base::Duration> FakeJenkins::estimate(const std::string& job) const {
  std::vector<base::Duration> good;
  std::vector<base::Duration> others;
  auto it = runs_.upper_bound({job, std::numeric_limits<int>::max()});
  for (int looked_at = 0; it != runs_.begin() && looked_at < 6 && good.size() < 3; ++looked_at) {
    --it;
    const auto& run = it->second;
    if (it->first.first != job) break;
    if (!run.building) (*run.result <= BuildResult::unstable ? good : others).push_back(run.duration);
  }
  good.insert(good.end(), others.begin(), others.end());
  if (good.size() > 3) good.resize(3);
  if (good.empty()) return std::nullopt;
  return std::accumulate(good.begin(), good.end(), base::Duration(0)) / static_cast<int>(good.size());
}

void FakeJenkins::finish(const std::string& job, int number, BuildResult result, base::Instant now) {
  move_to(now);
  const auto found = runs_.find({job, number});
  if (found == runs_.end()) return;
  auto& run = found->second;
  if (run.blocks.empty()) {
    finish_run(run, result);
    return;
  }
  for (std::size_t i = 0; i < run.blocks.size(); ++i) {
    if (run.blocks[i].state == BlockRun::State::running) end_block(run, i, result);
  }
}

void FakeJenkins::finish_work(std::uint64_t work, BuildResult result, base::Instant now) {
  move_to(now);
  const auto place = works_.find(work);
  if (place == works_.end()) return;
  const auto& task = place->second.task;
  if (task.kind != Task::Kind::freestyle) {
    auto& block = runs_.at({task.job, task.number}).blocks[task.index];
    if (block.state != BlockRun::State::running) {
      // The shell ended while its agent was not heard of: that is found out when it is back.
      block.ends = now_;
      return;
    }
  }
  end_work(work, result);
}

base::Status FakeJenkins::stop(const std::string& job, int number, base::Instant now) {
  move_to(now);
  if (phase_ != Phase::up) return base::fail(base::Errc::unavailable, "Jenkins is not up");
  const auto found = runs_.find({job, number});
  if (found == runs_.end()) return base::fail(base::Errc::not_found, "there is no such build");
  if (found->second.building) stop_run(found->second, "admin");
  return {};
}

void FakeJenkins::stop_run(Run& run, const std::string& user) {
  run.log.push_back("Aborted by " + user);
  run.stopped = true;
  if (run.blocks.empty() && run.work != 0) {
    agent_events_.push_back(
        {AgentEvent::Kind::stop_work, works_[run.work].connection, run.work, run.job, run.number});
    after(std::chrono::milliseconds(40), [this, key = std::pair(run.job, run.number)] {
      const auto found = runs_.find(key);
      if (found != runs_.end()) finish_run(found->second, BuildResult::aborted);
    });
    return;
  }
  for (std::size_t i = 0; i < run.blocks.size(); ++i) {
    auto& block = run.blocks[i];
    if (block.state == BlockRun::State::none || block.state == BlockRun::State::done) continue;
    block.retries_left = 0;
    end_block(run, i, BuildResult::aborted);
  }
  if (run.building) finish_run(run, BuildResult::aborted);
}

}  // namespace footman::fake_jenkins
