#include "ecs/fargate_sizes.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace footman::ecs;

namespace {
std::string refusal(TaskSize asked, OsFamily os = OsFamily::linux_, bool round_up = false) {
  const auto size = check_size(asked, os, round_up);
  return size ? "taken: " + format_task_size(*size) : size.error().message;
}
}  // namespace

TEST_CASE(
    "Fargate: there are 74 sizes, as many of each CPU as AWS lists, each one once and all of them taken") {
  std::map<std::uint32_t, int> counts;
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (const auto& size : fargate_sizes(OsFamily::linux_)) {
    ++counts[size.cpu_units];
    CHECK(seen.insert({size.cpu_units, size.memory_mib}).second);
    CHECK(check_size(size, OsFamily::linux_, false).value() == size);
  }
  const std::map<std::uint32_t, int> listed = {{256, 3},   {512, 4},   {1024, 7},  {2048, 13},
                                               {4096, 23}, {8192, 12}, {16384, 12}};
  CHECK(counts == listed);
  CHECK(seen.contains({256, 512}));
  CHECK_FALSE(seen.contains({256, 1536}));
  CHECK(seen.contains({4096, 30720}));
  CHECK(seen.contains({16384, 122880}));
}

TEST_CASE("Fargate: Windows has the sizes of one to four vCPU") {
  const auto sizes = fargate_sizes(OsFamily::windows_2022_core);
  CHECK(sizes.size() == 7 + 13 + 23);
  CHECK(sizes.front() == TaskSize{1024, 2048});
  CHECK(sizes.back() == TaskSize{4096, 30720});
  CHECK(refusal({512, 1024}, OsFamily::windows_2019_core) ==
        "0.5 vCPU with 1 GiB is not a size of Fargate's for Windows; the nearest is 1 vCPU with 2 GiB");
  CHECK(refusal({8192, 16384}, OsFamily::windows_2019_core).ends_with("the nearest is 4 vCPU with 16 GiB"));
}

TEST_CASE("Fargate: the nearest sizes below and above are named") {
  CHECK(refusal({1024, 1024}) ==
        "1 vCPU with 1 GiB is not a size of Fargate's; the nearest are 0.5 vCPU with 1 GiB and 1 vCPU with "
        "2 GiB");
  CHECK(refusal({1024, 9000}).ends_with("the nearest are 1 vCPU with 8 GiB and 2 vCPU with 9 GiB"));
  CHECK(refusal({1, 1}).ends_with("the nearest is 0.25 vCPU with 512 MiB"));
  CHECK(refusal({16384, 122881}).ends_with("the nearest is 16 vCPU with 120 GiB"));
  CHECK(refusal({16385, 32768}, OsFamily::linux_, true).ends_with("the nearest is 16 vCPU with 32 GiB"));
  CHECK(refusal({1024, 0}) == "Fargate needs the task's CPU and memory");
  CHECK(refusal({0, 2048}, OsFamily::linux_, true) == "Fargate needs the task's CPU and memory");
}

TEST_CASE("Fargate: rounding up gives the least size that has as much of both") {
  const auto sizes = fargate_sizes(OsFamily::linux_);
  for (std::uint32_t cpu = 128; cpu <= 16384; cpu += 384)
    for (std::uint32_t mib = 256; mib <= 122880; mib += 1792) {
      CAPTURE(cpu);
      CAPTURE(mib);
      const auto rounded = check_size({cpu, mib}, OsFamily::linux_, true).value();
      for (const auto& size : sizes) {
        if (size.cpu_units < cpu || size.memory_mib < mib) continue;
        CHECK(size.cpu_units >= rounded.cpu_units);
        CHECK(size.memory_mib >= rounded.memory_mib);
      }
      CHECK((rounded.cpu_units >= cpu && rounded.memory_mib >= mib));
    }
}

TEST_CASE("Fargate: a disk has 21 to 200 GiB, and none for Windows") {
  for (const auto gib : {0U, 21U, 200U}) CHECK(check_ephemeral_storage(gib, OsFamily::linux_).has_value());
  for (const auto gib : {1U, 20U, 201U})
    CHECK_FALSE(check_ephemeral_storage(gib, OsFamily::linux_).has_value());
  CHECK(check_ephemeral_storage(20, OsFamily::linux_).error().hint ==
        "20 GiB are there when nothing is said");
  CHECK(check_ephemeral_storage(0, OsFamily::windows_2019_full).has_value());
  CHECK_FALSE(check_ephemeral_storage(50, OsFamily::windows_2019_full).has_value());
}
