// Any text is a trace of builds in order, or a list of errors that is not empty.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "model/label.hpp"
#include "simulate/build_trace.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman::simulate;
  const auto trace = parse_build_trace({reinterpret_cast<const char*>(data), size}, "f");
  if (!trace) {
    FOOTMAN_CHECK(!trace.error().empty() && trace.error().size() <= kMaxTraceErrors, "errors, bounded");
    return 0;
  }
  const auto& builds = trace->builds;
  FOOTMAN_CHECK(!builds.empty() && builds.front().submitted == Duration(0), "it begins with its first build");
  FOOTMAN_CHECK(std::ranges::is_sorted(builds, {}, &TracedBuild::submitted), "in order");
  for (const auto& build : builds) {
    FOOTMAN_CHECK(build.duration >= Duration(0) && build.duration <= kMaxBuildTime, "a time to last");
    FOOTMAN_CHECK(footman::model::parse_label_expression(build.label).has_value(), "a label");
  }
  return 0;
}
