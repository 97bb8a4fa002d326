#include "cloud/ecs/definitions.hpp"

#include <utility>

namespace footman::cloud::ecs {

Awaitable<CallResult<void>> Definitions::ensure(std::string family, std::string request) {
  auto& slot = entries_[family];
  if (!slot) slot = std::make_shared<Entry>();
  const auto entry = slot;
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
