#include "cloud/aws/endpoints.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "net/tcp.hpp"

namespace footman::cloud::aws {
namespace {

struct Partition {
  std::string_view suffix;
  std::string_view dual_stack_suffix;
};
constexpr Partition kAws{"amazonaws.com", "api.aws"};
constexpr Partition kChina{"amazonaws.com.cn", "api.amazonwebservices.com.cn"};

// Regions of partitions that customers of the public ones cannot reach: us-iso…, eu-isoe…, eusc-….
bool is_of_other_partition(std::string_view region) {
  return region.find("-iso") != std::string_view::npos || region.starts_with("eusc-");
}

Result<net::Url> check_override(const std::string& text) {
  auto url = net::parse_url(text);
  if (!url) return fail(Errc::invalid_argument, url.error().message, "endpoint", url.error().hint);
  if (url->scheme != "https" && url->scheme != "http")
    return fail(Errc::invalid_argument, fmt::format("an endpoint is an https address, not {}", text),
                "endpoint");
  if (url->scheme == "http" && !base::is_loopback_host(url->host))
    return fail(Errc::invalid_argument,
                fmt::format("the endpoint {} would get credentials without TLS", text), "endpoint",
                "Use https; http is for this machine only.");
  if (url->path.find('?') != std::string::npos)
    return fail(Errc::invalid_argument, fmt::format("the endpoint {} has a query", text), "endpoint");
  return url;
}

// "iam.amazonaws.com"; with a FIPS endpoint in the partition aws only.
std::string global_host(const Service& service, std::string_view region, const EndpointOptions& options) {
  if (region.starts_with("us-gov-"))
    return fmt::format("{}.us-gov.{}", service.name,
                       options.dual_stack ? kAws.dual_stack_suffix : kAws.suffix);
  const bool china = region.starts_with("cn-");
  const auto& partition = china ? kChina : kAws;
  const auto name = fmt::format("{}{}", service.name, options.fips && !china ? "-fips" : "");
  if (options.dual_stack) return fmt::format("{}.global.{}", name, partition.dual_stack_suffix);
  return fmt::format("{}{}.{}", name, china ? ".cn-north-1" : "", partition.suffix);
}

std::string_view host_part(const Service& service, const EndpointOptions& options) {
  const auto other = options.dual_stack ? service.dual_stack_host : service.host;
  return other.empty() ? service.name : other;
}

}  // namespace

// "eu-central-1": it becomes part of a host name, so nothing else goes through.
bool is_region(std::string_view text) {
  const auto dash = text.rfind('-');
  if (text.size() > kMaxRegionBytes || dash == std::string_view::npos) return false;
  const auto area = text.substr(0, dash);
  const auto number = text.substr(dash + 1);
  const auto is_part = [](char c) { return c == '-' || base::is_lower(c); };
  return !number.empty() && std::ranges::all_of(number, base::is_digit) && area.size() >= 4 &&
         area.find('-') != std::string_view::npos && std::ranges::all_of(area, is_part) &&
         area.front() != '-' && area.back() != '-' && area.find("--") == std::string_view::npos;
}

std::string find_signing_region(const Service& service, const std::string& region) {
  if (!service.is_global) return region;
  if (region.starts_with("us-gov-")) return "us-gov-west-1";
  return region.starts_with("cn-") ? "cn-north-1" : "us-east-1";
}

Result<net::Url> find_endpoint(const Service& service, std::string_view region,
                               const EndpointOptions& options) {
  if (region.empty())
    return fail(Errc::invalid_argument, "no AWS region is given", "region", "Write it like eu-central-1.");
  if (!is_region(region))
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is not an AWS region", region.substr(0, kMaxRegionBytes)), "region",
                "Write it like eu-central-1.");
  if (!options.url.empty()) return check_override(options.url);
  if (is_of_other_partition(region))
    return fail(Errc::invalid_argument,
                fmt::format("the partition of the region {} is not known here", region), "region",
                "Give the endpoint's address as well.");
  if (service.is_global) return net::Url{"https", global_host(service, region, options), 443, "/"};
  const bool gov = region.starts_with("us-gov-");
  const auto& partition = region.starts_with("cn-") ? kChina : kAws;
  const bool marked = options.fips && (!gov || options.dual_stack || !service.plain_fips_in_gov);
  auto host = fmt::format("{}{}.{}.{}", host_part(service, options), marked ? "-fips" : "", region,
                          options.dual_stack ? partition.dual_stack_suffix : partition.suffix);
  return net::Url{"https", std::move(host), 443, "/"};
}

}  // namespace footman::cloud::aws
