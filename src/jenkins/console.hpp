// The console of a pipeline's run: the one place where Jenkins tells on which nodes its steps were, once they
// are over. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace footman::jenkins {

inline constexpr std::size_t kMaxConsoleBytes = 4UL << 20;  // read at once; what is longer tells nothing
inline constexpr std::size_t kMaxConsoleSteps = 10'000;

// Where the steps were that began within this part of it, one after the other. Jenkins puts a hidden note
// before the name, so that nothing is taken for it that a build prints.
std::vector<std::string> parse_step_nodes(std::string_view text);

}  // namespace footman::jenkins
