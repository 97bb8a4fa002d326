#include "controller/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "protocol/handshake.hpp"
#include "runtime/time_limit.hpp"

namespace footman::controller {

using base::Errc;
using protocol::GoodbyeCode;
using protocol::ProofState;
using protocol::RefusalCause;
using protocol::RefusalCode;
using protocol::Refused;

namespace {
constexpr Duration kAfterReject = 5s;  // before an agent that refused work is offered some again
constexpr Duration kLongestNotice = 24h;
constexpr std::size_t kMaxTroublesOfAgent = 8;
constexpr std::size_t kMaxTroubledAgents = 10'000;  // beyond: told again

bool wants_credential(const protocol::Hello& hello) {
  return (hello.features & protocol::kFeatureCredential) != 0;
}
}  // namespace

Sessions::Sessions(Core& core, Builds& builds, Nodes& nodes)
    : core_(core),
      builds_(builds),
      nodes_(nodes),
      live_(core.parts.metrics.gauge("footman_agent_sessions", "Agents that are connected")) {}

// --- coming in

Admission Sessions::refuse(const protocol::Hello& hello, const std::string& peer, Refused answer,
                           std::string_view cause) {
  core_.parts.metrics
      .counter("footman_agent_refused_total", "Connections of agents that were refused",
               {{"cause", std::string(cause)}})
      .add();
  if (const auto left_out = refusal_lines_.pass(core_.steady()))
    core_.parts.log.warning(
        "agent refused", {{"agent", hello.agent}, {"peer", peer}, {"cause", cause}, {"left_out", *left_out}});
  auto* node = core_.find_node(hello.agent);
  // Who had the right to come once is nobody's attempt to get in.
  if (node != nullptr && !answer.retry && answer.code != RefusalCode::revoked) {
    ++node->node.refused_attempts;
    // One write at a time: a stranger who knocks often costs no more than that.
    if (!std::exchange(node->counting_refusal, true))
      core_.scope.spawn("count refused agent", count_refused(hello.agent));
  }
  return Admission{std::move(answer)};
}

Awaitable<void> Sessions::count_refused(AgentId agent) {
  (void)co_await core_.parts.store.count_refused(agent);
  if (auto* node = core_.find_node(agent)) node->counting_refusal = false;
}

// While it lives, the agent's proof is being checked.
class Sessions::Proving {
 public:
  Proving(std::shared_ptr<std::multiset<AgentId>> all, const AgentId& agent) : all_(std::move(all)) {
    if (all_->size() < kMaxProofsAtOnce && all_->count(agent) < kMaxProofsOfAgent)
      place_ = all_->insert(agent);
  }
  Proving(const Proving&) = delete;
  Proving& operator=(const Proving&) = delete;
  ~Proving() {
    if (place_) all_->erase(*place_);
  }
  bool allowed() const { return place_.has_value(); }

 private:
  std::shared_ptr<std::multiset<AgentId>> all_;
  std::optional<std::multiset<AgentId>::iterator> place_;
};

namespace {

Awaitable<Result<ports::ProofAnswer>> check_in_time(Core* core, ports::IdentityClaim claim) {
  auto answer =
      co_await runtime::run_for(core->parts.clock, kProofLimit, core->parts.check_proof(std::move(claim)));
  if (!answer) co_return base::fail(Errc::timeout, "no answer in time");
  co_return std::move(*answer);
}

}  // namespace

// Nothing: it cannot be told now. The caller waits, so pointers are good.
Awaitable<std::optional<protocol::ProofState>> Sessions::check_proof(const protocol::Hello* hello,
                                                                     const ProofGiven* given) {
  // What a right proof would not help is not worth a question to the cloud, nor a place among those that ask.
  if (!core_.parts.check_proof ||
      decide(*hello, ProofState::right).verdict == protocol::RedemptionVerdict::refuse)
    co_return ProofState::wrong;
  const Proving proving(proving_, hello->agent);
  if (!proving.allowed()) co_return std::nullopt;
  ports::IdentityClaim claim{
      hello->agent,
      hello->attempt,
      {protocol::bind_proof(given->nonce, hello->agent, hello->attempt, hello->session_key), {}}};
  for (const auto& [name, value] : given->proof.values)
    if (!claim.proof.values.emplace(name, value).second) co_return ProofState::wrong;
  const auto answer =
      co_await core_.owned_in(core_.proofs, "check proof", check_in_time(&core_, std::move(claim)));
  if (!answer || answer->verdict == ports::ProofVerdict::unknown) {
    note_trouble(
        hello->agent, "proof_unchecked",
        "Whether it is this agent cannot be checked: " + (answer ? answer->reason : answer.error().message));
    co_return std::nullopt;
  }
  if (answer->verdict == ports::ProofVerdict::right) co_return ProofState::right;
  note_trouble(hello->agent, "proof_wrong", "Somebody could not prove to be this agent: " + answer->reason);
  co_return ProofState::wrong;
}

// Of an agent that is expected, here or by another controller. It comes again and again, and a stranger may
// come in its name: its timeline gets each reason once, and not too many of them.
void Sessions::note_trouble(const AgentId& agent, const char* kind, const std::string& text) {
  if (core_.stopping) return;
  if (const auto left_out = proof_lines_.pass(core_.steady()))
    core_.parts.log.warning("an agent cannot be let in",
                            {{"agent", agent}, {"reason", text}, {"left_out", *left_out}});
  if (troubles_.size() >= kMaxTroubledAgents) troubles_.clear();
  auto& told = troubles_[agent];
  if (told.size() < kMaxTroublesOfAgent && told.insert(text).second) core_.note_agent(agent, kind, text);
}

// Told to who has the key of an agent that ended, and so to nobody else. The digest is made for every name.
const EndedAgent* Sessions::find_ended(const protocol::Hello& hello) const {
  const auto key_hash = protocol::hash_session_key(hello.session_key);
  const auto* ended = core_.ended_agents.find(hello.agent);
  return ended != nullptr && base::equal_constant_time(ended->key_hash, key_hash) ? ended : nullptr;
}

// Its session was right once: what became of it is no secret to it.
Refused Sessions::tell_ended(const protocol::Hello& hello) const {
  auto answer = protocol::make_refused(RefusalCause::ended);
  const auto* node = core_.find_node(hello.agent);
  const auto* ended = find_ended(hello);
  const auto& why = ended != nullptr ? ended->why : node != nullptr ? node->detail : std::string();
  if (!why.empty()) answer.message += ": " + why;
  return answer;
}

// Agents that have sessions here, and those that have their work from elsewhere, are not taken for each
// other.
std::optional<protocol::StoredAgent> Sessions::find_stored(const protocol::Hello& hello) const {
  if (wants_credential(hello)) {
    const auto* source = core_.parts.credentials;
    const auto holder = source == nullptr ? std::nullopt : source->find_holder(hello.agent);
    if (!holder) return std::nullopt;
    const auto deadline = holder->expired ? Instant() : core_.time() + 1s;
    return protocol::StoredAgent{holder->key_hash, holder->attempt, deadline, holder->ended, 0};
  }
  if (const auto* ended = find_ended(hello))
    return protocol::StoredAgent{ended->key_hash, ended->attempt, {}, true, 0};
  const auto* node = core_.find_node(hello.agent);
  if (node == nullptr) return std::nullopt;
  return protocol::StoredAgent{
      node->node.key_hash, node->node.attempt, node->secret_deadline,
      node->node.revoked || node->lost || node->losing || node->removing || node->left,
      node->connection != 0 ? node->hello_connection : 0};
}

protocol::Redemption Sessions::decide(const protocol::Hello& hello, ProofState proof) const {
  const auto stored = find_stored(hello);
  return protocol::decide_redemption(core_.parts.server_key, stored ? &*stored : nullptr, hello, core_.time(),
                                     proof);
}

Awaitable<Admission> Sessions::admit(ConnectionId connection, std::string peer, std::shared_ptr<Pulse> pulse,
                                     protocol::Hello hello, std::optional<ProofGiven> given) {
  if (core_.stopping) co_return Admission{Refused{RefusalCode::busy, "the server is stopping", true}};
  const auto version = protocol::negotiate({}, hello);
  if (!version)
    co_return refuse(hello, peer, Refused{RefusalCode::version, base::describe(version.error()), false},
                     "version");

  auto proof = ProofState::not_asked;
  if (given) {
    const auto told = co_await check_proof(&hello, &*given);
    if (!told)
      co_return refuse(hello, peer, Refused{RefusalCode::busy, "the proof cannot be checked now", true},
                       "proof_unchecked");
    proof = *told;
  }
  const auto decision = decide(hello, proof);
  if (decision.verdict == protocol::RedemptionVerdict::challenge)
    co_return Admission{protocol::Challenge{base::Secret(core_.parts.rng.bytes(protocol::kNonceBytes))}};
  if (decision.verdict == protocol::RedemptionVerdict::refuse)
    co_return refuse(
        hello, peer,
        decision.cause == RefusalCause::ended ? tell_ended(hello) : protocol::make_refused(decision.cause),
        protocol::to_string(decision.cause));

  if (wants_credential(hello)) co_return co_await give_credential(&hello, &peer, decision.key_hash);

  // It lives, whether or not the session can be stored now: a full disk must not cost it its build.
  auto* node = core_.find_node(hello.agent);
  if (node->came || !node->redeemed()) node->last_heard = core_.steady();
  const auto redeemed =
      co_await core_.parts.store.redeem_node({hello.agent, hello.attempt, decision.key_hash, core_.now()});
  if (!redeemed) {
    const auto code = redeemed.error().code;
    if (code == Errc::permission_denied)
      co_return refuse(hello, peer, protocol::make_refused(RefusalCause::other_key), "other_key");
    if (code == Errc::not_found || code == Errc::conflict)
      co_return refuse(hello, peer, tell_ended(hello), "ended");
    core_.parts.log.error("redemption not stored",
                          {{"agent", hello.agent}, {"error", describe(redeemed.error())}});
    co_return Admission{Refused{RefusalCode::busy, "the server cannot store the session now", true}};
  }
  node = core_.find_node(hello.agent);
  if (node == nullptr || node->node.revoked || node->losing || node->lost || node->removing ||
      node->node.attempt != hello.attempt)
    co_return refuse(hello, peer, tell_ended(hello), "ended");
  if (redeemed->epoch <= node->node.epoch || pulse->closed.load() || core_.stopping)
    co_return Admission{protocol::make_refused(RefusalCause::older_connection)};
  node->node.key_hash = redeemed->key_hash;
  node->node.epoch = redeemed->epoch;
  core_.end_session(*node, GoodbyeCode::revoked, "a newer connection of this agent is there", false);
  believe_host(hello);
  begin_session(*node, connection, std::move(peer), std::move(pulse), hello);
  const auto entry = open_work(*node);
  co_return Admission{
      make_welcome(*node, *version, protocol::common_features(protocol::kAllFeatures, hello.features)),
      entry ? core_.log_limit(entry->build.spec) : 0,
      entry && entry->started() ? entry->assignment->started : Instant()};
}

namespace {

Awaitable<Result<Secret>> redeem_in_time(Core* core, AgentId agent, std::uint32_t attempt,
                                         std::string key_hash) {
  auto answer = co_await runtime::run_for(
      core->parts.clock, kCredentialLimit,
      core->parts.credentials->redeem(std::move(agent), attempt, std::move(key_hash)));
  if (!answer) co_return base::fail(Errc::timeout, "no answer in time");
  co_return std::move(*answer);
}

}  // namespace

// The caller waits, so pointers are good.
Awaitable<Admission> Sessions::give_credential(const protocol::Hello* hello, const std::string* peer,
                                               std::string key_hash) {
  auto secret = co_await core_.owned_in(
      core_.proofs, "read secret", redeem_in_time(&core_, hello->agent, hello->attempt, std::move(key_hash)));
  if (secret) {
    core_.parts.log.info("agent has fetched its secret", {{"agent", hello->agent}, {"peer", *peer}});
    co_return Admission{protocol::Credential{std::move(*secret)}};
  }
  const auto& error = secret.error();
  if (error.code == Errc::permission_denied)
    co_return refuse(*hello, *peer, protocol::make_refused(RefusalCause::other_key), "other_key");
  if (error.code == Errc::not_found || error.code == Errc::conflict)
    co_return refuse(*hello, *peer, protocol::make_refused(RefusalCause::ended), "ended");
  note_trouble(hello->agent, "secret_unread",
               "Its secret cannot be had from its controller: " + describe(error));
  co_return refuse(*hello, *peer, Refused{RefusalCode::busy, "its secret cannot be read now", true},
                   "secret_unread");
}

void Sessions::begin_session(NodeEntry& node, ConnectionId connection, std::string peer,
                             std::shared_ptr<Pulse> pulse, const protocol::Hello& hello) {
  node.connection = connection;
  node.may_be_elsewhere = false;
  node.hello_connection = hello.connection;
  node.pulse = std::move(pulse);
  node.host = std::make_unique<HostInfo>(HostInfo{std::move(peer), hello.agent_version, hello.os, hello.arch,
                                                  hello.hostname, hello.cpus, hello.memory_bytes});
  core_.sessions[connection] = node.id();
  live_.set(static_cast<std::int64_t>(core_.sessions.size()));
  // The first time the fleet tells it, with what else it knows.
  const bool again = node.connected_at.is_set() || node.node.epoch > 1;
  if (!node.connected_at.is_set()) node.connected_at = core_.now();
  if (again) core_.note_agent(node.id(), "session_resumed", "Connected again from " + node.host->peer);
  core_.refresh(node);
}

protocol::Welcome Sessions::make_welcome(const NodeEntry& node, std::uint16_t version,
                                         std::uint64_t features) const {
  protocol::Welcome welcome;
  welcome.version = version;
  welcome.features = features;
  welcome.epoch = node.node.epoch;
  welcome.installation = installation_;
  welcome.heartbeat_interval = core_.config.heartbeat;
  welcome.lease = core_.config.lease;
  welcome.orphan_timeout = core_.config.orphan_timeout;
  welcome.max_frame_bytes = protocol::kMaxFrameToServerBytes;
  welcome.single_use = node.node.max_builds == 1;
  if (const auto entry = open_work(node)) welcome.streams.push_back({entry->assignment->stream, 0});
  return welcome;
}

// What the agent has been assigned.
BuildPtr Sessions::open_work(const NodeEntry& node) const {
  const auto entry = node.work ? core_.find_build(*node.work) : nullptr;
  const bool open = entry && entry->assignment && entry->assignment->agent == node.id();
  return open ? entry : nullptr;
}

// --- messages

void Sessions::on_message(ConnectionId connection, protocol::Message message) {
  auto* node = core_.find_session(connection);
  if (node == nullptr || core_.stopping) return;
  node->inbox.push_back(std::move(message));
  if (!std::exchange(node->pumping, true)) core_.scope.spawn("agent messages", pump(node->id(), connection));
}

Awaitable<void> Sessions::pump(AgentId agent, ConnectionId connection) {
  while (true) {
    auto* node = core_.find_node(agent);
    if (node == nullptr) co_return;
    if (node->connection != connection) {
      // A newer session: its messages, if there are any, are in the inbox now.
      if (node->connection == 0 || node->inbox.empty()) break;
      connection = node->connection;
    }
    if (node->inbox.empty()) break;
    auto message = std::move(node->inbox.front());
    node->inbox.erase(node->inbox.begin());
    node->pulse->unhandled.fetch_sub(1);
    co_await handle(agent, connection, std::move(message));
  }
  if (auto* node = core_.find_node(agent)) {
    node->pumping = false;
    if (node->inbox.empty()) node->inbox.shrink_to_fit();
  }
}

Awaitable<void> Sessions::handle(AgentId agent, ConnectionId connection, protocol::Message message) {
  const auto* node = core_.find_node(agent);
  if (!node->resumed && !std::holds_alternative<protocol::Resume>(message) &&
      !std::holds_alternative<protocol::Goodbye>(message)) {
    core_.hub->close(connection, {GoodbyeCode::protocol_error, "Resume must come first", true});
    co_return;
  }
  if (auto* resumed = std::get_if<protocol::Resume>(&message))
    co_await resume(agent, connection, std::move(*resumed));
  else if (const auto* accepted = std::get_if<protocol::Accepted>(&message))
    co_await builds_.start(accepted->assignment, agent);
  else if (auto* refused = std::get_if<protocol::Rejected>(&message))
    co_await rejected(agent, std::move(*refused));
  else if (const auto* began = std::get_if<protocol::StepStarted>(&message))
    co_await distrust(agent, co_await builds_.step_started(*began, agent));
  else if (const auto* ended = std::get_if<protocol::StepFinished>(&message))
    co_await distrust(agent, co_await builds_.step_finished(*ended, agent));
  else if (const auto* finished = std::get_if<protocol::BuildFinished>(&message))
    co_await distrust(agent, co_await builds_.build_finished(*finished, agent, connection));
  else if (auto* end_of_host = std::get_if<protocol::Notice>(&message))
    co_await notice(agent, std::move(*end_of_host));
  else if (auto* bye = std::get_if<protocol::Goodbye>(&message); bye != nullptr && !bye->reconnect)
    co_await nodes_.leave(agent, bye->reason);
}

Awaitable<void> Sessions::distrust(AgentId agent, Status told) {
  if (told) co_return;
  auto sentence = "it broke a rule of the protocol: " + told.error().message;
  if (auto* node = core_.find_node(agent))
    core_.end_session(*node, GoodbyeCode::protocol_error, sentence, false);
  co_await nodes_.lose(agent, {std::move(sentence), model::EndReason::session_lost});
}

Awaitable<void> Sessions::rejected(AgentId agent, protocol::Rejected message) {
  const auto entry = core_.find_assignment(message.assignment);
  if (!entry || entry->assignment->agent != agent) co_return;  // it is taken back already
  if (entry->started())
    co_return co_await distrust(
        agent, base::fail(Errc::corrupt, "it refused work that it had accepted: " + message.reason));
  if (auto* node = core_.find_node(agent)) {
    node->not_before = core_.steady() + kAfterReject;
    core_.pause_ends.insert(node->not_before);
    nodes_.note_declined(*node, "it refused it: " + message.reason);
  }
  co_await builds_.give_back(message.assignment, agent, "the agent refused it: " + message.reason);
}

Awaitable<void> Sessions::notice(AgentId agent, protocol::Notice message) {
  auto* node = core_.find_node(agent);
  if (node == nullptr) co_return;
  // Of another clock: what is days away is no time that a machine is told.
  const auto left = message.deadline - core_.now();
  const auto when =
      std::chrono::abs(left) < kLongestNotice ? " at " + format_rfc3339(message.deadline) : std::string();
  auto text = fmt::format("Its machine goes away{}: {}", when, message.reason);
  // It is said again after each reconnect.
  if (!std::exchange(node->noticed, true)) core_.note_agent(agent, "notice", text);
  (void)co_await nodes_.drain(agent, model::EndReason::notice, std::move(text));
}

// Brings both views together: what we think the agent has and what it holds.
Awaitable<void> Sessions::resume(AgentId agent, ConnectionId connection, protocol::Resume held) {
  auto* node = core_.find_node(agent);
  if (node->resumed)
    co_return co_await distrust(agent, base::fail(Errc::corrupt, "it said twice what it holds"));
  if (const auto expected = open_work(*node)) {
    const auto id = expected->assignment->id;
    const bool has_it =
        std::any_of(held.assignments.begin(), held.assignments.end(),
                    [&](const protocol::HeldAssignment& one) { return one.assignment == id; });
    if (!has_it) {
      co_await builds_.give_back(id, agent, "the agent came back without it");
      co_await builds_.forgotten(id, "it came back without the build");
    }
  }
  node = core_.find_node(agent);
  if (node == nullptr || node->connection != connection) co_return;
  node->resumed = node->came = true;
  for (const auto& one : held.assignments) co_await resume_held(agent, one);
  node = core_.find_node(agent);
  if (node == nullptr || node->connection != connection) co_return;
  if (node->node.draining) core_.send(*node, protocol::Drain{node->detail});
  core_.refresh(*node);
}

Awaitable<void> Sessions::resume_held(AgentId agent, protocol::HeldAssignment held) {
  const auto entry = core_.find_assignment(held.assignment);
  const bool ours = entry && entry->assignment && entry->assignment->agent == agent;
  if (!ours) co_return co_await builds_.answer_unknown(held.assignment, agent);
  if (held.phase == protocol::AssignmentPhase::accepted)
    co_return co_await builds_.start(held.assignment, agent);
  if (!entry->started()) co_return co_await builds_.answer_unknown(held.assignment, agent);
  const auto* node = core_.find_node(agent);
  if (const auto last = entry->progress.last_report; last > 0)
    core_.send(*node, protocol::ReportAck{held.assignment, last});
  if (entry->build.cancel_requested) builds_.send_cancel(*entry);
}

void Sessions::on_closed(ConnectionId connection, std::string why, bool breach) {
  auto* node = core_.find_session(connection);
  core_.sessions.erase(connection);
  live_.set(static_cast<std::int64_t>(core_.sessions.size()));
  if (node == nullptr) return;
  base::LogFields fields{{"agent", node->id()}, {"reason", why}};
  if (!node->last_build.empty()) fields.push_back({"build", node->last_build});
  core_.parts.log.info("agent disconnected", fields);
  node->last_heard = node->heard();
  // A last Goodbye may still wait to be handled.
  const auto bye = std::find_if(node->inbox.begin(), node->inbox.end(), [](const protocol::Message& one) {
    const auto* goodbye = std::get_if<protocol::Goodbye>(&one);
    return goodbye != nullptr && !goodbye->reconnect;
  });
  if (bye != node->inbox.end())
    core_.scope.spawn("agent leaves", nodes_.leave(node->id(), std::get<protocol::Goodbye>(*bye).reason));
  node->connection = 0;
  node->resumed = false;
  node->inbox.clear();
  core_.refresh(*node);
  if (!breach) return;
  core_.note_agent(node->id(), "session_broken", "Its session was broken off: " + why);
  count_breach(*node, why);
}

// The agent comes back with the same build, and what broke off its session would do so for ever.
void Sessions::count_breach(NodeEntry& node, const std::string& why) {
  const auto entry = open_work(node);
  auto& breaches = entry ? entry->breaches : node.breaches;
  if (++breaches < kMaxBreaches) return;
  core_.scope.spawn(
      "give up agent",
      nodes_.lose(node.id(),
                  {fmt::format("its session broke off {} times, at last with: {}", kMaxBreaches, why),
                   model::EndReason::none,
                   entry && entry->build.cancel_requested ? model::BuildResult::aborted
                                                          : model::BuildResult::failure}));
}

}  // namespace footman::controller
