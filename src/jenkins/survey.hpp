// What the examination of a Jenkins asks, and what came. One node is made for it, and removed: whether a user
// has the rights that agents need is told by nothing else. It is held, so no build comes to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "jenkins/answers.hpp"
#include "jenkins/settings.hpp"
#include "jenkins/transport.hpp"
#include "net/tcp.hpp"
#include "runtime/clock.hpp"

namespace footman::jenkins {

// Where Jenkins tells agents of TCP to connect.
struct AgentPort {
  std::string host;  // empty: that of the URL
  std::uint16_t port = 0;
  bool speaks_jnlp4 = false;
  bool tells_identity = false;  // agents want the key that Jenkins proves itself with
};

// Each step as far as the one before it allowed.
struct ProbeFacts {
  std::string node;
  std::optional<Status> made;
  std::optional<Status> held;
  std::optional<Status> secret;
  std::optional<Status> web_socket;  // an agent's connection with that secret
  std::optional<Status> removed;
  bool shows_configuration = false;  // of that node: a right too many
};

// The node that is made: no other one has such a name and that description. One that stays - who examined was
// killed - is removed by the server.
inline constexpr std::string_view kProbeText =
    "Made by `footman doctor` to see what this user may do; it is removed in a moment.";
std::string probe_name(std::string_view prefix, std::string_view letters);
bool is_probe(std::string_view prefix, const Computer& computer);

struct Survey {
  Result<Root> root = fail(Errc::unavailable, "not asked");  // without it nothing else was asked
  std::string version;
  std::string session;
  std::optional<Duration> ahead;  // Jenkins' clock, of this one, to the second
  std::optional<Status> queue;    // the list of what waits
  bool shows_items = false;
  bool shows_job_configuration = false;  // a right too many
  ProbeFacts probe;
  std::optional<Result<AgentPort>> agent_port;  // of TCP
  std::optional<Status> port_open;              // seen from here
  std::map<std::string, Result<LabelUse>> labels;
};

// How connections of agents are tried. Both are closed again at once.
class AgentWays {
 public:
  virtual ~AgentWays() = default;
  virtual runtime::Awaitable<Status> try_port(std::string host, std::uint16_t port) = 0;
  virtual runtime::Awaitable<Status> try_web_socket(std::string node, Secret secret) = 0;
};

struct SurveyParts {
  Transport& jenkins;  // at `url`
  Transport& agents;   // at `agent_url`
  AgentWays& ways;
  runtime::Clock& clock;
};

// `probe`: the name of that node, never used before. The parts outlive the call.
runtime::Awaitable<Survey> survey(SurveyParts parts, JenkinsSettings settings, std::string probe);

}  // namespace footman::jenkins
