// Whether agents of the local cloud will find the Java that a Jenkins' agent needs.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "model/finding.hpp"

namespace footman::app {

// Of each template of a local cloud that serves the Jenkins: where its agents will look, which is not where
// the caller does. Looks at files.
std::vector<model::Finding> examine_java(const config::Config& config, const config::JenkinsConfig& jenkins);

}  // namespace footman::app
