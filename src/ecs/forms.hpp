// The forms of AWS' names: what can be told of them without asking AWS. Sources: the ECS API reference, and
// the IAM and EC2 user guides on ARNs and resource ids.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace footman::ecs {

// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; region and account may be empty, the rest not.
struct Arn {
  std::string partition, service, region, account, resource;
  bool operator==(const Arn&) const = default;
};
std::optional<Arn> find_arn(std::string_view text);

// "aws", "aws-cn", "aws-us-gov", "aws-iso", …; empty for what is no region's name.
std::string_view find_partition(std::string_view region);

// "sqs.eu-central-1.amazonaws.com", and its older, FIPS, dual-stack and VPC endpoint's forms.
bool is_sqs_host(std::string_view host);

bool is_resource_id(std::string_view text, std::string_view prefix);  // "subnet-" and 8 or 17 hex digits
bool is_ecs_name(std::string_view text);  // ≤ 255 letters, digits, - and _: containers, volumes, families
bool is_task_definition(std::string_view text);    // family, family:revision or ARN
bool names_revision(std::string_view definition);  // of such a one; a family alone means its newest
bool is_image(std::string_view text);
bool is_absolute_path(std::string_view text, bool windows);
bool is_account(std::string_view text);  // 12 digits
bool is_role_arn(std::string_view text);
bool is_log_group(std::string_view text);
// Of tags; `most` characters, not bytes.
bool is_tag_text(std::string_view text, std::size_t most);

}  // namespace footman::ecs
