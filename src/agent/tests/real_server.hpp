// A small server on real sockets, enough to run one build on the real program: WebSocket on an HTTP(S) port
// and TLS on an agent port.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http_server.hpp"
#include "net/process.hpp"
#include "net/sniff.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "protocol/codec.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/scope.hpp"

namespace footman::agent::testing {

using namespace std::chrono_literals;

class RealServer {
 public:
  // `tls`: HTTPS instead of HTTP.
  explicit RealServer(bool tls = false) {
    net::init_process();
    auto made = net::create_self_signed({"localhost", "127.0.0.1"}, clock_->now(), 1);
    REQUIRE(made);
    ca_pem = made->certificate_pem;
    public_key = net::public_key_sha256(ca_pem).value();
    tls_ = net::create_tls_server_context({made->certificate_pem, made->private_key_pem}).value();
    http_ = std::make_unique<net::HttpServer>(
        io_.get_executor(), io_.get_executor(),
        [this](std::shared_ptr<const net::HttpRequest> request) { return answer(this, std::move(request)); },
        net::HttpServerLimits{}, *clock_, base::Logger());
    auto http = net::create_listener(io_.get_executor(), *clock_, {"127.0.0.1", 0}, {});
    auto agents = net::create_listener(io_.get_executor(), *clock_, {"127.0.0.1", 0}, {});
    REQUIRE(http);
    REQUIRE(agents);
    http_port = (*http)->endpoint().port;
    agent_port = (*agents)->endpoint().port;
    http_->serve(std::move(*http), tls ? tls_ : nullptr);
    agents_ = std::move(*agents);
    scope_.spawn("agent port", accept_agents());
  }
  ~RealServer() {
    agents_->close();
    http_->stop();
    scope_.cancel();
    if (session_) session_->close();
    run_until([&] { return scope_.running() == 0 && http_->counts().connections == 0; }, 2s);
  }

  std::string ca_pem;
  std::string public_key;
  std::uint16_t http_port = 0;
  std::uint16_t agent_port = 0;

  // What is given to an agent that comes, and what was heard of it.
  protocol::Assign work;
  std::vector<protocol::Hello> hellos;
  std::vector<protocol::Resume> resumes;
  std::string log;
  std::optional<protocol::StepFinished> step;
  std::optional<protocol::BuildFinished> result;
  std::optional<protocol::Notice> notice;
  std::optional<protocol::Goodbye> goodbye;
  int sessions = 0;
  bool single_use = true;
  std::deque<protocol::Message>
      answers;  // to Hello, one after the other, instead of Welcome; the last one stays

  void set_script(std::string script) {
    work = {};
    work.assignment = base::AssignmentId(1);
    work.build = base::BuildId(1);
    work.job = base::JobPath("job");
    work.stream = base::StreamId(1);
    work.work.workspace_key = "job";
    work.work.grace = 2s;
    work.work.steps.push_back({"", {"/bin/sh", "-e"}, std::move(script)});
  }

  template <class Condition>
  bool run_until(Condition holds, base::Duration limit = 20s) {
    const auto until = clock_->steady() + limit;
    io_.restart();
    while (!holds() && clock_->steady() < until) {
      io_.run_one_for(10ms);
      if (io_.stopped()) io_.restart();
    }
    return holds();
  }
  void send(const protocol::Message& message) {
    scope_.spawn("send", write(session_, protocol::encode(message)));
  }

 private:
  using StreamPtr = std::shared_ptr<runtime::ByteStream>;

  static runtime::Awaitable<net::HttpResponse> answer(RealServer* self,
                                                      std::shared_ptr<const net::HttpRequest> request) {
    net::HttpResponse response;
    response.status = request->path == protocol::kWebSocketPath ? 101 : 404;
    if (response.status == 101)
      response.upgrade = [self](runtime::ByteStreamPtr stream, const auto&) {
        return talk(self, std::move(stream));
      };
    co_return response;
  }
  runtime::Awaitable<void> accept_agents() {
    while (true) {
      auto stream = co_await agents_->accept();
      if (!stream) co_return;
      scope_.spawn("agent", secure(std::move(*stream)));
    }
  }
  runtime::Awaitable<void> secure(runtime::ByteStreamPtr stream) {
    auto secured = co_await net::accept_tls(std::move(stream), tls_, *clock_, 5s);
    if (secured) co_await talk(this, std::move(*secured));
  }
  static runtime::Awaitable<void> talk(RealServer* self, runtime::ByteStreamPtr stream) {
    const StreamPtr shared = std::move(stream);
    self->session_ = shared;
    protocol::FrameDecoder decoder(protocol::Direction::to_server);
    while (true) {
      auto chunk = co_await shared->read(64 << 10);
      if (!chunk || chunk->empty()) co_return;
      decoder.feed(std::move(*chunk));
      while (true) {
        auto message = decoder.next();
        if (!message || !*message) break;
        const bool last = std::holds_alternative<protocol::Goodbye>(**message);
        co_await self->hear(shared, std::move(**message));
        if (last) co_return shared->close();
      }
    }
  }
  runtime::Awaitable<void> hear(StreamPtr stream, protocol::Message message) {
    if (auto* hello = std::get_if<protocol::Hello>(&message)) {
      hellos.push_back(std::move(*hello));
      if (!answers.empty()) {
        const auto answer = answers.front();
        if (answers.size() > 1) answers.pop_front();
        co_await write(stream, protocol::encode(answer));
        co_return stream->close();
      }
      protocol::Welcome welcome;
      welcome.version = 1;
      welcome.features = protocol::kAllFeatures;
      welcome.epoch = static_cast<std::uint64_t>(++sessions);
      welcome.installation = base::InstallationId("test");
      welcome.heartbeat_interval = 15s;
      welcome.lease = 60s;
      welcome.orphan_timeout = 30min;
      welcome.log_window_bytes = 1 << 20;
      welcome.max_frame_bytes = protocol::kMaxFrameToServerBytes;
      welcome.single_use = single_use;
      co_await write(stream, protocol::encode(welcome));
    } else if (auto* resume = std::get_if<protocol::Resume>(&message)) {
      if (!work.work.steps.empty() && resume->assignments.empty() && !result)
        co_await write(stream, protocol::encode(work));
      resumes.push_back(std::move(*resume));
    } else if (auto* accepted = std::get_if<protocol::Accepted>(&message)) {
      co_await write(stream, protocol::encode(protocol::Start{accepted->assignment, 0}));
    } else if (auto* data = std::get_if<protocol::LogData>(&message)) {
      log.resize(data->offset);
      log += data->bytes;
      co_await write(stream, protocol::encode(protocol::LogAck{data->stream, log.size()}));
    } else if (auto* finished = std::get_if<protocol::StepFinished>(&message)) {
      step = *finished;
    } else if (auto* ended = std::get_if<protocol::BuildFinished>(&message)) {
      result = *ended;
      co_await write(stream, protocol::encode(protocol::FinishedAck{ended->assignment}));
    } else if (auto* noticed = std::get_if<protocol::Notice>(&message)) {
      notice = *noticed;
    } else if (auto* bye = std::get_if<protocol::Goodbye>(&message)) {
      goodbye = *bye;
    }
  }
  runtime::Awaitable<void> write(StreamPtr stream, std::string bytes) {
    (void)co_await stream->write(std::move(bytes));
  }

  boost::asio::io_context io_;
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  net::TlsServerContextPtr tls_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::Listener> agents_;
  StreamPtr session_;
  runtime::Scope scope_{io_.get_executor(), base::Logger()};
};

}  // namespace footman::agent::testing
