#include "controller/views.hpp"

#include <algorithm>

namespace footman::controller {

std::vector<model::TimelineEntry> make_story(const BuildExplanation& told,
                                             std::vector<model::TimelineEntry> of_agent, bool whole) {
  const auto& build = told.build;
  const auto started = told.assignments.empty() ? Instant() : told.assignments.back().started;
  std::erase_if(of_agent, [&](const model::TimelineEntry& line) {
    if (!whole && (line.at < build.submitted || (build.finished.is_set() && line.at > build.finished)))
      return true;
    return started.is_set() && line.at >= started && (line.kind == "first_step" || line.kind == "finished");
  });
  auto story = told.timeline;
  story.insert(story.end(), of_agent.begin(), of_agent.end());
  std::ranges::stable_sort(story, {}, &model::TimelineEntry::at);
  return story;
}

}  // namespace footman::controller
