// What was decoded passes check(), and encoding it gives bytes that decode to the same message.
// Input: one byte, the message number; then the payload.
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "protocol/codec.hpp"

using namespace footman::protocol;

namespace {

// The handshake a message has to come after.
std::string opening(Direction direction) {
  if (direction == Direction::to_agent) {
    Welcome welcome;
    welcome.installation = footman::base::InstallationId("i");
    return encode(welcome);
  }
  Hello hello;
  hello.agent = footman::base::AgentId("a");
  hello.session_key = footman::base::Secret(std::string(kSessionKeyBytes, 'k'));
  return std::string(kPreface) + encode(hello);
}

std::optional<Message> decode(const MessageInfo& info, const std::string& frame) {
  const auto direction = info.from_agent ? Direction::to_server : Direction::to_agent;
  FrameDecoder decoder(direction);
  if (!info.first || info.from_agent == info.from_server) {
    decoder.feed(opening(direction));
    FOOTMAN_CHECK(decoder.next().has_value(), "the opening is good");
  } else if (direction == Direction::to_server) {
    decoder.feed(kPreface);
  }
  decoder.feed(std::string_view(frame));
  auto message = decoder.next();
  return message ? std::move(*message) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  for (const auto& info : all_messages()) {
    if (info.number != data[0]) continue;
    std::string frame;
    for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(((size - 1) >> shift) & 0xFF);
    frame.append(reinterpret_cast<const char*>(data), size);
    const auto message = decode(info, frame);
    if (!message) return 0;
    FOOTMAN_CHECK(check(*message).has_value(), "a decoded message is within the limits");
    const auto once = encode(*message);
    const auto again = decode(info, once);
    FOOTMAN_CHECK(again.has_value(), "an encoded message is decoded");
    FOOTMAN_CHECK(encode(*again) == once, "to the same message");
  }
  return 0;
}
