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
  // A launch was told that there is no such definition: it is looked for again.
  void forget(const std::string& family);

  std::size_t registered() const { return registered_; }  // by this object

 private:
  struct Entry {
    runtime::Gate gate;
    bool is_there = false;
  };
  Api& api_;
  Logger log_;
  std::map<std::string, std::shared_ptr<Entry>>
      entries_;  // by family; one for each content of the configuration
  std::size_t registered_ = 0;
};

}  // namespace footman::cloud::ecs
