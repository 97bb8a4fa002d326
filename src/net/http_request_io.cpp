// Reading one request: head, gate, 100-continue, body; with limits and time-outs.
#include <algorithm>
#include <optional>

#include "net/deadline.hpp"
#include "net/http_connection.hpp"
#include "net/http_response.hpp"

namespace footman::net {

using runtime::Awaitable;

namespace {

constexpr std::size_t kReadHead = 16 * 1024;
constexpr std::size_t kReadBody = 64 * 1024;

IncomingRequest refused(HttpResponse answer) {
  IncomingRequest incoming;
  incoming.got = Got::refused;
  incoming.refusal = std::move(answer);
  return incoming;
}
IncomingRequest refused(const HttpProblem& problem) { return refused(make_problem_response(problem)); }
IncomingRequest ended() { return {}; }
IncomingRequest accepted(RequestHead head, const Connection& connection) {
  IncomingRequest incoming;
  incoming.got = Got::request;
  incoming.request = std::make_shared<HttpRequest>(std::move(head.request));
  incoming.request->peer = connection.stream->peer();
  incoming.request->tls = connection.tls;
  incoming.framing = head.framing;
  incoming.expect_continue = head.expect_continue;
  incoming.http_1_0 = head.http_1_0;
  return incoming;
}

// The time is over: last words, then the end. The pending read returns with an error.
void give_up(const std::shared_ptr<runtime::ByteStream>& stream, const HttpServer::State& server) {
  if (auto* net = dynamic_cast<NetStream*>(stream.get())) {
    const auto answer = make_problem_response({408, "the request took too long"});
    net->write_now(
        format_response_head(answer, BodyKind::length, answer.body.size(), false, server.clock->now()) +
        answer.body);
  }
  stream->close();
}

// Waits for the first byte of a request. False: the connection ended, or it is time to end it.
Awaitable<bool> wait_for_request(ConnectionPtr c, bool first) {
  if (c->in.starts_with("\r\n")) c->in.erase(0, 2);  // a leftover of sloppy clients
  if (!c->in.empty()) co_return true;
  c->in = std::string();  // no memory while idle
  const auto& limits = c->server->limits;
  const Deadline idle(*c->server->clock, c->server->net, first ? limits.header : limits.idle,
                      [stream = c->stream] { stream->close(); });
  auto bytes = co_await c->stream->read(kReadHead);
  if (!bytes || bytes->empty()) co_return false;
  c->in = std::move(*bytes);
  co_return true;
}

Awaitable<IncomingRequest> read_head(ConnectionPtr c) {
  const auto& limits = c->server->limits;
  const HttpHeadLimits head_limits{limits.target_bytes, limits.header_bytes, limits.header_count};
  std::optional<Deadline> deadline;
  std::size_t looked_at = 0;
  while (true) {
    if (looked_at == 0 && c->in.starts_with("\r\n")) c->in.erase(0, 2);
    if (const auto end = find_head_end(c->in, looked_at)) {
      if (auto bad = check_partial_head(std::string_view(c->in).substr(0, *end), looked_at, head_limits))
        co_return refused(*bad);
      auto head = parse_request_head(std::string_view(c->in).substr(0, *end), head_limits);
      if (!head) co_return refused(head.error());
      c->in.erase(0, *end);
      co_return accepted(std::move(*head), *c);
    }
    if (auto bad = check_partial_head(c->in, looked_at, head_limits)) co_return refused(*bad);
    looked_at = c->in.size();
    if (!deadline) {
      deadline.emplace(*c->server->clock, c->server->net, limits.header,
                       [stream = c->stream, server = c->server] { give_up(stream, *server); });
    }
    auto more = co_await c->stream->read(kReadHead);
    if (!more || more->empty()) co_return ended();
    c->in += *more;
  }
}

// On the handlers' executor.
Awaitable<GateAnswer> call_gate(ServerStatePtr server, std::shared_ptr<const HttpRequest> head) {
  std::string failure;
  try {
    co_return server->gate(*head);
  } catch (const std::exception& exception) {
    failure = exception.what();
  }
  co_return std::unexpected(answer_failure(*server, *head, failure));
}

// The answer when the body is refused. `gone`: the client.
struct BodyEnd {
  bool gone = false;
  std::optional<HttpResponse> refusal;
};

BodyEnd refuse_body(const HttpProblem& problem) { return {false, make_problem_response(problem)}; }

BodyEnd too_large(std::size_t limit) {
  return refuse_body({413, "the body is larger than " + base::format_bytes(limit)});
}

BodyEnd too_many_bodies() {
  auto refusal = make_problem_response({503, "the server holds as many bytes of requests as it may"});
  refusal.headers.add("Retry-After", "1");
  return {false, std::move(refusal)};
}

Awaitable<BodyEnd> read_sized_body(ConnectionPtr c, std::string* body, std::size_t length) {
  *body = std::exchange(c->in, {});
  if (body->size() > length) {
    c->in = body->substr(length);
    body->resize(length);
  }
  while (body->size() < length) {
    auto more = co_await c->stream->read(std::min(kReadBody, length - body->size()));
    if (!more || more->empty()) co_return BodyEnd{true, {}};
    *body += *more;
  }
  co_return BodyEnd{};
}

Awaitable<BodyEnd> read_chunked_body(ConnectionPtr c, std::string* body, std::size_t limit,
                                     BodyShare* share) {
  ChunkedDecoder decoder;
  std::string piece = std::exchange(c->in, {});
  while (true) {
    const auto step = decoder.decode(piece.data(), piece.size());
    if (!step) co_return refuse_body(step.error());
    if (body->size() + step->data > limit) co_return too_large(limit);
    if (!share->take(step->data)) co_return too_many_bodies();
    body->append(piece, 0, step->data);
    if (decoder.done()) {
      c->in = piece.substr(step->used);
      co_return BodyEnd{};
    }
    auto more = co_await c->stream->read(kReadBody);
    if (!more || more->empty()) co_return BodyEnd{true, {}};
    piece = std::move(*more);
  }
}

Awaitable<BodyEnd> read_body(ConnectionPtr c, IncomingRequest* incoming, std::size_t limit,
                             BodyShare* share) {
  const auto length = incoming->framing.length.value_or(0);
  if (length > limit) co_return too_large(limit);
  if (!share->take(static_cast<std::size_t>(length))) co_return too_many_bodies();
  if (incoming->expect_continue && c->in.empty()) {
    if (!co_await write_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n")) co_return BodyEnd{true, {}};
  }
  const Deadline deadline(*c->server->clock, c->server->net, c->server->limits.body,
                          [stream = c->stream, server = c->server] { give_up(stream, *server); });
  auto* body = &incoming->request->body;
  if (incoming->framing.chunked) co_return co_await read_chunked_body(c, body, limit, share);
  co_return co_await read_sized_body(c, body, static_cast<std::size_t>(length));
}

}  // namespace

Awaitable<IncomingRequest> read_request(ConnectionPtr c, bool first, BodyShare* share) {
  if (!co_await wait_for_request(c, first)) co_return ended();
  c->busy = c->reading = true;
  auto incoming = co_await read_head(c);
  if (incoming.got != Got::request) co_return incoming;
  if (!incoming.framing.chunked && incoming.framing.length.value_or(0) == 0) co_return incoming;
  auto limit = c->server->limits.body_bytes;
  if (c->server->gate) {
    auto call = call_gate(c->server, incoming.request);
    auto answer = co_await runtime::run_on(c->server->handlers, std::move(call));
    if (!answer) co_return refused(std::move(answer.error()));
    limit = std::min(limit, *answer);
  }
  auto end = co_await read_body(c, &incoming, limit, share);
  if (end.gone) co_return ended();
  if (end.refusal) co_return refused(std::move(*end.refusal));
  co_return incoming;
}

}  // namespace footman::net
