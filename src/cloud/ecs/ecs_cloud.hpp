// Agents as tasks of Amazon ECS.
//
// One RunTask for each agent, with the client token of its launch, so that a repetition gives the same task.
// A task carries its agent in its tags; `startedBy` names the installation, so that one list shows all that
// is ours. A handle is the task's ARN. What the tasks do is learned from DescribeTasks, a hundred at a time
// and each at its own pace (task_table.hpp); the agents themselves tell most of it sooner.
//
// On the control executor. stop() before it is destroyed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/log.hpp"
#include "cloud/aws/client.hpp"
#include "ecs/choices.hpp"
#include "ecs/options.hpp"
#include "ports/cloud_provider.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

struct Template {
  footman::ecs::TemplateOptions options;
  std::vector<footman::ecs::Offer> offers;  // of each of ecs::list_choices(); of the rest nothing is known
};
using Templates = std::map<TemplateName, Template>;

struct EcsCloudConfig {
  CloudName name;
  InstallationId installation;
  footman::ecs::CloudOptions options;
  Templates templates;
  std::set<TemplateName> elsewhere;  // templates of the installation's other clouds
};

class EcsCloud : public ports::CloudProvider {
 public:
  // For a reload of the configuration; agents that run keep what was frozen for them.
  virtual void set_templates(Templates templates, std::set<TemplateName> elsewhere) = 0;
  // Follows the tasks from now on.
  virtual void start() = 0;
  // Tasks go on.
  virtual runtime::Awaitable<void> stop() = 0;
};

// All of them outlive the cloud. `credentials` and `rates` are shared by all clouds of the account and
// region.
struct EcsCloudParts {
  const aws::Outside& outside;
  aws::CredentialsSource& credentials;
  aws::RateLimits& rates;
  runtime::Executor control;
};

// invalid_argument: a region or endpoint that cannot be (cloud/aws/endpoints.hpp).
Result<std::unique_ptr<EcsCloud>> create_ecs_cloud(EcsCloudConfig config, EcsCloudParts parts);

}  // namespace footman::cloud::ecs
