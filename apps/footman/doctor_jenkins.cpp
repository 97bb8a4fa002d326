#include "apps/footman/doctor_jenkins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include "apps/footman/jenkinses.hpp"
#include "apps/footman/local_java.hpp"
#include "apps/footman/settings.hpp"
#include "jenkins/examine.hpp"
#include "jenkins/http_transport.hpp"
#include "jenkins/http_ways.hpp"
#include "net/http_client.hpp"

namespace footman::app {
namespace {

using base::Result;
using model::Finding;
using runtime::Awaitable;

constexpr std::size_t kProbeLetters = 8;  // of a name that is never used again

struct Asked {
  runtime::Executor executor;
  runtime::Clock& clock;
  runtime::Rng& rng;
  const config::Config& config;
  const config::JenkinsConfig& jenkins;
};

Awaitable<Result<std::vector<Finding>>> ask(Asked asked) {
  const auto& jenkins = asked.jenkins;
  const auto& as_agents = jenkins.agent_url.empty() ? jenkins.url : jenkins.agent_url;
  FOOTMAN_CO_TRY(auto trust, read_jenkins_trust(jenkins));
  FOOTMAN_CO_TRY(const auto root, net::parse_url(jenkins.url));
  FOOTMAN_CO_TRY(const auto agents_root, net::parse_url(as_agents));
  const auto proxies = net::read_proxy_environment(&std::getenv);
  net::HttpClient client(asked.executor, asked.clock, jenkins::jenkins_http(proxies, trust.tls));
  jenkins::HttpTransport transport(client, asked.executor, root);
  jenkins::HttpTransport agents(client, asked.executor, agents_root);
  jenkins::HttpWays ways({asked.executor, asked.clock, asked.rng, agents_root, trust.tls, proxies});
  auto settings = make_jenkins_settings(asked.config, jenkins);
  auto probe = jenkins::probe_name(jenkins.prefix, asked.rng.name(kProbeLetters));
  const auto found =
      co_await jenkins::survey({transport, agents, ways, asked.clock}, settings, std::move(probe));
  co_return jenkins::examine(settings, found);
}

}  // namespace

Awaitable<std::vector<Finding>> examine_jenkins(runtime::Executor executor, runtime::Clock& clock,
                                                runtime::Rng& rng, const config::Config& config,
                                                const config::JenkinsConfig& jenkins) {
  auto found = co_await ask({std::move(executor), clock, rng, config, jenkins});
  if (!found)
    found = std::vector<Finding>{
        {model::FindingState::failed, "settings", found.error().message, found.error().hint, {}, {}}};
  std::ranges::move(examine_java(config, jenkins), std::back_inserter(*found));
  for (auto& one : *found) one.place = fmt::format("jenkins {}", jenkins.name);
  co_return std::move(*found);
}

}  // namespace footman::app
