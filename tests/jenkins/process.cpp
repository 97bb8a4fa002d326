// The double as a process: time, users, jobs, starts and stops.
#include <algorithm>

#include "base/check.hpp"
#include "base/digest.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

FakeJenkins::FakeJenkins(Settings settings, base::Instant now)
    : settings_(std::move(settings)), now_(now), session_("34ccefcc") {
  add_user("scaler", {"scaler-token", "scaler-password", least_rights()});
  add_user("admin", {"admin-token", "admin-password", {Right::administer}});
  beat();
  save();
}

Rights FakeJenkins::least_rights() {
  return {Right::overall_read,     Right::agent_create, Right::agent_connect,
          Right::agent_disconnect, Right::agent_delete, Right::job_read};
}

void FakeJenkins::add_user(const std::string& name, User user) {
  users_.insert_or_assign(name, std::move(user));
}
void FakeJenkins::set_rights(const std::string& user, Rights rights) {
  users_.at(user).rights = std::move(rights);
}
void FakeJenkins::set_token(const std::string& user, std::string token) {
  users_.at(user).token = std::move(token);
}

void FakeJenkins::add_cloud(std::string class_name, std::string_view labels) {
  clouds_[std::move(class_name)] = split_labels(labels);
}

void FakeJenkins::add_job(Job job) {
  const auto found = jobs_.find(job.name);
  if (found != jobs_.end()) job.next_number = found->second.next_number;
  const auto name = job.name;
  jobs_.insert_or_assign(name, std::move(job));
}

void FakeJenkins::set_next_number(const std::string& job, int number) { jobs_.at(job).next_number = number; }

void FakeJenkins::set_quieting_down(bool quieting, base::Instant now) {
  move_to(now);
  quieting_ = quieting;
  ask_for_round();
}

void FakeJenkins::at(base::Instant time, std::function<void()> what) {
  timers_.emplace(std::max(time, now_), std::move(what));
}

base::Duration FakeJenkins::pick(Span span) const {
  if (settings_.dice) return settings_.dice(span.low, span.high);
  return (span.low + span.high) / 2;
}

void FakeJenkins::move_to(base::Instant now) { advance(now); }

void FakeJenkins::advance(base::Instant now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto timer = timers_.extract(timers_.begin());
    now_ = std::max(now_, timer.key());
    timer.mapped()();
  }
  now_ = std::max(now_, now);
}

base::Instant FakeJenkins::next_event_at() const {
  return timers_.empty() ? base::Instant{} : timers_.begin()->first;
}

void FakeJenkins::note_violation(std::string sentence) {
  if (violations_.size() < kMaxViolations) violations_.push_back(std::move(sentence));
}

// Freestyle builds die with the process. Nodes, jobs and pipelines are on its disk; after a clean end the
// queue, too.
void FakeJenkins::restart(bool clean, base::Duration down, base::Instant now) {
  move_to(now);
  for (auto& [name, computer] : computers_) {
    if (computer.connection != 0) {
      agent_events_.push_back({AgentEvent::Kind::closed, computer.connection});
    }
    computer.connection = 0;
    computer.online = false;
    computer.cause = {};
    for (auto& slot : computer.slots) slot.reset();
  }
  std::erase_if(computers_, [](const auto& one) { return one.second.deleted; });
  for (auto* open : open_runs()) {
    auto& run = *open;
    const bool goes_on = run.building && jobs_.at(run.job).kind == Job::Kind::pipeline;
    if (goes_on) {
      suspend_blocks(run, clean);
      continue;
    }
    open_.erase({run.job, run.number});
    run.in_progress = false;
    if (!run.building) continue;
    run.building = false;
    run.result = BuildResult::aborted;
    run.duration = now_ - run.started;
    for (auto& block : run.blocks) block.state = BlockRun::State::done;
  }
  std::erase_if(works_, [](const auto& one) {
    const auto& [task, number, node, connection] = one.second;
    return number == 0 || task.kind != Task::Kind::block;
  });
  std::erase_if(items_, [](const auto& one) { return one.second.state == QueueItem::State::left; });
  if (clean) {
    // What is saved comes back with its ids, the oldest last in the list it is put into.
    std::ranges::reverse(order_);
    for (auto& [id, item] : items_) {
      if (item.state == QueueItem::State::pending) item.state = QueueItem::State::buildable;
    }
  } else {
    next_item_ = saved_next_item_;
    items_.clear();
    order_.clear();
  }
  timers_.clear();
  round_asked_ = false;
  quieting_ = false;
  phase_ = Phase::down;
  after(down, [this, clean] { start_process(clean); });
}

void FakeJenkins::start_process(bool clean) {
  ++restarts_;
  session_ = base::to_hex(base::sha256(session_ + std::to_string(restarts_))).substr(0, 8);
  sessions_.clear();
  phase_ = Phase::starting;
  after(settings_.timing.starting, [this, clean] {
    phase_ = Phase::unsure;
    unsure_since_ = now_;
    after(settings_.timing.unsure, [this, clean] { restore(clean); });
  });
}

void FakeJenkins::restore(bool clean) {
  phase_ = Phase::up;
  // Pipelines that had not come to their first block.
  for (const auto* run : open_runs()) {
    if (run->blocks.empty() && jobs_.at(run->job).kind == Job::Kind::pipeline) {
      after(settings_.timing.resume,
            [this, key = std::pair(run->job, run->number)] { start_stage(runs_.at(key)); });
    }
  }
  beat();
  save();
  after(clean ? base::Duration(0) : settings_.timing.resume, [this] { resume_blocks(); });
}

}  // namespace footman::fake_jenkins
