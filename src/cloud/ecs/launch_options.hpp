// What one launch is frozen with: its template's options and which of their capacities, sizes and
// architectures it tries. The definition follows from the template and the architecture, so that all other
// variants share one.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "ecs/options.hpp"
#include "ecs/run_task.hpp"
#include "ecs/task_definition.hpp"
#include "ports/cloud_provider.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// Where a launch goes, and what it takes along of its cloud's options. Its repetition is the same request,
// whatever is configured by then. How AWS is asked is not part of it.
struct LaunchCloud {
  footman::ecs::CloudOptions options;
  std::string account;  // empty: not known
};
LaunchCloud make_launch_cloud(const EcsCloudConfig& config);

struct LaunchOptions {
  footman::ecs::TemplateOptions options;  // its architecture is the one that is tried
  footman::ecs::Capacity capacity;
  footman::ecs::TaskSize size;
  LaunchCloud cloud;
};

// One for each of ecs::list_choices(), in that order.
std::vector<ports::Variant> list_variants(const Template& of, const LaunchCloud& cloud);
// `present`: of the cloud as it is configured, which launches of earlier versions had nothing but.
// corrupt: not written by list_variants().
Result<LaunchOptions> parse_launch_options(const std::string& frozen, const LaunchCloud& present);

// The definition that agents of this template need.
Result<footman::ecs::TaskDefinition> make_definition(const InstallationId& installation,
                                                     const LaunchOptions& launch, const TemplateName& name);
// The families of the definitions that the cloud's templates need as they are now, in all their variants.
std::set<std::string> list_families(const EcsCloudConfig& cloud);

// Whether the agent in that role fetches the secret of its controller from Footman.
bool fetches_secret(const ports::LaunchSpec& spec, footman::ecs::AgentRole role);
// The variables by which the agent in that role knows itself and its controller; its secret is not among
// them.
footman::ecs::TextMap make_agent_variables(const ports::LaunchSpec& spec, footman::ecs::AgentRole role);
// See RunTaskInput::authorities. invalid_argument: what the endpoint is to be trusted by is no certificate.
Result<footman::ecs::Texts> list_authorities(const ports::LaunchSpec& spec, footman::ecs::AgentRole role);
// "team/app #17" → {"job": "team/app", "build": "17"}; of a pool nothing.
footman::ecs::TextMap make_work_tags(const std::string& work);

}  // namespace footman::cloud::ecs
