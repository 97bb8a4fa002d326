// Template generations: the same content keeps its number, also over restarts; other content gets the next
// one, durable before anything is launched with it. Inside the module; control executor.
#pragma once

#include "fleet/core.hpp"

namespace footman::fleet {

class Templates {
 public:
  explicit Templates(Core& core);
  // Checks all, then makes all new generations durable, then puts the configuration into effect; an error
  // changes nothing but numbers.
  Awaitable<Status> apply(FleetConfig config);

 private:
  Result<std::map<TemplateName, TemplateEntry>> check(const FleetConfig& config) const;
  Awaitable<Result<std::uint64_t>> find_generation(TemplateName name, std::string content);

  Core& core_;
};

}  // namespace footman::fleet
