// How a launched agent reaches its controller, and whose agent it is. Goes into the launch, so it is frozen
// with it; holds no secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace footman::ports {

enum class AgentProgram : std::uint8_t {
  footman,  // footman-agent has a session with a Footman server
  jenkins,  // Jenkins' agent in Java; footman-agent supervises it, wherever it can be put into the image
};
std::string_view to_string(AgentProgram program);  // "footman", "jenkins"

struct AgentEndpoint {
  std::string url;  // "wss://ci.example.com/…", "ws://127.0.0.1:8080/…" or "tcp://host:50000"; of a Jenkins:
                    // "https://jenkins.example.com/"
  std::string tunnel;             // "host:port" to connect to instead of the url's; empty: none
  std::string ca_pem;             // CA of a wss or https url; empty: the image's own store
  bool only_ca = false;           // the agent trusts ca_pem alone, not the image's own store besides
  std::string public_key_sha256;  // hex, of the agent port's certificate; for tcp
  bool insecure = false;          // plain ws or http beyond loopback was allowed in the config
  AgentProgram program = AgentProgram::footman;
  // Of a Jenkins.
  std::string name;          // of its node; empty: the agent's id
  bool web_socket = false;   // to the url; else to Jenkins' agent port
  std::string java_options;  // with spaces between them; empty: footman-agent's defaults
  bool operator==(const AgentEndpoint&) const = default;
};

}  // namespace footman::ports
