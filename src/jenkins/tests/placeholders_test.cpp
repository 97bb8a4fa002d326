#include "jenkins/placeholders.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace footman;
using namespace footman::jenkins;

namespace {

Computer as_node(const Placeholder& placeholder, bool held = true) {
  Computer computer;
  computer.name = placeholder.name;
  computer.labels = placeholder.labels;
  computer.labels.push_back(placeholder.name);
  std::ranges::sort(computer.labels);
  computer.held = held;
  computer.description = "ours";
  return computer;
}

std::vector<std::pair<PlaceholderStep, std::string>> plan(const std::vector<Placeholder>& wanted,
                                                          const Computers& computers) {
  std::vector<std::pair<PlaceholderStep, std::string>> steps;
  for (const auto& task : plan_placeholders(wanted, "footman-", computers,
                                            [](const Computer& one) { return one.description == "ours"; }))
    steps.emplace_back(task.step, task.placeholder.name);
  return steps;
}

using Steps = std::vector<std::pair<PlaceholderStep, std::string>>;

}  // namespace

TEST_CASE("two placeholders for each distinct set of labels, with names that say so") {
  const auto all = list_placeholders(
      "footman-", {{{"linux", "big"}, false}, {{"big", "linux"}, true}, {{"gpu"}, false}, {{}, true}});
  REQUIRE(all.size() == 4);
  CHECK(all[0].name.starts_with("footman-placeholder-big-linux-"));
  CHECK(all[0].name.ends_with("-1"));
  CHECK(all[1].name.ends_with("-2"));
  CHECK(all[0].labels == std::vector<std::string>{"big", "linux"});
  CHECK(all[2].labels == std::vector<std::string>{"gpu"});
  for (const auto& one : all) CHECK(is_placeholder_name("footman-", one.name));
  CHECK(!is_placeholder_name("footman-", "footman-local-k3v9q2m7"));
  // Sets that look alike in a name have other ones.
  CHECK(list_placeholders("f-", {{{"a-b"}, false}})[0].name !=
        list_placeholders("f-", {{{"a", "b"}, false}})[0].name);
}

TEST_CASE("without any label there are two without: while Jenkins has no nodes it names no label") {
  CHECK(list_placeholders("footman-", {{{}, true}}).size() == 2);
  CHECK(list_placeholders("footman-", {})[0].labels.empty());
}

TEST_CASE("placeholders are made, held, made anew with other labels, and removed") {
  const auto wanted = list_placeholders("footman-", {{{"linux"}, false}});
  using enum PlaceholderStep;
  CHECK(plan(wanted, {}) == Steps{{create, wanted[0].name}, {create, wanted[1].name}});
  Computers computers{{as_node(wanted[0]), as_node(wanted[1])}};
  CHECK(plan(wanted, computers).empty());
  computers.all[0].held = false;
  CHECK(plan(wanted, computers) == Steps{{hold, wanted[0].name}});
  computers.all[0].labels = {"other", wanted[0].name};
  CHECK(plan(wanted, computers) == Steps{{erase, wanted[0].name}});
  computers.all[0] = as_node(wanted[0]);
  CHECK(plan({}, computers) == Steps{{erase, wanted[0].name}, {erase, wanted[1].name}});
  computers.all[1].description = "by hand";
  CHECK(plan({}, computers) == Steps{{erase, wanted[0].name}});
  CHECK(plan(wanted, computers).empty());
}
