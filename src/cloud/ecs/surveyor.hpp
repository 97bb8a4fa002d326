// Asks AWS, and changes nothing: what an examination of a configuration needs to know, and what there is to
// choose from. One call after the other; each that fails leaves its place unknown and the others known.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cloud/aws/client.hpp"
#include "ecs/survey.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// A person waits: no call takes longer, its repetitions included.
inline constexpr Duration kSurveyCallTime = 15s;

// On one executor. No call may be under way when it is destroyed.
class Surveyor {
 public:
  // `cloud` with its region. Both parts outlive it. invalid_argument: a region or endpoint that cannot be.
  static Result<std::unique_ptr<Surveyor>> create(footman::ecs::CloudOptions cloud,
                                                  const aws::Outside& outside,
                                                  aws::CredentialsSource& credentials);
  Surveyor(const Surveyor&) = delete;
  Surveyor& operator=(const Surveyor&) = delete;

  // Before all else, as they are part of what is asked about. Without a caller nothing is asked.
  runtime::Awaitable<footman::ecs::Existing> find_existing(std::set<std::string> names);
  // All but the permissions. Without a caller nothing more is asked.
  runtime::Awaitable<footman::ecs::Survey> survey(footman::ecs::Questions questions);
  // What the caller may do, as IAM simulates it.
  runtime::Awaitable<footman::ecs::Known<std::vector<footman::ecs::Decision>>> simulate(
      footman::ecs::CallerFacts caller, std::vector<footman::ecs::Wish> wishes);
  // What a role or user may do, by its ARN.
  runtime::Awaitable<footman::ecs::Known<std::vector<footman::ecs::Decision>>> simulate_for(
      std::string principal, std::vector<footman::ecs::Wish> wishes);
  runtime::Awaitable<footman::ecs::Landscape> list();

 private:
  Surveyor(footman::ecs::CloudOptions cloud, const aws::Outside& outside, aws::CredentialsSource& credentials)
      : cloud_(std::move(cloud)), outside_(outside), credentials_(credentials) {}

  Result<std::unique_ptr<aws::Client>> make_client(const aws::Service& service,
                                                   const std::string& region) const;
  Status make_clients();
  runtime::Awaitable<footman::ecs::Known<footman::ecs::CallerFacts>> ask_caller();
  runtime::Awaitable<void> ask_cluster(const footman::ecs::Questions* questions, footman::ecs::Survey* out);
  runtime::Awaitable<void> ask_network(const footman::ecs::Questions* questions, footman::ecs::Survey* out);
  runtime::Awaitable<void> ask_server(const footman::ecs::Questions* questions, footman::ecs::Survey* out);
  runtime::Awaitable<void> ask_role(std::string arn, footman::ecs::Survey* out);
  runtime::Awaitable<void> ask_account(const footman::ecs::Questions* questions, footman::ecs::Survey* out);
  runtime::Awaitable<void> ask_image(std::string image, footman::ecs::Survey* out);
  runtime::Awaitable<footman::ecs::Known<std::string>> find_principal(footman::ecs::CallerFacts caller);

  footman::ecs::CloudOptions cloud_;
  const aws::Outside& outside_;
  aws::CredentialsSource& credentials_;
  std::unique_ptr<aws::Client> sts_, ecs_, ec2_, iam_, logs_, quotas_, efs_, sqs_;
  std::map<std::string, std::unique_ptr<aws::Client>> registries_;  // ECR, by region
};

}  // namespace footman::cloud::ecs
