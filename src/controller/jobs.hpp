// Jobs, and the check of everything that people submit. Inside the module; control executor.
#pragma once

#include <string>

#include "controller/builds.hpp"
#include "controller/core.hpp"

namespace footman::controller {

class Jobs {
 public:
  Jobs(Core& core, Builds& builds) : core_(core), builds_(builds) {}

  Awaitable<Result<model::Job>> create(model::Job job);
  Awaitable<Result<model::Job>> save(model::Job job);
  // With its finished builds and their logs; conflict while builds of it are open.
  Awaitable<Status> remove(JobPath path);

  // not_found, with the nearest path that there is.
  Error unknown(const JobPath& path) const;

  // The build that a request asks for: parameters merged, everything within its limits.
  Result<store::NewBuild> make_build(SubmitRequest request) const;

 private:
  Status check_job(model::Job& job) const;
  Status check_limits(const model::BuildSpec& spec, const std::string& prefix) const;
  static Status normalise_label(model::BuildSpec& spec, const std::string& prefix);

  Core& core_;
  Builds& builds_;
};

}  // namespace footman::controller
