// The task definitions that our launches need. A family's name holds the hash of its content, so a family has
// one content for good: what is there is used, what is not is registered once, however many launches want it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "cloud/ecs/api.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {

// On the executor of the API, which outlives it. No ensure() may be under way when it is destroyed.
class Definitions {
 public:
  Definitions(Api& api, Logger log) : api_(api), log_(std::move(log)) {}

  // Afterwards the family has an active revision. `request`: of RegisterTaskDefinition, for this family.
  // In steady state it asks nobody.
  Awaitable<CallResult<void>> ensure(std::string family, std::string request);
  // The first container of a definition that others made, by its family, family:revision or ARN. Asked once.
  // A definition that is not there is a failure of the configuration.
  Awaitable<CallResult<std::string>> find_first_container(std::string name);
  // A launch was refused because of this definition: it is looked at anew.
  void forget(const std::string& name);

 private:
  struct Entry {
    runtime::Gate gate;
    bool is_there = false;
  };
  Api& api_;
  Logger log_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // ours, by family: one for each content
  std::map<std::string, std::string> first_containers_;    // others', by the name that is configured
};

}  // namespace footman::cloud::ecs
