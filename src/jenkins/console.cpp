#include "jenkins/console.hpp"

#include <algorithm>

#include "jenkins/answers.hpp"

namespace footman::jenkins {

std::vector<std::string> parse_step_nodes(std::string_view text) {
  constexpr std::string_view kBegin = "Running on \x1b[8mha:";
  constexpr std::string_view kNoteEnd = "\x1b[0m";
  constexpr std::string_view kAfterName = " in ";
  std::vector<std::string> nodes;
  while (nodes.size() < kMaxConsoleSteps) {
    const auto begin = text.find(kBegin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin + kBegin.size());
    auto line = text.substr(0, text.find('\n'));
    const auto note_end = line.find(kNoteEnd);
    if (note_end == std::string_view::npos) continue;
    line.remove_prefix(note_end + kNoteEnd.size());
    const auto name = line.substr(0, line.find(kAfterName));
    if (name.size() < line.size() && name.size() <= kMaxNameBytes) nodes.emplace_back(name);
  }
  return nodes;
}

}  // namespace footman::jenkins
