// What Footman itself must be allowed to do for one cloud: the identity policy of the principal that its
// credentials are of, for this very configuration. Source of actions, resource types and condition keys:
// "Actions, resources, and condition keys for Amazon Elastic Container Service" (and for IAM, SQS and STS) in
// AWS' service authorization reference.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

using NamedTemplates = std::vector<std::pair<TemplateName, TemplateOptions>>;

// The first account that an ARN or a queue's URL of the configuration names; empty: none does.
std::string find_account(const CloudOptions& cloud, const NamedTemplates& templates);

// The ARN of the queue of events, which is of `account` where its URL names no other; empty: there is none.
std::string make_queue_arn(const CloudOptions& cloud, const std::string& account);

// What IAM takes, without white space: all inline policies of a role together, and one managed policy.
inline constexpr std::size_t kMaxInlinePolicies = 10'240;
inline constexpr std::size_t kMaxManagedPolicy = 6'144;

struct IamPolicy {
  boost::json::value document;     // of the principal that calls: the assumed role, where one is assumed
  std::vector<std::string> notes;  // for people: what the configuration alone cannot tell
};

// One that is too large for IAM in one of its forms has a note that says so.
void note_size(IamPolicy& policy);

// Of options that validate() finds right. `account`: twelve digits; the cloud's region is not empty. Errors:
// invalid_argument, as of make_task_definition for a template. Same input, same document.
Result<IamPolicy> make_iam_policy(const CloudOptions& cloud, const NamedTemplates& templates,
                                  const std::string& account);

// What the examination (examine.hpp) and the list of what there is to choose from ask AWS, all of it reading:
// for a person's credentials, the server itself needs none of it. Input and errors as before.
Result<IamPolicy> make_survey_policy(const CloudOptions& cloud, const NamedTemplates& templates,
                                     const std::string& account);

}  // namespace footman::ecs
