// The page of a pipeline run that lists its steps: the last place to learn which labels its node steps wait
// for. HTML for people, so it is asked only where nothing else tells. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::jenkins {

inline constexpr std::size_t kMaxFlowPageBytes = 4UL << 20;
inline constexpr std::size_t kMaxFlowSteps = 10'000;

// The labels of the node steps that have no node yet, in the order in which they began to wait; "" for one
// without a label. corrupt: no such page, or beyond a limit.
base::Result<std::vector<std::string>> parse_waiting_labels(std::string_view page);

}  // namespace footman::jenkins
