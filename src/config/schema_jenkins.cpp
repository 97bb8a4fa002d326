#include "config/schema_rows.hpp"

namespace footman::config {

std::vector<Key> jenkins_rows() {
  constexpr bool kRestart = true;
  constexpr bool kReload = false;
  return {
      {"jenkins[].name", "name", "", "required; how limits, agents and logs call it", kRestart},
      {"jenkins[].url", "URL", "", "required; of its front page, as this server reaches it", kRestart},
      {"jenkins[].user", "name", "", "required; a user of that Jenkins who may do what docs/jenkins.md lists",
       kReload},
      {"jenkins[].token", "file:PATH or ${env:NAME}", "", "required; an API token of that user", kReload},
      {"jenkins[].ca", "path", "",
       "PEM file: whom this server and the agents trust to be that Jenkins; without it the system's "
       "authorities, "
       "and Java's",
       kRestart},
      {"jenkins[].insecure", "true or false", "false", "allows http:// beyond this machine", kReload},
      {"jenkins[].agent_url", "URL", "",
       "how agents reach it, for example an internal balancer; without it as `url`", kReload},
      {"jenkins[].connect", "websocket or tcp", "websocket",
       "how agents connect: to the URL, or to Jenkins' agent port", kReload},
      {"jenkins[].tunnel", "host:port", "",
       "with tcp: agents connect to this address instead of the agent port that Jenkins tells", kReload},
      {"jenkins[].templates", "list of names", "[]", "whose agents it gets; without it those of all clouds",
       kReload},
      {"jenkins[].overflow", "never, when-busy or after DURATION", "when-busy",
       "for labels that nodes have which Footman did not make: no agents; agents when none of these nodes "
       "has an "
       "idle executor; the same after so long a wait",
       kReload},
      {"jenkins[].prefix", "text", "footman-",
       "how the names of all nodes begin that Footman makes there; it removes nodes of that name and of its "
       "own "
       "mark that it does not know",
       kRestart},
      {"jenkins[].work_folder", "path", "/home/jenkins/agent",
       "where builds work on agents of clouds elsewhere; those of a local cloud have a folder of their own",
       kReload},
      {"jenkins[].java_options", "text", "-XX:+UseSerialGC -Xmx256m -XX:TieredStopAtLevel=1",
       "of the Java that runs Jenkins' agent, with spaces between them", kReload},
  };
}

}  // namespace footman::config
