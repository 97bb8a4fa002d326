// WebSocket frames (RFC 6455), sans-IO. Binary messages only: text is refused with 1003. No extensions.
// Message borders are dropped: what comes out is a stream of bytes, plus control frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::net {

enum class WebSocketRole { server, client };  // ours: a client masks, a server does not

namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kNoCode = 1005;  // never on the wire: a close frame without a code
inline constexpr std::uint16_t kInvalidData = 1007;
inline constexpr std::uint16_t kTooLarge = 1009;
}  // namespace close_code

inline constexpr std::size_t kMaxControlPayload = 125;
inline constexpr std::uint64_t kMaxFramePayload = 16 * 1024 * 1024;

// The other side's frames, as it arrives, in any split.
class WebSocketDecoder {
 public:
  explicit WebSocketDecoder(WebSocketRole role, std::uint64_t max_frame_payload = kMaxFramePayload)
      : role_(role), max_payload_(max_frame_payload) {}

  struct Close {
    std::uint16_t code = close_code::kNoCode;
    std::string reason;
  };
  struct Decoded {
    std::size_t payload_bytes = 0;   // message bytes now stand at the front of the buffer, unmasked
    std::vector<std::string> pings;  // to be answered
    std::size_t pongs = 0;
    std::optional<Close> close;   // the other side is done; bytes after it were dropped
    std::uint16_t violation = 0;  // close code to answer with; what follows is dropped
    std::string problem;          // in words, with a violation
  };
  // Takes all bytes of the buffer and compacts the message bytes to its front. After a close or a violation
  // further bytes are dropped.
  Decoded decode(char* data, std::size_t size);

 private:
  enum class State { header, payload, control, ended };
  bool take_header(Decoded& out);
  void end_control(Decoded& out);
  void refuse(Decoded& out, std::uint16_t code, std::string_view problem);

  WebSocketRole role_;
  std::uint64_t max_payload_;
  State state_ = State::header;
  bool in_message_ = false;
  bool final_ = false;
  std::uint8_t opcode_ = 0;
  std::uint8_t header_size_ = 0;
  unsigned char header_[14] = {};
  unsigned char mask_[4] = {};
  std::uint8_t mask_at_ = 0;
  std::uint64_t left_ = 0;  // of this frame's payload
  std::string control_;
};

// One whole binary message. `mask_key` (4 bytes) is used by clients only.
std::string encode_websocket_binary(WebSocketRole role, std::string_view payload, std::string_view mask_key);
std::string encode_websocket_pong(WebSocketRole role, std::string_view payload, std::string_view mask_key);
// The reason is cut to what a control frame holds. kNoCode gives an empty close frame.
std::string encode_websocket_close(WebSocketRole role, std::uint16_t code, std::string_view reason,
                                   std::string_view mask_key);

// XORs with the key, starting at key byte `at`.
void apply_websocket_mask(char* data, std::size_t size, const unsigned char (&key)[4], std::size_t at);

std::string websocket_accept_key(std::string_view key);  // Sec-WebSocket-Accept for a Sec-WebSocket-Key

}  // namespace footman::net
