// footman iam-policy: what Footman itself must be allowed to do in AWS.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json.hpp"
#include "ecs/iam_policy.hpp"

namespace footman::cli {
namespace {

// The only one of its type, or the one that was asked for.
Result<const config::CloudConfig*> find_cloud(const config::Config& config, const std::string& name) {
  std::vector<const config::CloudConfig*> found;
  for (const auto& cloud : config.clouds)
    if (cloud.ecs && (name.empty() || cloud.name == name)) found.push_back(&cloud);
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(Errc::invalid_argument,
                name.empty() ? "the configuration has no cloud of type ecs"
                             : fmt::format("the configuration has no cloud '{}' of type ecs", name),
                name.empty() ? "FILE" : "--cloud");
  return fail(Errc::invalid_argument, "the configuration has several clouds of type ecs", "--cloud",
              fmt::format("Say which one, such as --cloud {}.", found.front()->name));
}

Result<ecs::CloudOptions> with_region(const config::CloudConfig& cloud, const Environment& environment) {
  auto options = *cloud.ecs;
  for (const auto* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (options.region.empty()) options.region = environment(name).value_or("");
  if (options.region.empty())
    return fail(Errc::invalid_argument, fmt::format("the cloud '{}' has no region", cloud.name), "ecs.region",
                "Set it, or the variable AWS_REGION.");
  return options;
}

Result<ecs::IamPolicy> make_policy(const config::CloudConfig& cloud, const Environment& environment,
                                   std::string account) {
  FOOTMAN_TRY(const auto options, with_region(cloud, environment));
  ecs::NamedTemplates templates;
  for (const auto& one : cloud.templates)
    if (one.ecs) templates.emplace_back(TemplateName(one.name), *one.ecs);
  if (account.empty()) account = ecs::find_account(options, templates);
  if (account.empty())
    return fail(Errc::invalid_argument, "nothing in the configuration tells the AWS account", "--account",
                "Say its twelve digits: aws sts get-caller-identity.");
  return ecs::make_iam_policy(options, templates, account);
}

Result<int> iam_policy(Context& context, const Arguments& arguments) {
  const auto loaded = load_config(arguments.text("FILE"));
  if (!loaded) {
    for (const auto& error : loaded.error()) context.err.line(clean(config::describe(error)));
    return exit_usage;
  }
  FOOTMAN_TRY(const auto* cloud, find_cloud(loaded->config, arguments.text("cloud")));
  FOOTMAN_TRY(const auto policy, make_policy(*cloud, context.environment, arguments.text("account")));
  if (arguments.has("json")) {
    json::array notes;
    for (const auto& note : policy.notes) notes.push_back(json::value(note));
    context.out.write(pretty(
        json::object{{"cloud", cloud->name}, {"policy", policy.document}, {"notes", std::move(notes)}}));
    return exit_ok;
  }
  context.out.write(pretty(policy.document));
  for (const auto& note : policy.notes) context.err.line("note: " + clean(note));
  return exit_ok;
}

}  // namespace

Command iam_policy_command() {
  return {
      "iam-policy",
      "what Footman itself must be allowed to do in AWS",
      "Prints the identity policy for a cloud of type ecs: what Footman calls with this configuration, on\n"
      "its cluster, definitions, roles and queue, and nothing else. Needs no server and asks nobody.",
      {{"footman iam-policy footman.yaml > policy.json",
        "then: aws iam put-role-policy … --policy-document file://policy.json"},
       {"footman iam-policy --cloud fargate --account 123456789012", ""}},
      {{"cloud", 0, Value::text, "NAME", "which one, when there are several"},
       {"account", 0, Value::text, "DIGITS", "when no ARN of the configuration tells it"}},
      {{"FILE", "the configuration; else ./footman.yaml or /etc/footman/footman.yaml", Value::file, false}},
      {},
      iam_policy};
}

}  // namespace footman::cli
