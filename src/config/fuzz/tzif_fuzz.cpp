// Any bytes are a zone or an error; a zone's clock can be read and set at any time.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "config/tzif.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman::config;
  const auto zone = parse_tzif({reinterpret_cast<const char*>(data), size});
  if (!zone) {
    FOOTMAN_CHECK(!zone.error().message.empty(), "an error has a message");
    return 0;
  }
  constexpr std::int64_t kYear = 366LL * 86'400;
  for (std::int64_t at = -200 * kYear; at < 300 * kYear; at += kYear * 7 / 10) {
    const auto local = zone->to_local(Instant{at * 1'000'000});
    const auto back = zone->to_instant(local);
    FOOTMAN_CHECK(back <= Instant{at * 1'000'000} + std::chrono::hours(54), "the first time, or the turn");
  }
  return 0;
}
