// What one Jenkins is to Footman. Built by the program from its configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "jenkins/demand.hpp"

namespace footman::jenkins {

enum class AgentConnection { web_socket, tcp };

// What stays as it was for the life of a controller.
struct FixedSettings {
  ControllerName name;
  std::string url;                  // of its root, as Footman reaches it
  std::string ca_pem;               // its CA; empty: the system's
  std::string prefix = "footman-";  // of the names of all nodes made here
  std::string installation;         // what marks them as this installation's; not empty
  // The records may be those of a copy: nodes that they do not know may be another server's, and are left
  // alone.
  bool keeps_unknown = false;
  std::string page_of_agents;  // "https://footman.example/ui/agents/": + id; empty: no link
};

struct JenkinsSettings : FixedSettings {
  std::string user;
  Secret token;  // an API token of that user

  // How agents reach it.
  std::string agent_url;  // empty: as `url`
  std::string tunnel;     // "host:port" instead of the address that Jenkins tells; TCP only; empty: none
  AgentConnection connection = AgentConnection::web_socket;
  bool insecure = false;     // http beyond loopback was allowed
  std::string java_options;  // of the agents, with spaces between them

  std::string work_folder = "/home/jenkins/agent";
  DemandRules demand;  // `served`: one for each template

  // How often it is asked: while nothing goes on, while something does, and while a node is open.
  Duration idle_pace = 400ms;
  Duration busy_pace = 200ms;
  Duration open_pace = 100ms;
  Duration note_time = 10min;  // how long the node of an agent that died with its build stays

  const std::string& url_for_agents() const { return agent_url.empty() ? url : agent_url; }
};

}  // namespace footman::jenkins
