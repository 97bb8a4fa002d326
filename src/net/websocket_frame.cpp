#include "net/websocket_frame.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/digest.hpp"
#include "base/utf8.hpp"

namespace footman::net {
namespace {

constexpr std::uint8_t kContinuation = 0;
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
constexpr std::uint8_t kClose = 8;
constexpr std::uint8_t kPing = 9;
constexpr std::uint8_t kPong = 10;

bool is_control(std::uint8_t opcode) { return (opcode & 8) != 0; }

std::size_t header_size_of(const unsigned char* header) {
  const auto short_length = header[1] & 0x7f;
  std::size_t size = 2;
  if (short_length == 126) size += 2;
  if (short_length == 127) size += 8;
  if ((header[1] & 0x80) != 0) size += 4;
  return size;
}

std::uint64_t read_number(const unsigned char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

bool is_good_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::string encode(WebSocketRole role, std::uint8_t opcode, std::string_view payload,
                   std::string_view mask_key) {
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(0x80 | opcode);
  const auto masked = static_cast<unsigned char>(role == WebSocketRole::client ? 0x80 : 0);
  const std::uint64_t size = payload.size();
  std::size_t length_bytes = 0;
  if (size <= 125) {
    frame += static_cast<char>(masked | size);
  } else if (size <= 0xffff) {
    frame += static_cast<char>(masked | 126);
    length_bytes = 2;
  } else {
    frame += static_cast<char>(masked | 127);
    length_bytes = 8;
  }
  for (std::size_t i = length_bytes; i > 0; --i) frame += static_cast<char>(size >> (8 * (i - 1)));
  if (role == WebSocketRole::server) {
    frame += payload;
    return frame;
  }
  FOOTMAN_CHECK(mask_key.size() == 4, "a mask key has four bytes");
  unsigned char key[4];
  std::memcpy(key, mask_key.data(), 4);
  frame += mask_key;
  const auto start = frame.size();
  frame += payload;
  apply_websocket_mask(frame.data() + start, payload.size(), key, 0);
  return frame;
}

}  // namespace

void apply_websocket_mask(char* data, std::size_t size, const unsigned char (&key)[4], std::size_t at) {
  unsigned char turned[8];
  for (std::size_t i = 0; i < 8; ++i) turned[i] = key[(at + i) & 3];
  std::uint64_t key8 = 0;
  std::memcpy(&key8, turned, 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + i, 8);
    word ^= key8;
    std::memcpy(data + i, &word, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ turned[i & 7]);
}

void WebSocketDecoder::refuse(Decoded& out, std::uint16_t code, std::string_view problem) {
  state_ = State::ended;
  out.violation = code;
  out.problem = problem;
}

// False: refused. The header is complete.
bool WebSocketDecoder::take_header(Decoded& out) {
  const auto refused = [&](std::uint16_t code, std::string_view why) {
    refuse(out, code, why);
    return false;
  };
  opcode_ = header_[0] & 0x0f;
  final_ = (header_[0] & 0x80) != 0;
  const bool masked = (header_[1] & 0x80) != 0;
  const auto short_length = static_cast<std::uint8_t>(header_[1] & 0x7f);
  if ((header_[0] & 0x70) != 0) return refused(close_code::kProtocolError, "reserved bits are set");
  if (masked != (role_ == WebSocketRole::server)) {
    return refused(close_code::kProtocolError,
                   masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  if (is_control(opcode_)) {
    if (opcode_ > kPong) return refused(close_code::kProtocolError, "unknown control frame");
    if (!final_ || short_length > kMaxControlPayload) {
      return refused(close_code::kProtocolError, "a control frame is fragmented or too long");
    }
  } else if (opcode_ == kContinuation) {
    if (!in_message_) return refused(close_code::kProtocolError, "a continuation without a beginning");
  } else if (in_message_) {
    return refused(close_code::kProtocolError, "a message begins inside another one");
  } else if (opcode_ == kText) {
    return refused(close_code::kUnsupportedData, "text messages are not supported");
  } else if (opcode_ != kBinary) {
    return refused(close_code::kProtocolError, "unknown kind of frame");
  }

  left_ = short_length;
  std::size_t at = 2;
  if (short_length >= 126) {
    const std::size_t count = short_length == 126 ? 2 : 8;
    left_ = read_number(header_ + at, count);
    at += count;
    if (left_ < (count == 2 ? 126u : 65'536u) || (left_ >> 63) != 0) {
      return refused(close_code::kProtocolError, "the length is not in its shortest form");
    }
  }
  if (left_ > max_payload_) return refused(close_code::kTooLarge, "a frame is too large");
  std::fill(std::begin(mask_), std::end(mask_), 0);
  if (masked) std::memcpy(mask_, header_ + at, 4);
  mask_at_ = 0;
  header_size_ = 0;
  state_ = is_control(opcode_) ? State::control : State::payload;
  if (!is_control(opcode_)) in_message_ = true;
  return true;
}

void WebSocketDecoder::end_control(Decoded& out) {
  state_ = State::header;
  std::string payload = std::move(control_);
  control_ = std::string();
  apply_websocket_mask(payload.data(), payload.size(), mask_, 0);
  if (opcode_ == kPing) {
    out.pings.push_back(std::move(payload));
    return;
  }
  if (opcode_ == kPong) {
    ++out.pongs;
    return;
  }
  Close close;
  if (payload.size() == 1) return refuse(out, close_code::kProtocolError, "a close code of one byte");
  if (payload.size() >= 2) {
    close.code =
        static_cast<std::uint16_t>(read_number(reinterpret_cast<const unsigned char*>(payload.data()), 2));
    close.reason = payload.substr(2);
    if (!is_good_close_code(close.code))
      return refuse(out, close_code::kProtocolError, "a close code that may not be sent");
    if (!base::is_utf8(close.reason))
      return refuse(out, close_code::kInvalidData, "a close reason that is not UTF-8");
  }
  state_ = State::ended;
  out.close = std::move(close);
}

WebSocketDecoder::Decoded WebSocketDecoder::decode(char* data, std::size_t size) {
  Decoded out;
  std::size_t at = 0;
  // A frame without payload is complete with its header, so its end is looked at before more input is asked
  // for.
  while (state_ != State::ended) {
    if (state_ == State::header) {
      if (at == size) break;
      header_[header_size_++] = static_cast<unsigned char>(data[at++]);
      if (header_size_ < 2 || header_size_ < header_size_of(header_)) continue;
      take_header(out);
      continue;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
    if (state_ == State::control) {
      control_.append(data + at, count);
      at += count;
      left_ -= count;
      if (left_ > 0) break;
      end_control(out);
      continue;
    }
    if (role_ == WebSocketRole::server) apply_websocket_mask(data + at, count, mask_, mask_at_);
    if (out.payload_bytes != at) std::memmove(data + out.payload_bytes, data + at, count);
    mask_at_ = static_cast<std::uint8_t>((mask_at_ + count) & 3);
    out.payload_bytes += count;
    at += count;
    left_ -= count;
    if (left_ > 0) break;
    state_ = State::header;
    if (final_) in_message_ = false;
  }
  return out;
}

std::string encode_websocket_binary(WebSocketRole role, std::string_view payload, std::string_view mask_key) {
  return encode(role, kBinary, payload, mask_key);
}
std::string encode_websocket_pong(WebSocketRole role, std::string_view payload, std::string_view mask_key) {
  return encode(role, kPong, payload.substr(0, kMaxControlPayload), mask_key);
}

std::string encode_websocket_close(WebSocketRole role, std::uint16_t code, std::string_view reason,
                                   std::string_view mask_key) {
  std::string payload;
  if (code != close_code::kNoCode) {
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    payload += base::cut_utf8(reason, kMaxControlPayload - 2);
  }
  return encode(role, kClose, payload, mask_key);
}

}  // namespace footman::net
