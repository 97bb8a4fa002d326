#include "ecs/stale_definitions.hpp"

#include <doctest/doctest.h>

#include "ecs/task_definition.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
using namespace std::chrono_literals;
using footman::base::Instant;

namespace {

constexpr Instant kNow = Instant{} + 1000h;

UnusedDefinition unused(std::string family, std::string name, footman::base::Duration registered,
                        footman::base::Duration unused_for = 0h, std::string architecture = "X86_64") {
  return {std::move(family), footman::base::TemplateName(std::move(name)), std::move(architecture),
          Instant{} + registered, kNow - unused_for};
}

}  // namespace

TEST_CASE("stale definitions: all but the newest of each template and architecture, and that one later") {
  CHECK(list_stale({}, kNow).empty());
  CHECK(
      list_stale({unused("a1", "a", 1h), unused("a3", "a", 3h), unused("a2", "a", 2h), unused("b1", "b", 1h)},
                 kNow) == Texts{"a1", "a2"});
  CHECK(list_stale({unused("a1", "a", 1h), unused("a2", "a", 2h, 0h, "ARM64")}, kNow).empty());
  CHECK(list_stale({unused("a1", "a", 1h, kPreviousKept - 1h)}, kNow).empty());
  CHECK(list_stale({unused("a1", "a", 1h, kPreviousKept)}, kNow) == Texts{"a1"});
}

TEST_CASE("stale definitions: only families that are called as ours are") {
  const auto made = make_task_definition(
      make_fargate_options(), make_cloud(),
      {footman::base::InstallationId("x"), footman::base::TemplateName("a-b_c"), "eu-central-1"});
  REQUIRE(made);
  CHECK(is_own_family(made->family));
  CHECK(is_own_family("footman-a-0123456789abcdef"));
  for (const auto* other :
       {"", "footman", "footman-", "footman-server", "footman-0123456789abcdef", "footman-a-0123456789abcdeF",
        "footman-a-0123456789abcde", "footman-a-0123456789abcdef0", "other-a-0123456789abcdef"})
    CHECK_FALSE(is_own_family(other));
}

TEST_CASE("stale definitions: the family of a revision") {
  CHECK(family_of("arn:aws:ecs:eu-central-1:123456789012:task-definition/footman-a-01:7") == "footman-a-01");
  CHECK(family_of("arn:aws:ecs:eu-central-1:123456789012:task-definition/x") == "x");
  CHECK(family_of("").empty());
  CHECK(family_of("x:7").empty());
}
