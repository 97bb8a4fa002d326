// Messages to bytes and back, without a socket.
//
// A connection is one stream of bytes each way. The agent's begins with the preface, so that the agent port
// can tell this protocol from others. Then frames: u32 little-endian payload length, u8 message number,
// payload. How the bytes are cut into TCP segments or WebSocket messages means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"

namespace footman::protocol {

inline constexpr std::string_view kPreface{"FOOTMAN\x01", 8};
// Where an agent asks for a WebSocket on the HTTP port.
inline constexpr std::string_view kWebSocketPath = "/agent/v1";
inline constexpr std::size_t kFrameHeaderBytes = 5;
// In the number of an unknown message: the receiver may skip it. Without it an unknown message is an error.
inline constexpr std::uint8_t kMayIgnore = 0x80;

enum class Direction : std::uint8_t { to_server, to_agent };

struct MessageInfo {
  std::string_view name;
  std::uint8_t number;
  bool from_agent;
  bool from_server;
  bool first;      // may (and unless it is Goodbye must) be the first message of its direction
  bool sensitive;  // holds secrets: its bytes are wiped after decoding
};

// In the order of Message's alternatives.
std::span<const MessageInfo> all_messages();
const MessageInfo& info_of(const Message& message);

enum class PrefaceMatch : std::uint8_t { yes, no, need_more };
// Do these first bytes of a connection belong to this protocol? Consumes nothing.
PrefaceMatch match_preface(std::string_view first_bytes);

// Whether the message can be encoded: every name, value, list and the whole frame within limits.hpp. To be
// asked before a message made from a user's input (Assign) is encoded. Free text is cut instead and never
// fails.
base::Status check(const Message& message);

// One frame, in one exact allocation. A message that fails check() is a bug (FOOTMAN_CHECK). Numbers outside
// their range are clamped. The result of Hello and Assign holds secrets: base::wipe() it after it is written.
std::string encode(const Message& message);
void encode_to(std::string& out, const Message& message);  // appends; not for messages with secrets

// The bulk path: the frame of a LogData whose bytes lie elsewhere, one copy. At most kMaxLogDataBytes.
void encode_log_data_to(std::string& out, base::StreamId stream, std::uint64_t offset,
                        std::span<const TimeMark> marks, std::string_view bytes);

// Bytes in, messages out. Feed what arrives, then call next() until it has no more; the same events for any
// split.
//
// A decoder for the server takes the preface, then Hello, then only what agents send; one for the agent takes
// Welcome, Credential, Refused or Goodbye first, after a Challenge if there is one. Errors are final: next()
// repeats the first one, further bytes are dropped. The error's message names the message and field and the
// byte of the stream; codes: corrupt (not this protocol or broken), unsupported (unknown message),
// resource_exhausted (over a limit).
class FrameDecoder {
 public:
  explicit FrameDecoder(Direction direction);
  ~FrameDecoder();
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  void feed(std::string_view bytes);
  void feed(std::string&&
                bytes);  // takes the chunk over instead of copying it when nothing is left of the last one
  void feed(const char* bytes) { feed(std::string_view(bytes)); }

  base::Result<std::optional<Message>> next();

  std::size_t bytes_buffered() const { return buffer_.size() - begin_; }
  // Memory held: a few hundred bytes between messages, never much more than the fed bytes.
  std::size_t memory_bytes() const { return buffer_.capacity(); }

 private:
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }
  void consume(std::size_t count, bool sensitive);
  void make_room(std::size_t count);
  base::Status take_preface();
  base::Status check_header(std::size_t length, std::uint8_t number) const;
  base::Result<std::optional<Message>> take_frame();
  std::unexpected<base::Error> fail(base::Errc code, std::string_view what, std::uint64_t at);

  Direction direction_;
  bool preface_done_;
  bool first_done_ = false;
  std::string buffer_;
  std::size_t begin_ = 0;       // of what is not consumed yet
  std::uint64_t consumed_ = 0;  // of the whole stream
  std::optional<base::Error> error_;
};

}  // namespace footman::protocol
