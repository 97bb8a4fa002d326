// The records of nodes in Jenkins, in the server's database: one setting for each,
// "jenkins/<controller>/<agent>".
#pragma once

#include "jenkins/node_book.hpp"
#include "store/store.hpp"

namespace footman::app {

class JenkinsBook final : public jenkins::NodeBook {
 public:
  explicit JenkinsBook(store::Store& store) : store_(store) {}

  // Also corrupt and unsupported: a record that this version cannot read. Nobody may act without it: its node
  // and its agent would be taken for ones that nobody knows.
  runtime::Awaitable<base::Result<std::vector<jenkins::NodeRecord>>> load(
      base::ControllerName controller) override;
  runtime::Awaitable<base::Status> put(jenkins::NodeRecord record) override;
  runtime::Awaitable<base::Status> erase(base::ControllerName controller, base::AgentId agent) override;

 private:
  store::Store& store_;
};

}  // namespace footman::app
