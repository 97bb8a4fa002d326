#include "apps/footman/jenkins_book.hpp"

#include <fmt/format.h>

#include <utility>

#include "jenkins/record_json.hpp"

namespace footman::app {
namespace {

using base::Result;
using base::Status;
using jenkins::NodeRecord;
using runtime::Awaitable;

std::string key_prefix(const base::ControllerName& controller) {
  return fmt::format("jenkins/{}/", controller.str());
}

std::string key_of(const base::ControllerName& controller, const base::AgentId& agent) {
  return key_prefix(controller) + agent.str();
}

}  // namespace

Awaitable<Result<std::vector<NodeRecord>>> JenkinsBook::load(base::ControllerName controller) {
  FOOTMAN_CO_TRY(const auto kept, co_await store_.list_settings(key_prefix(controller)));
  std::vector<NodeRecord> records;
  for (const auto& [key, text] : kept) {
    auto record = jenkins::parse_record(text);
    if (record && key != key_of(record->controller, record->agent))
      record = base::fail(base::Errc::corrupt, "the record of a node is another agent's");
    if (!record)
      co_return base::fail(
          record.error().code, record.error().message, key,
          "Nothing is launched or deleted as long as it stands. Start the version of Footman that wrote it.");
    records.push_back(std::move(*record));
  }
  co_return records;
}

Awaitable<Status> JenkinsBook::put(NodeRecord record) {
  return store_.save_setting(key_of(record.controller, record.agent), jenkins::encode_record(record));
}

Awaitable<Status> JenkinsBook::erase(base::ControllerName controller, base::AgentId agent) {
  return store_.save_setting(key_of(controller, agent), "");
}

}  // namespace footman::app
