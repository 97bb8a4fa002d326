// The calls that only read, for examinations: EC2's network, IAM, CloudWatch Logs, ECR, Service Quotas, SQS,
// EFS and clusters. Each answer is read as far as ecs/survey.hpp needs it. Sources: the services' API
// references.
//
// On the client's executor; a client is of the service that a call is for, and outlives it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/aws/client.hpp"
#include "ecs/survey.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;
using aws::CallResult;
using runtime::Awaitable;

inline constexpr std::size_t kMaxSurveyPages = 100;  // of a list; a longer one is an error

// Those with these values of the filter, or all of an empty set: for EC2, where an unknown id in a filter is
// simply not there.
struct Filter {
  std::string name;
  std::set<std::string> values;
};

Awaitable<CallResult<std::vector<footman::ecs::SubnetFacts>>> describe_subnets(aws::Client& ec2,
                                                                               Filter filter);
Awaitable<CallResult<std::vector<footman::ecs::RouteTableFacts>>> describe_route_tables(aws::Client& ec2,
                                                                                        Filter filter);
Awaitable<CallResult<std::vector<footman::ecs::VpcEndpointFacts>>> describe_vpc_endpoints(aws::Client& ec2,
                                                                                          Filter filter);
Awaitable<CallResult<std::vector<footman::ecs::AclFacts>>> describe_network_acls(aws::Client& ec2,
                                                                                 Filter filter);
Awaitable<CallResult<std::vector<footman::ecs::GroupFacts>>> describe_security_groups(aws::Client& ec2,
                                                                                      Filter filter);

Awaitable<CallResult<std::vector<footman::ecs::InterfaceFacts>>> describe_network_interfaces(aws::Client& ec2,
                                                                                             Filter filter);

// Nothing: there is no such role.
Awaitable<CallResult<std::optional<footman::ecs::RoleFacts>>> get_role(aws::Client& iam, std::string name);
Awaitable<CallResult<std::vector<footman::ecs::RoleFacts>>> list_roles(aws::Client& iam);
// One resource at a time, so that each answer is of one.
Awaitable<CallResult<std::vector<footman::ecs::Decision>>> simulate_policy(aws::Client& iam,
                                                                           std::string principal,
                                                                           footman::ecs::Texts actions,
                                                                           std::string resource,
                                                                           footman::ecs::TextMap context);

Awaitable<CallResult<std::optional<footman::ecs::ClusterFacts>>> describe_cluster(aws::Client& ecs,
                                                                                  std::string cluster);
// By family, family:revision or ARN; nothing: there is no such one.
Awaitable<CallResult<std::optional<boost::json::value>>> find_definition(aws::Client& ecs, std::string name);
Awaitable<CallResult<footman::ecs::Texts>> list_clusters(aws::Client& ecs);  // names
Awaitable<CallResult<bool>> find_log_group(aws::Client& logs, std::string name);
Awaitable<CallResult<footman::ecs::Texts>> list_log_groups(aws::Client& logs);  // names
Awaitable<CallResult<std::optional<footman::ecs::ImageFacts>>> find_image(aws::Client& ecr,
                                                                          footman::ecs::EcrImage image);
Awaitable<CallResult<double>> get_quota(aws::Client& quotas, std::string service, std::string code);
// Nothing: there is no such queue.
Awaitable<CallResult<std::optional<footman::ecs::QueueFacts>>> find_queue(aws::Client& sqs, std::string url);
Awaitable<CallResult<bool>> find_file_system(aws::Client& efs, std::string id);
Awaitable<CallResult<std::vector<footman::ecs::FileSystemFacts>>> list_file_systems(aws::Client& efs);

}  // namespace footman::cloud::ecs
