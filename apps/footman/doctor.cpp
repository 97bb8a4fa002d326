#include "apps/footman/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>

#include "apps/footman/aws_access.hpp"
#include "apps/footman/clouds.hpp"
#include "apps/footman/doctor_jenkins.hpp"
#include "apps/footman/machine.hpp"
#include "apps/footman/settings.hpp"
#include "cli/ecs_cloud.hpp"
#include "cloud/ecs/surveyor.hpp"
#include "ecs/examine.hpp"
#include "ecs/execution_rights.hpp"
#include "net/tcp.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/loop.hpp"
#include "runtime/rng.hpp"

namespace footman::app {
namespace {

using base::Result;
using model::Finding;
using model::FindingState;
using runtime::Awaitable;

constexpr base::Duration kLookUpLimit = std::chrono::seconds(5);

// What a program that asks once has: one thread, and no server.
struct Asking {
  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  std::unique_ptr<runtime::Rng> rng = runtime::make_os_rng();
  runtime::real::Loop loop;
  AwsAccess aws{loop.executor(), loop.executor(), *clock, *rng, {}};
};

std::vector<Finding> placed(std::vector<Finding> findings, const std::string& place) {
  for (auto& one : findings) one.place = place;
  return findings;
}

Finding failed(const std::string& check, const base::Error& error) {
  return {FindingState::failed, check, error.message, error.hint, {}, {}};
}

// As agents are told, by the settings alone: the addresses as they would be bound.
Result<ServerFacts> expect_server(const config::Config& config) {
  ServerFacts facts;
  FOOTMAN_TRY(facts.http, net::parse_endpoint(config.listen));
  FOOTMAN_TRY(facts.agent_port, net::parse_endpoint(config.agent_listen));
  facts.tls = !config.tls_certificate.empty();
  return facts;
}

Result<net::Endpoint> find_target(const config::TemplateConfig& one, const ServerFacts& facts) {
  const auto endpoint = make_endpoint(one.address, facts);
  if (!endpoint.tunnel.empty()) return net::parse_endpoint(endpoint.tunnel);
  FOOTMAN_TRY(const auto url, net::parse_url(endpoint.url));
  return net::Endpoint{url.host, url.port};
}

// Of each template; names are looked up once.
Awaitable<Result<std::map<base::TemplateName, ecs::AgentTarget>>> find_targets(
    Asking* asking, const config::Config* config, const config::CloudConfig* cloud) {
  FOOTMAN_CO_TRY(const auto facts, expect_server(*config));
  std::map<std::string, ecs::AgentTarget> by_host;
  std::map<base::TemplateName, ecs::AgentTarget> out;
  for (const auto& one : cloud->templates) {
    FOOTMAN_CO_TRY(const auto target, find_target(one, facts));
    if (!by_host.contains(target.host)) {
      auto found =
          co_await net::find_addresses(asking->loop.executor(), *asking->clock, target.host, kLookUpLimit);
      auto& known = by_host[target.host];
      known.host = target.host;
      if (found)
        known.addresses = std::move(*found);
      else
        known.trouble = found.error().message;
    }
    auto& own = out[base::TemplateName(one.name)];
    own = by_host.at(target.host);
    own.port = target.port;
  }
  co_return out;
}

// What the server does there, as its policy has it.
Awaitable<ecs::Known<std::vector<ecs::Decision>>> ask_permissions(cloud::ecs::Surveyor* surveyor,
                                                                  const ecs::Examined* examined,
                                                                  ecs::CallerFacts caller) {
  if (caller.arn.ends_with(":root")) co_return std::vector<ecs::Decision>();  // nobody simulates it
  const auto policy = ecs::make_iam_policy(examined->cloud, examined->templates, caller.account);
  if (!policy) co_return std::unexpected(ecs::NotKnown{{}, false, base::describe(policy.error())});
  co_return co_await surveyor->simulate(std::move(caller), ecs::list_wishes(policy->document));
}

// What ECS does with the execution roles that there are.
Awaitable<void> ask_execution_rights(cloud::ecs::Surveyor* surveyor, const ecs::Examined* examined,
                                     ecs::Survey* survey) {
  auto wishes = ecs::list_execution_wishes(examined->cloud, examined->templates, survey->caller->account,
                                           examined->existing);
  for (auto& [role, wanted] : wishes) {
    const auto known = survey->roles.find(role);
    const bool is_gone = known != survey->roles.end() && known->second && !*known->second;
    if (!is_gone)
      survey->execution_rights.insert_or_assign(role,
                                                co_await surveyor->simulate_for(role, std::move(wanted)));
  }
}

Awaitable<Result<std::vector<Finding>>> ask_about_cloud(Asking* asking, const config::Config* config,
                                                        const config::CloudConfig* cloud) {
  ecs::Examined examined;
  FOOTMAN_CO_TRY(examined.cloud, cli::with_region(*cloud, find_region));
  examined.templates = cli::list_templates(*cloud);
  examined.most_agents = cloud->limits.agents;
  FOOTMAN_CO_TRY(examined.targets, co_await find_targets(asking, config, cloud));
  FOOTMAN_CO_TRY(auto* credentials, asking->aws.credentials(examined.cloud, "doctor"));
  FOOTMAN_CO_TRY(const auto surveyor,
                 cloud::ecs::Surveyor::create(examined.cloud, asking->aws.outside(), *credentials));
  examined.existing = co_await surveyor->find_existing(ecs::list_existing(examined.templates));
  examined.templates = ecs::complete_templates(std::move(examined.templates), examined.existing);
  auto questions = ecs::list_questions(examined.cloud, examined.templates);
  for (const auto& [name, target] : examined.targets)
    for (const auto& address : target.addresses)
      if (address.find(':') == std::string::npos) questions.addresses.insert(address);  // IPv4
  auto survey = co_await surveyor->survey(std::move(questions));
  if (survey.caller) {
    survey.permissions = co_await ask_permissions(surveyor.get(), &examined, *survey.caller);
    co_await ask_execution_rights(surveyor.get(), &examined, &survey);
  }
  co_return ecs::examine(examined, survey);
}

Awaitable<std::vector<Finding>> examine_cloud(Asking* asking, const config::Config* config,
                                              const config::CloudConfig* cloud) {
  auto findings = co_await ask_about_cloud(asking, config, cloud);
  if (!findings) findings = std::vector<Finding>{failed("settings", findings.error())};
  co_return placed(std::move(*findings), fmt::format("cloud {}", cloud->name));
}

// `only`: what is asked about alone; nothing of it: all are, unless something else is alone.
bool is_asked(const cli::DoctorOptions& options, const std::string& only, const std::string& name) {
  return only.empty() ? options.cloud.empty() && options.jenkins.empty() : only == name;
}

Awaitable<std::vector<Finding>> examine_clouds(Asking* asking, const cli::DoctorOptions* options) {
  std::vector<Finding> out;
  for (const auto& cloud : options->config.clouds) {
    if (!cloud.ecs || !is_asked(*options, options->cloud, cloud.name)) continue;
    auto findings = co_await examine_cloud(asking, &options->config, &cloud);
    std::ranges::move(findings, std::back_inserter(out));
  }
  co_await asking->aws.stop();
  co_return out;
}

Awaitable<std::vector<Finding>> examine_jenkinses(Asking* asking, const cli::DoctorOptions* options) {
  std::vector<Finding> out;
  for (const auto& one : options->config.jenkins) {
    if (!is_asked(*options, options->jenkins, one.name)) continue;
    auto findings =
        co_await examine_jenkins(asking->loop.executor(), *asking->clock, *asking->rng, options->config, one);
    std::ranges::move(findings, std::back_inserter(out));
  }
  co_return out;
}

Awaitable<Result<ecs::Landscape>> list_all(Asking* asking, const ecs::CloudOptions* cloud) {
  FOOTMAN_CO_TRY(auto* credentials, asking->aws.credentials(*cloud, "discover"));
  FOOTMAN_CO_TRY(const auto surveyor,
                 cloud::ecs::Surveyor::create(*cloud, asking->aws.outside(), *credentials));
  co_return co_await surveyor->list();
}

Awaitable<Result<ecs::Landscape>> list_and_stop(Asking* asking, const ecs::CloudOptions* cloud) {
  auto found = co_await list_all(asking, cloud);
  co_await asking->aws.stop();
  co_return found;
}

std::string find_data(const cli::DoctorOptions& options) {
  if (!options.data_directory.empty()) return options.data_directory;
  return options.config.data.empty() ? cli::default_data_directory() : options.config.data;
}

// What can be told by the file alone is `config check`'s; here is only that there is something.
Finding examine_file(const cli::DoctorOptions& options) {
  auto text = options.config_file.empty() ? "no configuration file; the defaults are used"
                                          : options.config_file + " is good";
  if (options.warnings == 0) return {FindingState::ok, "configuration", std::move(text), {}, {}, "server"};
  return {FindingState::warning,
          "configuration",
          fmt::format("{}, with {} warning{}", text, options.warnings, options.warnings == 1 ? "" : "s"),
          "see `footman config check`",
          {},
          "server"};
}

}  // namespace

Result<std::vector<Finding>> run_doctor(const cli::DoctorOptions& options) {
  std::vector<Finding> out{examine_file(options)};
  auto machine = examine_machine(look_at_machine(options.config, find_data(options)));
  std::ranges::move(machine, std::back_inserter(out));
  if (!options.cloud.empty() || !options.jenkins.empty())
    std::erase_if(out, [&](const auto& one) { return one.place != fmt::format("cloud {}", options.cloud); });
  Asking asking;
  auto clouds = asking.loop.run(examine_clouds(&asking, &options));
  std::ranges::move(clouds, std::back_inserter(out));
  auto jenkinses = asking.loop.run(examine_jenkinses(&asking, &options));
  std::ranges::move(jenkinses, std::back_inserter(out));
  return out;
}

Result<ecs::Landscape> discover(const ecs::CloudOptions& cloud) {
  Asking asking;
  return asking.loop.run(list_and_stop(&asking, &cloud));
}

}  // namespace footman::app
