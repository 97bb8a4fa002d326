// A stream cut into pieces gives the same messages and the same error as the whole stream at once.
// Input: one byte (bit 0: direction, bits 1…7: how it is cut), then the stream.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "protocol/codec.hpp"

using namespace footman::protocol;

namespace {

struct Outcome {
  std::vector<std::string> events;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

void drain(FrameDecoder& decoder, Outcome& outcome) {
  while (outcome.error.empty()) {
    auto next = decoder.next();
    if (!next)
      outcome.error = next.error().message;
    else if (*next)
      outcome.events.push_back(encode(**next));
    else
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto direction = (data[0] & 1) != 0 ? Direction::to_agent : Direction::to_server;
  std::uint32_t cut = data[0] >> 1;
  const std::string stream(reinterpret_cast<const char*>(data) + 1, size - 1);

  FrameDecoder whole(direction);
  Outcome expected;
  whole.feed(std::string_view(stream));
  drain(whole, expected);

  FrameDecoder pieces(direction);
  Outcome outcome;
  for (std::size_t at = 0; at < stream.size();) {
    cut = cut * 1'664'525 + 1'013'904'223;
    const std::size_t count = std::min<std::size_t>(1 + (cut >> 24) % 40, stream.size() - at);
    if ((cut >> 16) % 2 == 0)
      pieces.feed(stream.substr(at, count));
    else
      pieces.feed(std::string_view(stream).substr(at, count));
    drain(pieces, outcome);
    at += count;
  }
  drain(pieces, outcome);
  FOOTMAN_CHECK(outcome == expected,
                "another split gave another result: " + expected.error + " / " + outcome.error);
  return 0;
}
