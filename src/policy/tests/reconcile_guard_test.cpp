#include "policy/reconcile_guard.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace footman::policy;

TEST_CASE("what a start-up comparison may end without asking") {
  using enum ReconcileVerdict;
  struct Row {
    std::size_t seen;
    std::size_t would_end;
    bool state_known;
    ReconcileVerdict verdict;
  };
  constexpr Row kRows[] = {
      {0, 0, true, apply},
      {1, 1, true, apply},
      {3, 3, true, apply},      // all of them, but few
      {4, 4, true, too_many},   // more than 3, and more than a fifth
      {19, 4, true, too_many},  // 21 %
      {20, 4, true, apply},     // 20 % is not more than 20 %
      {21, 4, true, apply},
      {24, 5, true, too_many},
      {25, 5, true, apply},
      {10'000, 2'000, true, apply},
      {10'000, 2'001, true, too_many},
      {0, 0, false, apply},  // nothing to be afraid of
      {100, 0, false, apply},
      {100, 1, false, state_unknown},
      {4, 4, false, state_unknown},  // the stronger doubt is the one that is told
  };
  for (const auto& row : kRows) {
    CAPTURE(row.seen);
    CAPTURE(row.would_end);
    CAPTURE(row.state_known);
    CHECK(to_string(judge_reconcile(row.seen, row.would_end, row.state_known)) == to_string(row.verdict));
  }
}

TEST_CASE("each verdict has a word and a sentence of its own") {
  using enum ReconcileVerdict;
  CHECK(to_string(apply) == std::string_view("apply"));
  CHECK(to_string(too_many) == std::string_view("too_many"));
  CHECK(to_string(state_unknown) == std::string_view("state_unknown"));
  CHECK(sentence(too_many) != sentence(state_unknown));
  CHECK_FALSE(sentence(apply).empty());
}
