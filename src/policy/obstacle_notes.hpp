// What stands against one more agent of each template, noted when it is asked for the first time: nothing
// that is full becomes free again within one plan. Inside the module.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

class Obstacles;

// By template, in the order of the offers; not set: nothing, or it was not asked yet.
using ObstacleList = std::vector<std::optional<Held>>;
// By limits of a controller; of those that have limits.
using ObstaclesByController = std::map<ControllerName, ObstacleList>;
using ControllerObstacles = ObstaclesByController::value_type;

struct NotedObstacles {
  ObstacleList of_templates;
  std::vector<bool> only_kept;  // of these: by what is kept for another item
  ObstaclesByController of_controllers;
};

class ObstacleNotes {
 public:
  // Both must outlive it.
  ObstacleNotes(const std::vector<Template>& templates, Obstacles& obstacles);

  // Where the limits of the controller are noted, valid as long as this; null: it has none.
  ControllerObstacles* find_controller(const ControllerName& controller);

  // --- while items are served
  bool stands_against(const Template& t, ControllerObstacles* of_controller);
  // What that found, as far as it has been asked for the template.
  const std::optional<Held>& known(const Template& t, ControllerObstacles* of_controller);

  // --- once they are
  // All of it as the plan leaves it, so that the next one says the same. What is kept for an item is told
  // where nothing else stands against a template: never to that item itself, which waits for something.
  // Nothing is kept any more.
  void note_final();
  const std::optional<Held>& of_template(const Template& t) const {
    return noted_.of_templates[number_of(t)];
  }
  bool is_at_launch_limit(const Template& t) const;  // the templates behind it are not asked
  const std::optional<Held>& told(const Template& t, const ControllerObstacles* of_controller) const;

  const NotedObstacles& all() const { return noted_; }
  NotedObstacles take() { return std::move(noted_); }  // the end of it

 private:
  bool is_blocked(const Template& t);
  bool is_blocked_for(const Template& t, ControllerObstacles* of_controller);
  void note_all(bool keeps_earlier);
  std::size_t number_of(const Template& t) const { return static_cast<std::size_t>(&t - templates_.data()); }

  const std::vector<Template>& templates_;
  Obstacles& obstacles_;
  NotedObstacles noted_;
};

// What a plan has noted otherwise than the one before, of the same templates.
class ObstacleNews {
 public:
  ObstacleNews(const std::vector<Template>& templates, const NotedObstacles& now,
               const NotedObstacles& before);
  bool has(const Template& t, const ControllerObstacles* of_controller) const;

 private:
  const std::vector<Template>& templates_;
  std::vector<bool> of_templates_;
  std::map<const ControllerObstacles*, std::vector<bool>> of_controllers_;
};

}  // namespace footman::policy
