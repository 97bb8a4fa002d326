#include "net/socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>

namespace footman::net {

namespace asio = boost::asio;
using runtime::Awaitable;

void Socket::close() noexcept {
  boost::system::error_code ignored;
  socket.close(ignored);
}

std::unexpected<base::Error> closed_here() {
  return base::fail(base::Errc::cancelled, "the connection was closed on this side");
}

Awaitable<std::tuple<boost::system::error_code>> start_wait(Socket& socket, Ready what) {
  const auto type = what == Ready::to_read ? TcpSocket::wait_read : TcpSocket::wait_write;
  return socket.socket.async_wait(type, asio::as_tuple(asio::use_awaitable));
}

base::Status check_wait(const Socket& socket, boost::system::error_code error,
                        const asio::cancellation_state& state) {
  if (state.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted, "cancelled");
  }
  if (!socket.open()) return closed_here();
  if (error) return base::fail(base::Errc::io, "waiting for the network: " + error.message());
  return {};
}

Awaitable<void> next_turn() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

std::string format_address(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6()) return fmt::format("[{}]:{}", address.to_string(), endpoint.port());
  return fmt::format("{}:{}", address.to_string(), endpoint.port());
}

namespace {

// What one recv gave. Bytes are held in as little memory as they need.
struct Received {
  ssize_t count = 0;
  int error = 0;
  std::string bytes;
};

Received receive(int fd, std::size_t max) {
  Received got;
  got.bytes.resize_and_overwrite(max, [&got, fd](char* data, std::size_t size) {
    got.count = ::recv(fd, data, size, MSG_DONTWAIT);
    got.error = errno;
    return static_cast<std::size_t>(std::max<ssize_t>(got.count, 0));
  });
  if (got.bytes.size() < max / 2) got.bytes.shrink_to_fit();
  return got;
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

std::unexpected<base::Error> connection_error(int error) {
  return base::fail_errno("the connection failed", error);
}

}  // namespace

Awaitable<base::Result<std::string>> TcpStream::read(std::size_t max) {
  const auto socket = socket_;
  if (socket->read_turns.over()) {
    socket->read_turns.reset();
    co_await next_turn();
  }
  while (true) {
    if (!socket->open()) co_return closed_here();
    {
      auto got = receive(socket->socket.native_handle(), std::min(max, kReadChunk));
      if (got.count >= 0) co_return std::move(got.bytes);
      if (got.error == EINTR) continue;
      if (!would_block(got.error)) co_return connection_error(got.error);
    }
    socket->read_turns.reset();
    const auto [error] = co_await start_wait(*socket, Ready::to_read);
    FOOTMAN_CO_TRY_STATUS(check_wait(*socket, error, co_await asio::this_coro::cancellation_state));
  }
}

Awaitable<base::Status> TcpStream::write(std::string bytes) {
  const auto socket = socket_;
  if (!socket->open()) co_return closed_here();
  WriteGuard guard(*socket);
  if (socket->write_turns.over()) {
    socket->write_turns.reset();
    co_await next_turn();
  }
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    if (!socket->open()) co_return closed_here();
    const auto count = ::send(socket->socket.native_handle(), bytes.data() + sent, bytes.size() - sent,
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) co_return connection_error(errno);
    socket->write_turns.reset();
    const auto [error] = co_await start_wait(*socket, Ready::to_write);
    FOOTMAN_CO_TRY_STATUS(check_wait(*socket, error, co_await asio::this_coro::cancellation_state));
  }
  guard.done();
  co_return base::Status();
}

void TcpStream::close() noexcept {
  if (socket_) socket_->close();
}

std::string TcpStream::peer() const { return socket_ ? socket_->peer : std::string(); }

void TcpStream::write_now(std::string_view bytes) noexcept {
  if (!socket_ || !socket_->open() || socket_->writing) return;
  (void)::send(socket_->socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void TcpStream::end_writes() noexcept {
  boost::system::error_code ignored;
  if (socket_ && socket_->socket.is_open()) socket_->socket.shutdown(TcpSocket::shutdown_send, ignored);
}

bool TcpStream::quiet() noexcept {
  if (!socket_ || !socket_->open()) return false;
  char one = 0;
  const auto got = ::recv(socket_->socket.native_handle(), &one, 1, MSG_DONTWAIT | MSG_PEEK);
  return got < 0 && would_block(errno);
}

}  // namespace footman::net
