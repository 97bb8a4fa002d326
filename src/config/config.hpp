// footman.yaml as typed values. parse_config is pure: the environment and files come in as functions. The
// keys and their defaults for people are in schema.hpp.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/yaml_tree.hpp"
#include "ecs/choices.hpp"
#include "ecs/options.hpp"
#include "model/budget.hpp"
#include "model/pool.hpp"
#include "model/price.hpp"
#include "model/size.hpp"

namespace footman::config {

using namespace footman::base;

enum class Connect { websocket, tcp };

// How agents reach the server. Unset fields of a cloud or template take those of the level above.
struct AgentAddress {
  std::optional<std::string> agent_url;
  std::optional<std::string> tunnel;  // host:port
  std::optional<Connect> connect;
  std::optional<bool> insecure;  // plain ws:// beyond loopback
  bool operator==(const AgentAddress&) const = default;
};

struct TemplateConfig {
  std::string name;
  std::vector<std::string> labels;
  bool is_default = false;
  int priority = 0;
  model::AgentLimits limits;  // of agents: `cap`
  model::AgentSize size;
  model::Price price;
  std::uint32_t max_builds = 1;  // of one agent; 0: no limit
  Duration idle_timeout = 1min;
  bool keep_paid = false;
  Duration max_age{0};
  model::PoolRules pool;
  std::map<std::string, std::string> env;
  std::uint64_t memory_bytes = 0;           // local; 0: no limit
  std::uint32_t max_processes = 0;          // local; 0: no limit
  std::uint32_t max_open_files = 0;         // local; 0: the server's limit
  bool proxy_variables = false;             // local
  std::optional<ecs::TemplateOptions> ecs;  // of a cloud of type ecs, and complete there: env is in it, too
  // Of type ecs: of each of ecs::list_choices(), in that order. `size` and `price` are those of the first.
  std::vector<ecs::Offer> offers;
  AgentAddress address;  // complete: the levels above are merged in
  bool operator==(const TemplateConfig&) const = default;
};

struct CloudConfig {
  std::string name;
  std::string type;           // "local", "ecs"
  model::AgentLimits limits;  // of agents: `cap`
  Duration minimum_billing{0};
  std::string agent_binary;              // empty: beside the server's own
  std::optional<ecs::CloudOptions> ecs;  // of type ecs
  AgentAddress address;
  std::vector<TemplateConfig> templates;
  bool operator==(const CloudConfig&) const = default;
};

// When labels also stand on nodes of a Jenkins that Footman did not make.
struct JenkinsOverflow {
  enum class When { never, when_busy, after };
  When when = When::when_busy;
  Duration after{0};  // of waiting, all of those nodes being busy; of `after`
  bool operator==(const JenkinsOverflow&) const = default;
};

// A Jenkins that is already there: its builds get agents.
struct JenkinsConfig {
  std::string name;       // as a controller
  std::string url;        // with a '/' at its end, as the next one
  std::string agent_url;  // empty: as `url`
  std::string user;
  std::string token;       // secret: never shown
  std::string token_file;  // where it stands; empty: in the environment
  std::string ca;          // path; empty: the system's authorities
  bool insecure = false;
  std::string tunnel;  // host:port; of tcp
  Connect connect = Connect::websocket;
  std::string prefix = "footman-";
  std::vector<std::string> templates;  // by name; empty: all
  JenkinsOverflow overflow;
  std::string work_folder = "/home/jenkins/agent";
  std::string java_options = "-XX:+UseSerialGC -Xmx256m -XX:TieredStopAtLevel=1";
  bool operator==(const JenkinsConfig&) const = default;
};

// Whether agents of the template work for the Jenkins, too.
bool serves(const JenkinsConfig& jenkins, const std::string& of_template);

// What agents accept: below the idle limit of load balancers.
inline constexpr Duration kMinHeartbeat = 100ms;
inline constexpr Duration kMaxHeartbeat = 20s;

struct Config {
  std::string listen = "127.0.0.1:8080";
  std::string agent_listen = "127.0.0.1:50000";
  std::string data;  // empty: the program's default
  std::vector<std::string> hosts;
  AgentAddress address;
  std::string tls_certificate, tls_key, tls_ca;  // paths
  Duration heartbeat = 15s;
  Duration lease = 60s;
  Duration orphan_timeout = 30min;
  model::AgentLimits limits;  // of all clouds together, as the next ones
  std::map<std::string, model::AgentLimits, std::less<>> label_limits;
  std::map<std::string, model::AgentLimits, std::less<>> controller_limits;
  std::uint64_t log_bytes = 1ULL << 30;
  Duration build_timeout = std::chrono::hours(24);
  std::uint32_t queue_items = 100'000;
  std::uint64_t request_bytes = 4ULL << 20;
  std::uint32_t keep_builds = 100;  // of a job that names no number; 0: all
  Duration launch_deadline = 5min;
  std::vector<CloudConfig> clouds;
  std::vector<JenkinsConfig> jenkins;
  bool operator==(const Config&) const = default;
};

// The region of a cloud that names none, for the credentials of that profile (empty: none is said). Errors:
// not_found, with all the places that were looked at; invalid_argument: what stands there is none.
using FindRegion = std::function<Result<std::string>(const std::string& profile)>;

struct Sources {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::function<Result<std::string>(const std::string& path)> read_file;
  // A file of the tz database by the zone's name, which is_zone_name(); empty: this machine has none.
  std::function<Result<std::string>(const std::string& name)> read_zone = {};
  FindRegion find_region = {};  // empty: of such a cloud it stays open, and with it Fargate's prices
};

// All errors of the document by line (the first one only when it is not YAML, and those of `extends` only
// when there are some: they change what the rest says). In any text value
// `${env:NAME}` becomes the variable's value; a value that is `file:PATH` as a whole becomes the file's
// content without its last line end. Without `clouds` the ones of the default configuration are used (`arch`
// as below).
std::expected<Config, std::vector<Diagnostic>> parse_config(std::string_view text, const std::string& file,
                                                            const Sources& sources, const std::string& arch);

// What is allowed and hardly meant, a sentence each, for people.
std::vector<std::string> find_doubts(const Config& config);

// One local cloud with one default template; arch as uname says ("x86_64").
Config default_config(const std::string& arch);

}  // namespace footman::config
