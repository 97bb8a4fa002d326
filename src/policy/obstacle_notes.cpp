#include "policy/obstacle_notes.hpp"

#include <algorithm>

#include "policy/obstacles.hpp"

namespace footman::policy {
namespace {

std::vector<bool> find_news(const ObstacleList& now, const ObstacleList& before) {
  std::vector<bool> news(now.size(), true);
  if (now.size() == before.size())
    for (std::size_t i = 0; i < now.size(); ++i) news[i] = now[i] != before[i];
  return news;
}

}  // namespace

ObstacleNotes::ObstacleNotes(const std::vector<Template>& templates, Obstacles& obstacles)
    : templates_(templates), obstacles_(obstacles) {
  noted_.of_templates.resize(templates.size());
  noted_.only_kept.resize(templates.size());
}

ControllerObstacles* ObstacleNotes::find_controller(const ControllerName& controller) {
  if (!obstacles_.is_limited(controller)) return nullptr;
  const auto [place, fresh] = noted_.of_controllers.try_emplace(controller);
  if (fresh) place->second.resize(templates_.size());
  return &*place;
}

// --- while items are served

bool ObstacleNotes::is_blocked(const Template& t) {
  auto& obstacle = noted_.of_templates[number_of(t)];
  if (!obstacle) obstacle = obstacles_.find(t);
  return obstacle.has_value();
}

bool ObstacleNotes::is_blocked_for(const Template& t, ControllerObstacles* of_controller) {
  if (of_controller == nullptr) return false;
  auto& obstacle = of_controller->second[number_of(t)];
  if (!obstacle) obstacle = obstacles_.find_for(of_controller->first, t);
  return obstacle.has_value();
}

bool ObstacleNotes::stands_against(const Template& t, ControllerObstacles* of_controller) {
  return is_blocked(t) || is_blocked_for(t, of_controller);
}

const std::optional<Held>& ObstacleNotes::known(const Template& t, ControllerObstacles* of_controller) {
  const auto& obstacle = of_template(t);
  return !obstacle && is_blocked_for(t, of_controller) ? of_controller->second[number_of(t)] : obstacle;
}

// --- once they are

void ObstacleNotes::note_final() {
  const bool is_kept = obstacles_.keeps_room();
  if (is_kept) note_all(false);
  obstacles_.drop_kept();
  note_all(is_kept);
  for (const auto& t : templates_)
    if (auto& obstacle = noted_.of_templates[number_of(t)]; !obstacle && obstacles_.has_cloud(t.cloud))
      obstacle = obstacles_.find_launch_limit(t);
}

// keeps_earlier: what was noted before stays where nothing is found now.
void ObstacleNotes::note_all(bool keeps_earlier) {
  const auto note = [&](std::optional<Held>& noted, std::optional<Held> found) {
    if (found || !keeps_earlier) noted = std::move(found);
  };
  for (const auto& t : templates_) {
    if (!obstacles_.has_cloud(t.cloud)) continue;
    const auto number = number_of(t);
    auto found = obstacles_.find(t);
    noted_.only_kept[number] = keeps_earlier && !found;
    note(noted_.of_templates[number], std::move(found));
  }
  for (auto& [controller, noted] : noted_.of_controllers)
    for (const auto& t : templates_) note(noted[number_of(t)], obstacles_.find_for(controller, t));
}

bool ObstacleNotes::is_at_launch_limit(const Template& t) const {
  const auto& obstacle = of_template(t);
  return obstacle && obstacle->reason == HoldReason::launch_limit;
}

// Before the launch limit, behind which no template is asked, and what is kept come the limits of the
// controller.
const std::optional<Held>& ObstacleNotes::told(const Template& t,
                                               const ControllerObstacles* of_controller) const {
  const auto& obstacle = of_template(t);
  const auto number = number_of(t);
  const bool is_first = obstacle && !is_at_launch_limit(t) && !noted_.only_kept[number];
  if (is_first || of_controller == nullptr) return obstacle;
  const auto& limit = of_controller->second[number];
  return limit ? limit : obstacle;
}

// --- what is new

ObstacleNews::ObstacleNews(const std::vector<Template>& templates, const NotedObstacles& now,
                           const NotedObstacles& before)
    : templates_(templates), of_templates_(find_news(now.of_templates, before.of_templates)) {
  for (std::size_t i = 0; i < std::min(now.only_kept.size(), before.only_kept.size()); ++i)
    if (now.only_kept[i] != before.only_kept[i]) of_templates_[i] = true;
  for (const auto& one : now.of_controllers) {
    const auto known = before.of_controllers.find(one.first);
    of_controllers_[&one] =
        find_news(one.second, known == before.of_controllers.end() ? ObstacleList() : known->second);
  }
}

bool ObstacleNews::has(const Template& t, const ControllerObstacles* of_controller) const {
  const auto number = static_cast<std::size_t>(&t - templates_.data());
  if (of_templates_[number]) return true;
  const auto known = of_controllers_.find(of_controller);
  return known != of_controllers_.end() && known->second[number];
}

}  // namespace footman::policy
