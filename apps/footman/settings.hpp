// footman.yaml turned into what the server's parts take. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cloud/local/local_cloud.hpp"
#include "config/config.hpp"
#include "controller/config.hpp"
#include "fleet/config.hpp"
#include "jenkins/settings.hpp"
#include "net/http_server.hpp"
#include "net/strangers.hpp"
#include "net/tcp.hpp"

namespace footman::app {

// What is known only once the server listens.
struct ServerFacts {
  net::Endpoint http;        // as bound
  net::Endpoint agent_port;  // as bound
  bool tls = false;          // HTTPS
  std::string ca_pem;        // content of tls.ca, else the certificate that is served
  bool only_ca = false;      // it is tls.ca: agents trust nothing else
  std::string agent_port_key_sha256;
};

// How many connections each port may have, of so many descriptors that the process may have open: some are
// kept for the database, logs, agents' processes and calls of clouds, which work when strangers have taken
// all the rest.
struct PortShares {
  std::size_t http = 0;
  std::size_t agents = 0;
};
PortShares share_descriptors(std::size_t descriptors);
// How many descriptors it takes so that each port has room for all agents that the configuration allows (some
// where it has no limit) and for other connections.
std::size_t needed_descriptors(const config::Config& config);
// Of the connections of a port, how many may be of those who have not shown who they are.
net::StrangerLimits limit_strangers(std::size_t connections);

controller::ControllerConfig make_controller_config(const config::Config& config);
net::HttpServerLimits make_http_limits(const config::Config& config, std::size_t connections);
fleet::FleetConfig make_fleet_config(const config::Config& config, const ServerFacts& facts);
// Without CA, installation and page.
jenkins::JenkinsSettings make_jenkins_settings(const config::Config& config,
                                               const config::JenkinsConfig& jenkins);
std::map<base::TemplateName, cloud::local::TemplateOptions> make_local_templates(
    const config::CloudConfig& cloud);

// Where this machine finds a server that listens on `host`, which may be every address.
std::string reachable_host(const std::string& host);

// How agents with this address reach the server: see docs/CONFIG.md, agent_url and connect.
ports::AgentEndpoint make_endpoint(const config::AgentAddress& address, const ServerFacts& facts);

// Where people find the pages: the address that agents are told, as it leads here from elsewhere, too; else
// where this machine finds them. Without a '/' at its end.
std::string page_url(const config::Config& config, const ServerFacts& facts);

// What an operator should know about how this server can be reached, one sentence each.
std::vector<std::string> exposure_warnings(const config::Config& config, const ServerFacts& facts);

// One sentence for each difference that people should see; `restart` for those that wait for one.
struct ConfigChange {
  std::string text;
  bool restart = false;
};
std::vector<ConfigChange> compare_configs(const config::Config& before, const config::Config& after);

}  // namespace footman::app
