#include "model/look_again.hpp"

#include <doctest/doctest.h>

using namespace footman::model;
using footman::base::Instant;
using namespace std::chrono_literals;

TEST_CASE("when something that is held is looked at again, in words") {
  constexpr Instant kNow{1'000'000'000};
  const auto tell = [&](Instant at, std::string_view word) { return describe_look_again(at, word, kNow); };
  CHECK(tell({}, "agent_ends") == "Looked at again when an agent ends.");
  CHECK(tell(kNow + 200s, "agent_ends") == "Looked at again in 3 min 20 s, or when an agent ends.");
  CHECK(tell(kNow + 200s, "pause_is_over") == "Looked at again in 3 min 20 s.");
  CHECK(tell(kNow - 1s, "pause_is_over") == "Looked at again when the pause is over.");
  CHECK(tell(kNow + 1s, "") == "Looked at again in 1.0 s.");
  CHECK(tell({}, "").empty());
  CHECK(tell({}, "no such word").empty());
}
