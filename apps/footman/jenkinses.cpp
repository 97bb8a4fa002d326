#include "apps/footman/jenkinses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <ranges>
#include <utility>

#include "apps/footman/settings.hpp"
#include "base/job_metrics.hpp"
#include "jenkins/http_transport.hpp"
#include "net/http_client.hpp"
#include "protocol/handshake.hpp"
#include "runtime/real/files.hpp"
#include "runtime/scope.hpp"

namespace footman::app {

using base::Result;
using base::Status;
using runtime::Awaitable;

namespace {

constexpr std::size_t kMaxJenkinsCaBytes = 1 << 20;
constexpr std::size_t kFormerPrefixes = 5;

Awaitable<void> drop_client(std::unique_ptr<net::HttpClient> client) {
  client.reset();
  co_return;
}

std::string title_of(const jenkins::BuildRun& run) {
  return run.title.empty() ? jenkins::build_title(run.build) : run.title;
}

std::string job_of(const jenkins::BuildRun& run) {
  const auto title = title_of(run);
  return title.substr(0, title.rfind(" #"));
}

Result<JenkinsTrust> read_authorities(const std::string& file) {
  JenkinsTrust trust;
  FOOTMAN_TRY(trust.ca_pem, runtime::real::read_file(file, kMaxJenkinsCaBytes));
  FOOTMAN_TRY(trust.tls, net::create_tls_client_context({false, trust.ca_pem, {}}));
  return trust;
}

}  // namespace

Result<JenkinsTrust> read_jenkins_trust(const config::JenkinsConfig& jenkins) {
  if (jenkins.ca.empty()) return JenkinsTrust();
  auto trust = read_authorities(jenkins.ca);
  if (!trust)
    return base::fail(base::Errc::invalid_argument, trust.error().message,
                      fmt::format("jenkins '{}': ca: {}", jenkins.name, jenkins.ca), trust.error().hint);
  return trust;
}

// The client lives on the net executor, and goes there.
struct Jenkinses::Member {
  config::JenkinsConfig config;
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<jenkins::HttpTransport> transport;
  std::unique_ptr<jenkins::JenkinsController> controller;
  std::vector<std::string> former_prefixes;
};

Jenkinses::Jenkinses(JenkinsSite site)
    : site_(std::move(site)), book_(site_.store), history_(site_.control, site_.log) {}
Jenkinses::~Jenkinses() = default;

Result<std::unique_ptr<Jenkinses>> Jenkinses::create(const config::Config& config, JenkinsSite site) {
  std::unique_ptr<Jenkinses> all(new Jenkinses(std::move(site)));
  for (const auto& one : config.jenkins) FOOTMAN_TRY_STATUS(all->add(config, one));
  return all;
}

Status Jenkinses::add(const config::Config& config, const config::JenkinsConfig& jenkins) {
  FOOTMAN_TRY(const auto root, net::parse_url(jenkins.url));
  FOOTMAN_TRY(auto trust, read_jenkins_trust(jenkins));
  auto settings = make_jenkins_settings(config, jenkins);
  settings.installation = site_.installation.str();
  settings.page_of_agents = site_.page_of_agents;
  settings.keeps_unknown = site_.in_doubt;
  settings.ca_pem = std::move(trust.ca_pem);
  auto member = std::make_unique<Member>();
  member->config = jenkins;
  member->client = std::make_unique<net::HttpClient>(
      site_.net, site_.clock,
      jenkins::jenkins_http(net::read_proxy_environment(&std::getenv), std::move(trust.tls)));
  member->transport = std::make_unique<jenkins::HttpTransport>(*member->client, site_.net, root);
  member->controller = std::make_unique<jenkins::JenkinsController>(
      jenkins::JenkinsParts{
          site_.control, site_.clock, *member->transport, book_,
          site_.log.with({{"controller", jenkins.name}}), site_.metrics, site_.work_folder,
          [this, name = jenkins.name](const jenkins::BuildRun& run) { note_build(name, run); },
          [this](const jenkins::NodeViolation& one) { note_violation(one); },
          [this, name = jenkins.name](const jenkins::BuildRun& run, const std::string& result) {
            base::count_job_build(site_.metrics, name, job_of(run), result.empty() ? "UNKNOWN" : result);
          },
          [this, name = jenkins.name] { note_left(name); },
          [key = site_.server_key](const base::AgentId& agent, std::uint32_t attempt) {
            return protocol::derive_bootstrap_secret(key, agent, attempt);
          },
          [this, place = member.get()] { return read_token(place->config.token_file); },
          [this] { return list_as<const jenkins::JenkinsController>(); }},
      std::move(settings));
  members_.push_back(std::move(member));
  return {};
}

// Of a variable nothing new is to be had.
Awaitable<Result<base::Secret>> Jenkinses::read_token(std::string file) {
  if (file.empty()) co_return base::fail(base::Errc::not_found, "the token is not from a file");
  co_return co_await site_.read_secret("file:" + file);
}

template <class Controller>
std::vector<Controller*> Jenkinses::list_as() const {
  std::vector<Controller*> all;
  all.reserve(members_.size());
  for (const auto& one : members_) all.push_back(one->controller.get());
  return all;
}

std::vector<ports::ControllerPort*> Jenkinses::controllers() const {
  return list_as<ports::ControllerPort>();
}

Awaitable<Status> Jenkinses::start() {
  FOOTMAN_CO_TRY(const auto known, co_await book_.list_known());
  for (const auto& [name, one] : known) FOOTMAN_CO_TRY_STATUS(co_await compare_known(name, one));
  for (const auto& one : members_) {
    one->controller->set_former_prefixes(one->former_prefixes);
    const auto before = known.find(one->config.name);
    if (before == known.end() || before->second != known_of(*one))
      FOOTMAN_CO_TRY_STATUS(co_await book_.save_known(one->config.name, known_of(*one)));
  }
  for (const auto& one : members_ | std::views::reverse)
    FOOTMAN_CO_TRY_STATUS(co_await one->controller->start());
  co_return Status();
}

KnownJenkins Jenkinses::known_of(const Member& member) {
  KnownJenkins known{member.config.url, {member.config.prefix}};
  known.prefixes.insert(known.prefixes.end(), member.former_prefixes.begin(), member.former_prefixes.end());
  return known;
}

// With what the server ran last: what stands in a Jenkins that is not configured any more can be removed with
// its token alone, so that is said, once.
Awaitable<Status> Jenkinses::compare_known(std::string name, KnownJenkins known) {
  auto* member = find(name);
  if (member != nullptr && member->config.url == known.url) {
    std::erase(known.prefixes, member->config.prefix);
    if (known.prefixes.size() > kFormerPrefixes) known.prefixes.resize(kFormerPrefixes);
    member->former_prefixes = std::move(known.prefixes);
    co_return Status();
  }
  const auto now =
      std::ranges::find_if(members_, [&](const auto& one) { return one->config.url == known.url; });
  if (member == nullptr && now != members_.end()) {
    auto& renamed = **now;
    for (auto& prefix : known.prefixes)
      if (prefix != renamed.config.prefix) renamed.former_prefixes.push_back(std::move(prefix));
    site_.log.warning(
        fmt::format("the Jenkins '{}' at {} is called '{}' now: nodes of agents that were launched for "
                    "'{}' take no more builds, and are deleted once they are idle",
                    name, known.url, renamed.config.name, name));
    co_return co_await book_.forget_known(std::move(name));
  }
  if (member != nullptr) {
    site_.log.warning(fmt::format(
        "the Jenkins '{}' is at {} now and was at {}: if that is another one, delete the nodes there whose "
        "names begin with '{}'; if it is the same at another address, all goes on",
        name, member->config.url, known.url, fmt::join(known.prefixes, "' or '")));
    co_return co_await book_.forget_known(std::move(name));
  }
  site_.log.warning(fmt::format(
      "the Jenkins '{}' at {} is in the configuration no more; what this server made there stands "
      "still: delete the nodes whose names begin with '{}' in Jenkins, or put it back and run "
      "`footman jenkins detach {}` before it is taken out",
      name, known.url, fmt::join(known.prefixes, "' or '"), name));
  co_return co_await book_.forget_known(std::move(name));
}

void Jenkinses::note_left(const std::string& name) {
  site_.log.info(fmt::format("nothing of this server is left in the Jenkins '{}'", name));
  history_.spawn("forgets " + name, forget(name));
}

Awaitable<void> Jenkinses::remember(std::string name, KnownJenkins known) {
  (void)co_await book_.save_known(std::move(name), std::move(known));
}

Awaitable<void> Jenkinses::forget(std::string name) { (void)co_await book_.forget_known(std::move(name)); }

Status Jenkinses::check(const config::Config& config) const {
  const auto refuse = [](const std::string& name, const char* what) {
    return base::fail(base::Errc::invalid_argument,
                      fmt::format("the Jenkins '{}' {}; it needs a restart of the server", name, what), {},
                      "Nothing was changed");
  };
  for (const auto& one : config.jenkins) {
    const auto* member = find(one.name);
    if (member == nullptr) return refuse(one.name, "is new");
    if (one.url != member->config.url) return refuse(one.name, "has another url");
    if (one.ca != member->config.ca) return refuse(one.name, "has another ca");
    if (one.prefix != member->config.prefix) return refuse(one.name, "has another prefix");
  }
  return {};
}

void Jenkinses::apply(const config::Config& config) {
  for (const auto& member : members_) {
    const auto one = std::ranges::find(config.jenkins, member->config.name, &config::JenkinsConfig::name);
    auto& controller = *member->controller;
    if (one == config.jenkins.end()) {
      if (!controller.leaves()) controller.leave();
      continue;
    }
    controller.set_settings(make_jenkins_settings(config, *one));
    member->config = *one;
    if (!controller.leaves()) continue;
    controller.come_back();
    history_.spawn("knows " + one->name, remember(one->name, known_of(*member)));
  }
}

Jenkinses::Member* Jenkinses::find(std::string_view name) const {
  const auto it =
      std::ranges::find_if(members_, [&](const auto& one) { return one->controller->name().str() == name; });
  return it == members_.end() ? nullptr : it->get();
}

Awaitable<void> Jenkinses::stop() {
  for (const auto& one : members_) {
    co_await one->controller->stop();
    co_await runtime::run_on(site_.net, drop_client(std::move(one->client)));
  }
  co_await history_.join();
}

// --- secrets of nodes

jenkins::JenkinsController* Jenkinses::find_owner(const base::AgentId& agent) const {
  for (const auto& one : members_)
    if (one->controller->find_holder(agent)) return one->controller.get();
  return nullptr;
}

std::optional<ports::CredentialHolder> Jenkinses::find_holder(const base::AgentId& agent) const {
  const auto* owner = find_owner(agent);
  return owner == nullptr ? std::nullopt : owner->find_holder(agent);
}

Awaitable<Result<base::Secret>> Jenkinses::redeem(base::AgentId agent, std::uint32_t attempt,
                                                  std::string key_hash) {
  auto* owner = find_owner(agent);
  if (owner == nullptr)
    co_return base::fail(base::Errc::not_found, fmt::format("no Jenkins has an agent {}", agent.str()));
  co_return co_await owner->redeem(std::move(agent), attempt, std::move(key_hash));
}

// --- builds in the histories of their agents

void Jenkinses::note_build(const std::string& jenkins, const jenkins::BuildRun& run) {
  const auto title = title_of(run);
  store::AgentChange change;
  change.id = run.agent;
  if (run.ended.is_set()) {
    const auto job = fmt::format("{}:{}", jenkins, job_of(run));
    change.work = store::OtherWork{base::JobPath(job), title, run.started, run.ended};
    change.timeline.push_back(
        {run.ended, "finished",
         fmt::format("{} is over after {}.", title, base::format_duration(run.ended - run.started))});
  } else {
    change.timeline.push_back(
        {run.started, "first_step", fmt::format("{} runs on node {}.", title, run.node)});
  }
  history_.spawn("history of " + run.agent.str(), write_history(std::move(change)));
}

void Jenkinses::note_violation(const jenkins::NodeViolation& one) {
  store::AgentChange change;
  change.id = one.agent;
  change.timeline.push_back({site_.clock.now(), "violation", one.text});
  history_.spawn("history of " + one.agent.str(), write_history(std::move(change)));
}

Awaitable<void> Jenkinses::write_history(store::AgentChange change) {
  const auto agent = change.id;
  const auto done = co_await site_.store.change_agent(std::move(change));
  if (!done)
    site_.log.warning("the history of an agent lacks what its Jenkins did",
                      {{"agent", agent}, {"error", base::describe(done.error())}});
}

// --- what people see

std::vector<ports::JenkinsStatus> Jenkinses::list() const {
  std::vector<ports::JenkinsStatus> all;
  all.reserve(members_.size());
  for (const auto& member : members_) all.push_back(member->controller->status());
  return all;
}

Awaitable<Result<std::size_t>> Jenkinses::detach(base::ControllerName name) {
  auto* member = find(name.str());
  if (member == nullptr)
    co_return base::fail(base::Errc::not_found, fmt::format("There is no Jenkins {}", name.str()));
  co_return co_await member->controller->detach();
}

}  // namespace footman::app
