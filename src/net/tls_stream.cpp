// TLS over a socket: OpenSSL reads and writes the socket itself and we wait for readiness, so that an idle
// connection costs no buffers.
#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "net/deadline.hpp"
#include "net/sniff_stream.hpp"
#include "net/socket.hpp"
#include "net/strangers.hpp"
#include "net/tls.hpp"
#include "net/tls_context.hpp"

namespace footman::net {

namespace asio = boost::asio;
using runtime::Awaitable;

namespace {

struct Tls {
  SocketPtr socket;
  std::string replay;  // bytes that were read before the handshake
  SslPtr ssl;
  int system_error = 0;  // of the last call on the socket
  X509Ptr refused;       // the server's certificate, when the handshake failed for it
};
using TlsPtr = std::shared_ptr<Tls>;

// A BIO over the socket. OpenSSL's own would raise SIGPIPE and cannot replay.
int bio_read(BIO* bio, char* data, int size) {
  auto* tls = static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!tls->replay.empty()) {
    const auto count = std::min(tls->replay.size(), static_cast<std::size_t>(size));
    tls->replay.copy(data, count);
    tls->replay.erase(0, count);
    if (tls->replay.empty()) tls->replay.shrink_to_fit();
    return static_cast<int>(count);
  }
  const auto got =
      ::recv(tls->socket->socket.native_handle(), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_read(bio);
  } else if (got < 0) {
    tls->system_error = errno;
  }
  return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* data, int size) {
  auto* tls = static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(tls->socket->socket.native_handle(), data, static_cast<std::size_t>(size),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_write(bio);
  } else if (sent < 0) {
    tls->system_error = errno;
  }
  return static_cast<int>(sent);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* socket_bio() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "footman socket");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

// What is below, without OpenSSL.
base::Result<TlsPtr> take_socket(runtime::ByteStreamPtr lower) {
  auto tls = std::make_shared<Tls>();
  if (auto* given_back = dynamic_cast<GiveBackStream*>(lower.get())) {
    tls->replay = given_back->take_bytes();
    lower = given_back->take_inner();
  }
  auto* tcp = dynamic_cast<TcpStream*>(lower.get());
  if (tcp == nullptr) return base::fail(base::Errc::unsupported, "TLS needs a TCP connection");
  tls->socket = tcp->release();
  return tls;
}

base::Status begin_tls(Tls& tls, SSL_CTX* ctx) {
  tls.ssl.reset(SSL_new(ctx));
  BIO* bio = BIO_new(socket_bio());
  if (!tls.ssl || bio == nullptr) return base::fail(base::Errc::internal, "TLS: " + last_openssl_error());
  BIO_set_data(bio, &tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls.ssl.get(), bio, bio);
  SSL_set_app_data(tls.ssl.get(), &tls.refused);
  return {};
}

std::unexpected<base::Error> tls_failure(Tls& tls, int ssl_error) {
  if (ssl_error == SSL_ERROR_SYSCALL && tls.system_error != 0) {
    return base::fail_errno("the connection failed", tls.system_error);
  }
  const auto code = ERR_peek_error();
  if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return base::fail(base::Errc::io, "the connection was cut");
  }
  return base::fail(base::Errc::io, "TLS: " + last_openssl_error());
}

// Reads what is there, up to `max`: one record has 16 KiB at most, a chunk is better larger.
struct TlsRead {
  std::string bytes;
  int error = SSL_ERROR_NONE;
};

TlsRead read_some(SSL* ssl, std::size_t max) {
  TlsRead got;
  got.bytes.resize_and_overwrite(max, [&got, ssl](char* data, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size) {
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl, data + filled, size - filled, &count);
      if (result != 1) {
        got.error = SSL_get_error(ssl, result);
        break;
      }
      filled += count;
    }
    return filled;
  });
  if (got.bytes.size() < max / 2) got.bytes.shrink_to_fit();
  return got;
}

class TlsStream final : public NetStream {
 public:
  explicit TlsStream(TlsPtr tls) : tls_(std::move(tls)) {}
  ~TlsStream() override { close(); }

  Awaitable<base::Result<std::string>> read(std::size_t max) override {
    const auto tls = tls_;
    if (tls->socket->read_turns.over()) {
      tls->socket->read_turns.reset();
      co_await next_turn();
    }
    while (true) {
      if (!tls->socket->open()) co_return closed_here();
      auto wait_for = Ready::to_read;
      {
        auto got = read_some(tls->ssl.get(), std::min(max, kReadChunk));
        // An error that came after bytes comes again at the next call.
        if (!got.bytes.empty()) co_return std::move(got.bytes);
        if (got.error == SSL_ERROR_ZERO_RETURN) co_return std::string();
        if (got.error == SSL_ERROR_WANT_WRITE)
          wait_for = Ready::to_write;
        else if (got.error != SSL_ERROR_WANT_READ)
          co_return tls_failure(*tls, got.error);
      }
      tls->socket->read_turns.reset();
      const auto [error] = co_await start_wait(*tls->socket, wait_for);
      FOOTMAN_CO_TRY_STATUS(check_wait(*tls->socket, error, co_await asio::this_coro::cancellation_state));
    }
  }

  Awaitable<base::Status> write(std::string bytes) override {
    const auto tls = tls_;
    if (!tls->socket->open()) co_return closed_here();
    WriteGuard guard(*tls->socket);
    if (tls->socket->write_turns.over()) {
      tls->socket->write_turns.reset();
      co_await next_turn();
    }
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      if (!tls->socket->open()) co_return closed_here();
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_write_ex(tls->ssl.get(), bytes.data() + sent, bytes.size() - sent, &count);
      if (result == 1) {
        sent += count;
        continue;
      }
      const int error = SSL_get_error(tls->ssl.get(), result);
      if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) co_return tls_failure(*tls, error);
      tls->socket->write_turns.reset();
      const auto wait_for = error == SSL_ERROR_WANT_WRITE ? Ready::to_write : Ready::to_read;
      const auto [waited] = co_await start_wait(*tls->socket, wait_for);
      FOOTMAN_CO_TRY_STATUS(check_wait(*tls->socket, waited, co_await asio::this_coro::cancellation_state));
    }
    guard.done();
    co_return base::Status();
  }

  void close() noexcept override {
    if (!tls_->socket->socket.is_open()) return;
    say_goodbye();
    tls_->socket->close();
  }

  std::string peer() const override { return tls_->socket->peer; }

  void write_now(std::string_view bytes) noexcept override {
    if (!usable()) return;
    std::size_t count = 0;
    ERR_clear_error();
    if (SSL_write_ex(tls_->ssl.get(), bytes.data(), bytes.size(), &count) != 1) tls_->socket->broken = true;
    ERR_clear_error();
  }

  void end_writes() noexcept override {
    if (!tls_->socket->socket.is_open()) return;
    say_goodbye();
    boost::system::error_code ignored;
    tls_->socket->socket.shutdown(TcpSocket::shutdown_send, ignored);
  }

  bool quiet() noexcept override {
    if (!tls_->socket->open() || SSL_has_pending(tls_->ssl.get()) != 0) return false;
    char one = 0;
    const auto got = ::recv(tls_->socket->socket.native_handle(), &one, 1, MSG_DONTWAIT | MSG_PEEK);
    return got < 0 && errno == EAGAIN;
  }

 private:
  bool usable() const { return tls_->socket->open() && !tls_->socket->writing; }
  void say_goodbye() noexcept {
    if (usable() && SSL_in_init(tls_->ssl.get()) == 0) SSL_shutdown(tls_->ssl.get());
    ERR_clear_error();
  }
  TlsPtr tls_;
};

// The first record, or so much of it that no usual ClientHello is longer.
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMostOfHello = 4096;

// How many bytes of it are missing.
std::size_t missing_of_hello(std::string_view bytes) {
  if (bytes.size() < kRecordHeader) return kRecordHeader - bytes.size();
  if (bytes[0] != 0x16) return 0;  // OpenSSL knows what is wrong with it
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]));
  };
  const auto whole = std::min(kRecordHeader + byte(3) * 256 + byte(4), kMostOfHello);
  return whole - std::min(whole, bytes.size());
}

std::unexpected<base::Error> too_slow(const Tls& tls) {
  return base::fail(base::Errc::timeout, "the TLS handshake with " + tls.socket->peer + " took too long");
}

// Apart from the coroutine, whose frame would hold the buffer.
ssize_t take_of_hello(Tls& tls, std::size_t missing) {
  char bytes[kMostOfHello];
  const auto got = ::recv(tls.socket->socket.native_handle(), bytes, missing, MSG_DONTWAIT);
  if (got > 0) tls.replay.append(bytes, static_cast<std::size_t>(got));
  return got;
}

Awaitable<base::Status> read_hello(TlsPtr tls, const Deadline* deadline) {
  while (const auto missing = missing_of_hello(tls->replay)) {
    if (!tls->socket->open()) co_return closed_here();
    const auto got = take_of_hello(*tls, missing);
    if (got > 0) continue;
    if (got == 0) co_return base::fail(base::Errc::io, "the connection ended before the TLS handshake");
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return base::fail_errno("the connection failed", errno);
    const auto [error] = co_await start_wait(*tls->socket, Ready::to_read);
    const auto waited = check_wait(*tls->socket, error, co_await asio::this_coro::cancellation_state);
    if (deadline->passed()) co_return too_slow(*tls);
    if (!waited) co_return waited;
  }
  co_return base::Status();
}

Awaitable<base::Result<runtime::ByteStreamPtr>> shake_hands(TlsPtr tls, std::string server_name,
                                                            const Deadline* deadline) {
  while (true) {
    if (!tls->socket->open()) co_return closed_here();
    ERR_clear_error();
    tls->system_error = 0;
    const int result = SSL_do_handshake(tls->ssl.get());
    if (result == 1) break;
    const int error = SSL_get_error(tls->ssl.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      co_return std::unexpected(explain_handshake(tls->ssl.get(), tls->refused.get(), tls->socket->peer,
                                                  server_name, tls->system_error));
    }
    const auto wait_for = error == SSL_ERROR_WANT_READ ? Ready::to_read : Ready::to_write;
    const auto [wait_error] = co_await start_wait(*tls->socket, wait_for);
    const auto waited = check_wait(*tls->socket, wait_error, co_await asio::this_coro::cancellation_state);
    if (deadline->passed()) co_return too_slow(*tls);
    if (!waited) co_return std::unexpected(waited.error());
  }
  co_return std::make_unique<TlsStream>(std::move(tls));
}

bool set_server_name(SSL* ssl, const std::string& name) {
  in6_addr scratch;
  if (inet_pton(AF_INET, name.c_str(), &scratch) == 1 || inet_pton(AF_INET6, name.c_str(), &scratch) == 1) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace

Awaitable<base::Result<runtime::ByteStreamPtr>> accept_tls(runtime::ByteStreamPtr lower,
                                                           TlsServerContextPtr context, runtime::Clock& clock,
                                                           base::Duration timeout, Stranger* stranger) {
  FOOTMAN_CO_TRY(auto tls, take_socket(std::move(lower)));
  const Deadline deadline(clock, tls->socket->socket.get_executor(), timeout,
                          [socket = tls->socket] { socket->close(); });
  FOOTMAN_CO_TRY_STATUS(co_await read_hello(tls, &deadline));
  if (stranger != nullptr && !co_await stranger->begin_handshake()) co_return closed_here();
  if (deadline.passed()) co_return too_slow(*tls);
  FOOTMAN_CO_TRY_STATUS(begin_tls(*tls, context->get()));
  SSL_set_accept_state(tls->ssl.get());
  auto shaken = co_await shake_hands(std::move(tls), {}, &deadline);
  if (shaken && stranger != nullptr && !stranger->end_handshake()) co_return closed_here();
  co_return shaken;
}

Awaitable<base::Result<runtime::ByteStreamPtr>> connect_tls(runtime::ByteStreamPtr lower,
                                                            TlsClientContextPtr context,
                                                            std::string server_name, runtime::Clock& clock,
                                                            base::Duration timeout) {
  FOOTMAN_CO_TRY(auto tls, take_socket(std::move(lower)));
  FOOTMAN_CO_TRY_STATUS(begin_tls(*tls, context->get()));
  SSL_set_connect_state(tls->ssl.get());
  if (!set_server_name(tls->ssl.get(), server_name)) {
    co_return base::fail(base::Errc::invalid_argument, "\"" + server_name + "\" is not a host name");
  }
  const Deadline deadline(clock, tls->socket->socket.get_executor(), timeout,
                          [socket = tls->socket] { socket->close(); });
  co_return co_await shake_hands(std::move(tls), std::move(server_name), &deadline);
}

}  // namespace footman::net
