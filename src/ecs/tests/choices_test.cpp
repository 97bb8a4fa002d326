#include "ecs/choices.hpp"

#include <doctest/doctest.h>

#include "ecs/tests/samples.hpp"

using namespace footman;
using namespace footman::ecs;

namespace {

TemplateOptions make_many() {
  auto options = make_fargate_options();
  options.capacity = {CapacityKind::strategy, LaunchType::fargate, {{"FARGATE_SPOT", 0, 1}}, {}};
  options.fallback_capacities = {{CapacityKind::launch_type, LaunchType::fargate, {}, {}},
                                 {CapacityKind::launch_type, LaunchType::ec2, {}, {}}};
  options.fallback_sizes = {{2048, 4096}};
  return options;
}

}  // namespace

TEST_CASE("choices: the sizes of one capacity before the next capacity, each with a name of its own") {
  const auto options = make_many();
  std::vector<std::string> names;
  for (const auto& choice : list_choices(options)) names.push_back(name_of(options, choice));
  CHECK(names == std::vector<std::string>{
                     "FARGATE_SPOT, 1024 CPU units, 2048 MiB", "FARGATE_SPOT, 2048 CPU units, 4096 MiB",
                     "FARGATE, 1024 CPU units, 2048 MiB", "FARGATE, 2048 CPU units, 4096 MiB",
                     "EC2, 1024 CPU units, 2048 MiB", "EC2, 2048 CPU units, 4096 MiB"});
}

TEST_CASE("choices: all architectures of a size before the next size") {
  auto options = make_fargate_options();
  options.cpu_architecture = CpuArchitecture::arm64;
  options.fallback_architectures = {CpuArchitecture::x86_64};
  options.fallback_sizes = {{2048, 4096}};
  std::vector<std::string> names;
  for (const auto& choice : list_choices(options)) names.push_back(name_of(options, choice));
  CHECK(names ==
        std::vector<std::string>{"1024 CPU units, 2048 MiB, ARM64", "1024 CPU units, 2048 MiB, X86_64",
                                 "2048 CPU units, 4096 MiB, ARM64", "2048 CPU units, 4096 MiB, X86_64"});
}

TEST_CASE("choices: the only one needs no name") {
  const auto options = make_fargate_options();
  REQUIRE(list_choices(options).size() == 1);
  CHECK(name_of(options, list_choices(options).front()).empty());
}

TEST_CASE("choices: an agent's size is the task's, as Fargate sells it, else its containers'") {
  auto options = make_many();
  options.round_up = true;
  options.size = {300, 600};
  const auto choices = list_choices(options);
  CHECK(find_agent_size(options, choices[0]) == model::AgentSize{500, 1ULL << 30});
  CHECK(find_agent_size(options, choices[1]) == model::AgentSize{2000, 4ULL << 30});
  CHECK(find_agent_size(options, choices[4]) == model::AgentSize{293, 600ULL << 20});  // not on Fargate
  options.size = {};
  options.container.cpu_units = 512;
  options.container.memory_mib = 1024;
  options.container.memory_reservation_mib = 256;
  options.sidecars.resize(1);
  options.sidecars[0].memory_mib = 128;
  CHECK(find_agent_size(options, list_choices(options)[4]) == model::AgentSize{500, 384ULL << 20});
}
