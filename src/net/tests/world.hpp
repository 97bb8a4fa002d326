// One thread, a real clock, real sockets on loopback: runs coroutines of a test to their end.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/rng.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::net::test {

struct World {
  boost::asio::io_context io;
  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(1);
  runtime::Scope scope{io.get_executor(), {}};

  runtime::Executor executor() { return io.get_executor(); }

  template <class T>
  T run(runtime::Awaitable<T> coroutine) {
    std::optional<T> result;
    std::exception_ptr failure;
    bool done = false;
    boost::asio::co_spawn(io, std::move(coroutine), [&](std::exception_ptr error, T value) {
      failure = error;
      if (!error) result.emplace(std::move(value));
      done = true;
    });
    step_until([&] { return done; });
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
  void run(runtime::Awaitable<void> coroutine) {
    std::exception_ptr failure;
    bool done = false;
    boost::asio::co_spawn(io, std::move(coroutine), [&](std::exception_ptr error) {
      failure = error;
      done = true;
    });
    step_until([&] { return done; });
    if (failure) std::rethrow_exception(failure);
  }
  template <class Condition>
  void step_until(Condition condition) {
    while (!condition()) {
      io.restart();
      io.run_one();
    }
  }
  std::unique_ptr<Listener> listen() {
    return std::move(*create_listener(executor(), *clock, Endpoint{"127.0.0.1", 0}, {}));
  }
};

struct Pair {
  runtime::ByteStreamPtr client;
  runtime::ByteStreamPtr server;
};

inline Pair connect_pair(World& world) {
  auto listener = world.listen();
  const auto endpoint = listener->endpoint();
  auto client = world.run(
      connect_tcp(world.executor(), *world.clock, endpoint.host, endpoint.port, std::chrono::seconds(5)));
  auto server = world.run(listener->accept());
  return {std::move(*client), std::move(*server)};
}

struct TlsIdentity {
  SelfSigned made;
  TlsServerContextPtr server;
};
inline TlsIdentity make_identity(std::vector<std::string> hosts, base::Instant now, int days = 1) {
  auto made = create_self_signed(hosts, now, days);
  auto context = create_tls_server_context({made->certificate_pem, made->private_key_pem});
  return {std::move(*made), std::move(*context)};
}
inline TlsClientContextPtr trusting(const TlsIdentity& identity) {
  return *create_tls_client_context({false, identity.made.certificate_pem, {}});
}

// Reads until `count` bytes came or the stream ended.
inline runtime::Awaitable<std::string> read_bytes(runtime::ByteStream* stream, std::size_t count) {
  std::string all;
  while (all.size() < count) {
    const auto more = co_await stream->read(std::min<std::size_t>(count - all.size(), 64 * 1024));
    if (!more || more->empty()) break;
    all += *more;
  }
  co_return all;
}

}  // namespace footman::net::test
