// Nodes and their agents.
#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

void FakeJenkins::add_node(Computer computer) {
  if (const auto used = names_.find(computer.name); used != names_.end()) {
    note_violation(
        fmt::format("the name {} is used for a second node: after a deletion Jenkins ends pipelines by name",
                    computer.name));
  }
  names_[computer.name] = now_;
  computer.slots.resize(static_cast<std::size_t>(std::max(computer.executors, 0)));
  const auto name = computer.name;
  computers_.insert_or_assign(name, std::move(computer));
  ask_for_round();
}

void FakeJenkins::hold(Computer& computer, std::optional<OfflineCause> cause) {
  computer.held = std::move(cause);
  ask_for_round();
}

std::optional<Execution>* FakeJenkins::find_slot(std::uint64_t work) {
  const auto place = works_.find(work);
  if (place == works_.end()) return nullptr;
  const auto computer = computers_.find(place->second.node);
  if (computer == computers_.end()) return nullptr;
  const auto found = std::ranges::find_if(computer->second.slots,
                                          [&](const auto& slot) { return slot && slot->work == work; });
  return found == computer->second.slots.end() ? nullptr : &*found;
}

Computer* FakeJenkins::find_connected(std::uint64_t connection) {
  for (auto& [name, computer] : computers_) {
    if (computer.connection == connection) return &computer;
  }
  return nullptr;
}

std::string FakeJenkins::secret_of(std::string_view node) const {
  return base::to_hex(base::hmac_sha256(settings_.key, node));
}

base::Result<std::uint64_t> FakeJenkins::connect_agent(const Connect& connect, base::Instant now) {
  move_to(now);
  if (phase_ != Phase::up) return base::fail(base::Errc::unavailable, "Jenkins is not up");
  const auto found = computers_.find(connect.name);
  if (found == computers_.end() || found->second.deleted || connect.secret != secret_of(connect.name)) {
    return base::fail(base::Errc::permission_denied, "Unknown client name or wrong secret: " + connect.name);
  }
  auto& computer = found->second;
  if (computer.connection != 0) {
    return base::fail(base::Errc::conflict,
                      connect.name + " is already connected to this controller. Rejecting this connection.");
  }
  computer.connection = next_connection_++;
  computer.same_workspace = connect.same_workspace;
  computer.builds_on_connection = 0;
  after(pick(settings_.timing.online),
        [this, name = connect.name, connection = computer.connection] { bring_online(name, connection); });
  return computer.connection;
}

void FakeJenkins::bring_online(const std::string& name, std::uint64_t connection) {
  const auto found = computers_.find(name);
  if (found == computers_.end() || found->second.connection != connection) return;
  auto& computer = found->second;
  computer.online = true;
  computer.cause = {};
  for (auto* open : open_runs()) {
    auto& run = *open;
    for (std::size_t i = 0; run.building && i < run.blocks.size(); ++i) {
      if (run.blocks[i].state == BlockRun::State::lost && run.blocks[i].node == name) continue_block(run, i);
    }
  }
  ask_for_round();
}

void FakeJenkins::disconnect_agent(std::uint64_t connection, base::Instant now) {
  move_to(now);
  auto* computer = find_connected(connection);
  if (connection == 0 || computer == nullptr) return;
  close_channel(*computer, {OfflineCause::Kind::channel, {}, {}, now_});
  ask_for_round();
}

// What ran there fails, or waits; what was about to start goes back into the queue.
void FakeJenkins::close_channel(Computer& computer, OfflineCause cause) {
  computer.cause = std::move(cause);
  computer.online = false;
  computer.connection = 0;
  for (auto& slot : computer.slots) {
    if (!slot) continue;
    const auto execution = *slot;
    const auto item = items_.find(execution.item);
    if (execution.number == 0) {
      slot.reset();
      works_.erase(execution.work);
      if (item != items_.end() && item->second.state == QueueItem::State::pending) {
        move_item(item->second, QueueItem::State::buildable);
      }
      continue;
    }
    auto& run = runs_.at({execution.task.job, execution.number});
    if (execution.task.kind != Task::Kind::freestyle) {
      lose_block(run, execution.task.index);
    } else {
      run.log.emplace_back("FATAL: command execution failed");
      finish_run(run, BuildResult::failure);
      slot.reset();
    }
  }
}

void FakeJenkins::delete_node(std::string name) {
  auto& computer = computers_.at(name);
  if (computer.deleted) {  // a second time: nothing keeps it any more
    computers_.erase(name);
    return;
  }
  if (computer.connection != 0) {
    agent_events_.push_back({AgentEvent::Kind::closed, computer.connection});
    if (!computer.is_idle()) note_violation(fmt::format("{} was deleted while a build ran on it", name));
  }
  close_channel(computer, {OfflineCause::Kind::removed, {}, "Node is being removed", now_});
  computer.deleted = true;
  computer.held.reset();
  computer.labels.clear();
  for (auto* open : open_runs()) {
    auto& run = *open;
    for (auto& block : run.blocks) {
      if (block.node == name && block.state == BlockRun::State::lost) ++block.epoch;
    }
  }
  if (computer.is_idle()) computers_.erase(name);
  after(settings_.timing.patience, [this, name] { check_deleted_name(name); });
  ask_for_round();
}

std::vector<std::string> FakeJenkins::nodes_of(std::string_view creator) const {
  std::vector<std::string> names;
  for (const auto& [name, computer] : computers_) {
    if (computer.creator == creator && !computer.deleted) names.push_back(name);
  }
  return names;
}

}  // namespace footman::fake_jenkins
