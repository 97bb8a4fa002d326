#include "ecs/forms.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

namespace footman::ecs {
namespace {

constexpr std::size_t kMaxArnBytes = 2048;
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kAccountDigits = 12;

using base::is_alnum;
using base::is_digit;
using base::is_lower;

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_seen(char c) { return c > ' ' && c < 127; }

template <class Predicate>
bool all(std::string_view text, Predicate predicate) {
  return std::ranges::all_of(text, predicate);
}
bool all_of(std::string_view text, std::string_view besides) {
  return all(text, [&](char c) { return is_alnum(c) || besides.find(c) != std::string_view::npos; });
}

std::string_view take_until(std::string_view& text, char end) {
  const auto part = text.substr(0, text.find(end));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

std::optional<Arn> find_arn(std::string_view text) {
  if (text.size() > kMaxArnBytes || std::ranges::count(text, ':') < 5 || !all(text, is_seen))
    return std::nullopt;
  if (take_until(text, ':') != "arn") return std::nullopt;
  Arn arn;
  for (auto* part : {&arn.partition, &arn.service, &arn.region, &arn.account}) *part = take_until(text, ':');
  arn.resource = text;
  const bool account = arn.account.empty() || arn.account == "aws" || is_account(arn.account);
  const bool region = arn.region.empty() || !find_partition(arn.region).empty();
  if (!arn.partition.starts_with("aws") || arn.service.empty() || arn.resource.empty() || !account || !region)
    return std::nullopt;
  return arn;
}

std::string_view find_partition(std::string_view region) {
  // "eu-central-1", "us-gov-west-1", "us-isob-east-1"
  const auto last = region.rfind('-');
  if (region.size() > 32 || last == std::string_view::npos || last + 1 == region.size() ||
      !all(region.substr(last + 1), is_digit))
    return {};
  const auto words = region.substr(0, last);
  if (words.find('-') == std::string_view::npos || words.front() == '-' || words.back() == '-' ||
      words.find("--") != std::string_view::npos ||
      !all(words, [](char c) { return is_lower(c) || c == '-'; }))
    return {};
  constexpr std::pair<std::string_view, std::string_view> kPartitions[] = {
      {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
      {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"}};
  for (const auto& [prefix, partition] : kPartitions)
    if (region.starts_with(prefix)) return partition;
  return "aws";
}

bool is_sqs_host(std::string_view host) {
  constexpr std::string_view kSuffixes[] = {
      ".amazonaws.com", ".amazonaws.com.cn", ".api.aws",       ".api.amazonwebservices.com.cn",
      ".amazonaws.eu",  ".c2s.ic.gov",       ".sc2s.sgov.gov", ".cloud.adc-e.uk",
      ".csp.hci.ic.gov"};
  constexpr std::string_view kLabels[] = {"sqs", "sqs-fips", "queue"};
  const auto is_own = [&](std::string_view suffix) { return host.ends_with(suffix); };
  if (std::ranges::none_of(kSuffixes, is_own)) return false;
  while (!host.empty())
    if (std::ranges::find(kLabels, take_until(host, '.')) != std::end(kLabels)) return true;
  return false;
}

bool is_resource_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return (text.size() == 8 || text.size() == 17) && all(text, is_hex);
}

bool is_ecs_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && all_of(text, "-_");
}

bool is_task_definition(std::string_view text) {
  if (const auto arn = find_arn(text)) {
    constexpr std::string_view kKind = "task-definition/";
    return arn->service == "ecs" && arn->resource.starts_with(kKind) &&
           is_task_definition(std::string_view(arn->resource).substr(kKind.size()));
  }
  const auto colon = text.find(':');
  return is_ecs_name(text.substr(0, colon)) &&
         (colon == std::string_view::npos ||
          base::find_number<std::uint32_t>(text.substr(colon + 1)).value_or(0) > 0);
}

bool names_revision(std::string_view definition) {
  return definition.find(':', definition.rfind('/') + 1) != std::string_view::npos;
}

bool is_image(std::string_view text) {
  const auto name = text.substr(0, text.find('@'));
  const auto digest = text.substr(name.size());
  const auto fits = [](std::string_view part) {
    return part.empty() || (part.starts_with("@sha256:") && part.size() == 8 + 64 &&
                            all(part.substr(8), [](char c) { return is_hex(c) || (c >= 'A' && c <= 'F'); }));
  };
  return !name.empty() && name.size() <= kMaxNameBytes && all_of(name, "-_:./#") && fits(digest);
}

bool is_absolute_path(std::string_view text, bool windows) {
  if (text.find('\0') != std::string_view::npos) return false;
  if (text.starts_with('/')) return true;
  return windows && text.size() >= 3 && is_alnum(text[0]) && text[1] == ':' &&
         (text[2] == '\\' || text[2] == '/');
}

bool is_account(std::string_view text) { return text.size() == kAccountDigits && all(text, is_digit); }

bool is_role_arn(std::string_view text) {
  const auto arn = find_arn(text);
  return arn && arn->service == "iam" && arn->region.empty() && is_account(arn->account) &&
         arn->resource.starts_with("role/") && arn->resource.size() > 5 && all_of(arn->resource, "/+=,.@-_");
}

bool is_log_group(std::string_view text) {
  return !text.empty() && text.size() <= 512 && all_of(text, "_/.#-");
}

bool is_tag_text(std::string_view text, std::size_t most) {
  if (!base::is_utf8(text)) return false;
  const auto letters =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
  return static_cast<std::size_t>(letters) <= most && all(text, [](char c) {
           return (static_cast<unsigned char>(c) & 0x80U) != 0 || is_alnum(c) ||
                  std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
         });
}

}  // namespace footman::ecs
