// What the rooms of a cloud share: who it is, how AWS is asked, and what is known of its tasks. The rooms:
// launcher.hpp, task_finder.hpp, task_follower.hpp and, in front of them, the port (ecs_cloud.cpp).
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "cloud/ecs/api.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/task_table.hpp"

namespace footman::cloud::ecs {

struct Clients {
  std::unique_ptr<aws::Client> ecs;
  std::unique_ptr<aws::Client> network;  // EC2
  std::unique_ptr<aws::Client> logs;
  std::unique_ptr<aws::Client> queue;  // null: no queue is configured
};

// Of all that the configuration names, what must be of the cloud's own account; empty: it names nothing.
inline std::string find_account(const EcsCloudConfig& config) {
  auto cloud = config.options;
  cloud.event_queue_url.clear();  // a queue may be another's
  footman::ecs::NamedTemplates templates;
  for (const auto& [name, one] : config.templates) templates.emplace_back(name, one.options);
  return footman::ecs::find_account(cloud, templates);
}

// On the control executor. It outlives the rooms.
struct Shared {
  Shared(EcsCloudConfig of, const aws::Outside& with, Clients by)
      : config(std::move(of)),
        outside(with),
        clients(std::move(by)),
        api(*clients.ecs, TaskPlaces(config.options, find_account(config))) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  Instant now() const { return outside.even.now(); }
  // To the fleet: something has changed that it cares for.
  void tell() const {
    if (look_again) look_again();
  }

  EcsCloudConfig config;  // its templates change with a reload
  const aws::Outside& outside;
  Clients clients;
  Api api;
  TaskTable table;
  Subnets subnets;
  std::function<void()> look_again;
};

}  // namespace footman::cloud::ecs
