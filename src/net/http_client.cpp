#include "net/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "net/deadline.hpp"
#include "net/head_io.hpp"
#include "net/net_stream.hpp"
#include "net/tcp.hpp"
#include "net/text.hpp"

namespace footman::net {

using runtime::Awaitable;

struct HttpClient::State {
  State(runtime::Executor the_executor, runtime::Clock& the_clock, HttpClientConfig the_config)
      : executor(std::move(the_executor)), clock(&the_clock), config(std::move(the_config)) {}
  runtime::Executor executor;
  runtime::Clock* clock;
  HttpClientConfig config;

  struct Idle {
    runtime::ByteStreamPtr stream;
    base::Duration since;  // steady
  };
  std::map<std::string, std::vector<Idle>> idle;  // by scheme, host and port; the youngest last
};

namespace {

constexpr std::size_t kBodyPiece = 256 * 1024;
using StatePtr = std::shared_ptr<HttpClient::State>;

bool is_fit(runtime::ByteStream* stream) {
  auto* net = dynamic_cast<NetStream*>(stream);
  return net != nullptr && net->quiet();
}

std::string pool_key(const Url& url) { return fmt::format("{} {} {}", url.scheme, url.host, url.port); }

// Places for connections that are not fit any more are made free first; at the limit the oldest goes.
void keep_idle(HttpClient::State& state, const Url& url, runtime::ByteStreamPtr stream) {
  auto& kept = state.idle[pool_key(url)];
  const auto oldest = state.clock->steady() - state.config.idle_age;
  std::erase_if(kept, [&](const auto& one) { return one.since < oldest || !is_fit(one.stream.get()); });
  if (!kept.empty() && kept.size() >= state.config.idle_connections) kept.erase(kept.begin());
  kept.push_back({std::move(stream), state.clock->steady()});
}

// The youngest: the others may then grow old and go.
runtime::ByteStreamPtr take_idle(HttpClient::State& state, const Url& url) {
  const auto found = state.idle.find(pool_key(url));
  if (found == state.idle.end()) return nullptr;
  auto& kept = found->second;
  const auto oldest = state.clock->steady() - state.config.idle_age;
  while (!kept.empty()) {
    auto last = std::move(kept.back());
    kept.pop_back();
    if (last.since >= oldest && is_fit(last.stream.get())) return std::move(last.stream);
  }
  state.idle.erase(found);
  return nullptr;
}

// A request on its way: what is needed to send it, perhaps twice.
struct Outgoing {
  HttpClientRequest request;
  std::optional<Proxy> proxy;
  base::Duration first_byte;
  base::Duration idle;  // 0: none
  bool whole_url() const { return proxy && request.url.scheme == "http"; }
};
using OutgoingPtr = std::shared_ptr<const Outgoing>;

bool is_repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

std::string format_request_head(const Outgoing& out, const std::string& user_agent) {
  const auto& request = out.request;
  const auto& url = request.url;
  auto head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method,
                          out.whole_url() ? url.str() : url.path, url.authority());
  if (!request.headers.find("User-Agent")) head += fmt::format("User-Agent: {}\r\n", user_agent);
  if (!request.headers.find("Accept")) head += "Accept: */*\r\n";
  const bool may_have_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || may_have_body)
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  if (out.whole_url() && !out.proxy->authorization.empty()) {
    head += fmt::format("Proxy-Authorization: {}\r\n", out.proxy->authorization.expose());
  }
  for (const auto& [name, value] : request.headers.all()) {
    if (equal_ignoring_case(name, "Content-Length") || equal_ignoring_case(name, "Transfer-Encoding"))
      continue;
    if (equal_ignoring_case(name, "Host")) continue;
    head += fmt::format("{}: {}\r\n", name, value);
  }
  return head + "\r\n";
}

Awaitable<base::Result<runtime::ByteStreamPtr>> connect(StatePtr state, OutgoingPtr out) {
  const auto& url = out->request.url;
  auto& clock = *state->clock;
  const auto until = clock.steady() + state->config.connect;
  if (out->whole_url()) {
    co_return co_await connect_tcp(state->executor, clock, out->proxy->host, out->proxy->port,
                                   state->config.connect);
  }
  auto proxy = out->proxy;
  auto stream = co_await connect_through(state->executor, clock, std::move(proxy), url.host, url.port,
                                         state->config.connect);
  if (!stream || url.scheme != "https") co_return stream;
  if (!state->config.tls) {
    FOOTMAN_CO_TRY(state->config.tls, create_tls_client_context({}));
  }
  co_return co_await connect_tls(std::move(*stream), state->config.tls, url.host, clock,
                                 until - clock.steady());
}

Awaitable<base::Status> write_request(StatePtr state, runtime::ByteStream* stream, OutgoingPtr out) {
  std::string bytes = format_request_head(*out, state->config.user_agent);
  const std::string& body = out->request.body;
  std::size_t at = std::min(body.size(), kBodyPiece);
  bytes.append(body, 0, at);
  while (true) {
    {
      const auto limit = out->idle.count() > 0 ? out->idle : state->config.idle;
      const Deadline deadline(*state->clock, state->executor, limit, [stream] { stream->close(); });
      const auto sent = co_await stream->write(std::move(bytes));
      if (deadline.passed())
        co_return base::fail(base::Errc::timeout, "the server takes no more of the request");
      if (!sent) co_return sent;
    }
    if (at == body.size()) co_return base::Status();
    bytes = body.substr(at, kBodyPiece);
    at += bytes.size();
  }
}

struct Answer {
  ResponseHead head;
  std::string rest;
};

// `heard`: at least one byte of an answer arrived.
Awaitable<base::Result<Answer>> exchange(StatePtr state, runtime::ByteStream* stream, OutgoingPtr out,
                                         bool* heard) {
  const auto written = co_await write_request(state, stream, out);
  if (!written && written.error().code == base::Errc::timeout) co_return std::unexpected(written.error());
  Answer answer;
  const Deadline deadline(*state->clock, state->executor, out->first_byte, [stream] { stream->close(); });
  // A server may answer (413, 401) before it has taken the whole body.
  auto head = co_await read_response_head(stream, &answer.rest, state->config.header_bytes);
  *heard = !answer.rest.empty() || head.has_value();
  if (deadline.passed()) {
    const auto text = fmt::format("{} did not answer within {}", out->request.url.host,
                                  base::format_duration(out->first_byte));
    co_return base::fail(base::Errc::timeout, text);
  }
  if (!head) co_return std::unexpected(written ? head.error() : written.error());
  answer.head = std::move(*head);
  co_return answer;
}

enum class BodyEndsBy { nothing, length, chunks, close };

BodyEndsBy body_end(const ResponseHead& head, std::string_view method) {
  if (method == "HEAD" || head.status == 204 || head.status == 304 || head.status < 200)
    return BodyEndsBy::nothing;
  if (head.framing.chunked) return BodyEndsBy::chunks;
  return head.framing.length ? BodyEndsBy::length : BodyEndsBy::close;
}

class Body final : public HttpBody {
 public:
  Body(StatePtr state, OutgoingPtr out, runtime::ByteStreamPtr stream, Answer answer)
      : state_(std::move(state)),
        out_(std::move(out)),
        stream_(std::move(stream)),
        head_(std::move(answer.head)),
        rest_(std::move(answer.rest)),
        ends_by_(body_end(head_, out_->request.method)),
        left_(head_.framing.length.value_or(0)) {
    if (ends_by_ == BodyEndsBy::nothing || (ends_by_ == BodyEndsBy::length && left_ == 0)) finish();
  }

  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }
  ResponseHead& head() { return head_; }

  Awaitable<base::Result<std::string>> read(std::size_t max) override {
    while (!done_) {
      auto bytes = co_await more(max);
      if (!bytes) co_return fail(bytes.error());
      if (bytes->empty()) {
        if (ends_by_ != BodyEndsBy::close) {
          co_return fail({base::Errc::io, "the connection ended inside the answer", {}, {}});
        }
        done_ = true;
        break;
      }
      if (ends_by_ == BodyEndsBy::length) take_length(*bytes);
      if (ends_by_ == BodyEndsBy::chunks) {
        if (auto bad = take_chunks(*bytes)) co_return fail(std::move(*bad));
      }
      if (!bytes->empty()) co_return std::move(*bytes);
    }
    if (failed_) co_return std::unexpected(*failed_);
    co_return std::string();
  }

  void close() noexcept override {
    if (stream_) stream_->close();
  }

 private:
  Awaitable<base::Result<std::string>> more(std::size_t max) {
    if (!rest_.empty()) {
      const auto count = std::min(max, rest_.size());
      std::string bytes = rest_.substr(0, count);
      rest_.erase(0, count);
      co_return bytes;
    }
    std::optional<Deadline> deadline;
    if (out_->idle.count() > 0) {
      deadline.emplace(*state_->clock, state_->executor, out_->idle,
                       [stream = stream_.get()] { stream->close(); });
    }
    auto bytes = co_await stream_->read(max);
    if (deadline && deadline->passed()) {
      co_return base::fail(base::Errc::timeout, "nothing came from " + out_->request.url.host + " for " +
                                                    base::format_duration(out_->idle));
    }
    co_return bytes;
  }

  void take_length(std::string& bytes) {
    if (bytes.size() > left_) bytes.resize(static_cast<std::size_t>(left_));  // then it is not kept alive
    left_ -= bytes.size();
    if (left_ == 0) finish();
  }

  std::optional<base::Error> take_chunks(std::string& bytes) {
    const auto step = chunks_.decode(bytes.data(), bytes.size());
    if (!step)
      return base::Error{base::Errc::corrupt, "the answer's chunks: " + step.error().message, {}, {}};
    if (chunks_.done()) {
      rest_.insert(0, bytes, step->used);
      finish();
    }
    bytes.resize(step->data);
    return std::nullopt;
  }

  // The connection goes back to be used again, when it can be.
  void finish() {
    done_ = true;
    if (rest_.empty() && head_.framing.keep_alive && is_fit(stream_.get())) {
      keep_idle(*state_, out_->request.url, std::move(stream_));
    } else {
      stream_->close();
    }
  }

  std::unexpected<base::Error> fail(base::Error error) {
    done_ = true;
    failed_ = error;
    stream_->close();
    return std::unexpected(std::move(error));
  }

  StatePtr state_;
  OutgoingPtr out_;
  runtime::ByteStreamPtr stream_;
  ResponseHead head_;
  std::string rest_;
  BodyEndsBy ends_by_;
  std::uint64_t left_;
  ChunkedDecoder chunks_;
  bool done_ = false;
  std::optional<base::Error> failed_;
};

base::Result<OutgoingPtr> prepare(const HttpClient::State& state, HttpClientRequest request) {
  if (request.url.scheme != "http" && request.url.scheme != "https") {
    return base::fail(base::Errc::invalid_argument, "not an HTTP address: " + request.url.str());
  }
  if (!is_clean_target(request.url.path))
    return base::fail(base::Errc::invalid_argument, "the path has a space or a control character");
  if (!is_clean(request.headers))
    return base::fail(base::Errc::invalid_argument, "a header has a control character");
  Outgoing out{std::move(request), {}, {}, {}};
  FOOTMAN_TRY(out.proxy, choose_proxy(out.request.url, state.config.proxies));
  out.first_byte = out.request.first_byte.value_or(state.config.first_byte);
  out.idle = out.request.idle.value_or(state.config.idle);
  return std::make_shared<const Outgoing>(std::move(out));
}

Awaitable<base::Result<std::unique_ptr<Body>>> open_body(StatePtr state, HttpClientRequest request) {
  FOOTMAN_CO_TRY(const auto out, prepare(*state, std::move(request)));
  auto stream = take_idle(*state, out->request.url);
  if (stream) {
    bool heard = false;
    auto answer = co_await exchange(state, stream.get(), out, &heard);
    if (answer) co_return std::make_unique<Body>(state, out, std::move(stream), std::move(*answer));
    const bool repeat = !heard && answer.error().code == base::Errc::io && is_repeatable(out->request.method);
    if (!repeat) co_return std::unexpected(answer.error());
  }
  auto fresh = co_await connect(state, out);
  if (!fresh) co_return std::unexpected(fresh.error());
  bool heard = false;
  auto answer = co_await exchange(state, fresh->get(), out, &heard);
  if (!answer) co_return std::unexpected(answer.error());
  co_return std::make_unique<Body>(state, out, std::move(*fresh), std::move(*answer));
}

Awaitable<base::Result<std::unique_ptr<HttpBody>>> open_http(StatePtr state, HttpClientRequest request) {
  auto body = co_await open_body(std::move(state), std::move(request));
  if (!body) co_return std::unexpected(body.error());
  co_return std::move(*body);
}

Awaitable<base::Result<HttpClientResponse>> request_whole(StatePtr state, HttpClientRequest request) {
  const auto limit = state->config.whole;
  const auto until = state->clock->steady() + limit;
  const auto host = request.url.host;
  const auto most = request.body_bytes.value_or(state->config.body_bytes);
  auto body = co_await open_body(state, std::move(request));
  if (!body) co_return std::unexpected(body.error());
  std::optional<Deadline> deadline;
  if (limit.count() > 0)
    deadline.emplace(*state->clock, state->executor, until - state->clock->steady(),
                     [body = body->get()] { body->close(); });
  HttpClientResponse response;
  response.status = (*body)->status();
  while (true) {
    auto bytes = co_await (*body)->read(64 * 1024);
    if (deadline && deadline->passed())
      co_return base::fail(base::Errc::timeout, fmt::format("the answer of {} was not complete within {}",
                                                            host, base::format_duration(limit)));
    if (!bytes) co_return std::unexpected(bytes.error());
    if (bytes->empty()) break;
    if (response.body.size() + bytes->size() > most) {
      co_return base::fail(base::Errc::resource_exhausted,
                           "the answer is larger than " + base::format_bytes(most));
    }
    response.body += *bytes;
  }
  response.headers = std::move((*body)->head().headers);
  co_return response;
}

}  // namespace

HttpClient::HttpClient(runtime::Executor executor, runtime::Clock& clock, HttpClientConfig config)
    : state_(std::make_shared<State>(std::move(executor), clock, std::move(config))) {}
HttpClient::~HttpClient() { close_idle(); }

Awaitable<base::Result<HttpClientResponse>> HttpClient::request(HttpClientRequest request) {
  return request_whole(state_, std::move(request));
}
Awaitable<base::Result<std::unique_ptr<HttpBody>>> HttpClient::open(HttpClientRequest request) {
  return open_http(state_, std::move(request));
}
void HttpClient::close_idle() { state_->idle.clear(); }

}  // namespace footman::net
