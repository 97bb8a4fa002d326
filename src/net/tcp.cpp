#include "net/tcp.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/number.hpp"
#include "net/deadline.hpp"
#include "net/socket.hpp"
#include "runtime/wait.hpp"

namespace footman::net {

namespace asio = boost::asio;
using boost::asio::ip::tcp;
using runtime::Awaitable;

std::string Endpoint::str() const { return base::format_endpoint(host, port); }

base::Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return base::fail(base::Errc::invalid_argument, fmt::format("\"{}\" is not an address: {}", text, why),
                      {}, "Write ADDRESS:PORT, for example 127.0.0.1:8080 or [::1]:8080.");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the port is missing");
  auto host = text.substr(0, colon);
  const auto port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address stands in brackets");
  }
  if (host.empty()) return bad("the host is missing");
  const auto port = base::find_number<std::uint16_t>(port_text);
  if (!port) return bad("the port is a number from 0 to 65535");
  return Endpoint{std::string(host), *port};
}

namespace {

constexpr int kBacklog = 4096;
constexpr base::Duration kOutOfDescriptorsPause = std::chrono::milliseconds(100);

// Descriptors made here never leak into children.
int open_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
}

void set_no_delay(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Lookup {
  explicit Lookup(const runtime::Executor& executor) : resolver(executor) {}
  tcp::resolver resolver;
  runtime::Event done;
  bool ended = false;
  boost::system::error_code error;
  std::vector<tcp::endpoint> endpoints;
};

Awaitable<base::Result<std::vector<tcp::endpoint>>> look_up(runtime::Executor executor, runtime::Clock* clock,
                                                            std::string host, std::uint16_t port,
                                                            base::Duration timeout) {
  boost::system::error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};

  // The look-up itself cannot be interrupted: after the time limit it is left to end on its own.
  const auto lookup = std::make_shared<Lookup>(executor);
  lookup->resolver.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [lookup](boost::system::error_code error, const tcp::resolver::results_type& results) {
        lookup->ended = true;
        lookup->error = error;
        for (const auto& one : results) lookup->endpoints.push_back(one.endpoint());
        lookup->done.notify();
      });
  co_await lookup->done.wait_for(*clock, timeout);
  if (!lookup->ended) {
    co_return base::fail(base::Errc::timeout, fmt::format("looking up \"{}\" took too long", host));
  }
  if (lookup->error || lookup->endpoints.empty()) {
    const auto why = lookup->error ? lookup->error.message() : std::string("no address");
    co_return base::fail(base::Errc::unavailable,
                         fmt::format("the name \"{}\" has no address: {}", host, why));
  }
  co_return lookup->endpoints;
}

Awaitable<base::Result<runtime::ByteStreamPtr>> connect_one(runtime::Executor executor, runtime::Clock* clock,
                                                            tcp::endpoint endpoint, base::Duration timeout) {
  const auto what = "cannot connect to " + format_address(endpoint);
  const int fd = open_socket(endpoint.protocol().family());
  if (fd < 0) co_return base::fail_errno("cannot make a socket", errno);
  const auto socket = std::make_shared<Socket>(TcpSocket(executor), format_address(endpoint));
  socket->socket.assign(endpoint.protocol(), fd);
  set_no_delay(fd);

  boost::system::error_code error;
  bool late = false;
  {
    const Deadline deadline(*clock, executor, timeout, [socket] { socket->close(); });
    std::tie(error) = co_await socket->socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    late = deadline.passed();
  }
  if (late) {
    co_return base::fail(base::Errc::timeout,
                         fmt::format("{}: no answer within {}", what, base::format_duration(timeout)));
  }
  if (error) co_return base::fail(base::Errc::unavailable, fmt::format("{}: {}", what, error.message()));
  co_return std::make_unique<TcpStream>(socket);
}

}  // namespace

Awaitable<base::Result<std::vector<std::string>>> find_addresses(runtime::Executor executor,
                                                                 runtime::Clock& clock, std::string host,
                                                                 base::Duration timeout) {
  FOOTMAN_CO_TRY(const auto found,
                 co_await look_up(std::move(executor), &clock, std::move(host), 0, timeout));
  std::vector<std::string> out;
  for (const auto& one : found) out.push_back(one.address().to_string());
  co_return out;
}

Awaitable<base::Result<runtime::ByteStreamPtr>> connect_tcp(runtime::Executor executor, runtime::Clock& clock,
                                                            std::string host, std::uint16_t port,
                                                            base::Duration timeout) {
  const auto until = clock.steady() + timeout;
  auto endpoints = co_await look_up(executor, &clock, host, port, timeout);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  base::Error last{base::Errc::timeout, fmt::format("cannot connect to {}:{} in time", host, port), {}, {}};
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    const auto left = until - clock.steady();
    if (left <= base::Duration(0)) break;
    const auto part = left / static_cast<int>(endpoints->size() - i);
    auto stream = co_await connect_one(executor, &clock, (*endpoints)[i], part);
    if (stream) co_return std::move(*stream);
    last = stream.error();
  }
  boost::system::error_code not_numeric;
  (void)asio::ip::make_address(host, not_numeric);
  if (not_numeric) last.message += fmt::format(" (\"{}\" has {} addresses)", host, endpoints->size());
  co_return std::unexpected(last);
}

namespace {

struct Acceptor {
  explicit Acceptor(const runtime::Executor& executor) : acceptor(executor) {}
  tcp::acceptor acceptor;
  Turns turns{32};  // who has no room is closed quickly, and others stand behind him
};

class TcpListener final : public Listener {
 public:
  TcpListener(std::shared_ptr<Acceptor> acceptor, runtime::Clock& clock, base::Logger log)
      : acceptor_(std::move(acceptor)), clock_(&clock), log_(std::move(log)) {
    const auto local = acceptor_->acceptor.local_endpoint();
    endpoint_ = Endpoint{local.address().to_string(), local.port()};
  }
  ~TcpListener() override { close(); }

  Endpoint endpoint() const override { return endpoint_; }

  Awaitable<base::Result<runtime::ByteStreamPtr>> accept() override {
    return accept_next(acceptor_, clock_, log_);
  }

  void close() noexcept override {
    boost::system::error_code ignored;
    acceptor_->acceptor.close(ignored);
  }

 private:
  // Static, so that it holds what it needs when the listener goes away.
  static Awaitable<base::Result<runtime::ByteStreamPtr>> accept_next(std::shared_ptr<Acceptor> own,
                                                                     runtime::Clock* clock,
                                                                     base::Logger log) {
    bool warned = false;
    while (own->acceptor.is_open()) {
      tcp::endpoint peer;
      auto size = static_cast<socklen_t>(peer.capacity());
      const int fd =
          ::accept4(own->acceptor.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        if (own->turns.over()) {  // a flood of connections is not all there is to do
          own->turns.reset();
          co_await next_turn();
        }
        peer.resize(size);
        TcpSocket socket(own->acceptor.get_executor());
        socket.assign(peer.protocol(), fd);
        set_no_delay(fd);
        co_return std::make_unique<TcpStream>(
            std::make_shared<Socket>(std::move(socket), format_address(peer)));
      }
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) {
        co_await own->acceptor.async_wait(tcp::acceptor::wait_read, asio::as_tuple(asio::use_awaitable));
      } else if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
        if (!std::exchange(warned, true)) {
          log.warning("cannot accept connections for now",
                      {{"error", base::fail_errno("accept", error).error().message}});
        }
        co_await runtime::sleep_for(*clock, kOutOfDescriptorsPause);
      }
      // Everything else is an error of a connection that is gone already.
    }
    co_return base::fail(base::Errc::cancelled, "the listener was closed");
  }

  std::shared_ptr<Acceptor> acceptor_;
  runtime::Clock* clock_;
  base::Logger log_;
  Endpoint endpoint_;
};

base::Error listen_error(const Endpoint& endpoint, int error) {
  const auto where = endpoint.str();
  if (error == EADDRINUSE) {
    return {base::Errc::already_exists,
            fmt::format("port {} is in use on {}", endpoint.port, endpoint.host),
            {},
            fmt::format("Stop what listens there (ss -ltnp 'sport = :{}' shows it) or choose another port.",
                        endpoint.port)};
  }
  if (error == EACCES) {
    return {base::Errc::permission_denied,
            fmt::format("may not listen on {}", where),
            {},
            "Ports below 1024 need root or CAP_NET_BIND_SERVICE."};
  }
  if (error == EADDRNOTAVAIL) {
    return {base::Errc::invalid_argument,
            fmt::format("this machine has no address {}", endpoint.host),
            {},
            "Use 127.0.0.1, 0.0.0.0 (all IPv4 addresses) or an address that \"ip address\" shows."};
  }
  return base::fail_errno("cannot listen on " + where, error).error();
}

}  // namespace

base::Result<std::unique_ptr<Listener>> create_listener(runtime::Executor executor, runtime::Clock& clock,
                                                        const Endpoint& endpoint, base::Logger log) {
  boost::system::error_code error;
  const auto address =
      asio::ip::make_address(endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host, error);
  if (error) {
    return base::fail(base::Errc::invalid_argument,
                      fmt::format("\"{}\" is not a numeric address to listen on", endpoint.host), {},
                      "Use 127.0.0.1, 0.0.0.0 or an address of this machine.");
  }
  const tcp::endpoint local(address, endpoint.port);
  const int fd = open_socket(local.protocol().family());
  if (fd < 0) return base::fail_errno("cannot make a socket", errno);
  auto acceptor = std::make_shared<Acceptor>(executor);
  acceptor->acceptor.assign(local.protocol(), fd);
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, local.data(), static_cast<socklen_t>(local.size())) < 0 || ::listen(fd, kBacklog) < 0) {
    return std::unexpected(listen_error(endpoint, errno));
  }
  return std::make_unique<TcpListener>(std::move(acceptor), clock, std::move(log));
}

}  // namespace footman::net
