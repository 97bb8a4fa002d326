// A double in the state of a recording, and its answers held against the recorded ones.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins::test {

using namespace std::chrono_literals;

struct Recorded {
  Request request;
  Answer answer;
};
Recorded load_capture(const std::string& name);
std::vector<std::string> capture_names();

// What must be equal of two answers, as text: status, headers and body without what differs from call to call
// (times, sessions, secrets, numbers of logs), without the framing, and of cut pages what a person reads.
std::string comparable(const Answer& answer, bool recorded_is_cut);

class Story {
 public:
  explicit Story(std::set<std::string>* replayed, Settings settings = {})
      : replayed_(replayed), jenkins(std::move(settings), now) {}

  void wait(base::Duration time) {
    now = now + time;
    jenkins.advance(now);
  }
  // Who calls from now on. "anonymous" and "bad token" are known, too.
  void as(std::string user, bool by_password = false) {
    user_ = std::move(user);
    by_password_ = by_password;
  }
  // Asks what was asked, and compares the answers.
  void check(const std::string& name);
  Answer call(std::string method, std::string target, std::string body = {});

  void node(const std::string& name, const std::string& labels, int executors = 1);
  void hold(const std::string& name, const std::string& message);  // as "scaler", or releases
  std::uint64_t connect(const std::string& name);                  // and waits until it is online
  void drop(const std::string& name);                              // its agent dies
  void remove(const std::string& name);
  void freestyle(const std::string& name, const std::string& label, Work work = {.takes = std::nullopt});
  void pipeline(const std::string& name, std::vector<NodeBlock> blocks);
  // Triggers it without quiet period so that its (first) waiting item gets this id, and waits until it is
  // there.
  void queue(const std::string& job, std::int64_t id);
  // The same for the item of the trigger itself; a pipeline's leaves at once.
  void trigger(const std::string& job, std::int64_t id, base::Duration delay = base::Duration(0));
  void clear();  // no item is left, no build runs

 private:
  std::string authorization() const;

  std::set<std::string>* replayed_;
  std::string user_ = "scaler";
  bool by_password_ = false;
  std::string crumb_;
  std::string cookie_;

 public:
  base::Instant now{1'795'456'437'915'000};
  FakeJenkins jenkins;
};

NodeBlock block(std::string label, std::string branch = {});

}  // namespace footman::fake_jenkins::test
