// One connection to the server, from the preface to its end. Inside the module: agent.cpp is the only user.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.hpp"
#include "protocol/codec.hpp"
#include "protocol/messages.hpp"
#include "runtime/stream.hpp"
#include "runtime/wait.hpp"

namespace footman::agent {

struct Session {
  explicit Session(runtime::ByteStreamPtr bytes) : stream(std::move(bytes)) {}

  // Queues an answer. Too many of them at once (a server that asks and does not read): the connection ends.
  void send(const protocol::Message& message) {
    answers += protocol::encode(message);
    if (answers.size() > kMaxUnsentBytes) return stream->close();
    wake.notify();
  }

  runtime::ByteStreamPtr stream;
  protocol::FrameDecoder decoder{protocol::Direction::to_agent};
  protocol::Welcome welcome;
  bool challenged = false;
  bool welcomed = false;
  bool leaving = false;  // Goodbye is the last of the answers
  bool over = false;     // nothing is read any more
  std::string answers;
  base::Duration heard{0};  // steady, the last byte
  std::uint64_t heartbeats = 0;
  runtime::Event wake;     // for the writer
  runtime::Event changed;  // welcomed, or over
  runtime::Event written;  // the writer has ended: written_out
  bool written_out = false;
};

}  // namespace footman::agent
