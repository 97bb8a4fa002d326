#include "agent/agent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "agent/build.hpp"
#include "agent/session.hpp"
#include "base/version.hpp"
#include "protocol/handshake.hpp"
#include "runtime/scope.hpp"
#include "runtime/time_limit.hpp"

namespace footman::agent {

using base::AssignmentId;
using base::Duration;
using base::Instant;
using protocol::AssignmentPhase;
using protocol::BuildOutcome;
using protocol::GoodbyeCode;
using protocol::Message;
using protocol::RefusalCode;
using runtime::Awaitable;

namespace {

constexpr std::size_t kReadChunkBytes = 64 << 10;
constexpr std::size_t kLogChunkBytes = 128 << 10;   // of one LogData
constexpr std::size_t kLogDataOverhead = 64 << 10;  // its time marks and numbers
constexpr Duration kForgottenGrace = 5s;            // for what nobody waits for any more
constexpr Duration kLongestNoticeGrace = 5s;        // then there is still time to report
constexpr std::size_t kSecretBytes = protocol::kSessionKeyBytes;

}  // namespace

std::string_view to_string(AgentEnd end) {
  switch (end) {
    case AgentEnd::finished:
      return "finished";
    case AgentEnd::noticed:
      return "noticed";
    case AgentEnd::refused:
      return "refused";
    case AgentEnd::revoked:
      return "revoked";
    case AgentEnd::orphaned:
      return "orphaned";
  }
  return "finished";
}

class Agent::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(AgentConfig config, AgentParts parts);

  static Awaitable<AgentExit> run(std::shared_ptr<Impl> self);
  void notice(std::string reason, Instant deadline);
  void stop() { scope_.cancel(); }
  bool connected() const { return session_ && session_->welcomed && !session_->over; }
  std::uint64_t epoch() const { return epoch_; }

 private:
  using SessionPtr = std::shared_ptr<Session>;
  using BuildPtr = std::shared_ptr<Build>;
  struct Noticed {
    std::string reason;
    Instant deadline;
    bool over = false;  // what runs is being ended
    std::unique_ptr<runtime::Timer> end_step;
    std::unique_ptr<runtime::Timer> leave;
  };

  // Connections.
  static Awaitable<void> keep_connected(std::shared_ptr<Impl> self);
  static Awaitable<void> write_all(std::shared_ptr<Impl> self, SessionPtr session);
  static Awaitable<void> keep_alive(std::shared_ptr<Impl> self, SessionPtr session);
  static Awaitable<void> watch_orphan(std::shared_ptr<Impl> self);
  void note_trouble(const base::Error& error);
  Awaitable<void> talk(SessionPtr session);
  Awaitable<std::string> listen(SessionPtr session);
  Awaitable<void> pause(Duration longest);
  void say_hello(Session& session);
  std::string next_bytes(Session& session);
  Duration orphan_timeout() const;
  void wake();

  // Messages. A text that is not empty is why the connection ends.
  std::string handle(Session& session, Message message);
  std::string on_challenge(Session& session, const protocol::Challenge& challenge);
  static Awaitable<void> prove(std::shared_ptr<Impl> self, SessionPtr session, std::string binding);
  std::string on_welcome(Session& session, protocol::Welcome welcome);
  std::string on_refused(const protocol::Refused& refused);
  std::string on_credential(protocol::Credential credential);
  std::string on_goodbye(const Session& session, const protocol::Goodbye& goodbye);
  std::string on_log_ack(Session& session, const protocol::LogAck& ack);
  void on_assign(Session& session, protocol::Assign assign);
  void on_start(const Session& session, const protocol::Start& start);
  void on_withdraw(const protocol::Withdraw& withdraw);
  void on_cancel(protocol::Cancel cancel);
  void on_report_ack(const protocol::ReportAck& ack);
  void on_finished_ack(const protocol::FinishedAck& ack);
  void on_drain(protocol::Drain drain);
  std::string break_off(Session& session, const base::Error& error);

  // Builds.
  static Awaitable<void> take_build(std::shared_ptr<Impl> self, protocol::Assign assign);
  std::string objection(AssignmentId id) const;
  BuildPtr find(AssignmentId id) const;
  void answer(const Message& message);
  void end_for_notice(Build& build) const;
  void drop(AssignmentId id);

  // The end.
  void send_notice(Session& session);
  void leave(AgentEnd end, std::string reason);
  void judge();
  Awaitable<void> say_goodbye();
  Awaitable<void> end_builds();

  AgentConfig config_;
  AgentParts parts_;
  base::Secret session_key_;
  Instant started_at_;
  std::uint32_t tries_ = 0;
  SessionPtr session_;
  std::map<AssignmentId, BuildPtr> builds_;
  std::optional<AssignmentId> preparing_;
  std::uint64_t epoch_ = 0;
  Duration welcome_orphan_{0};
  Duration heard_{0};                       // steady, from a server that knows this agent
  bool used_ = false;                       // has run a build
  std::string trouble_;                     // why the last try found no server
  std::string unproved_;                    // why there was no proof, until there is a Welcome
  std::optional<Duration> distrust_since_;  // steady: since then every try found one that is not trusted
  std::optional<std::string> draining_;
  std::optional<Noticed> notice_;
  std::optional<AgentExit> exit_;
  runtime::Event look_again_;
  runtime::Event orphan_changed_;
  runtime::Scope scope_;
};

Agent::Impl::Impl(AgentConfig config, AgentParts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      session_key_(parts_.rng.bytes(kSecretBytes)),
      started_at_(parts_.clock.now()),
      heard_(parts_.clock.steady()),
      scope_(parts_.executor, parts_.log) {}

Awaitable<AgentExit> Agent::Impl::run(std::shared_ptr<Impl> self) {
  auto& agent = *self;
  agent.scope_.spawn("connections", keep_connected(self));
  agent.scope_.spawn("orphan time-out", watch_orphan(self));
  while (!agent.exit_) {
    co_await agent.look_again_.wait();
    agent.judge();
  }
  co_await agent.end_builds();
  co_await agent.say_goodbye();
  agent.scope_.cancel();
  co_await agent.scope_.join();
  co_await agent.parts_.runner.end_build();
  co_await agent.parts_.runner.clean_up();
  co_return *agent.exit_;
}

// --- connections

Awaitable<void> Agent::Impl::keep_connected(std::shared_ptr<Impl> self) {
  auto& agent = *self;
  Duration longest = kReconnectFirst;
  Duration most = kReconnectMost;  // well within the lease: a server that is back waits no longer than that
  while (!agent.exit_) {
    auto stream = co_await agent.parts_.connector.connect();
    if (stream) {
      agent.trouble_.clear();
      agent.distrust_since_.reset();
      agent.session_ = std::make_shared<Session>(std::move(*stream));
      co_await agent.talk(agent.session_);
      if (agent.session_->welcomed) {
        longest = kReconnectFirst;
        most = std::min(kReconnectMost, agent.session_->welcome.lease / 4);
      }
    } else {
      agent.note_trouble(stream.error());
    }
    if (agent.exit_) co_return;
    co_await agent.pause(longest);
    longest = std::min(longest * 2, most);
  }
}

// An agent that never trusted its server will hardly ever: it ends soon, so that people hear why. One with a
// build waits for it.
void Agent::Impl::note_trouble(const base::Error& error) {
  trouble_ = base::describe(error);
  parts_.log.warning("cannot connect", {{"error", trouble_}});
  if (epoch_ != 0 || error.code != base::Errc::unauthenticated) return distrust_since_.reset();
  const auto now = parts_.clock.steady();
  if (!distrust_since_) distrust_since_ = now;
  if (now - *distrust_since_ >= kDistrustPatience) leave(AgentEnd::refused, "It gave up");
}

// Jittered, so that ten thousand agents do not come back at the same moment.
Awaitable<void> Agent::Impl::pause(Duration longest) {
  const auto us = static_cast<double>(longest.count()) * (0.5 + 0.5 * parts_.rng.uniform());
  co_await runtime::sleep_for(parts_.clock, Duration(static_cast<std::int64_t>(us)));
}

Awaitable<void> Agent::Impl::talk(SessionPtr session) {
  session->heard = parts_.clock.steady();
  say_hello(*session);
  scope_.spawn("write to the server", write_all(shared_from_this(), session));
  scope_.spawn("heartbeats", keep_alive(shared_from_this(), session));
  const auto why = co_await listen(session);
  session->over = true;
  session->wake.notify();
  session->changed.notify();
  // Last words are still on their way.
  while (!session->written_out && co_await session->written.wait_for(parts_.clock, kFarewellTimeout))
    continue;
  session->stream->close();
  if (!exit_) parts_.log.info("connection ended", {{"reason", why}});
}

void Agent::Impl::say_hello(Session& session) {
  protocol::Hello hello;
  hello.features = protocol::kAllFeatures;
  if (parts_.prover == nullptr) hello.features &= ~protocol::kFeatureProof;
  if (config_.wants_credential) hello.features |= protocol::kFeatureCredential;
  hello.agent = config_.name;
  hello.attempt = config_.attempt;
  hello.connection = ++tries_;
  hello.secret = config_.secret;
  hello.session_key = session_key_;
  hello.agent_version = base::version();
  hello.os = config_.host.os;
  hello.arch = config_.host.arch;
  hello.hostname = config_.host.hostname;
  hello.pid = config_.host.pid;
  hello.cpus = config_.host.cpus;
  hello.memory_bytes = config_.host.memory_bytes;
  hello.started_at = started_at_;
  session.answers = protocol::kPreface;
  session.send(Message(std::move(hello)));
}

// Reads to the end of the connection. Returns why it ended.
Awaitable<std::string> Agent::Impl::listen(SessionPtr session) {
  while (true) {
    auto message = session->decoder.next();
    if (!message) co_return break_off(*session, message.error());
    if (*message) {
      if (auto why = handle(*session, std::move(**message)); !why.empty()) co_return why;
      continue;
    }
    auto chunk = co_await session->stream->read(kReadChunkBytes);
    if (!chunk) co_return base::describe(chunk.error());
    if (chunk->empty()) co_return "closed by the server";
    session->heard = parts_.clock.steady();
    if (session->welcomed) heard_ = session->heard;
    session->decoder.feed(std::move(*chunk));
  }
}

std::string Agent::Impl::break_off(Session& session, const base::Error& error) {
  parts_.log.error("the server broke the protocol", {{"error", base::describe(error)}});
  session.send(protocol::Goodbye{GoodbyeCode::protocol_error, base::describe(error), true});
  session.leaving = true;
  return base::describe(error);
}

Awaitable<void> Agent::Impl::write_all(std::shared_ptr<Impl> self, SessionPtr session) {
  while (true) {
    auto bytes = self->next_bytes(*session);
    if (bytes.empty() && session->over) break;
    if (bytes.empty()) {
      co_await session->wake.wait();
      continue;
    }
    const auto written = co_await session->stream->write(std::move(bytes));
    if (!written) break;
  }
  session->stream->close();
  session->written_out = true;
  session->written.notify();
}

// Answers first, then reports and log of the builds; after Goodbye and before Welcome nothing but answers.
std::string Agent::Impl::next_bytes(Session& session) {
  if (!session.answers.empty()) return std::exchange(session.answers, {});
  if (!session.welcomed || session.leaving || session.over) return {};
  const auto limit = std::max<std::uint64_t>(session.welcome.max_frame_bytes, 2 * kLogDataOverhead);
  const auto log_bytes = std::min<std::uint64_t>(kLogChunkBytes, limit - kLogDataOverhead);
  std::string out;
  for (auto& [id, build] : builds_)
    if (build->append_frames(out, static_cast<std::size_t>(log_bytes), session.welcome.features)) break;
  return out;
}

// Sends heartbeats and notices silence: early enough to be back on a new connection before the server, which
// hears nothing on a half-open one either, gives the agent up.
Awaitable<void> Agent::Impl::keep_alive(std::shared_ptr<Impl> self, SessionPtr session) {
  auto& clock = self->parts_.clock;
  while (!session->over) {
    const bool welcomed = session->welcomed;
    const auto limit = welcomed ? session->welcome.lease / 2 : kHandshakeTimeout;
    const auto silence = clock.steady() - session->heard;
    if (silence >= limit) {
      self->parts_.log.warning("nothing heard of the server", {{"for", base::format_duration(silence)}});
      session->stream->close();
      co_return;
    }
    if (welcomed) session->send(protocol::Heartbeat{++session->heartbeats, clock.now()});
    // More than one has to be lost before it is silence.
    const auto interval = welcomed ? std::min(session->welcome.heartbeat_interval, limit / 2) : limit;
    co_await session->changed.wait_for(clock, std::min(interval, limit - silence));
  }
}

Duration Agent::Impl::orphan_timeout() const {
  if (config_.orphan_timeout.count() > 0) return config_.orphan_timeout;
  return welcome_orphan_.count() > 0 ? welcome_orphan_ : protocol::kDefaultOrphanTimeout;
}

Awaitable<void> Agent::Impl::watch_orphan(std::shared_ptr<Impl> self) {
  auto& agent = *self;
  while (!agent.exit_) {
    const auto silence = agent.parts_.clock.steady() - agent.heard_;
    const auto limit = agent.orphan_timeout();
    if (silence >= limit)
      co_return agent.leave(AgentEnd::orphaned, fmt::format("Nothing was heard of the server for {}.",
                                                            base::format_duration(silence)));
    co_await agent.orphan_changed_.wait_for(agent.parts_.clock, limit - silence);
  }
}

void Agent::Impl::wake() {
  if (session_) session_->wake.notify();
}

// --- messages

std::string Agent::Impl::handle(Session& session, Message message) {
  if (auto* welcome = std::get_if<protocol::Welcome>(&message))
    return on_welcome(session, std::move(*welcome));
  if (const auto* challenge = std::get_if<protocol::Challenge>(&message))
    return on_challenge(session, *challenge);
  if (const auto* refused = std::get_if<protocol::Refused>(&message)) return on_refused(*refused);
  if (auto* credential = std::get_if<protocol::Credential>(&message))
    return on_credential(std::move(*credential));
  if (const auto* goodbye = std::get_if<protocol::Goodbye>(&message)) return on_goodbye(session, *goodbye);
  if (!session.welcomed) return std::string(protocol::name_of(message)) + " came before Welcome";
  if (const auto* beat = std::get_if<protocol::Heartbeat>(&message))
    session.send(protocol::HeartbeatReply{beat->sequence, beat->sent_at, parts_.clock.now()});
  else if (auto* assign = std::get_if<protocol::Assign>(&message))
    on_assign(session, std::move(*assign));
  else if (const auto* start = std::get_if<protocol::Start>(&message))
    on_start(session, *start);
  else if (const auto* withdraw = std::get_if<protocol::Withdraw>(&message))
    on_withdraw(*withdraw);
  else if (auto* cancel = std::get_if<protocol::Cancel>(&message))
    on_cancel(std::move(*cancel));
  else if (const auto* ack = std::get_if<protocol::ReportAck>(&message))
    on_report_ack(*ack);
  else if (const auto* done = std::get_if<protocol::FinishedAck>(&message))
    on_finished_ack(*done);
  else if (const auto* logged = std::get_if<protocol::LogAck>(&message))
    return on_log_ack(session, *logged);
  else if (auto* drain = std::get_if<protocol::Drain>(&message))
    on_drain(std::move(*drain));
  return {};
}

std::string Agent::Impl::on_challenge(Session& session, const protocol::Challenge& challenge) {
  if (parts_.prover == nullptr) return "a Challenge that was not offered to be answered";
  if (std::exchange(session.challenged, true)) return "a second Challenge";
  scope_.spawn("proof",
               prove(shared_from_this(), session_,
                     protocol::bind_proof(challenge.nonce, config_.name, config_.attempt, session_key_)));
  return {};
}

Awaitable<void> Agent::Impl::prove(std::shared_ptr<Impl> self, SessionPtr session, std::string binding) {
  auto& parts = self->parts_;
  auto made = co_await runtime::run_for(parts.clock, kProofTime, parts.prover->prove(std::move(binding)));
  if (session->over) co_return;
  if (made && *made) {
    session->heard = parts.clock.steady();  // from now on it is the server that needs time
    co_return session->send(protocol::Proof{std::move(**made)});
  }
  const auto why = made ? base::describe(made->error()) : std::string("no credentials in time");
  self->unproved_ = "its identity cannot be proved: " + why;
  parts.log.warning("cannot prove who it is", {{"error", why}});
  if (made && made->error().code == base::Errc::unsupported) self->leave(AgentEnd::refused, "It gave up");
  session->stream->close();
}

std::string Agent::Impl::on_welcome(Session& session, protocol::Welcome welcome) {
  if (session.welcomed) return "a second Welcome";
  if (config_.wants_credential) return "a session came instead of a secret";
  unproved_.clear();
  config_.secret = base::Secret();  // from now on the key alone opens the door
  config_.single_use = config_.single_use || welcome.single_use;
  epoch_ = welcome.epoch;
  heard_ = session.heard;
  welcome_orphan_ = welcome.orphan_timeout;
  orphan_changed_.notify();
  protocol::Resume resume;
  for (auto& [id, build] : builds_) {
    std::optional<std::uint64_t> durable;
    for (const auto& position : welcome.streams)
      if (position.stream == build->stream()) durable = position.durable_offset;
    if (const auto status = build->rewind(durable, welcome.log_window_bytes); !status)
      return break_off(session, status.error());
    if (!build->forgotten()) resume.assignments.push_back(build->held());
  }
  session.welcome = std::move(welcome);
  session.send(std::move(resume));
  session.welcomed = true;
  session.changed.notify();  // heartbeats begin
  send_notice(session);
  parts_.log.info("connected", {{"server", session.stream->peer()}, {"epoch", epoch_}});
  return {};
}

// An agent that had a session has a key that its own server knows. Whoever says anything but that it is given
// up does not know it: another installation is there now, or the database of an older backup. Its own server
// may come back, so it waits as for one that is away.
std::string Agent::Impl::on_refused(const protocol::Refused& refused) {
  auto why = fmt::format("The server refused this agent ({}): {}", protocol::to_string(refused.code),
                         refused.message);
  parts_.log.warning("refused", {{"reason", why}});
  const bool has_key = epoch_ != 0;
  const bool is_final = has_key ? refused.code == RefusalCode::revoked : !refused.retry;
  if (is_final)
    leave(AgentEnd::refused, why);
  else
    trouble_ = why;
  if (has_key && refused.retry) heard_ = parts_.clock.steady();  // its disk is full, say
  return why;
}

std::string Agent::Impl::on_credential(protocol::Credential credential) {
  if (!config_.wants_credential || credential.secret.empty()) return "a secret that was not asked for";
  if (exit_) return "it leaves already";
  unproved_.clear();
  leave(AgentEnd::finished, "It has its secret.");
  exit_->credential = std::move(credential.secret);
  return "it has its secret";
}

std::string Agent::Impl::on_goodbye(const Session& session, const protocol::Goodbye& goodbye) {
  auto why =
      fmt::format("the server said goodbye ({}): {}", protocol::to_string(goodbye.code), goodbye.reason);
  if (goodbye.reconnect || !session.welcomed) return why;
  if (goodbye.code == GoodbyeCode::finished)
    leave(AgentEnd::finished, goodbye.reason);
  else
    leave(AgentEnd::revoked, "The server has given this agent up: " + goodbye.reason);
  return why;
}

std::string Agent::Impl::on_log_ack(Session& session, const protocol::LogAck& ack) {
  for (auto& [id, build] : builds_) {
    if (build->stream() != ack.stream) continue;
    if (const auto status = build->acknowledge_log(ack.durable_offset); !status)
      return break_off(session, status.error());
  }
  return {};
}

// --- builds

Agent::Impl::BuildPtr Agent::Impl::find(AssignmentId id) const {
  const auto it = builds_.find(id);
  return it == builds_.end() ? nullptr : it->second;
}

// Why no work can be taken, or an empty text.
std::string Agent::Impl::objection(AssignmentId id) const {
  if (notice_) return "the agent's machine goes away: " + notice_->reason;
  if (draining_) return "the agent is draining";
  if (config_.single_use && used_) return "the agent is for a single build and has had it";
  if (builds_.size() >= kMaxHeldBuilds) return "too many results wait to be acknowledged";
  if (preparing_ && *preparing_ != id) return "the agent is busy";
  for (const auto& [other, build] : builds_)
    if (build->phase() != AssignmentPhase::finished)
      return fmt::format("the agent is busy with {}", other.str());
  return {};
}

void Agent::Impl::on_assign(Session& session, protocol::Assign assign) {
  const auto id = assign.assignment;
  if (find(id)) return session.send(protocol::Accepted{id});
  if (preparing_ == id) return;  // the answer comes
  if (auto why = objection(id); !why.empty()) return session.send(protocol::Rejected{id, std::move(why)});
  preparing_ = id;
  scope_.spawn("build " + id.str(), take_build(shared_from_this(), std::move(assign)));
}

void Agent::Impl::on_start(const Session& session, const protocol::Start& start) {
  const auto build = find(start.assignment);
  if (!build) return parts_.log.warning("Start of an unknown assignment", {{"assignment", start.assignment}});
  used_ = true;
  build->start(start.stream_offset, session.welcome.log_window_bytes);
  if (notice_ && notice_->over) end_for_notice(*build);
}

void Agent::Impl::on_withdraw(const protocol::Withdraw& withdraw) {
  const auto build = find(withdraw.assignment);
  if (!build) return;
  parts_.log.info("build withdrawn", {{"assignment", withdraw.assignment}, {"reason", withdraw.reason}});
  const bool ended = build->phase() == AssignmentPhase::finished;
  build->forget(kForgottenGrace);
  if (ended) drop(withdraw.assignment);
}

void Agent::Impl::on_cancel(protocol::Cancel cancel) {
  const auto build = find(cancel.assignment);
  if (build) build->end(BuildOutcome::aborted, std::move(cancel.reason), cancel.grace);
}

void Agent::Impl::on_report_ack(const protocol::ReportAck& ack) {
  if (const auto build = find(ack.assignment)) build->acknowledge_report(ack.report);
}

void Agent::Impl::on_finished_ack(const protocol::FinishedAck& ack) {
  const auto build = find(ack.assignment);
  if (build && build->phase() == AssignmentPhase::finished) drop(ack.assignment);
}

void Agent::Impl::on_drain(protocol::Drain drain) {
  draining_ = std::move(drain.reason);
  look_again_.notify();
}

Awaitable<void> Agent::Impl::take_build(std::shared_ptr<Impl> self, protocol::Assign assign) {
  auto& agent = *self;
  const auto id = assign.assignment;
  const auto ready = co_await agent.parts_.runner.prepare(assign.work.workspace_key);
  agent.preparing_.reset();
  if (!ready) co_return agent.answer(protocol::Rejected{id, base::describe(ready.error())});

  BuildParts parts{agent.parts_.executor,
                   agent.parts_.clock,
                   agent.parts_.runner,
                   agent.parts_.log.with({{"assignment", id}, {"build", assign.build}}),
                   {agent.config_.spool_memory_bytes, agent.config_.spool_disk_bytes},
                   agent.parts_.open_spool,
                   [weak = std::weak_ptr<Impl>(self)] {
                     if (const auto live = weak.lock()) live->wake();
                   }};
  parts.log.info("build accepted", {{"job", assign.job}, {"number", assign.build_number}});
  const auto build = std::make_shared<Build>(std::move(parts), std::move(assign));
  agent.builds_.emplace(id, build);
  agent.answer(protocol::Accepted{id});
  co_await Build::run(build);
  if (build->forgotten()) agent.drop(id);
  agent.look_again_.notify();
}

// To the present session; without one nothing is lost: Resume will tell the server.
void Agent::Impl::answer(const Message& message) {
  if (connected()) session_->send(message);
}

void Agent::Impl::drop(AssignmentId id) {
  builds_.erase(id);
  look_again_.notify();
}

// --- the end

void Agent::Impl::notice(std::string reason, Instant deadline) {
  if (exit_) return;
  if (!notice_) notice_.emplace(Noticed{std::move(reason), deadline, false, nullptr, nullptr});
  notice_->deadline = std::min(notice_->deadline, deadline);
  const auto left = notice_->deadline - parts_.clock.now();
  parts_.log.warning("notice", {{"reason", notice_->reason}, {"left", base::format_duration(left)}});
  notice_->end_step = parts_.clock.call_after(parts_.executor, left - config_.notice_grace, [this] {
    notice_->over = true;
    for (auto& [id, build] : builds_)  // one that was not started can still go to another agent
      if (build->phase() == AssignmentPhase::running) end_for_notice(*build);
  });
  notice_->leave = parts_.clock.call_after(parts_.executor, left, [this] {
    leave(AgentEnd::noticed, notice_->reason + "; not everything was acknowledged in time");
  });
  if (connected()) send_notice(*session_);
  look_again_.notify();
}

void Agent::Impl::end_for_notice(Build& build) const {
  build.end(BuildOutcome::lost_by_notice, "The agent's machine goes away: " + notice_->reason,
            std::min(config_.notice_grace / 2, kLongestNoticeGrace));
}

void Agent::Impl::send_notice(Session& session) {
  if (notice_ && (session.welcome.features & protocol::kFeatureNotice) != 0)
    session.send(protocol::Notice{notice_->reason, notice_->deadline});
}

void Agent::Impl::leave(AgentEnd end, std::string reason) {
  if (const auto& why = trouble_.empty() ? unproved_ : trouble_; !why.empty()) {
    while (reason.ends_with('.')) reason.pop_back();
    reason += "; it cannot connect: " + why;
  }
  if (!exit_) exit_ = AgentExit{end, std::move(reason), builds_.empty(), {}};
  look_again_.notify();
}

// Is there anything left to stay for?
void Agent::Impl::judge() {
  if (exit_ || preparing_ || !builds_.empty()) return;
  if (notice_) return leave(AgentEnd::noticed, notice_->reason);
  if (draining_) return leave(AgentEnd::finished, *draining_);
  if (config_.single_use && used_) leave(AgentEnd::finished, "Single use: its build is over.");
}

// Ends what still runs. Only an agent that nobody waits for any more has some.
Awaitable<void> Agent::Impl::end_builds() {
  const auto grace = notice_ ? Duration(0) : kForgottenGrace;
  for (auto& [id, build] : builds_) build->forget(grace);
  const auto unfinished = [](const auto& one) { return one.second->phase() != AssignmentPhase::finished; };
  while (std::any_of(builds_.begin(), builds_.end(), unfinished)) co_await look_again_.wait();
}

// The connection ends when the server has heard it and closes.
Awaitable<void> Agent::Impl::say_goodbye() {
  if (!connected() || exit_->end == AgentEnd::revoked) co_return;
  const auto session = session_;
  const auto code = exit_->end == AgentEnd::finished ? GoodbyeCode::finished : GoodbyeCode::shutting_down;
  session->send(protocol::Goodbye{code, exit_->reason, false});
  session->leaving = true;
  const auto until = parts_.clock.steady() + kFarewellTimeout;
  while (!session->over && parts_.clock.steady() < until)
    co_await session->changed.wait_for(parts_.clock, until - parts_.clock.steady());
}

// --- outside

Agent::Agent(AgentConfig config, AgentParts parts)
    : impl_(std::make_shared<Impl>(std::move(config), std::move(parts))) {}
Agent::~Agent() { impl_->stop(); }
runtime::Awaitable<AgentExit> Agent::run() { return Impl::run(impl_); }
void Agent::notice(std::string reason, Instant deadline) { impl_->notice(std::move(reason), deadline); }
bool Agent::connected() const { return impl_->connected(); }
std::uint64_t Agent::epoch() const { return impl_->epoch(); }

}  // namespace footman::agent
