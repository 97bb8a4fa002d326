#include "cloud/ecs/definitions.hpp"

#include <utility>

namespace footman::cloud::ecs {

Awaitable<CallResult<void>> Definitions::ensure(std::string family, std::string request) {
  auto& slot = entries_[family];
  if (!slot) slot = std::make_shared<Entry>();
  const auto entry = slot;
  entry->wanted = clock_.steady();
  if (entry->is_there) co_return CallResult<void>();
  const auto pass = co_await entry->gate.enter();
  if (entry->is_there) co_return CallResult<void>();
  auto found = co_await api_.describe_definition(family);
  if (!found) co_return std::unexpected(std::move(found).error());
  if (!*found || (*found)->status != "ACTIVE") {
    auto made = co_await api_.register_definition(std::move(request));
    if (!made) co_return std::unexpected(std::move(made).error());
    log_.info("task definition registered", {{"arn", made->arn}});
  }
  entry->is_there = true;
  co_return CallResult<void>();
}

Awaitable<CallResult<bool>> Definitions::retire(std::string family) {
  auto& slot = entries_[family];
  if (!slot) slot = std::make_shared<Entry>();
  const auto entry = slot;
  const auto pass = co_await entry->gate.enter();
  if (entry->wanted && clock_.steady() < *entry->wanted + kLaunchUnderWay) co_return false;
  entry->is_there = false;
  for (std::size_t revision = 0; revision < kRevisionsAtOnce; ++revision) {
    auto found = co_await api_.look_at_definition(family);
    if (!found) co_return std::unexpected(std::move(found).error());
    if (!*found) break;
    auto done = co_await api_.deregister_definition((*found)->arn);
    if (!done) co_return std::unexpected(std::move(done).error());
    log_.info("task definition that nothing needs any more is deregistered", {{"arn", (*found)->arn}});
    if (const auto deleted = co_await api_.delete_definition((*found)->arn); !deleted)
      log_.info("it is not deleted", {{"error", deleted.error().message}});
  }
  co_return true;
}

Awaitable<CallResult<std::string>> Definitions::find_first_container(std::string name) {
  if (const auto known = first_containers_.find(name); known != first_containers_.end())
    co_return known->second;
  auto found = co_await api_.describe_definition(name);
  if (!found) co_return std::unexpected(std::move(found).error());
  if (!*found || (*found)->first_container.empty()) {
    aws::CallFailure failure;
    failure.failure = model::FailureClass::configuration;
    failure.definite = true;
    failure.message = "ECS has no task definition " + name;
    co_return std::unexpected(std::move(failure));
  }
  co_return first_containers_[name] = (*found)->first_container;
}

void Definitions::forget(const std::string& name) {
  if (const auto found = entries_.find(name); found != entries_.end()) found->second->is_there = false;
  first_containers_.erase(name);
}

}  // namespace footman::cloud::ecs
