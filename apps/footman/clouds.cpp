#include "apps/footman/clouds.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "apps/footman/settings.hpp"

namespace footman::app {
namespace {

using base::Result;
using base::Status;

Result<std::string> find_agent_binary(const config::CloudConfig& cloud) {
  if (!cloud.agent_binary.empty()) return cloud.agent_binary;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return base::fail(base::Errc::io, "where this program stands cannot be found: " + error.message());
  return (self.parent_path() / "footman-agent").string();
}

Result<Clouds::Member> make_local(const config::CloudConfig& cloud, const CloudSite& site) {
  FOOTMAN_TRY(auto binary, find_agent_binary(cloud));
  cloud::local::LocalCloudConfig local;
  local.name = base::CloudName(cloud.name);
  local.installation = site.installation;
  local.directory = site.local_folder + "/" + cloud.name;
  local.agent_binary = std::move(binary);
  local.templates = make_local_templates(cloud);
  local.crash_points = site.crash_points;
  FOOTMAN_TRY(auto made,
              cloud::local::create_local_cloud(std::move(local), site.control, site.clock, site.log));
  auto* provider = made.get();
  return Clouds::Member{std::move(made), [provider](const config::CloudConfig& next) {
                          provider->set_templates(make_local_templates(next));
                        },
                        {}};
}

Result<Clouds::Member> make_ecs(const config::CloudConfig& cloud, const CloudSite& site, AwsAccess& aws) {
  FOOTMAN_TRY(auto* credentials, aws.credentials(*cloud.ecs, site.installation.str()));
  FOOTMAN_TRY(auto made, cloud::ecs::create_ecs_cloud(
                             {base::CloudName(cloud.name), site.installation, *cloud.ecs, make_ecs_templates(cloud)},
                             {aws.outside(), *credentials, aws.rates(*cloud.ecs), site.control}));
  made->start();
  auto* provider = made.get();
  return Clouds::Member{std::move(made),
                        [provider](const config::CloudConfig& next) {
                          provider->set_templates(make_ecs_templates(next));
                        },
                        [provider] { return provider->stop(); }};
}

}  // namespace

Result<Clouds> Clouds::create(const std::vector<config::CloudConfig>& clouds, const CloudSite& site) {
  Clouds out;
  for (const auto& cloud : clouds) {
    if (cloud.type == "local") {
      FOOTMAN_TRY(out.members_[cloud.name], make_local(cloud, site));
      continue;
    }
    if (!out.aws_)
      out.aws_ = std::make_unique<AwsAccess>(site.control, site.net, site.clock, site.rng, site.log);
    FOOTMAN_TRY(out.members_[cloud.name], make_ecs(cloud, site, *out.aws_));
  }
  return out;
}

std::vector<ports::CloudProvider*> Clouds::providers() const {
  std::vector<ports::CloudProvider*> out;
  for (const auto& [name, member] : members_) out.push_back(member.provider.get());
  return out;
}

Status Clouds::check(const std::vector<config::CloudConfig>& clouds) const {
  for (const auto& cloud : clouds)
    if (!members_.contains(cloud.name))
      return base::fail(base::Errc::invalid_argument,
                        fmt::format("the cloud '{}' is new; it needs a restart of the server", cloud.name),
                        {}, "Nothing was changed");
  return {};
}

runtime::Awaitable<void> Clouds::stop() {
  for (auto& [name, member] : members_)
    if (member.stop) co_await member.stop();
  if (aws_) co_await aws_->stop();
}

void Clouds::set_templates(const std::vector<config::CloudConfig>& clouds) {
  for (const auto& cloud : clouds) members_.at(cloud.name).set_templates(cloud);
}

}  // namespace footman::app
