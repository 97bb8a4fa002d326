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
    ++registered_;
    log_.info("task definition registered", {{"arn", made->arn}});
  }
  entry->is_there = true;
  co_return CallResult<void>();
}

void Definitions::forget(const std::string& family) {
  if (const auto found = entries_.find(family); found != entries_.end()) found->second->is_there = false;
}

}  // namespace footman::cloud::ecs
