// What `footman doctor` asks a Jenkins.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "model/finding.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"

namespace footman::app {

// Makes a node there, and removes it; see jenkins/survey.hpp. Everything outlives the call.
runtime::Awaitable<std::vector<model::Finding>> examine_jenkins(runtime::Executor executor,
                                                                runtime::Clock& clock, runtime::Rng& rng,
                                                                const config::Config& config,
                                                                const config::JenkinsConfig& jenkins);

}  // namespace footman::app
