// Whether agents can be given to a Jenkins, and safely: what the configuration says against what Jenkins
// says. Pure: asking is survey.hpp.
#pragma once

#include <vector>

#include "jenkins/settings.hpp"
#include "jenkins/survey.hpp"
#include "model/finding.hpp"

namespace footman::jenkins {

// `place` of each stays empty. Where Jenkins does not answer nothing else is judged.
std::vector<model::Finding> examine(const JenkinsSettings& settings, const Survey& survey);

}  // namespace footman::jenkins
