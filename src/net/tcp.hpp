// TCP as ByteStreams: connecting and listening. The executor must be a single-threaded one of an io_context.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

// "127.0.0.1:8080", "[::1]:0", "build.example.org:443". The host is without brackets.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string str() const;
  bool operator==(const Endpoint&) const = default;
};
base::Result<Endpoint> parse_endpoint(std::string_view text);

// Looks the name up anew, then tries every address in turn within `timeout` (each gets a fair part of what is
// left). The error names the host and the last reason. TCP_NODELAY is set. Numeric hosts need no resolver.
runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_tcp(runtime::Executor executor,
                                                                     runtime::Clock& clock, std::string host,
                                                                     std::uint16_t port,
                                                                     base::Duration timeout);

// The addresses that a name has here, numeric; a numeric one has itself. unavailable: none; timeout.
runtime::Awaitable<base::Result<std::vector<std::string>>> find_addresses(runtime::Executor executor,
                                                                          runtime::Clock& clock,
                                                                          std::string host,
                                                                          base::Duration timeout);

// A listening socket. All calls on its executor.
class Listener {
 public:
  virtual ~Listener() = default;
  // The address with the port that was really bound.
  virtual Endpoint endpoint() const = 0;
  // The next connection. Out of descriptors or memory: waits a little and goes on (a warning each time it
  // begins). An error means that the listener was closed.
  virtual runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> accept() = 0;
  virtual void close() noexcept = 0;
};

// Errors: already_exists (port in use: the message names it, the hint says what to do), permission_denied,
// invalid_argument (no such address here). The host must be numeric or "localhost". The clock outlives it.
base::Result<std::unique_ptr<Listener>> create_listener(runtime::Executor executor, runtime::Clock& clock,
                                                        const Endpoint& endpoint, base::Logger log);

}  // namespace footman::net
