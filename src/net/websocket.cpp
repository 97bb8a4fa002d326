#include "net/websocket.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "net/head_io.hpp"
#include "net/net_stream.hpp"
#include "net/sniff.hpp"
#include "net/tcp.hpp"
#include "net/text.hpp"
#include "runtime/wait.hpp"

namespace footman::net {

using runtime::Awaitable;

std::string websocket_accept_key(std::string_view key) {
  const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base::to_base64({reinterpret_cast<const char*>(digest), size});
}

namespace {

// Larger writes become several messages: below 128 KiB the allocator re-uses memory instead of mapping it
// each time.
constexpr std::size_t kMaxMessage = 64 * 1024;
constexpr std::size_t kMaxPendingControl = 1024;  // pongs beyond that are dropped: one is as good as another

// Shared by the stream and its pending calls.
struct WebSocket {
  WebSocket(runtime::ByteStreamPtr stream, WebSocketRole our_role, runtime::Rng* random)
      : lower(std::move(stream)), role(our_role), rng(random), decoder(our_role) {}

  runtime::ByteStreamPtr lower;
  WebSocketRole role;
  runtime::Rng* rng;
  WebSocketDecoder decoder;
  std::string control;  // pongs and the close frame that wait to be sent
  bool writing = false;
  bool close_sent = false;  // or in `control`
  bool ended = false;       // the other side's close frame or violation was seen
  base::Status end;         // then: what read() gives
  runtime::Event write_free;

  std::string mask_key() { return role == WebSocketRole::client ? rng->bytes(4) : std::string(); }
  void take_pings(const std::vector<std::string>& pings) {
    if (pings.empty() || close_sent || control.size() > kMaxPendingControl) return;
    control += encode_websocket_pong(role, pings.back(), mask_key());
  }
  void say_close(std::uint16_t code, std::string_view reason) {
    if (std::exchange(close_sent, true)) return;
    control += encode_websocket_close(role, code, reason, mask_key());
  }
};
using WebSocketPtr = std::shared_ptr<WebSocket>;

class Writing {
 public:
  explicit Writing(WebSocketPtr ws) : ws_(std::move(ws)) { ws_->writing = true; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() {
    ws_->writing = false;
    ws_->write_free.notify();
  }

 private:
  WebSocketPtr ws_;
};

// When a write is under way, it sends the control frames afterwards.
Awaitable<void> flush_control(WebSocketPtr ws) {
  if (ws->writing) co_return;
  const Writing writing(ws);
  while (!ws->control.empty()) {
    auto bytes = std::exchange(ws->control, {});
    const auto sent = co_await ws->lower->write(std::move(bytes));
    if (!sent) co_return;  // the next read or write says so
  }
}

void note_end(WebSocket& ws, const WebSocketDecoder::Decoded& decoded) {
  if (decoded.violation != 0) {
    ws.ended = true;
    ws.end = base::fail(base::Errc::corrupt, "WebSocket: " + decoded.problem);
    ws.say_close(decoded.violation, decoded.problem);
  }
  if (!decoded.close) return;
  ws.ended = true;
  const auto code = decoded.close->code;
  const bool orderly =
      code == close_code::kNormal || code == close_code::kGoingAway || code == close_code::kNoCode;
  if (!orderly) {
    ws.end = base::fail(base::Errc::io, fmt::format("the other side closed the WebSocket with code {}: {}",
                                                    code, words_of_body(decoded.close->reason)));
  }
  ws.say_close(code, {});
}

class WebSocketStream final : public runtime::ByteStream {
 public:
  explicit WebSocketStream(WebSocketPtr ws) : ws_(std::move(ws)) {}
  ~WebSocketStream() override { close(); }

  Awaitable<base::Result<std::string>> read(std::size_t max) override { return read_next(ws_, max); }
  Awaitable<base::Status> write(std::string bytes) override { return write_all(ws_, std::move(bytes)); }

  void close() noexcept override {
    if (!ws_->close_sent && !ws_->writing) {
      if (auto* net = dynamic_cast<NetStream*>(ws_->lower.get())) {
        ws_->say_close(close_code::kNormal, {});
        net->write_now(ws_->control);
        ws_->control.clear();
      }
    }
    ws_->close_sent = true;
    ws_->lower->close();
  }

  std::string peer() const override { return ws_->lower->peer(); }

 private:
  static Awaitable<base::Result<std::string>> read_next(WebSocketPtr ws, std::size_t max) {
    while (true) {
      if (ws->ended) {
        if (!ws->end) co_return std::unexpected(ws->end.error());
        co_return std::string();
      }
      auto chunk = co_await ws->lower->read(max);
      if (!chunk) co_return std::move(chunk);
      if (chunk->empty()) {
        co_return base::fail(base::Errc::io, "the connection ended without a WebSocket close");
      }
      std::size_t payload_bytes = 0;
      {
        const auto decoded = ws->decoder.decode(chunk->data(), chunk->size());
        ws->take_pings(decoded.pings);
        note_end(*ws, decoded);
        payload_bytes = decoded.payload_bytes;
      }
      if (!ws->control.empty()) co_await flush_control(ws);
      if (payload_bytes == 0) continue;
      chunk->resize(payload_bytes);
      co_return std::move(chunk);
    }
  }

  static Awaitable<base::Status> write_all(WebSocketPtr ws, std::string bytes) {
    while (ws->writing) co_await ws->write_free.wait();
    const Writing writing(ws);
    std::size_t at = 0;
    while (at < bytes.size() || !ws->control.empty()) {
      std::string out = std::exchange(ws->control, {});
      if (at < bytes.size() && !ws->close_sent) {
        const auto piece = std::string_view(bytes).substr(at, kMaxMessage);
        auto frame = encode_websocket_binary(ws->role, piece, ws->mask_key());
        if (out.empty()) {
          out = std::move(frame);
        } else {
          out += frame;
        }
        at += piece.size();
      }
      if (out.empty()) break;
      const auto sent = co_await ws->lower->write(std::move(out));
      if (!sent) co_return sent;
    }
    if (at < bytes.size()) co_return base::fail(base::Errc::io, "the WebSocket is closed");
    co_return base::Status();
  }

  WebSocketPtr ws_;
};

std::string upgrade_request(const WebSocketConnect& what, const std::string& key) {
  const bool standard = what.url.port == 80 || what.url.port == 443;
  const Endpoint endpoint{what.url.host, what.url.port};
  auto host = endpoint.str();
  if (standard) host.resize(host.rfind(':'));
  std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: {}\r\n",
      what.url.path, host, key);
  for (const auto& [name, value] : what.headers.all()) request += fmt::format("{}: {}\r\n", name, value);
  return request + "\r\n";
}

Awaitable<base::Error> refusal(runtime::ByteStream* stream, ResponseHead head, std::string body) {
  constexpr std::size_t kMaxBody = 4096;
  const auto wanted =
      std::min<std::uint64_t>(head.framing.length.value_or(head.framing.chunked ? kMaxBody : 0), kMaxBody);
  while (body.size() < wanted && body.find("\r\n0\r\n") == std::string::npos) {
    const auto more = co_await stream->read(kMaxBody);
    if (!more || more->empty()) break;
    body += *more;
  }
  auto message = fmt::format("the server answered {} to the WebSocket upgrade", head.status);
  if (const auto words = words_of_body(body); !words.empty()) message += ": " + words;
  co_return base::Error{base::Errc::unavailable, std::move(message), {}, {}};
}

Awaitable<base::Result<runtime::ByteStreamPtr>> upgrade(runtime::ByteStreamPtr stream, runtime::Rng* rng,
                                                        std::string request, std::string key) {
  FOOTMAN_CO_TRY_STATUS(co_await stream->write(std::move(request)));
  std::string rest;
  auto head = co_await read_response_head(stream.get(), &rest, kMaxUpgradeHeadBytes);
  if (!head) co_return std::unexpected(head.error());
  if (head->status != 101) {
    auto error = co_await refusal(stream.get(), std::move(*head), std::move(rest));
    co_return std::unexpected(std::move(error));
  }
  const bool good = equal_ignoring_case(head->headers.value_or("Upgrade", ""), "websocket") &&
                    has_token(head->headers.value_or("Connection", ""), "upgrade") &&
                    head->headers.value_or("Sec-WebSocket-Accept", "") == websocket_accept_key(key) &&
                    !head->headers.find("Sec-WebSocket-Extensions");
  if (!good) co_return base::fail(base::Errc::corrupt, "the server's WebSocket upgrade is not valid");
  if (!rest.empty()) stream = give_back(std::move(rest), std::move(stream));
  co_return make_websocket_stream(std::move(stream), WebSocketRole::client, rng);
}

}  // namespace

runtime::ByteStreamPtr make_websocket_stream(runtime::ByteStreamPtr lower, WebSocketRole role,
                                             runtime::Rng* rng) {
  return std::make_unique<WebSocketStream>(std::make_shared<WebSocket>(std::move(lower), role, rng));
}

Awaitable<base::Result<runtime::ByteStreamPtr>> connect_websocket(runtime::Executor executor,
                                                                  runtime::Clock& clock, runtime::Rng& rng,
                                                                  WebSocketConnect what) {
  if (!is_clean_target(what.url.path))
    co_return base::fail(base::Errc::invalid_argument, "the path has a space or a control character");
  if (!is_clean(what.headers))
    co_return base::fail(base::Errc::invalid_argument, "a header has a control character");
  const auto until = clock.steady() + what.timeout;
  const auto address = what.address.value_or(Endpoint{what.url.host, what.url.port});
  auto stream =
      co_await connect_through(executor, clock, what.proxy, address.host, address.port, what.timeout);
  if (!stream) co_return std::unexpected(stream.error());
  if (what.url.scheme == "wss" || what.url.scheme == "https") {
    if (!what.tls)
      co_return base::fail(base::Errc::invalid_argument, "a TLS context is missing for " + what.url.str());
    stream = co_await connect_tls(std::move(*stream), what.tls, what.url.host, clock, until - clock.steady());
    if (!stream) co_return std::unexpected(stream.error());
  }
  const auto key = base::to_base64(rng.bytes(16));
  const Deadline deadline(clock, executor, until - clock.steady(),
                          [inner = stream->get()] { inner->close(); });
  auto upgraded = co_await upgrade(std::move(*stream), &rng, upgrade_request(what, key), key);
  if (deadline.passed())
    co_return base::fail(base::Errc::timeout, "the server did not answer the WebSocket upgrade in time");
  co_return upgraded;
}

}  // namespace footman::net
