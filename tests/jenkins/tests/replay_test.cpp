// Every recorded exchange of a real Jenkins, asked again of the double.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/jenkins/tests/stories.hpp"

using namespace footman::fake_jenkins;
using namespace footman::fake_jenkins::test;

namespace {

constexpr const char* kJobsAreMadeInCpp =
    "jobs are made and changed by add_job(): Footman never does that over REST";
constexpr const char* kNoLogs =
    "of consoles Footman reads only where a pipeline's steps ran: other lines are few, and notes have other "
    "lengths";

// Captures, or beginnings of their names, and why the double does not give those answers.
const std::map<std::string, std::string> kNotReplayed = {
    {"build-pipeline-finished-full", "actions of plugins that nobody here asks for"},
    {"build-trigger-copy-held-off-409", kJobsAreMadeInCpp},
    {"consoleText-", kNoLogs},
    {"flowGraphTable-running", "the steps within a node() block: the double knows blocks only"},
    {"folder-create", kJobsAreMadeInCpp},
    {"job-after-copy", kJobsAreMadeInCpp},
    {"job-config-get", kJobsAreMadeInCpp},
    {"job-config-post", kJobsAreMadeInCpp},
    {"job-copy", kJobsAreMadeInCpp},
    {"job-create-", kJobsAreMadeInCpp},
    {"job-rename", kJobsAreMadeInCpp},
    {"progressiveText-", kNoLogs},
    {"queue-depth2", "members of jobs that nobody here asks for"},
    {"queue-freestyle-pending",
     "a look into the middle of one round of the queue; the double's rounds take no time"},
};
// This number may not grow.
constexpr std::size_t kMostNotReplayed = 44;

bool is_excused(const std::string& name) {
  return std::ranges::any_of(kNotReplayed, [&](const auto& one) { return name.starts_with(one.first); });
}

}  // namespace

TEST_CASE("the double answers as the recorded Jenkins did, or it is said why not") {
  std::set<std::string> replayed;
  for (const auto& story : kStories) {
    INFO("story: ", std::string(story.name));
    Story told(&replayed);
    story.tell(told);
  }
  std::vector<std::string> missing;
  for (const auto& name : capture_names()) {
    if (!replayed.contains(name)) missing.push_back(name);
  }
  CHECK(capture_names().size() == 303);
  for (const auto& name : missing)
    CHECK_MESSAGE(is_excused(name), name, " is not replayed, and nobody says why");
  CHECK(missing.size() <= kMostNotReplayed);
  for (const auto& [name, reason] : kNotReplayed) {
    const bool needed = std::ranges::any_of(missing, [&](const auto& one) { return one.starts_with(name); });
    CHECK_MESSAGE(needed, name, " is replayed: it needs no excuse");
  }
  MESSAGE(replayed.size(), " of ", capture_names().size(), " recorded exchanges are replayed");
}
