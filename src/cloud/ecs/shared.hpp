// What the rooms of a cloud share: who it is, how AWS is asked, and what is known of its tasks. The rooms:
// launcher.hpp, task_finder.hpp, task_follower.hpp and, in front of them, the port (ecs_cloud.cpp).
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "cloud/ecs/api.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/task_table.hpp"

namespace footman::cloud::ecs {

struct Clients {
  std::unique_ptr<aws::Client> ecs;
  std::unique_ptr<aws::Client> network;  // EC2
  std::unique_ptr<aws::Client> logs;
  std::unique_ptr<aws::Client> queue;  // null: no queue is configured
};

// On the control executor. It outlives the rooms.
struct Shared {
  Shared(EcsCloudConfig of, const aws::Outside& with, Clients by)
      : config(std::move(of)),
        outside(with),
        clients(std::move(by)),
        launch_cloud(make_launch_cloud(config)),
        api(*clients.ecs, TaskPlaces(launch_cloud.options, launch_cloud.account)) {}
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
  const LaunchCloud launch_cloud;  // of what is launched from now on
  Api api;
  TaskTable table;
  Subnets subnets;
  std::function<void()> look_again;
};

}  // namespace footman::cloud::ecs
