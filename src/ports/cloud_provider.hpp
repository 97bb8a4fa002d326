// CloudProvider: what the fleet needs from any cloud. A provider is written from this header alone; the
// contract tests in cloud/tests/provider_contract.hpp run against every provider. All calls on the control
// executor; providers do their blocking work elsewhere. Several calls may be under way.
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
#include "base/secret.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "model/price.hpp"
#include "model/size.hpp"
#include "ports/agent_endpoint.hpp"
#include "ports/identity_proof.hpp"
#include "runtime/awaitable.hpp"

namespace footman::ports {

// One launch. Everything but the secrets is frozen in the intent row before the call.
struct LaunchSpec {
  base::InstallationId installation;  // tag on every resource
  base::AgentId agent;                // tag on every resource; also its name
  // For the tags by which people find a resource and its costs.
  base::TemplateName template_name;
  std::uint64_t generation = 0;  // of the template
  std::string work;              // what it was launched for: "team/app #17"; empty: a pool
  std::uint32_t attempt = 1;
  std::string client_token;  // the idempotency token: same token → same resource, never a second one
  std::string options;       // the provider's own frozen options, JSON (made by freeze())
  AgentEndpoint endpoint;
  // Of an agent with another controller than Footman's own: where footman-agent, which stands in front of it,
  // fetches its secret. No url: a launch of an older version, whose agent is given its secret.
  AgentEndpoint server;
  base::Duration orphan_timeout{0};
  bool one_shot = true;            // the agent leaves after its first build
  base::Secret secret;             // the one-time bootstrap secret; not for agents that prove who they are
  base::Secret controller_secret;  // of AgentBootstrap
};

using model::FailureClass;
using model::to_string;

struct LaunchFailure {
  FailureClass failure = FailureClass::transient;
  bool definite = false;  // true: no resource exists and none will from this token; false: unknown, ask again
  base::Instant retry_at;  // not set: the fleet's own back-off
  std::string message;     // the cloud's words, for people
};
struct LaunchHandle {
  std::string value;  // what terminate() takes; survives a restart of the server
};
using LaunchResult = std::expected<LaunchHandle, LaunchFailure>;

// What happened to a resource by the cloud's own account and clock.
struct ResourceStep {
  base::Instant at;
  std::string_view what;  // "image pulled"; the text lives for ever
  bool operator==(const ResourceStep&) const = default;
};

enum class ResourceState { starting, running, stopping, gone };

struct Resource {
  base::InstallationId installation;  // empty: listed with ours, but it does not say whose it is
  base::AgentId agent;
  std::string client_token;
  std::string handle;
  ResourceState state = ResourceState::running;
  base::Instant created;
  // For gone, as far as known.
  base::Instant ended = {};  // by the wall clock of the cloud
  model::DeathCertificate death;
  std::optional<FailureClass> failure;  // why it never became an agent, when it did not
  bool reclaimed = false;               // the cloud took it back: spot, or a host that failed
  std::vector<ResourceStep> steps;      // oldest first, as far as the cloud tells; few
  std::string last_lines = {};          // for gone: of the agent's own log, as pick_last_lines() has them
  base::TemplateName template_name{};   // of its launch, where the cloud tells it: of one without a record
};

// One form in which a template can be launched: another zone, size, architecture, or spot and on demand.
struct Variant {
  std::string name;     // for people: "eu-west-1a, spot"; empty when it is the only one
  std::string options;  // frozen, JSON
  // What one agent of it is and costs, for limits, budgets and costs; not set: as the template says.
  std::optional<model::AgentSize> size;
  std::optional<model::Price> price;
  bool is_reclaimable = false;  // the cloud may take its machines back at any time: spot
  bool operator==(const Variant&) const = default;
};

struct CloudLimits {
  std::uint32_t max_agents = 0;      // 0: the config's caps only
  base::Duration token_lifetime{0};  // how long the same token is honoured; older ones are looked up by tag
  base::Duration listing_lag{0};     // a resource may be missing from observe() for this long after launch
  // An agent that leaves ends its resource by itself within this time: the fleet waits so long before it
  // calls terminate(), as each call costs something of the API's quota. Of Footman's own agents.
  base::Duration own_exit{0};
};

class CloudProvider {
 public:
  virtual ~CloudProvider() = default;
  virtual base::CloudName name() const = 0;
  virtual CloudLimits limits() const = 0;

  // The template's provider options, frozen, or what is wrong with them (field, expectation). Never empty,
  // the best variant first, each with a name of its own: when one has no capacity the fleet goes to the next.
  // Asks nobody and changes nothing; another answer only after the program gave the provider other options.
  virtual base::Result<std::vector<Variant>> freeze(const base::TemplateName& name) const = 0;

  // Idempotent by client_token. A token whose resource has already ended answers with its handle, not with a
  // new one.
  virtual runtime::Awaitable<LaunchResult> launch(LaunchSpec spec) = 0;
  // Every resource of this installation that exists or has ended recently; of others only what is listed with
  // them. Order is meaningless.
  virtual runtime::Awaitable<base::Result<std::vector<Resource>>> observe() = 0;
  // The resource of this token, also one that has ended; not_found: there was none (within listing_lag: not
  // yet seen).
  virtual runtime::Awaitable<base::Result<Resource>> find_by_token(std::string client_token) = 0;
  // Asks for the end of the resource and says how far it is. Idempotent; call again until `gone`.
  // With an empty handle the resource is looked up by token.
  virtual runtime::Awaitable<base::Result<Resource>> terminate(std::string handle,
                                                               std::string client_token) = 0;

  // Does this proof come from within the resource `handle`, which was launched with these frozen options?
  // Every call may be a stranger's: it costs little, and ends within kProofCheckTime. By default agents have
  // secrets, and no proof is right.
  virtual runtime::Awaitable<ProofAnswer> check_proof(std::string handle, std::string options,
                                                      IdentityProof proof) {
    (void)handle, (void)options, (void)proof;
    co_return ProofAnswer{ProofVerdict::wrong, "agents of this cloud have a secret"};
  }

  // A resource that an earlier life of the server has launched, as its record tells, and the frozen options
  // of its launch; each once, before any other call about it. Without a handle: the launch was asked for, and
  // nobody knows the answer. Costs no I/O here. The configuration may have changed meanwhile: a provider
  // looks for it where it is, and calls none gone that it cannot reach any more. For such a one
  // find_by_token() and terminate() answer `unsupported`, and why. False: launches do not go any more where
  // this one went, so it is looked for, and launch() is not called with its token.
  virtual bool recall(const Resource& known, const std::string& options) {
    (void)known, (void)options;
    return true;
  }

  // A hint, which costs no I/O here: this resource's agent leaves, or its session has broken, so it ends soon
  // or has done so. A provider that looks rarely looks sooner, so that nobody has to ask for an end that has
  // come by itself, and a death is known before the session is given up.
  virtual void suspect(const std::string& handle) { (void)handle; }

  // What people should see to although the cloud does what it is asked, a sentence; empty: nothing.
  virtual std::string find_warning() const { return {}; }

  // Called on the control executor when a resource may have changed: look again.
  virtual void set_on_change(std::function<void()> look_again) = 0;
};

}  // namespace footman::ports
