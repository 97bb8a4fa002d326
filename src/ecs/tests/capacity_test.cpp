#include "ecs/capacity.hpp"

#include <doctest/doctest.h>

#include "ecs/tests/samples.hpp"

using namespace footman::ecs;

namespace {
Capacity providers(std::vector<CapacityProvider> list) {
  return {CapacityKind::strategy, LaunchType::fargate, std::move(list), {}};
}
std::string names(const TemplateOptions& options) {
  std::string text;
  for (const auto& form : list_forms(options)) text += form.name + ";";
  return text;
}
}  // namespace

TEST_CASE("capacity: what a definition is registered for follows from full names") {
  CHECK(find_compatibility({}) == Compatibility::fargate);
  CHECK(find_compatibility(providers({{"FARGATE", 0, 1}, {"FARGATE_SPOT", 0, 3}})) == Compatibility::fargate);
  CHECK(find_compatibility(providers({{"not-FARGATE", 0, 1}})) == Compatibility::ec2);
  CHECK_FALSE(find_compatibility(providers({})).has_value());
  auto capacity = providers({{"managed", 0, 1}});
  capacity.compatibility = Compatibility::managed_instances;
  CHECK(find_compatibility(capacity) == Compatibility::managed_instances);
  capacity = {CapacityKind::cluster_default, LaunchType::ec2, {}, {}};
  CHECK_FALSE(find_compatibility(capacity).has_value());
}

TEST_CASE("capacity: all of a template's") {
  auto options = make_fargate_options();
  CHECK_FALSE(uses_fargate_spot(options));
  options.fallback_capacities = {providers({{"FARGATE_SPOT", 0, 1}}),
                                 {CapacityKind::launch_type, LaunchType::ec2, {}, {}}};
  CHECK(uses_fargate_spot(options));
  CHECK(find_compatibilities(options) == std::set{Compatibility::fargate, Compatibility::ec2});
  CHECK(find_network_mode(options) == NetworkMode::awsvpc);
  options.capacity = options.fallback_capacities[1];
  options.fallback_capacities.clear();
  CHECK_FALSE(find_network_mode(options).has_value());
  CHECK_FALSE(uses_awsvpc(options));
  options.task_definition = "ci";
  CHECK(uses_awsvpc(options));  // it names subnets
}

TEST_CASE("capacity: the forms of a template, sizes before capacities, each with a name of its own") {
  auto options = make_fargate_options();
  CHECK(names(options) == "FARGATE, 1 vCPU with 2.0 GiB;");
  options.fallback_sizes = {{2048, 4096}};
  options.fallback_capacities = {{}};
  options.capacity = providers({{"FARGATE_SPOT", 0, 1}});
  CHECK(names(options) ==
        "FARGATE_SPOT, 1 vCPU with 2.0 GiB;FARGATE_SPOT, 2 vCPU with 4.0 GiB;"
        "FARGATE, 1 vCPU with 2.0 GiB;FARGATE, 2 vCPU with 4.0 GiB;");
  CHECK(list_forms(options)[1] ==
        LaunchForm{"FARGATE_SPOT, 2 vCPU with 4.0 GiB", options.capacity, {2048, 4096}});
  options.fallback_sizes.clear();
  options.size = {};
  options.fallback_capacities = {providers({{"FARGATE_SPOT", 0, 2}}),
                                 providers({{"a", 0, 1}, {"b", 0, 1}}),
                                 {CapacityKind::cluster_default, LaunchType::ec2, {}, Compatibility::ec2},
                                 {}};
  CHECK(names(options) == "FARGATE_SPOT;FARGATE_SPOT (2);a + b;the cluster's default;FARGATE;");
}
