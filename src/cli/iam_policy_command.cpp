// footman iam-policy: what Footman itself must be allowed to do in AWS.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/ecs_cloud.hpp"
#include "cli/groups.hpp"
#include "cli/json.hpp"
#include "ecs/iam_policy.hpp"

namespace footman::cli {
namespace {

Result<ecs::IamPolicy> make_policy(const config::CloudConfig& cloud, const FindRegion& find_region,
                                   std::string account, bool for_doctor) {
  FOOTMAN_TRY(const auto options, with_region(cloud, find_region));
  const auto templates = list_templates(cloud);
  if (account.empty()) account = ecs::find_account(options, templates);
  if (account.empty())
    return fail(Errc::invalid_argument, "nothing in the configuration tells the AWS account", "--account",
                "Say its twelve digits: aws sts get-caller-identity.");
  return for_doctor ? ecs::make_survey_policy(options, templates, account)
                    : ecs::make_iam_policy(options, templates, account);
}

Result<int> iam_policy(Context& context, const Arguments& arguments) {
  FOOTMAN_TRY(const auto file, find_config_argument(arguments));
  const auto loaded = load_config(file);
  if (!loaded) {
    for (const auto& error : loaded.error()) context.err.line(clean(config::describe(error)));
    return exit_usage;
  }
  FOOTMAN_TRY(const auto* cloud, find_ecs_cloud(loaded->config, arguments.text("cloud")));
  FOOTMAN_TRY(const auto policy, make_policy(*cloud, context.programs.find_region, arguments.text("account"),
                                             arguments.has("doctor")));
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
      "its cluster, definitions, roles and queue, and nothing else. Needs no server and asks nobody.\n"
      "With --doctor: what `footman doctor` and `footman cloud discover` ask besides, all of it reading, for "
      "the\n"
      "credentials with which you call them.",
      {{"footman iam-policy footman.yaml > policy.json",
        "then: aws iam put-role-policy … --policy-document file://policy.json"},
       {"footman iam-policy --cloud fargate --account 123456789012", ""},
       {"footman iam-policy --doctor", "for the one who examines"}},
      {config_option(),
       {"cloud", 0, Value::text, "NAME", "which one, when there are several"},
       {"account", 0, Value::text, "DIGITS", "when no ARN of the configuration tells it"},
       {"doctor", 0, Value::none, "", "what `footman doctor` and `footman cloud discover` ask, instead"}},
      {config_argument()},
      {},
      iam_policy};
}

}  // namespace footman::cli
