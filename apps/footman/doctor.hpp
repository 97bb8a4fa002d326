// `footman doctor` and `footman cloud discover`: this machine, AWS and each Jenkins are asked. Nothing is
// changed, but for a node in Jenkins that is made and removed.
#pragma once

#include "cli/cli.hpp"

namespace footman::app {

base::Result<std::vector<model::Finding>> run_doctor(const cli::DoctorOptions& options);
// invalid_argument: a region or endpoint that cannot be.
base::Result<ecs::Landscape> discover(const ecs::CloudOptions& cloud);

}  // namespace footman::app
