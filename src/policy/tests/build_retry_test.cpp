#include "policy/build_retry.hpp"

#include <doctest/doctest.h>

namespace footman::policy {
namespace {

using model::EndReason;

bool again(const BuildLoss& loss, std::uint32_t allowed, std::uint32_t done) {
  return judge_retry(loss, allowed, done).again;
}

TEST_CASE("a build is run again when the cloud took its agent, as often as was asked for") {
  for (const auto reason : {EndReason::resource_gone, EndReason::session_lost, EndReason::notice}) {
    CAPTURE(model::to_string(reason));
    CHECK(!again({.reason = reason}, 0, 0));  // nobody asked for it
    CHECK(again({.reason = reason}, 2, 0));
    CHECK(again({.reason = reason}, 2, 1));
    CHECK(!again({.reason = reason}, 2, 2));
  }
}

TEST_CASE("what a person, a time limit or the build itself did is not repeated") {
  for (const auto reason : {EndReason::none, EndReason::drained, EndReason::max_age, EndReason::goodbye,
                            EndReason::template_changed, EndReason::surplus, EndReason::build_finished,
                            EndReason::out_of_memory, EndReason::agent_exited}) {
    CAPTURE(model::to_string(reason));
    CHECK(!again({.reason = reason}, 10, 0));
  }
  CHECK(!again({.reason = EndReason::session_lost, .given_up = true}, 10, 0));
  CHECK(!again({.nothing_began = true, .given_up = true}, 10, 0));
  CHECK(!again({.reason = EndReason::resource_gone, .may_run_elsewhere = true}, 10, 0));
  CHECK(!again({.nothing_began = true, .may_run_elsewhere = true}, 10, 0));
}

TEST_CASE("where it was asked for and is not done, the reason is told") {
  for (const auto reason : {EndReason::out_of_memory, EndReason::agent_exited}) {
    CAPTURE(model::to_string(reason));
    CHECK(judge_retry({.reason = reason}, 1, 0).why_not.starts_with("It is not run again: "));
    CHECK(judge_retry({.reason = reason}, 0, 0).why_not.empty());
    CHECK(judge_retry({.reason = reason}, 1, 1).why_not.empty());
  }
  CHECK(judge_retry({.reason = EndReason::drained}, 1, 0).why_not.empty());  // who did that knows
  CHECK(judge_retry({.reason = EndReason::notice}, 1, 0).why_not.empty());
}

TEST_CASE("what an agent's end says of who did it") {
  struct Case {
    const char* what;
    model::DeathCertificate death;
    bool reclaimed;
    EndReason reason;
    bool again;  // with retries, in the midst of a step
  };
  const Case cases[] = {
      {"the cloud took it back", {{}, 0, false, ""}, true, EndReason::notice, true},
      {"that killed the process, too", {{}, 9, false, ""}, true, EndReason::notice, true},
      {"that was told as want of memory", {{}, 9, true, ""}, true, EndReason::notice, true},
      {"it vanished", {{}, 0, false, ""}, false, EndReason::resource_gone, true},
      {"killed", {{}, 9, false, ""}, false, EndReason::agent_exited, false},
      {"asked to end", {{}, 15, false, ""}, false, EndReason::agent_exited, false},
      {"crashed", {{}, 11, false, ""}, false, EndReason::agent_exited, false},
      {"left with a failure", {1, 0, false, ""}, false, EndReason::agent_exited, false},
      {"left in order, and said nothing", {0, 0, false, ""}, false, EndReason::agent_exited, false},
      {"want of memory", {{}, 9, true, ""}, false, EndReason::out_of_memory, false},
      {"want of memory, no signal known", {{}, 0, true, ""}, false, EndReason::out_of_memory, false},
  };
  for (const auto& one : cases) {
    CAPTURE(one.what);
    const auto reason = judge_death(one.death, one.reclaimed);
    CHECK(reason == one.reason);
    CHECK(again({.reason = reason}, 1, 0) == one.again);
    CHECK(!again({.reason = reason}, 0, 0));
  }
}

TEST_CASE("a build of which nothing had begun needs no permission, and is no endless loop") {
  const BuildLoss loss{.reason = EndReason::goodbye, .nothing_began = true};
  CHECK(again(loss, 0, 0));
  CHECK(again(loss, 0, kUnaskedRetries - 1));
  CHECK(!again(loss, 0, kUnaskedRetries));
  CHECK(again(loss, 5, kUnaskedRetries));
  CHECK(!again(loss, 5, 5));
}

}  // namespace
}  // namespace footman::policy
