#include "apps/footman/clouds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "apps/footman/settings.hpp"
#include "cli/ecs_cloud.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/local/local_cloud.hpp"

namespace footman::app {
namespace {

using base::Result;
using base::Status;

// Those of no cloud that is configured now.
std::vector<std::string> list_former_folders(const std::vector<config::CloudConfig>& all,
                                             const std::string& local_folder) {
  std::vector<std::string> folders;
  std::error_code error;  // there is none before the first local cloud
  for (const auto& entry : std::filesystem::directory_iterator(local_folder, error)) {
    const auto is_now = std::ranges::any_of(all, [&](const config::CloudConfig& one) {
      return one.type == "local" && one.name == entry.path().filename().string();
    });
    if (!is_now && std::filesystem::is_directory(entry.path() / "tokens", error))
      folders.push_back(entry.path().string());
  }
  return folders;
}

// The first of several local clouds takes care of what those before have left.
Result<Clouds::Member> make_local(const config::CloudConfig& cloud,
                                  const std::vector<config::CloudConfig>& all, const CloudSite& site) {
  FOOTMAN_TRY(auto binary, find_agent_binary(cloud));
  cloud::local::LocalCloudConfig local;
  local.name = base::CloudName(cloud.name);
  local.installation = site.installation;
  local.directory = site.local_folder + "/" + cloud.name;
  if (&cloud == &*std::ranges::find(all, "local", &config::CloudConfig::type))
    local.former_directories = list_former_folders(all, site.local_folder);
  local.agent_binary = std::move(binary);
  local.templates = make_local_templates(cloud);
  local.crash_points = site.crash_points;
  local.open_files = site.open_files;
  FOOTMAN_TRY(auto made,
              cloud::local::create_local_cloud(std::move(local), site.control, site.clock, site.log));
  auto* provider = made.get();
  return Clouds::Member{std::move(made),
                        [provider](const config::CloudConfig& next, const std::vector<config::CloudConfig>&) {
                          provider->set_templates(make_local_templates(next));
                        },
                        cloud.type,
                        {},
                        {},
                        site.local_folder + "/" + cloud.name};
}

cloud::ecs::Templates make_ecs_templates(const config::CloudConfig& cloud) {
  cloud::ecs::Templates out;
  for (const auto& t : cloud.templates) out[base::TemplateName(t.name)] = {t.ecs.value(), t.offers};
  return out;
}

// Of the other clouds: names of templates are unique over all of them.
std::set<base::TemplateName> list_elsewhere(const std::vector<config::CloudConfig>& all,
                                            const std::string& cloud) {
  std::set<base::TemplateName> out;
  for (const auto& one : all)
    if (one.name != cloud)
      for (const auto& t : one.templates) out.emplace(t.name);
  return out;
}

Result<Clouds::Member> make_ecs(const config::CloudConfig& cloud, const std::vector<config::CloudConfig>& all,
                                const CloudSite& site, AwsAccess& aws) {
  FOOTMAN_TRY(auto options, cli::with_region(cloud, find_region));
  FOOTMAN_TRY(auto* credentials, aws.credentials(options, site.installation.str()));
  auto& rates = aws.rates(options);
  FOOTMAN_TRY(auto made, cloud::ecs::create_ecs_cloud(
                             {base::CloudName(cloud.name), site.installation, std::move(options),
                              make_ecs_templates(cloud), list_elsewhere(all, cloud.name)},
                             {aws.outside(), *credentials, rates, site.control}));
  auto* provider = made.get();
  return Clouds::Member{
      std::move(made),
      [provider](const config::CloudConfig& next, const std::vector<config::CloudConfig>& all_next) {
        provider->set_templates(make_ecs_templates(next), list_elsewhere(all_next, next.name));
      },
      cloud.type,
      [provider] { provider->start(); },
      [provider] { return provider->stop(); },
      {}};
}

}  // namespace

Result<std::string> find_agent_binary(const config::CloudConfig& cloud) {
  if (!cloud.agent_binary.empty()) return cloud.agent_binary;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return base::fail(base::Errc::io, "where this program stands cannot be found: " + error.message());
  return (self.parent_path() / "footman-agent").string();
}

Result<Clouds> Clouds::create(const std::vector<config::CloudConfig>& clouds, const CloudSite& site) {
  Clouds out;
  for (const auto& cloud : clouds) {
    if (cloud.type == "local") {
      FOOTMAN_TRY(out.members_[cloud.name], make_local(cloud, clouds, site));
      continue;
    }
    if (!out.aws_)
      out.aws_ = std::make_unique<AwsAccess>(site.control, site.net, site.clock, site.rng, site.log);
    FOOTMAN_TRY(out.members_[cloud.name], make_ecs(cloud, clouds, site, *out.aws_));
  }
  return out;
}

std::vector<ports::CloudProvider*> Clouds::providers() const {
  std::vector<ports::CloudProvider*> out;
  out.reserve(members_.size());
  for (const auto& [name, member] : members_) out.push_back(member.provider.get());
  return out;
}

Status Clouds::check(const std::vector<config::CloudConfig>& clouds) const {
  for (const auto& cloud : clouds) {
    const auto member = members_.find(cloud.name);
    if (member != members_.end() && member->second.type == cloud.type) continue;
    const auto* what = member == members_.end() ? "is new" : "is of another type now";
    return base::fail(base::Errc::invalid_argument,
                      fmt::format("the cloud '{}' {}; it needs a restart of the server", cloud.name, what),
                      {}, "Nothing was changed");
  }
  return {};
}

std::string Clouds::work_folder(const base::CloudName& name, const std::string& client_token) const {
  const auto member = members_.find(name.str());
  if (member == members_.end() || member->second.folder.empty()) return {};
  return cloud::local::work_directory_of(member->second.folder, client_token);
}

void Clouds::start() {
  for (auto& [name, member] : members_)
    if (member.start) member.start();
}

runtime::Awaitable<void> Clouds::stop() {
  for (auto& [name, member] : members_)
    if (member.stop) co_await member.stop();
  if (aws_) co_await aws_->stop();
}

void Clouds::set_templates(const std::vector<config::CloudConfig>& clouds) {
  for (const auto& cloud : clouds) members_.at(cloud.name).set_templates(cloud, clouds);
}

}  // namespace footman::app
