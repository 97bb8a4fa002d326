#include "cloud/aws/region.hpp"

#include <fmt/format.h>

#include "cloud/aws/endpoints.hpp"
#include "cloud/aws/shared_files.hpp"

namespace footman::cloud::aws {
namespace {

Result<std::string> check_found(const std::string& region, const std::string& place) {
  if (is_region(region)) return region;
  return fail(Errc::invalid_argument,
              fmt::format("{} is no AWS region: \"{}\"", place, region.substr(0, kMaxRegionBytes)), "region",
              "Write it like eu-central-1.");
}

std::string config_file(const Environment& environment) {
  if (auto path = environment("AWS_CONFIG_FILE")) return *path;
  const auto home = environment("HOME");
  return home ? *home + "/.aws/config" : std::string();
}

// Or what there is instead of one.
Result<std::string> find_in_profile(const ReadText& read, const std::string& path, const std::string& name) {
  if (path.empty()) return fail(Errc::not_found, "there is no config file, as HOME is not set");
  const auto text = read(path);
  if (!text && text.error().code == Errc::not_found)
    return fail(Errc::not_found, fmt::format("there is no file {}", path));
  if (!text) return std::unexpected(text.error());
  FOOTMAN_TRY(const auto profiles, parse_shared_file(*text, SharedFile::config, path));
  const auto profile = profiles.find(name);
  if (profile == profiles.end())
    return fail(Errc::not_found, fmt::format("{} has no profile '{}'", path, name));
  const auto region = profile->second.find("region");
  if (region == profile->second.end())
    return fail(Errc::not_found, fmt::format("the profile '{}' in {} has none", name, path));
  return check_found(std::string(region->second.expose()),
                     fmt::format("the region of the profile '{}' in {}", name, path));
}

}  // namespace

Result<std::string> find_region(const Environment& environment, const ReadText& read,
                                const std::string& profile) {
  for (const auto* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const auto value = environment(name); value && !value->empty()) return check_found(*value, name);
  const auto name = profile.empty() ? environment("AWS_PROFILE").value_or("default") : profile;
  auto found = find_in_profile(read, config_file(environment), name);
  if (!found && found.error().code == Errc::not_found)
    found.error().message =
        fmt::format("AWS_REGION and AWS_DEFAULT_REGION are not set, and {}", found.error().message);
  return found;
}

}  // namespace footman::cloud::aws
