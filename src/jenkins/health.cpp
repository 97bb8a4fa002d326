#include "jenkins/health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::jenkins {
namespace {

bool is_refusal(const Error& error) {
  return error.code == Errc::unauthenticated || error.code == Errc::permission_denied;
}

// Since when something has been so without a break; whether it has for long.
bool lasts(bool is_so, Instant& since, Instant now) {
  if (!is_so) {
    since = {};
    return false;
  }
  if (!since.is_set()) since = now;
  return now - since >= kOddLasts;
}

bool shows_nameless_build(const Computer& computer) {
  return std::ranges::any_of(computer.executors,
                             [](const Executor& one) { return !one.idle && one.build_class.empty(); });
}

}  // namespace

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::unasked:
      return "unasked";
    case Reach::well:
      return "well";
    case Reach::away:
      return "away";
    case Reach::refused:
      return "refused";
  }
  return "away";
}

void Health::turn(Reach reach, Instant now) {
  if (reach_ == reach) return;
  reach_ = reach;
  since_ = now;
}

void Health::note_well(Instant now) {
  turn(Reach::well, now);
  failing_since_ = refused_since_ = {};
  pause_ = Duration(0);
  error_.clear();
}

void Health::note_failure(const Error& error, Instant now) {
  error_ = describe(error);
  if (!failing_since_.is_set()) failing_since_ = now;
  if (!is_refusal(error))
    refused_since_ = {};
  else if (!refused_since_.is_set())
    refused_since_ = now;
  const bool is_meant = refused_since_.is_set() && now - refused_since_ >= kRefusalLasts;
  // From one that was there a refusal is no start's, most likely.
  const bool is_plain = refused_since_.is_set() && refused_since_ == failing_since_;
  turn(is_meant || is_plain ? Reach::refused : Reach::away, now);
  if (is_meant)
    pause_ = kRefusedPause;
  else
    pause_ = pause_ == Duration(0) ? kFirstPause : std::min(pause_ * 2, kLongestPause);
}

// Jenkins tells whole seconds: what differs by no more is the same.
void Health::note_clock(Duration ahead) {
  if (std::chrono::abs(ahead - ahead_) > kClockNoise) ahead_ = ahead;
}

void Health::note_lists(const Computers& computers, Instant now) {
  const bool nameless = std::ranges::any_of(computers.all, shows_nameless_build);
  hides_builds_ = lasts(nameless, nameless_since_, now);
  const bool unconnected = std::ranges::any_of(computers.all, [](const Computer& one) {
    return one.is_agent && !one.is_ghost() && !one.offline && !one.connected;
  });
  hides_agents_ = lasts(unconnected, unconnected_since_, now);
}

void Health::note_items(const Queue& queue, const Computers* computers, Instant now) {
  const auto has_build = [](const Computer& one) {
    return std::ranges::any_of(one.executors, [](const Executor& each) { return !each.build.empty(); });
  };
  hides_items_ = queue.odd > 0;
  if (hides_items_ || !queue.items.empty() ||
      (computers != nullptr && std::ranges::any_of(computers->all, has_build)))
    note_jobs(true, now);
}

bool Health::wants_jobs(Instant now) {
  if (now - jobs_seen_ < kJobsKnown || now - jobs_asked_ < kAskJobsAgain) return false;
  jobs_asked_ = now;
  return true;
}

void Health::note_jobs(bool are_shown, Instant now) {
  if (are_shown) jobs_seen_ = now;
  shows_no_job_ = now - jobs_seen_ >= kJobsKnown;
}

bool Health::note_change(std::string_view kind, const Status& done) {
  const auto known = change_errors_.find(kind);
  if (done) {
    if (known != change_errors_.end()) change_errors_.erase(known);
    return false;
  }
  const bool is_refused = is_refusal(done.error()) || done.error().code == Errc::invalid_argument;
  // The first one stays: the others differ by the node that they are about.
  return !is_refused || change_errors_.try_emplace(std::string(kind), describe(done.error())).second;
}

std::string Health::trouble() const {
  if (reach_ == Reach::unasked) return "It has not been asked yet.";
  if (reach_ == Reach::refused)
    return fmt::format("It does not let Footman in since {}: {}", format_rfc3339(failing_since_), error_);
  if (reach_ == Reach::away)
    return fmt::format("It cannot be reached since {}: {}", format_rfc3339(failing_since_), error_);
  if (!change_errors_.empty()) return change_errors_.begin()->second;
  if (hides_builds_)
    return "Executors are busy with builds that Jenkins does not show: the user lacks the permission "
           "Job/Read, so "
           "waiting builds are not seen either. Give it to the user.";
  if (hides_items_)
    return "Items wait in its queue without an id, a time or a task that Footman can read: it launches "
           "nothing "
           "for them.";
  if (shows_no_job_)
    return "It shows no job at all: either there is none, or the user lacks the permission Job/Read, without "
           "which waiting builds are not seen. Give it to the user where the jobs are.";
  if (hides_agents_)
    return "Nodes are online and Jenkins does not show their agents: the user lacks the permission "
           "Agent/Connect. "
           "Give it to the user.";
  if (hides_session_)
    return "Its answers lack X-Jenkins-Session: a proxy before it may take that header away. Without it a "
           "restart of Jenkins is not noticed, and Jenkins may give up a pipeline that comes back from one. "
           "Let the proxy pass it on.";
  if (ahead_ >= kClockDiffers || -ahead_ >= kClockDiffers)
    return fmt::format(
        "Its clock is {} {} this one; times of builds are corrected for that. Are both set by NTP?",
        format_duration(std::chrono::abs(ahead_)), ahead_ > Duration(0) ? "ahead of" : "behind");
  return {};
}

}  // namespace footman::jenkins
