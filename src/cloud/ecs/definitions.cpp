#include "cloud/ecs/definitions.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <utility>

#include "ecs/forms.hpp"
#include "ecs/read_definition.hpp"
#include "ecs/stale_definitions.hpp"
#include "ecs/task_definition.hpp"

namespace footman::cloud::ecs {

namespace json = boost::json;

namespace {

std::unexpected<aws::CallFailure> wrong(std::string message) {
  aws::CallFailure failure;
  failure.failure = model::FailureClass::configuration;
  failure.definite = true;
  failure.message = std::move(message);
  return std::unexpected(std::move(failure));
}

}  // namespace

Awaitable<CallResult<std::string>> Definitions::ensure(std::string family, std::string request) {
  auto& slot = entries_[family];
  if (!slot) slot = std::make_shared<Entry>();
  const auto entry = slot;
  entry->wanted = clock_.steady();
  if (!entry->arn.empty()) co_return entry->arn;
  const auto pass = co_await entry->gate.enter();
  if (!entry->arn.empty()) co_return entry->arn;
  auto found = co_await api_.describe_definition(family);
  if (!found) co_return std::unexpected(std::move(found).error());
  const bool is_there = *found && (*found)->status == "ACTIVE";
  const bool is_ours = is_there && footman::ecs::runs_the_same((*found)->content, json::parse(request));
  if (is_ours) co_return entry->arn = std::move((*found)->arn);
  if (is_there)
    log_.warning("a task definition of Footman has a revision with another content, which is not used",
                 {{"arn", (*found)->arn}});
  auto made = co_await api_.register_definition(std::move(request));
  if (!made) co_return std::unexpected(std::move(made).error());
  log_.info("task definition registered", {{"arn", made->arn}});
  co_return entry->arn = std::move(made->arn);
}

Awaitable<CallResult<bool>> Definitions::retire(std::string family) {
  auto& slot = entries_[family];
  if (!slot) slot = std::make_shared<Entry>();
  const auto entry = slot;
  const auto pass = co_await entry->gate.enter();
  if (entry->wanted && clock_.steady() < *entry->wanted + kLaunchUnderWay) co_return false;
  entry->arn.clear();
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

Awaitable<CallResult<std::shared_ptr<const Definitions::Theirs>>> Definitions::find_theirs(std::string name) {
  auto& slot = theirs_[name];
  if (!slot) slot = std::make_shared<Theirs>();
  const auto entry = slot;
  const auto pass = co_await entry->gate.enter();
  const bool is_newest = !footman::ecs::names_revision(name);  // another one may come
  if (entry->known_at && (!is_newest || clock_.steady() < *entry->known_at + kNewestKnown)) co_return entry;
  auto found = co_await api_.describe_definition(name);
  if (!found) co_return std::unexpected(std::move(found).error());
  if (!*found) co_return wrong("ECS has no task definition " + name);
  entry->arn = std::move((*found)->arn);
  entry->content = std::move((*found)->content);
  entry->known_at = clock_.steady();
  co_return entry;
}

Awaitable<CallResult<AgentContainer>> Definitions::find_container(std::string definition,
                                                                  std::string container) {
  const auto found = co_await find_theirs(definition);
  if (!found) co_return std::unexpected(found.error());
  auto read = footman::ecs::read_definition((*found)->content, container).container;
  if (read.name.empty())
    co_return wrong(fmt::format("the task definition {} has no container{}", definition,
                                container.empty() ? std::string() : " " + container));
  co_return AgentContainer{(*found)->arn, std::move(read.name),
                           read.stop_timeout.value_or(kUsualStopTimeout)};
}

void Definitions::forget(const std::string& name) {
  const std::string family(footman::ecs::family_of(name));
  if (const auto found = entries_.find(family); found != entries_.end()) found->second->arn.clear();
  theirs_.erase(name);
}

}  // namespace footman::cloud::ecs
