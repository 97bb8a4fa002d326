// Pipelines: node() blocks that wait, run, lose their agent, get it back, or are given up. Cells of a matrix
// go the same way, without the patience.
#include <fmt/format.h>

#include <algorithm>

#include "tests/jenkins/consoles.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

namespace {

// As Jenkins words it for 300 s.
std::string format_patience(base::Duration patience) { return format_span(patience, Language::english); }

BuildResult worse(BuildResult a, BuildResult b) { return std::max(a, b); }

}  // namespace

const NodeBlock* FakeJenkins::block_of(const Run& run, std::size_t index) const {
  for (const auto& stage : jobs_.at(run.job).stages) {
    if (index < stage.size()) return &stage[index];
    index -= stage.size();
  }
  return nullptr;
}

// First and one past the last block of the run's stage.
std::pair<std::size_t, std::size_t> FakeJenkins::blocks_of_stage(const Run& run) const {
  const auto& job = jobs_.at(run.job);
  if (job.kind == Job::Kind::matrix) return {0, run.blocks.size()};
  std::size_t first = 0;
  for (std::size_t i = 0; i < run.stage; ++i) first += job.stages[i].size();
  return {first, first + job.stages[run.stage].size()};
}

// The notes of steps stand before their lines.
void FakeJenkins::log_step(Run& run, std::string_view what) {
  run.log.push_back(make_note({}) + fmt::format("[Pipeline] {}", what));
}

std::string FakeJenkins::workspace_of(const std::string& node, const std::string& job) const {
  const auto computer = computers_.find(node);
  const auto folder = computer == computers_.end() ? std::string() : computer->second.remote_fs;
  return fmt::format("{}/workspace/{}", folder, job);
}

void FakeJenkins::print(const std::string& job, int number, const std::vector<std::string>& lines) {
  auto& run = runs_.at({job, number});
  for (const auto& line : lines) {
    constexpr std::string_view kStep = "[Pipeline] ";
    if (line.starts_with(kStep))
      log_step(run, std::string_view(line).substr(kStep.size()));
    else
      run.log.push_back(line);
  }
}

void FakeJenkins::start_matrix(Run& run) {
  const auto& cells = jobs_.at(run.job).cells;
  run.blocks.resize(cells.size());
  if (cells.empty()) finish_run(run, BuildResult::success);
  for (std::size_t i = 0; i < cells.size(); ++i) queue_block(run, i);
}

void FakeJenkins::start_stage(Run& run) {
  const auto& stages = jobs_.at(run.job).stages;
  if (run.stage == stages.size()) {
    finish_run(run, BuildResult::success);
    return;
  }
  if (run.stage == 0) {
    run.blocks.resize(0);
    log_step(run, "Start of Pipeline");
    for (const auto& stage : stages) {
      for (const auto& block : stage) run.blocks.push_back({.retries_left = block.agent_retries});
    }
  }
  const auto [first, end] = blocks_of_stage(run);
  if (first == end) {
    ++run.stage;
    start_stage(run);
    return;
  }
  if (end - first > 1) {
    log_step(run, "parallel");
    for (auto i = first; i < end; ++i)
      log_step(run, fmt::format("{{ (Branch: {})", block_of(run, i)->branch));
  }
  for (auto i = first; i < end; ++i) queue_block(run, i);
}

void FakeJenkins::queue_block(Run& run, std::size_t index) {
  auto& block = run.blocks[index];
  const auto& job = jobs_.at(run.job);
  const bool cell = job.kind == Job::Kind::matrix;
  const auto label = cell ? job.cells[index].second : block_of(run, index)->label;
  if (!cell) log_step(run, "node");
  block.state = BlockRun::State::queued;
  block.node.clear();
  block.work = 0;
  block.begun = false;
  block.ends = {};
  block.since = now_;
  ++block.epoch;
  const auto kind = cell ? Task::Kind::cell : Task::Kind::block;
  auto& item = enqueue({kind, run.job, run.number, index}, base::Duration(0), label);
  block.item = item.id;
  // No quiet period: such an item is buildable as soon as it is there.
  enter(item);
}

void FakeJenkins::run_block(Run& run, std::size_t index, const QueueItem& item, std::uint64_t work) {
  auto& block = run.blocks[index];
  if (block.state == BlockRun::State::resuming) {
    // It goes on with the work it had.
    if (auto* slot = find_slot(work)) {
      (*slot)->work = block.work;
      (*slot)->visible = true;
    }
    works_.erase(work);
    works_[block.work] = {item.task, run.number, item.node, computers_.at(item.node).connection};
    return;
  }
  block.state = BlockRun::State::running;
  block.node = item.node;
  block.work = work;
  ++block.epoch;
  works_[work].number = run.number;
  if (item.task.kind != Task::Kind::block) return;
  run.log.push_back(
      fmt::format("Running on {} in {}", make_note(item.node), workspace_of(item.node, run.job)));
  log_step(run, "{");
}

// The agent is there again.
void FakeJenkins::continue_block(Run& run, std::size_t index) {
  auto& block = run.blocks[index];
  const auto& computer = computers_.at(block.node);
  block.state = BlockRun::State::running;
  ++block.epoch;
  if (const auto place = works_.find(block.work); place != works_.end()) {
    place->second.connection = computer.connection;
  }
  run.log.push_back(fmt::format("{} is back online", block.node));
  const auto* what = block_of(run, index);
  if (!block.begun) {
    after(pick(settings_.timing.start), [this, work = block.work] { begin_work(work); });
    return;
  }
  if (!computer.same_workspace) {
    after(std::chrono::milliseconds(200),
          [this, work = block.work] { end_work(work, BuildResult::failure); });
    return;
  }
  if (block.ends.is_set() && what != nullptr) {
    schedule_end(block.work, std::max(block.ends, now_ + std::chrono::milliseconds(20)), what->work.result);
  }
}

void FakeJenkins::end_block(Run& run, std::size_t index, BuildResult result) {
  auto& block = run.blocks[index];
  if (block.state == BlockRun::State::done) return;
  if (block.state == BlockRun::State::queued || block.state == BlockRun::State::resuming) {
    const auto item = items_.find(block.item);
    if (item != items_.end() && item->second.state != QueueItem::State::left) leave(item->second, true);
  }
  if (result == BuildResult::aborted && block.state == BlockRun::State::running) {
    if (const auto place = works_.find(block.work); place != works_.end()) {
      agent_events_.push_back(
          {AgentEvent::Kind::stop_work, place->second.connection, block.work, run.job, run.number});
    }
  }
  const auto& job = jobs_.at(run.job);
  if (job.kind == Job::Kind::pipeline) {
    if (!block.node.empty()) log_step(run, "}");
    log_step(run, "// node");
  }
  block.state = BlockRun::State::done;
  block.result = result;
  ++block.epoch;
  free_slot(block.work);
  const auto [first, end] = blocks_of_stage(run);
  auto worst = BuildResult::success;
  for (auto i = first; i < end; ++i) {
    if (run.blocks[i].state != BlockRun::State::done) return;
    worst = worse(worst, *run.blocks[i].result);
  }
  if (worst != BuildResult::success || job.kind == Job::Kind::matrix) {
    finish_run(run, worst);
  } else {
    ++run.stage;
    start_stage(run);
  }
}

// The channel is gone. A pipeline waits for it; a cell of a matrix is a build like a freestyle one.
void FakeJenkins::lose_block(Run& run, std::size_t index) {
  if (jobs_.at(run.job).kind == Job::Kind::matrix) {
    end_block(run, index, BuildResult::failure);
    return;
  }
  auto& block = run.blocks[index];
  block.state = BlockRun::State::lost;
  run.log.push_back(
      fmt::format("{} seems to be removed or offline; will wait for {} for it to come back online",
                  block.node, format_patience(settings_.timing.patience)));
  expect_block(run, index);
}

// Gives the block up when its agent is not back in time. Not after a deletion: check_deleted_name() does
// that.
void FakeJenkins::expect_block(Run& run, std::size_t index) {
  auto& block = run.blocks[index];
  ++block.epoch;
  after(settings_.timing.patience, [this, key = std::pair(run.job, run.number), index, epoch = block.epoch] {
    auto& late = runs_.at(key);
    if (late.blocks[index].epoch == epoch) {
      give_up_block(late, index, late.blocks[index].node + " was marked offline: Connection was broken");
    }
  });
}

void FakeJenkins::give_up_block(Run& run, std::size_t index, std::string why) {
  auto& block = run.blocks[index];
  run.log.push_back(std::move(why));
  if (block.retries_left == 0) {
    end_block(run, index, BuildResult::aborted);
    return;
  }
  --block.retries_left;
  if (block.state == BlockRun::State::resuming) {
    const auto item = items_.find(block.item);
    if (item != items_.end() && item->second.state != QueueItem::State::left) leave(item->second, true);
  }
  run.log.emplace_back("Retrying");
  free_slot(block.work);
  queue_block(run, index);
}

// The trap of names: what was planned for a node that was deleted hits whoever has its name by then and looks
// offline.
void FakeJenkins::check_deleted_name(const std::string& name) {
  const auto computer = computers_.find(name);
  if (computer != computers_.end() && !computer->second.deleted && !computer->second.is_offline()) return;
  for (auto* open : open_runs()) {
    auto& run = *open;
    for (std::size_t i = 0; run.building && i < run.blocks.size(); ++i) {
      const auto state = run.blocks[i].state;
      if (run.blocks[i].node != name) continue;
      if (state == BlockRun::State::running || state == BlockRun::State::lost ||
          state == BlockRun::State::resuming) {
        give_up_block(run, i, fmt::format("Agent {} was deleted; cancelling node body", name));
      }
    }
  }
}

// The process ends: what ran has to be found again, and what is not saved must be asked for again.
void FakeJenkins::suspend_blocks(Run& run, bool clean) {
  using State = BlockRun::State;
  for (auto& block : run.blocks) {
    ++block.epoch;
    if (block.state == State::running || block.state == State::lost) {
      block.state = State::resuming;
      block.item = 0;
    }
    if (!clean) block.item = 0;
  }
}

// After a start of the process: pipelines go on where they were.
void FakeJenkins::resume_blocks() {
  for (auto* open : open_runs()) {
    auto& run = *open;
    for (std::size_t i = 0; run.building && i < run.blocks.size(); ++i) {
      auto& block = run.blocks[i];
      if (block.state == BlockRun::State::queued && block.item == 0) queue_block(run, i);
      if (block.state != BlockRun::State::resuming) continue;
      if (block.item == 0) {
        auto& item =
            enqueue({Task::Kind::block, run.job, run.number, i}, base::Duration(0), "\"" + block.node + "\"");
        block.item = item.id;
        enter(item);
      }
      expect_block(run, i);
    }
  }
}

}  // namespace footman::fake_jenkins
