// Jobs, and the check of everything that people submit. Inside the module; control executor.
#pragma once

#include <string>

#include "controller/core.hpp"

namespace footman::controller {

class Jobs {
 public:
  explicit Jobs(Core& core) : core_(core) {}

  Awaitable<Result<model::Job>> create(model::Job job);
  Awaitable<Result<model::Job>> save(model::Job job);
  Awaitable<Status> remove(JobPath path);

  // The build that a request asks for: parameters merged, everything within its limits.
  Result<store::NewBuild> make_build(SubmitRequest request) const;

 private:
  Status check_job(model::Job& job) const;
  Status check_limits(const model::BuildSpec& spec, const std::string& prefix) const;
  static Status normalise_label(model::BuildSpec& spec, const std::string& prefix);

  Core& core_;
};

}  // namespace footman::controller
