#include "jenkins/console.hpp"

#include <doctest/doctest.h>

#include "jenkins/tests/captures.hpp"

using namespace footman::jenkins;
using namespace footman::jenkins::testing;

using Nodes = std::vector<std::string>;

TEST_CASE("the console of a pipeline tells where its steps were") {
  CHECK(parse_step_nodes(body_of("progressiveText-pipeline-0")) == Nodes{"w-1"});
  for (const auto* rest :
       {"progressiveText-pipeline-1", "progressiveText-pipeline-2", "progressiveText-pipeline-3"})
    CHECK(parse_step_nodes(body_of(rest)).empty());
  CHECK(parse_step_nodes(body_of("progressiveText-freestyle-0")).empty());
}

TEST_CASE("of consoles nothing is taken for a step that a build prints, or that is cut") {
  const std::string note = "\x1b[8mha:////4BlB+/=\x1b[0m";
  const auto line = [&](const std::string& name) { return "Running on " + note + name + " in /w/x\r\n"; };
  CHECK(parse_step_nodes(line("a") + "Running on b in /w/x\r\n" + line("c d")) == Nodes{"a", "c d"});
  CHECK(parse_step_nodes("[2026-11-30T14:00:00.000Z] " + line("a") + line("a")) == Nodes{"a", "a"});
  CHECK(parse_step_nodes("Running on \x1b[8mha:////4Bl\r\n" + line("a")) == Nodes{"a"});
  CHECK(parse_step_nodes("Running on " + note + "a").empty());
  CHECK(parse_step_nodes(line(std::string(2000, 'n'))).empty());
  std::string many;
  for (std::size_t i = 0; i < kMaxConsoleSteps + 10; ++i) many += line("a");
  CHECK(parse_step_nodes(many).size() == kMaxConsoleSteps);
}
