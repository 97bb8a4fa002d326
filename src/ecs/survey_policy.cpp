// What an examination asks AWS. Source of actions and resource types: AWS' service authorization reference.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <set>

#include "ecs/forms.hpp"
#include "ecs/iam_policy.hpp"
#include "ecs/survey.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

class SurveyWriter {
 public:
  SurveyWriter(const CloudOptions& cloud, const Questions& questions, bool has_existing,
               const std::string& account)
      : questions_(questions),
        has_existing_(has_existing),
        region_(cloud.region),
        account_(account),
        partition_(find_partition(cloud.region)),
        queue_(make_queue_arn(cloud, account)) {}

  json::value write() {
    look("LookAtNetwork",
         {"ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"},
         {"*"});  // they know no narrower resource
    look("LookAtCluster", {"ecs:DescribeClusters"}, {cluster_arn()});
    look("ListClusters", {"ecs:ListClusters"}, {"*"});
    if (has_existing_) look("LookAtDefinitions", {"ecs:DescribeTaskDefinition"}, {"*"});
    const auto roles = iam("role/*");
    look("LookAtRoles", {"iam:GetRole"}, {roles});
    look("ListRoles", {"iam:ListRoles"}, {"*"});
    look("AskWhatIsAllowed", {"iam:SimulatePrincipalPolicy"}, {roles, iam("user/*")});
    look("LookAtFileSystems", {"elasticfilesystem:DescribeFileSystems"},
         {here("elasticfilesystem", "file-system/*")});
    if (!queue_.empty()) look("LookAtEventQueue", {"sqs:GetQueueAttributes"}, {queue_});
    look("LookAtLogs", {"logs:DescribeLogGroups"}, {here("logs", "log-group:*")});
    if (questions_.fargate || questions_.fargate_spot)
      look("LookAtQuotas", {"servicequotas:GetServiceQuota"}, {"*"});
    if (const auto found = repositories(); !found.empty()) look("LookAtImages", {"ecr:BatchGetImage"}, found);
    return json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements_)}};
  }

 private:
  using Names = std::set<std::string>;

  void look(std::string_view name, const Names& actions, const Names& resources) {
    statements_.push_back(json::object{{"Sid", name},
                                       {"Effect", "Allow"},
                                       {"Action", json::array(actions.begin(), actions.end())},
                                       {"Resource", json::array(resources.begin(), resources.end())}});
  }
  std::string here(std::string_view service, std::string_view resource) const {
    return fmt::format("arn:{}:{}:{}:{}:{}", partition_, service, region_, account_, resource);
  }
  std::string iam(std::string_view resource) const {
    return fmt::format("arn:{}:iam::{}:{}", partition_, account_, resource);
  }
  std::string cluster_arn() const {
    return find_arn(questions_.cluster) ? questions_.cluster : here("ecs", "cluster/" + questions_.cluster);
  }
  Names repositories() const {
    Names out;
    for (const auto& image : questions_.images)
      if (const auto found = find_ecr_image(image))
        out.insert(fmt::format("arn:{}:ecr:{}:{}:repository/{}", partition_, found->region, found->account,
                               found->repository));
    return out;
  }

  const Questions& questions_;
  bool has_existing_;
  const std::string& region_;
  const std::string& account_;
  std::string partition_;
  std::string queue_;  // its ARN
  json::array statements_;
};

}  // namespace

Result<IamPolicy> make_survey_policy(const CloudOptions& cloud, const NamedTemplates& templates,
                                     const std::string& account) {
  FOOTMAN_TRY_STATUS(make_iam_policy(cloud, templates, account));  // which checks the same input
  const auto questions = list_questions(cloud, templates);
  const auto existing = list_existing(templates);
  std::vector<std::string> notes;
  notes.reserve(existing.size());
  for (const auto& one : existing)
    notes.push_back(
        fmt::format("for images of ECR in the task definition {}: allow ecr:BatchGetImage on their "
                    "repositories, too",
                    one));
  IamPolicy policy{SurveyWriter(cloud, questions, !existing.empty(), account).write(), std::move(notes)};
  note_size(policy);
  return policy;
}

}  // namespace footman::ecs
