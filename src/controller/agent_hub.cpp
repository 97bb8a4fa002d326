#include "controller/agent_hub.hpp"

#include <unordered_map>
#include <utility>

#include "controller/log_hub.hpp"
#include "protocol/codec.hpp"
#include "runtime/post.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"
#include "store/until_stored.hpp"

namespace footman::controller {

using base::Errc;
using protocol::Goodbye;
using protocol::GoodbyeCode;
using protocol::Message;

namespace {
constexpr Duration kGoodbyeLimit = 2s;  // to take the last words, then the connection is cut
constexpr std::size_t kMaxStrangerBytes =
    protocol::kMaxProofFrameBytes + protocol::kFrameHeaderBytes;  // of a message before Welcome

struct Ack {
  StreamId stream;
  std::uint64_t durable = 0;
};
}  // namespace

struct AgentHub::Connection {
  Connection(ConnectionId number, runtime::ByteStreamPtr bytes, std::function<void()> on_known)
      : id(number), stream(std::move(bytes)), known(std::move(on_known)) {}

  ConnectionId id;
  runtime::ByteStreamPtr stream;
  std::shared_ptr<Pulse> pulse = std::make_shared<Pulse>();
  protocol::FrameDecoder decoder{protocol::Direction::to_server};
  std::vector<std::string> outgoing;  // frames
  std::size_t unsent_bytes = 0;
  std::vector<Ack> acks;  // the newest of each stream; they go with the next write
  bool writing = false;
  bool introduced = false;      // the control half knows it
  bool welcome = false;         // Welcome is sent: other messages may follow
  bool closing = false;         // the last words are queued; nothing is taken any more
  std::function<void()> known;  // to call when it is; then nothing
  std::string breach;           // what one side could not go on with; empty: nothing
  std::unique_ptr<runtime::Timer> limit;
};

// Lives as long as a connection or a posted call needs it.
struct AgentHub::Impl : std::enable_shared_from_this<Impl> {
  using ConnectionPtr = std::shared_ptr<Connection>;

  Impl(HubParts p, SessionPort& s)
      : parts(std::move(p)),
        sessions(s),
        connected(parts.metrics.gauge("footman_agent_connections", "Agent connections, admitted or not")),
        scope(parts.net, parts.log) {}

  HubParts parts;
  SessionPort& sessions;
  base::Gauge& connected;
  LogHub* logs = nullptr;
  std::unordered_map<ConnectionId, ConnectionPtr> connections;
  ConnectionId last_id = 0;
  bool stopping = false;
  bool dead = false;  // the hub and its parts are gone; what is left of the coroutines is being dropped
  runtime::Event gone;
  runtime::Scope scope;

  ConnectionPtr find(ConnectionId id) const {
    const auto it = connections.find(id);
    return it == connections.end() ? nullptr : it->second;
  }

  // --- out

  void enqueue(const ConnectionPtr& connection, const Message& message) {
    if (const auto status = protocol::check(message); !status) {
      parts.log.error("message does not fit the protocol", {{"error", base::describe(status.error())}});
      return connection->stream->close();
    }
    connection->outgoing.push_back(protocol::encode(message));
    connection->unsent_bytes += connection->outgoing.back().size();
    if (connection->unsent_bytes > kMaxUnsentBytes) return connection->stream->close();
    wake_writer(connection);
  }

  void enqueue_ack(ConnectionId id, StreamId stream, std::uint64_t durable) {
    const auto connection = find(id);
    if (!connection || connection->closing) return;
    for (auto& ack : connection->acks) {
      if (ack.stream != stream) continue;
      ack.durable = durable;
      return wake_writer(connection);
    }
    connection->acks.push_back({stream, durable});
    wake_writer(connection);
  }

  void wake_writer(const ConnectionPtr& connection) {
    if (std::exchange(connection->writing, true)) return;
    scope.spawn("write to agent", write_all(shared_from_this(), connection));
  }

  static std::string take_outgoing(Connection& connection) {
    for (const auto& ack : connection.acks)
      connection.outgoing.push_back(protocol::encode(protocol::LogAck{ack.stream, ack.durable}));
    connection.acks.clear();
    auto frames = std::exchange(connection.outgoing, {});
    connection.unsent_bytes = 0;
    if (frames.size() == 1) return std::move(frames.front());
    std::string bytes;
    for (auto& frame : frames) {
      bytes += frame;
      base::wipe(frame);  // an Assign holds secrets
    }
    return bytes;
  }

  static Awaitable<void> write_all(std::shared_ptr<Impl> self, ConnectionPtr connection) {
    while (!connection->outgoing.empty() || !connection->acks.empty()) {
      const auto written = co_await connection->stream->write(take_outgoing(*connection));
      if (!written) {
        connection->stream->close();
        break;
      }
    }
    connection->writing = false;
    if (connection->closing) connection->stream->close();
  }

  // Last words; what the agent still sends is refused.
  void say_goodbye(const ConnectionPtr& connection, Goodbye goodbye) {
    if (connection->closing) return;
    if (goodbye.code == GoodbyeCode::protocol_error) connection->breach = goodbye.reason;
    connection->acks.clear();
    connection->closing = true;  // first: the writer may be done before enqueue() returns
    logs->detach(connection->id);
    enqueue(connection, Message(std::move(goodbye)));
    connection->limit =
        parts.clock.call_after(parts.net, kGoodbyeLimit, [weak = std::weak_ptr<Connection>(connection)] {
          if (const auto live = weak.lock()) live->stream->close();
        });
  }

  // --- in

  // `most`: bytes of an unfinished message to keep, of somebody who is not in yet.
  Awaitable<Result<std::optional<Message>>> read_message(ConnectionPtr connection, std::size_t most) {
    while (true) {
      auto message = connection->decoder.next();
      if (!message || *message) co_return message;
      if (connection->decoder.bytes_buffered() > most)
        co_return base::fail(Errc::resource_exhausted, "too many bytes for a handshake");
      auto chunk = co_await connection->stream->read(kReadChunkBytes);
      if (!chunk) co_return std::unexpected(chunk.error());
      if (chunk->empty()) co_return std::optional<Message>();
      hear(*connection);
      connection->decoder.feed(std::move(*chunk));
    }
  }

  void hear(Connection& connection) const {
    connection.pulse->last_heard_us.store(parts.clock.steady().count(), std::memory_order_relaxed);
  }

  // Empty when the agent is in.
  Awaitable<std::string> shake_hands(ConnectionPtr connection) {
    cut_after(connection, parts.config.hello_timeout);
    auto first = co_await read_message(connection, kMaxStrangerBytes);
    if (!first) co_return base::describe(first.error());
    if (!*first) co_return "closed before Hello";
    if (!std::holds_alternative<protocol::Hello>(**first)) co_return "left before Hello";
    connection->introduced = true;
    auto hello = std::get<protocol::Hello>(std::move(**first));
    auto admission = co_await admit(connection, hello, {});
    if (const auto* challenge = std::get_if<protocol::Challenge>(&admission.answer)) {
      ProofGiven given{challenge->nonce, {}};
      if (auto why = co_await ask_for_proof(connection, &given); !why.empty()) co_return why;
      admission = co_await admit(connection, std::move(hello), std::move(given));
    }
    if (auto* refused = std::get_if<protocol::Refused>(&admission.answer)) {
      say_last(connection, *refused);
      co_return "refused: " + std::string(protocol::to_string(refused->code));
    }
    if (auto* credential = std::get_if<protocol::Credential>(&admission.answer)) {
      parts.crash_points.hit("session:before-credential");
      say_last(connection, std::move(*credential));
      co_return "it has its secret";
    }
    co_return co_await send_welcome(connection, std::get<protocol::Welcome>(std::move(admission.answer)),
                                    admission.log_limit_bytes, admission.started);
  }

  // The answer to Hello that ends the connection.
  void say_last(const ConnectionPtr& connection, const Message& answer) {
    if (std::exchange(connection->closing, true)) return;
    cut_after(connection, kGoodbyeLimit);
    enqueue(connection, answer);
  }

  // `given` is a local of the caller, who waits.
  Awaitable<std::string> ask_for_proof(ConnectionPtr connection, ProofGiven* given) {
    cut_after(connection, parts.config.proof_timeout);
    enqueue(connection, protocol::Challenge{given->nonce});
    auto answer = co_await read_message(connection, kMaxStrangerBytes);
    if (!answer) co_return base::describe(answer.error());
    if (!*answer) co_return "closed before Proof";
    auto* proof = std::get_if<protocol::Proof>(&**answer);
    if (proof == nullptr) co_return std::string(protocol::name_of(**answer)) + " came instead of Proof";
    given->proof = std::move(*proof);
    if (connection->closing) co_return "replaced";
    connection->limit.reset();  // until the control half has made up its mind, which it bounds itself
    co_return std::string();
  }

  void cut_after(const ConnectionPtr& connection, Duration time) {
    connection->limit =
        parts.clock.call_after(parts.net, time, [weak = std::weak_ptr<Connection>(connection)] {
          if (const auto live = weak.lock()) live->stream->close();
        });
  }

  Awaitable<Admission> admit(ConnectionPtr connection, protocol::Hello hello,
                             std::optional<ProofGiven> given) {
    co_return co_await runtime::run_on(
        parts.control, sessions.admit(connection->id, connection->stream->peer(), connection->pulse,
                                      std::move(hello), std::move(given)));
  }

  Awaitable<std::string> send_welcome(ConnectionPtr connection, protocol::Welcome welcome,
                                      std::uint64_t log_limit_bytes, Instant started) {
    welcome.log_window_bytes = logs->grant_window(connection->id);
    std::vector<protocol::StreamPosition> open;
    for (const auto& position : welcome.streams) {
      const auto durable = co_await logs->attach(position.stream, connection->id, log_limit_bytes, started);
      if (!durable && !store::may_pass(durable.error().code))
        co_return break_off(connection, durable.error());
      if (!durable) co_return base::describe(durable.error());
      if (*durable) open.push_back({position.stream, **durable});
    }
    welcome.streams = std::move(open);
    if (connection->closing) co_return "replaced";
    cut_after(connection, parts.config.hello_timeout);
    parts.crash_points.hit("session:before-welcome");
    welcome.server_time = parts.clock.now();
    enqueue(connection, Message(std::move(welcome)));
    connection->welcome = true;
    if (const auto known = std::exchange(connection->known, nullptr)) known();
    auto resume = co_await read_message(connection, protocol::kMaxFrameToServerBytes);
    if (!resume) co_return base::describe(resume.error());
    if (!*resume) co_return "closed before Resume";
    if (!connection->closing) connection->limit.reset();
    co_return handle(connection, std::move(**resume));
  }

  // Returns why the connection ends, or an empty string.
  std::string handle(const ConnectionPtr& connection, Message message) {
    if (connection->closing) return {};
    if (const auto* heartbeat = std::get_if<protocol::Heartbeat>(&message)) {
      enqueue(connection,
              protocol::HeartbeatReply{heartbeat->sequence, heartbeat->sent_at, parts.clock.now()});
      return {};
    }
    if (std::holds_alternative<protocol::HeartbeatReply>(message)) return {};
    if (auto* data = std::get_if<protocol::LogData>(&message)) {
      const auto taken = logs->take(connection->id, std::move(*data));
      return taken ? std::string() : break_off(connection, taken.error());
    }
    const auto* bye = std::get_if<Goodbye>(&message);
    const bool last = bye != nullptr;
    if (last && bye->code == GoodbyeCode::protocol_error) connection->breach = bye->reason;
    if (connection->pulse->unhandled.fetch_add(1) >= kMaxUnhandledMessages)
      return break_off(connection,
                       base::Error{Errc::resource_exhausted, "too many messages at once", {}, {}});
    asio_post_message(connection->id, std::move(message));
    return last ? "the agent said goodbye" : std::string();
  }

  void asio_post_message(ConnectionId id, Message message) {
    runtime::post(parts.control, [self = shared_from_this(), id, moved = std::move(message)]() mutable {
      if (!self->dead) self->sessions.on_message(id, std::move(moved));
    });
  }

  std::string break_off(const ConnectionPtr& connection, const base::Error& error) {
    say_goodbye(connection, Goodbye{GoodbyeCode::protocol_error, base::describe(error), true});
    return base::describe(error);
  }

  // Handles what is complete. Returns why the connection ends, or an empty string.
  std::string handle_all(const ConnectionPtr& connection) {
    while (true) {
      auto message = connection->decoder.next();
      if (!message) return break_off(connection, message.error());
      if (!*message) return {};
      if (auto why = handle(connection, std::move(**message)); !why.empty()) return why;
    }
  }

  // The frame an idle agent waits in: it holds no message and no buffer.
  Awaitable<std::string> talk(ConnectionPtr connection) {
    if (auto why = co_await shake_hands(connection); !why.empty()) co_return why;
    while (true) {
      if (auto why = handle_all(connection); !why.empty()) co_return why;
      auto chunk = co_await connection->stream->read(kReadChunkBytes);
      if (!chunk) co_return base::describe(chunk.error());
      if (chunk->empty()) co_return "closed by the agent";
      hear(*connection);
      connection->decoder.feed(std::move(*chunk));
    }
  }

  void end(const ConnectionPtr& connection, std::string why) {
    if (dead) return connection->stream->close();
    connections.erase(connection->id);
    connected.set(static_cast<std::int64_t>(connections.size()));
    logs->detach(connection->id);
    // A writer with last words closes the stream itself, within the limit.
    if (!connection->writing || !connection->closing) {
      connection->limit.reset();
      connection->stream->close();
    }
    connection->pulse->closed.store(true);
    if (connection->introduced)
      runtime::post(parts.control,
                    [self = shared_from_this(), id = connection->id, breach = !connection->breach.empty(),
                     text = connection->breach.empty() ? std::move(why) : connection->breach] {
                      if (!self->dead) self->sessions.on_closed(id, text, breach);
                    });
    gone.notify();
  }
};

namespace {
// Ends the connection also when its coroutine is cancelled or dropped.
template <class Call>
struct OnExit {
  Call call;
  ~OnExit() { call(); }
};
template <class Call>
OnExit(Call) -> OnExit<Call>;
}  // namespace

AgentHub::AgentHub(HubParts parts, SessionPort& sessions) : impl_(std::make_shared<Impl>(parts, sessions)) {
  std::weak_ptr<Impl> weak = impl_;
  logs_ = std::make_unique<LogHub>(
      std::move(parts),
      [weak](ConnectionId connection, StreamId stream, std::uint64_t durable) {
        if (const auto impl = weak.lock()) impl->enqueue_ack(connection, stream, durable);
      },
      [weak](ConnectionId id, std::string why) {
        const auto impl = weak.lock();
        const auto connection = impl ? impl->find(id) : nullptr;
        if (!connection) return;
        connection->breach = why;
        impl->say_goodbye(connection, Goodbye{GoodbyeCode::other, std::move(why), true});
      });
  impl_->logs = logs_.get();
}

AgentHub::~AgentHub() { impl_->dead = true; }

std::size_t AgentHub::connections() const { return impl_->connections.size(); }

Awaitable<void> AgentHub::serve(runtime::ByteStreamPtr stream, std::function<void()> known) {
  const auto impl = impl_;
  if (impl->stopping || impl->connections.size() >= kMaxConnections) {
    stream->close();
    co_return;
  }
  const auto connection = std::make_shared<Connection>(++impl->last_id, std::move(stream), std::move(known));
  impl->connections.emplace(connection->id, connection);
  impl->connected.set(static_cast<std::int64_t>(impl->connections.size()));
  std::string why = "cancelled";
  const OnExit leave{[&impl, &connection, &why] { impl->end(connection, std::move(why)); }};
  why = co_await impl->talk(connection);
}

void AgentHub::send(ConnectionId id, Message message) {
  runtime::post(impl_->parts.net, [impl = impl_, id, moved = std::move(message)] {
    const auto connection = impl->find(id);
    if (!connection || connection->closing) return;
    if (const auto* assign = std::get_if<protocol::Assign>(&moved))
      impl->logs->attach_new(assign->stream, id, assign->work.log_limit_bytes);
    impl->enqueue(connection, moved);
  });
}

void AgentHub::start(ConnectionId id, protocol::Start message, StreamId stream, Instant started) {
  runtime::post(impl_->parts.net, [impl = impl_, id, message, stream, started] {
    const auto connection = impl->find(id);
    if (!connection || connection->closing) return;
    impl->logs->start(stream, id, started);
    impl->enqueue(connection, message);
  });
}

void AgentHub::close(ConnectionId id, Goodbye goodbye) {
  runtime::post(impl_->parts.net, [impl = impl_, id, moved = std::move(goodbye)] {
    if (const auto connection = impl->find(id)) impl->say_goodbye(connection, moved);
  });
}

Awaitable<void> AgentHub::stop(Goodbye goodbye) {
  const auto impl = impl_;
  impl->stopping = true;
  std::vector<Impl::ConnectionPtr> all;
  for (auto& [id, connection] : impl->connections) all.push_back(connection);
  for (auto& connection : all) impl->say_goodbye(connection, goodbye);
  while (!impl->connections.empty()) co_await impl->gone.wait();
  co_await logs_->stop();
  co_await impl->scope.join();
}

}  // namespace footman::controller
