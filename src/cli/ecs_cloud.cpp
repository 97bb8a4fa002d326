#include "cli/ecs_cloud.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "model/nearest.hpp"

namespace footman::cli {

Result<const config::CloudConfig*> find_ecs_cloud(const config::Config& config, const std::string& name) {
  std::vector<const config::CloudConfig*> found;
  std::vector<std::string> names;
  for (const auto& cloud : config.clouds) {
    if (!cloud.ecs) continue;
    names.push_back(cloud.name);
    if (name.empty() || cloud.name == name) found.push_back(&cloud);
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(Errc::invalid_argument,
                name.empty() ? "the configuration has no cloud of type ecs"
                             : fmt::format("the configuration has no cloud '{}' of type ecs", name),
                name.empty() ? "FILE" : "--cloud", model::did_you_mean(name, names));
  return fail(Errc::invalid_argument, "the configuration has several clouds of type ecs", "--cloud",
              fmt::format("Say which one, such as --cloud {}.", found.front()->name));
}

Result<ecs::CloudOptions> with_region(const config::CloudConfig& cloud, const FindRegion& find) {
  auto options = *cloud.ecs;
  if (!options.region.empty()) return options;
  auto found = find ? find(options.credentials.profile) : fail(Errc::not_found, "nobody is asked for one");
  if (!found)
    return fail(Errc::invalid_argument,
                fmt::format("the cloud '{}' names no region: {}", cloud.name, found.error().message),
                "ecs.region", "Set it, or the variable AWS_REGION.");
  options.region = std::move(*found);
  return options;
}

ecs::EndpointOptions find_endpoints(const Environment& environment) {
  constexpr std::pair<const char*, const char*> kServices[] = {{"ecs", "ECS"},
                                                               {"sqs", "SQS"},
                                                               {"sts", "STS"},
                                                               {"ec2", "EC2"},
                                                               {"iam", "IAM"},
                                                               {"ecr", "ECR"},
                                                               {"logs", "CLOUDWATCH_LOGS"},
                                                               {"servicequotas", "SERVICE_QUOTAS"},
                                                               {"elasticfilesystem", "EFS"}};
  ecs::EndpointOptions out;
  out.url = environment("AWS_ENDPOINT_URL").value_or("");
  for (const auto& [service, name] : kServices)
    if (auto url = environment(fmt::format("AWS_ENDPOINT_URL_{}", name)); url && !url->empty())
      out.urls[service] = std::move(*url);
  return out;
}

ecs::NamedTemplates list_templates(const config::CloudConfig& cloud) {
  ecs::NamedTemplates out;
  for (const auto& one : cloud.templates)
    if (one.ecs) out.emplace_back(TemplateName(one.name), *one.ecs);
  return out;
}

}  // namespace footman::cli
