// Two connected ByteStreams in memory, for tests and the simulation. Both ends and the wire belong to one
// single-threaded executor.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "runtime/stream.hpp"

namespace footman::runtime {

// What a test does to the connection.
class MemoryWire {
 public:
  virtual ~MemoryWire() = default;
  // Both ends get an error at once; bytes under way are lost.
  virtual void cut() = 0;
  // Half-open: what is written from now on vanishes and nobody is told, until cut() or close().
  virtual void swallow(bool on) = 0;
  // Nothing is delivered while held; the bytes wait and arrive in order afterwards.
  virtual void hold(bool on) = 0;
};

struct MemoryStreams {
  ByteStreamPtr first;
  ByteStreamPtr second;
  std::shared_ptr<MemoryWire> wire;
};

// `capacity_bytes`: what one direction takes before write() waits.
MemoryStreams make_memory_streams(std::size_t capacity_bytes = 256 * 1024,
                                  std::string first_peer = "memory:1", std::string second_peer = "memory:2");

}  // namespace footman::runtime
