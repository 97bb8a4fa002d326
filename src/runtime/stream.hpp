// A two-way stream of bytes: TCP, TLS, WebSocket binary messages, a simulated wire. Chunk borders mean
// nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "runtime/awaitable.hpp"

namespace footman::runtime {

// One reader and one writer at a time. All calls on the stream's executor (the one that made it).
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Waits for bytes and returns 1…max of them, or an empty string at the orderly end of the stream. An error
  // is final. Holds no buffer while it waits, so that an idle stream costs little.
  virtual Awaitable<base::Result<std::string>> read(std::size_t max) = 0;
  // Returns when all bytes went to the operating system; waiting here is the back pressure.
  virtual Awaitable<base::Status> write(std::string bytes) = 0;
  // Ends both directions at once; pending calls return an error. Safe to call again. Unsent bytes may be
  // lost.
  virtual void close() noexcept = 0;
  // "127.0.0.1:40312", for logs.
  virtual std::string peer() const = 0;
};

using ByteStreamPtr = std::unique_ptr<ByteStream>;

}  // namespace footman::runtime
