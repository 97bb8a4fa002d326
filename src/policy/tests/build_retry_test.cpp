#include "policy/build_retry.hpp"

#include <doctest/doctest.h>

namespace footman::policy {
namespace {

using model::EndReason;

TEST_CASE("a build is run again when the cloud took its agent, as often as was asked for") {
  for (const auto reason : {EndReason::resource_gone, EndReason::session_lost, EndReason::notice}) {
    CAPTURE(model::to_string(reason));
    CHECK(!is_run_again({.reason = reason}, 0, 0));  // nobody asked for it
    CHECK(is_run_again({.reason = reason}, 2, 0));
    CHECK(is_run_again({.reason = reason}, 2, 1));
    CHECK(!is_run_again({.reason = reason}, 2, 2));
  }
}

TEST_CASE("what a person, a time limit or the build itself did is not repeated") {
  for (const auto reason : {EndReason::none, EndReason::drained, EndReason::max_age, EndReason::goodbye,
                            EndReason::template_changed, EndReason::surplus, EndReason::build_finished,
                            EndReason::out_of_memory}) {
    CAPTURE(model::to_string(reason));
    CHECK(!is_run_again({.reason = reason}, 10, 0));
  }
  CHECK(!is_run_again({.reason = EndReason::session_lost, .given_up = true}, 10, 0));
  CHECK(!is_run_again({.nothing_began = true, .given_up = true}, 10, 0));
}

TEST_CASE("a build of which nothing had begun needs no permission, and is no endless loop") {
  const BuildLoss loss{.reason = EndReason::goodbye, .nothing_began = true};
  CHECK(is_run_again(loss, 0, 0));
  CHECK(is_run_again(loss, 0, kUnaskedRetries - 1));
  CHECK(!is_run_again(loss, 0, kUnaskedRetries));
  CHECK(is_run_again(loss, 5, kUnaskedRetries));
  CHECK(!is_run_again(loss, 5, 5));
}

}  // namespace
}  // namespace footman::policy
