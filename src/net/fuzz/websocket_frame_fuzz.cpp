// Frames cut into pieces give the same bytes, control frames and end as all at once.
// Input: one byte (bit 0: our role, bits 1…7: how it is cut), then the frames.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "net/websocket_frame.hpp"

using namespace footman::net;

namespace {

struct Outcome {
  std::string payload;
  std::vector<std::string> pings;
  std::size_t pongs = 0;
  int closed = 0;
  std::string reason;
  int violation = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(WebSocketRole role, const std::string& bytes, std::uint32_t cut) {
  WebSocketDecoder decoder(role, 100'000);
  Outcome out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = cut == 0 ? bytes.size() : 1 + (cut * 7 + at * 13) % 61;
    auto part = bytes.substr(at, size);
    at += part.size();
    const auto step = decoder.decode(part.data(), part.size());
    FOOTMAN_CHECK(step.payload_bytes <= part.size(), "more payload than input");
    out.payload.append(part, 0, step.payload_bytes);
    out.pings.insert(out.pings.end(), step.pings.begin(), step.pings.end());
    out.pongs += step.pongs;
    FOOTMAN_CHECK(!step.close || step.violation == 0, "closed and violated");
    if (step.close) out.closed = step.close->code, out.reason = step.close->reason;
    if (step.violation != 0) out.violation = step.violation;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto role = (data[0] & 1) != 0 ? WebSocketRole::client : WebSocketRole::server;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = decode(role, bytes, 0);
  FOOTMAN_CHECK(whole == decode(role, bytes, 1 + (data[0] >> 1)), "a split changes what is decoded");

  // What was decoded goes out and comes back.
  const auto other = role == WebSocketRole::client ? WebSocketRole::server : WebSocketRole::client;
  const auto frame = encode_websocket_binary(other, whole.payload, "k3y!");
  FOOTMAN_CHECK(whole.payload.size() > 100'000 || decode(role, frame, 3).payload == whole.payload,
                "encoding is undone");
  return 0;
}
