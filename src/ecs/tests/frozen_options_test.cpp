#include "ecs/frozen_options.hpp"

#include <doctest/doctest.h>

#include "ecs/fields.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;

namespace {
std::string refusal(std::string_view text) {
  const auto options = parse_frozen(text);
  return options ? "taken" : describe(options.error());
}

// A field that a copy through the frozen form loses is found only when the sample sets it.
template <class T>
void check_every_field_is_set(const T& sample, const T& usual) {
  visit_fields([&](const char* name, auto member) { CHECK_MESSAGE(sample.*member != usual.*member, name); },
               std::type_identity<T>());
}
}  // namespace

TEST_CASE("frozen options: what is read is what was written, for every field") {
  const auto full = make_full_options();
  check_every_field_is_set(full, {});
  check_every_field_is_set(full.container, {});
  check_every_field_is_set(*full.container.health_check, {});
  check_every_field_is_set(*full.volumes[1].efs, {});
  check_every_field_is_set(*full.volumes[2].docker, {});
  check_every_field_is_set(*full.volumes[3].fsx_windows, {});
  check_every_field_is_set(*full.volumes[4].ebs, {});
  check_every_field_is_set(full.agent, {});
  check_every_field_is_set(full.capacity, {});
  CHECK(parse_frozen(freeze(full)).value() == full);
  CHECK(freeze(parse_frozen(freeze(full)).value()) == freeze(full));
  const auto fargate = make_fargate_options();
  CHECK(parse_frozen(freeze(fargate)).value() == fargate);
}

TEST_CASE("frozen options: a row written by this version is read by all later ones") {
  // Never change this text.
  constexpr auto kRow =
      R"({"container":{"image":"node:20","essential":true,"environment":{"A":"1"},"stop_timeout_us":90000000},)"
      R"("capacity":{"kind":"strategy","launch_type":"FARGATE","providers":[{"name":"FARGATE_SPOT","weight":1}]},)"
      R"("size":{"cpu_units":1024,"memory_mib":2048},"os_family":"LINUX","network_mode":"awsvpc"})";
  const auto options = parse_frozen(kRow).value();
  TemplateOptions expected;
  expected.container.image = "node:20";
  expected.container.environment = {{"A", "1"}};
  expected.container.stop_timeout = 90s;
  expected.capacity.kind = CapacityKind::strategy;
  expected.capacity.providers = {{"FARGATE_SPOT", 0, 1}};
  expected.size = {1024, 2048};
  expected.network_mode = NetworkMode::awsvpc;
  CHECK(options == expected);
  CHECK(parse_frozen("{}").value() == TemplateOptions());
}

TEST_CASE(
    "frozen options: a value that differs from a default that is not empty is written, also an empty one") {
  TemplateOptions options;
  options.agent.directory.clear();
  options.ecs_managed_tags = false;
  options.container.stop_timeout = 0s;
  CHECK(parse_frozen(freeze(options)).value() == options);
}

TEST_CASE("frozen options: what is wrong is refused with its place") {
  CHECK(refusal("[]") == "frozen options: an object was expected");
  CHECK(refusal("{").starts_with("frozen options: this is not JSON"));
  CHECK(refusal(R"({"spot":true})") ==
        "frozen options: this field is not known; a later version of Footman may have written it (at spot)");
  CHECK(refusal(R"({"container":{"ulimits":[{"name":"nofile"},{"name":"files"}]}})") ==
        "frozen options: 'files' is not known (at container.ulimits[1].name)");
  CHECK(refusal(R"({"size":{"cpu_units":-1}})") ==
        "frozen options: a whole number from 0 to 4294967295 was expected (at size.cpu_units)");
  CHECK(refusal(R"({"size":{"cpu_units":1.5}})").ends_with("(at size.cpu_units)"));
  CHECK(refusal(R"({"container":{"port_mappings":[{"container_port":65536}]}})")
            .ends_with("[0].container_port)"));
  CHECK(refusal(R"({"container":{"environment":{"A":1}}})") ==
        "frozen options: text was expected (at container.environment.A)");
  CHECK(refusal(R"({"subnets":"subnet-1"})") ==
        "frozen options: a list of at most 1000 was expected (at subnets)");
  CHECK(refusal(R"({"round_up":1})") == "frozen options: true or false was expected (at round_up)");
  CHECK(refusal(R"({"network_mode":null})") == "frozen options: text was expected (at network_mode)");
  TemplateOptions many;
  many.subnets.resize(kMaxFrozenItems + 1);
  CHECK(refusal(freeze(many)).ends_with("(at subnets)"));
  CHECK(refusal(std::string(kMaxFrozenOptionsBytes + 1, ' ')) ==
        "frozen options: 262145 bytes are more than the limit of 262144");
}
