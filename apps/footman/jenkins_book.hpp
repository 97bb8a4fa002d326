// The records of nodes in Jenkins, in the server's database: one setting for each,
// "jenkins/<controller>/<agent>". Besides, of each Jenkins, "jenkins-violations/<controller>" and what was
// known of it when the server ran last, "jenkins-known/<controller>".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "jenkins/node_book.hpp"
#include "store/store.hpp"

namespace footman::app {

// Where nodes of this server may stand.
struct KnownJenkins {
  std::string url;
  std::vector<std::string> prefixes;  // of their names: as it is configured, then former ones
  bool operator==(const KnownJenkins&) const = default;
};

class JenkinsBook final : public jenkins::NodeBook {
 public:
  explicit JenkinsBook(store::Store& store) : store_(store) {}

  // Also corrupt and unsupported: a record that this version cannot read. Nobody may act without it: its node
  // and its agent would be taken for ones that nobody knows.
  runtime::Awaitable<base::Result<std::vector<jenkins::NodeRecord>>> load(
      base::ControllerName controller) override;
  runtime::Awaitable<base::Status> put(jenkins::NodeRecord record) override;
  runtime::Awaitable<base::Status> erase(base::ControllerName controller, base::AgentId agent) override;
  // What cannot be read of these is as if it had never been written.
  runtime::Awaitable<base::Result<std::vector<std::string>>> load_violations(
      base::ControllerName controller) override;
  runtime::Awaitable<base::Status> save_violations(base::ControllerName controller,
                                                   std::vector<std::string> sentences) override;

  runtime::Awaitable<base::Result<std::map<std::string, KnownJenkins>>> list_known();
  runtime::Awaitable<base::Status> save_known(std::string name, KnownJenkins known);
  runtime::Awaitable<base::Status> forget_known(std::string name);

 private:
  store::Store& store_;
};

}  // namespace footman::app
