// Each Jenkins of the configuration, as a controller of the fleet.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/footman/jenkins_book.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "jenkins/jenkins_controller.hpp"
#include "net/tls.hpp"
#include "ports/controller_port.hpp"
#include "ports/credential_source.hpp"
#include "ports/jenkins_desk.hpp"
#include "runtime/clock.hpp"
#include "runtime/scope.hpp"
#include "store/store.hpp"

namespace footman::app {

// What they need of the server; it outlives them.
struct JenkinsSite {
  base::InstallationId installation;
  std::string page_of_agents;  // see JenkinsSettings
  bool in_doubt = false;       // the database may be a copy
  store::Store& store;
  runtime::Executor control;
  runtime::Executor net;
  runtime::Clock& clock;
  base::Metrics& metrics;
  base::Logger log;
  // Where an agent of that registration works; empty: as the configuration says.
  std::function<std::string(const ports::AgentRegistration&)> work_folder;
  base::Secret server_key;  // of the agents' bootstrap secrets
  std::function<runtime::Awaitable<base::Result<base::Secret>>(std::string reference)> read_secret;
};

struct JenkinsTrust {
  std::string ca_pem;
  net::TlsClientContextPtr tls;  // null: the system's authorities
};
// invalid_argument: a file of certificates that cannot be used.
base::Result<JenkinsTrust> read_jenkins_trust(const config::JenkinsConfig& jenkins);

// On the control executor.
class Jenkinses final : public ports::JenkinsDesk, public ports::CredentialSource {
 public:
  // invalid_argument: a file of certificates that cannot be used.
  static base::Result<std::unique_ptr<Jenkinses>> create(const config::Config& config, JenkinsSite site);
  ~Jenkinses() override;

  std::vector<ports::ControllerPort*> controllers() const;
  // From here on they look at their Jenkins. Errors: as of JenkinsBook::load().
  runtime::Awaitable<base::Status> start();
  // For a reload: invalid_argument when there is another one, or one has another URL, CA or prefix. One that
  // is there no more is left: see JenkinsController::leave().
  base::Status check(const config::Config& config) const;
  void apply(const config::Config& config);
  // Before they are destroyed, and before the store closes. Agents, nodes and builds go on.
  runtime::Awaitable<void> stop();

  std::vector<ports::JenkinsStatus> list() const override;
  runtime::Awaitable<base::Result<std::size_t>> detach(base::ControllerName name) override;

  std::optional<ports::CredentialHolder> find_holder(const base::AgentId& agent) const override;
  runtime::Awaitable<base::Result<base::Secret>> redeem(base::AgentId agent, std::uint32_t attempt,
                                                        std::string key_hash) override;

 private:
  struct Member;
  explicit Jenkinses(JenkinsSite site);
  base::Status add(const config::Config& config, const config::JenkinsConfig& jenkins);
  Member* find(std::string_view name) const;
  template <class Controller>
  std::vector<Controller*> list_as() const;
  runtime::Awaitable<base::Result<base::Secret>> read_token(std::string file);
  static KnownJenkins known_of(const Member& member);
  runtime::Awaitable<base::Status> compare_known(std::string name, KnownJenkins known);
  void note_left(const std::string& name);
  runtime::Awaitable<void> remember(std::string name, KnownJenkins known);
  runtime::Awaitable<void> forget(std::string name);
  jenkins::JenkinsController* find_owner(const base::AgentId& agent) const;
  // Into the agent's history and the costs.
  void note_build(const std::string& jenkins, const jenkins::BuildRun& run);
  void note_violation(const jenkins::NodeViolation& one);
  runtime::Awaitable<void> write_history(store::AgentChange change);

  JenkinsSite site_;
  JenkinsBook book_;
  std::vector<std::unique_ptr<Member>> members_;
  runtime::Scope history_;
};

}  // namespace footman::app
