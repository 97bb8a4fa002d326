// A connected TCP socket, shared by a stream and its pending calls. For use inside net only: the heavy part
// of Asio.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <string>
#include <tuple>

#include "base/result.hpp"
#include "net/net_stream.hpp"

namespace footman::net {

using TcpSocket = boost::asio::ip::tcp::socket;

inline constexpr std::size_t kReadChunk = 64 * 1024;  // the most one read() returns

// Calls that never had to wait, one after the other: after some of them others get their turn.
class Turns {
 public:
  explicit Turns(int most = 16) : most_(most) {}
  bool over() { return ++count_ >= most_; }
  void reset() { count_ = 0; }

 private:
  int most_;
  int count_ = 0;
};

struct Socket {
  Socket(TcpSocket s, std::string p) : socket(std::move(s)), peer(std::move(p)) {}
  TcpSocket socket;
  std::string peer;
  Turns read_turns;
  Turns write_turns;
  bool writing = false;
  bool broken = false;  // a write was given up halfway
  bool open() const { return socket.is_open() && !broken; }
  void close() noexcept;
};
using SocketPtr = std::shared_ptr<Socket>;

enum class Ready { to_read, to_write };
// Waiting in two parts, without a coroutine of its own: one frame less for every idle connection.
//   const auto [error] = co_await start_wait(*socket, Ready::to_read);
//   check_wait(*socket, error, co_await boost::asio::this_coro::cancellation_state)
runtime::Awaitable<std::tuple<boost::system::error_code>> start_wait(Socket& socket, Ready what);
// Throws when the waiting coroutine is cancelled; an error when the socket was closed meanwhile.
base::Status check_wait(const Socket& socket, boost::system::error_code error,
                        const boost::asio::cancellation_state& state);
// Lets others run.
runtime::Awaitable<void> next_turn();
std::unexpected<base::Error> closed_here();

class TcpStream final : public NetStream {
 public:
  explicit TcpStream(SocketPtr socket) : socket_(std::move(socket)) {}
  ~TcpStream() override { close(); }
  runtime::Awaitable<base::Result<std::string>> read(std::size_t max) override;
  runtime::Awaitable<base::Status> write(std::string bytes) override;
  void close() noexcept override;
  std::string peer() const override;
  void write_now(std::string_view bytes) noexcept override;
  void end_writes() noexcept override;
  bool quiet() noexcept override;

  const SocketPtr& socket() const { return socket_; }
  SocketPtr release() { return std::move(socket_); }  // the stream is of no use any more

 private:
  SocketPtr socket_;
};

std::string format_address(const boost::asio::ip::tcp::endpoint& endpoint);  // "127.0.0.1:80", "[::1]:80"

// Marks the writing direction busy, and broken if the coroutine goes away in the middle.
class WriteGuard {
 public:
  explicit WriteGuard(Socket& socket) : socket_(socket) { socket_.writing = true; }
  WriteGuard(const WriteGuard&) = delete;
  WriteGuard& operator=(const WriteGuard&) = delete;
  ~WriteGuard() {
    socket_.writing = false;
    if (!done_) socket_.broken = true;
  }
  void done() { done_ = true; }

 private:
  Socket& socket_;
  bool done_ = false;
};

}  // namespace footman::net
