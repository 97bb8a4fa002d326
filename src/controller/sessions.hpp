// The control half of the agents' sessions: who may come in, and what their messages mean. Inside the module.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/log_limiter.hpp"
#include "controller/builds.hpp"
#include "controller/core.hpp"
#include "controller/nodes.hpp"
#include "controller/session_port.hpp"
#include "protocol/handshake.hpp"

namespace footman::controller {

class Sessions final : public SessionPort {
 public:
  Sessions(Core& core, Builds& builds, Nodes& nodes);

  void set_installation(InstallationId installation) { installation_ = std::move(installation); }

  Awaitable<Admission> admit(ConnectionId connection, std::string peer, std::shared_ptr<Pulse> pulse,
                             protocol::Hello hello, std::optional<ProofGiven> given) override;
  void on_message(ConnectionId connection, protocol::Message message) override;
  void on_closed(ConnectionId connection, std::string why, bool breach) override;

 private:
  class Proving;
  protocol::Redemption decide(const protocol::Hello& hello, protocol::ProofState proof) const;
  std::optional<protocol::StoredAgent> find_stored(const protocol::Hello& hello) const;
  Awaitable<Admission> give_credential(const protocol::Hello* hello, const std::string* peer,
                                       std::string key_hash);
  Awaitable<std::optional<protocol::ProofState>> check_proof(const protocol::Hello* hello,
                                                             const ProofGiven* given);
  const EndedAgent* find_ended(const protocol::Hello& hello) const;
  protocol::Refused tell_ended(const protocol::Hello& hello) const;
  BuildPtr open_work(const NodeEntry& node) const;
  void note_trouble(const AgentId& agent, const char* kind, const std::string& text);
  Awaitable<void> pump(AgentId agent, ConnectionId connection);
  Awaitable<void> handle(AgentId agent, ConnectionId connection, protocol::Message message);
  Awaitable<void> resume(AgentId agent, ConnectionId connection, protocol::Resume held);
  Awaitable<void> resume_held(AgentId agent, protocol::HeldAssignment held);
  Awaitable<void> rejected(AgentId agent, protocol::Rejected message);
  Awaitable<void> notice(AgentId agent, protocol::Notice message);
  // What it said cannot be true: it is given up.
  Awaitable<void> distrust(AgentId agent, Status told);
  Awaitable<void> count_refused(AgentId agent);
  void count_breach(NodeEntry& node, const std::string& why);
  Admission refuse(const protocol::Hello& hello, const std::string& peer, protocol::Refused answer,
                   std::string_view cause);
  protocol::Welcome make_welcome(const NodeEntry& node, std::uint16_t version, std::uint64_t features) const;
  void begin_session(NodeEntry& node, ConnectionId connection, std::string peer, std::shared_ptr<Pulse> pulse,
                     const protocol::Hello& hello);

  Core& core_;
  Builds& builds_;
  Nodes& nodes_;
  InstallationId installation_{"unknown"};
  base::Gauge& live_;
  base::LogLimiter refusal_lines_;
  base::LogLimiter proof_lines_;
  std::map<AgentId, std::set<std::string>> troubles_;  // that were told
  // Agents whose proof is being checked; outlives what is dropped late.
  std::shared_ptr<std::multiset<AgentId>> proving_ = std::make_shared<std::multiset<AgentId>>();
};

}  // namespace footman::controller
