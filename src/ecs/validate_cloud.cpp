#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"
#include "ecs/forms.hpp"
#include "ecs/problems.hpp"

namespace footman::ecs {
namespace {

constexpr std::size_t kMaxPrefix = 64;
constexpr std::size_t kMaxUrlBytes = 2048;
// That are called; all but the first three by examinations only.
constexpr std::string_view kServices[] = {
    "ecs", "sqs", "sts", "ec2", "iam", "ecr", "logs", "servicequotas", "elasticfilesystem"};

bool has_only(std::string_view text, std::string_view besides) {
  return std::ranges::all_of(text, [&](char c) { return base::is_alnum_or(besides, c); });
}

// "ecs.example.com", "10.0.0.1:8443", "[2001:db8::1]:443".
bool is_authority(std::string_view text) {
  const bool is_bracketed = text.starts_with('[');
  const auto end = is_bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  const auto port = text.substr(is_bracketed ? end + 1 : end);
  if (!port.empty() &&
      (port.front() != ':' || base::find_number<std::uint16_t>(port.substr(1)).value_or(0) == 0))
    return false;
  return is_bracketed ? base::is_ipv6(text.substr(1, end - 1)) : base::is_host_name(text.substr(0, end));
}

std::string_view authority_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

// Without the port; IPv6 without brackets.
std::string_view host_of(std::string_view url) {
  const auto authority = authority_of(url);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes || !(text.starts_with("https://") || text.starts_with("http://")))
    return false;
  return is_authority(authority_of(text)) &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

void check_place(const CloudOptions& cloud, Problems& problems) {
  const bool region = cloud.region.empty() || !find_partition(cloud.region).empty();
  problems.add_if(!region, "region", "an AWS region was expected, like eu-central-1");
  if (cloud.cluster.empty() || is_ecs_name(cloud.cluster)) return;
  const auto arn = find_arn(cloud.cluster);
  if (problems.add_if(!arn || arn->service != "ecs" || !arn->resource.starts_with("cluster/"), "cluster",
                      "a cluster's name or ARN was expected"))
    return;
  if (!cloud.region.empty() && arn->region != cloud.region)
    problems.add("cluster", fmt::format("the cluster is in {}, the cloud in {}", arn->region, cloud.region));
}

void check_credentials(const CredentialOptions& credentials, const std::string& region, Problems& problems) {
  const auto& role = credentials.assume_role;
  problems.add_if(
      !std::ranges::all_of(credentials.profile, [](char c) { return c >= ' ' && c != ']' && c != 127; }),
      "credentials.profile", "a profile's name was expected");
  if (role.role_arn.empty()) {
    problems.add_if(!role.external_id.empty() || !role.session_name.empty(),
                    "credentials.assume_role.role_arn",
                    "external id and session name are of a role: which one?");
    return;
  }
  check_role(role.role_arn, "credentials.assume_role.role_arn", std::string(find_partition(region)),
             problems);
  const auto in = [](std::size_t size, std::size_t least, std::size_t most) {
    return size == 0 || (size >= least && size <= most);
  };
  problems.add_if(!in(role.external_id.size(), 2, 1224) || !has_only(role.external_id, "_+=,.@:/-"),
                  "credentials.assume_role.external_id",
                  "2 to 1224 letters, digits and _+=,.@:/- were expected");
  problems.add_if(!in(role.session_name.size(), 2, 64) || !has_only(role.session_name, "_+=,.@-"),
                  "credentials.assume_role.session_name",
                  "2 to 64 letters, digits and _+=,.@- were expected");
}

// Session tokens and the one-time secrets of agents go there, and it says who an agent is.
void check_endpoint_url(const std::string& url, const std::string& field, Problems& problems) {
  if (problems.add_if(!is_url(url), field, "a URL was expected, like https://ecs.example.com")) return;
  problems.add_if(url.starts_with("http://") && !base::is_loopback_host(host_of(url)), field,
                  "it would get credentials without TLS: say https://; http:// is for this machine only");
}

void check_endpoint(const EndpointOptions& endpoint, Problems& problems) {
  if (!endpoint.url.empty()) check_endpoint_url(endpoint.url, "endpoint.url", problems);
  for (const auto& [service, url] : endpoint.urls) {
    const auto field = "endpoint.urls." + service;
    if (std::ranges::find(kServices, service) == std::end(kServices))
      problems.add(field,
                   fmt::format("there is no service '{}' here: {}", service, fmt::join(kServices, ", ")));
    else
      check_endpoint_url(url, field, problems);
  }
  if (!endpoint.url.empty() && (endpoint.fips || endpoint.dual_stack))
    problems.warn("endpoint.url", "with a URL of your own, fips and dual_stack have no effect");
}

std::string_view find_queue_endpoint(const EndpointOptions& endpoint) {
  const auto own = endpoint.urls.find("sqs");
  return own != endpoint.urls.end() ? own->second : endpoint.url;
}

// https://sqs.eu-central-1.amazonaws.com/123456789012/footman
void check_queue(const CloudOptions& cloud, Problems& problems) {
  const std::string_view url = cloud.event_queue_url;
  if (url.empty()) return;
  const auto path = is_url(url) ? url.find('/', url.find("://") + 3) : std::string_view::npos;
  if (problems.add_if(path == std::string_view::npos || std::ranges::count(url.substr(path), '/') != 2 ||
                          url.back() == '/',
                      "event_queue_url",
                      "the URL of an SQS queue was expected, like "
                      "https://sqs.eu-central-1.amazonaws.com/123456789012/footman"))
    return;
  const auto endpoint = find_queue_endpoint(cloud.endpoint);
  if (problems.add_if(!is_sqs_host(host_of(url)) && host_of(url) != host_of(endpoint), "event_queue_url",
                      endpoint.empty() ? "its host is none of AWS' for SQS"
                                       : "its host is neither one of AWS' for SQS nor that of 'endpoint'"))
    return;
  constexpr std::string_view kHost = "https://sqs.";
  const auto region = url.substr(0, path).starts_with(kHost)
                          ? url.substr(kHost.size(), url.find('.', kHost.size()) - kHost.size())
                          : std::string_view();
  if (!cloud.region.empty() && !find_partition(region).empty() && region != cloud.region)
    problems.add("event_queue_url", fmt::format("the queue is in {}, the cloud in {}", region, cloud.region));
}

bool starts_with_aws(std::string_view text) {
  return text.size() >= 4 && (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 'w' && (text[2] | 0x20) == 's' &&
         text[3] == ':';
}

}  // namespace

void check_role(const std::string& arn, const std::string& field, const std::string& partition,
                Problems& problems) {
  if (problems.add_if(!is_role_arn(arn), field,
                      "a role's ARN was expected, like arn:aws:iam::123456789012:role/name"))
    return;
  const auto found = find_arn(arn)->partition;
  if (!partition.empty() && found != partition)
    problems.add(field, fmt::format("the role is of the partition {}, the region of {}", found, partition));
}

void check_tags(const TextMap& tags, const CloudOptions& cloud, const std::string& field,
                Problems& problems) {
  for (const auto& [key, value] : tags) {
    const auto at = fmt::format("{}.{}", field, key);
    problems.add_if(key.empty() || !is_tag_text(key, kMaxTagKey), at,
                    "a tag's name has 1 to 128 letters, digits, spaces and _.:/=+-@");
    problems.add_if(!is_tag_text(value, kMaxTagValue), at,
                    "a tag's value has at most 256 letters, digits, spaces and _.:/=+-@");
    problems.add_if(starts_with_aws(key) || starts_with_aws(value), at, "'aws:' at the begin is AWS' own");
    if (!cloud.tag_prefix.empty() && key.starts_with(cloud.tag_prefix))
      problems.add(at, fmt::format("'{}' at the begin is of Footman's own tags", cloud.tag_prefix));
  }
}

std::string identify_queue(const CloudOptions& cloud) {
  const std::string_view url = cloud.event_queue_url;
  const auto host = host_of(url);
  const auto authority = authority_of(url);
  const auto path = url.substr(static_cast<std::size_t>(authority.end() - url.begin()));
  return fmt::format("{} {}{}", cloud.region, is_sqs_host(host) ? "" : authority, path);
}

std::vector<Problem> validate(const CloudOptions& cloud) {
  Problems problems;
  check_place(cloud, problems);
  check_credentials(cloud.credentials, cloud.region, problems);
  check_endpoint(cloud.endpoint, problems);
  check_queue(cloud, problems);
  problems.add_if(!cloud.log_group.empty() && !is_log_group(cloud.log_group), "log_group",
                  "a log group has 1 to 512 letters, digits and _/.#-");
  problems.add_if(cloud.tag_prefix.empty() || !is_tag_text(cloud.tag_prefix, kMaxPrefix) ||
                      starts_with_aws(cloud.tag_prefix),
                  "tag_prefix",
                  "1 to 64 letters, digits and _.:/=+-@ were expected, not 'aws:' at the begin");
  check_tags(cloud.tags, cloud, "tags", problems);
  problems.add_if(cloud.tags.size() + kOwnTags > kMaxTags, "tags",
                  "AWS takes 50 tags, Footman's own 8 included");
  return problems.take();
}

}  // namespace footman::ecs
