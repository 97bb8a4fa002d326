// Any text is a schedule whose times come one after the other, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "model/cron.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman::model;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_yearly_rule(text);
  const auto cron = parse_cron(text);
  if (!cron) {
    FOOTMAN_CHECK(!cron.error().message.empty(), "an error has a message");
    return 0;
  }
  Instant at{1'700'000'000'000'000};
  for (int i = 0; i < 3; ++i) {
    const auto next = cron->next(TimeZone(), at);
    FOOTMAN_CHECK(next > at && next.us % 60'000'000 == 0, "a full minute that is still to come");
    at = next;
  }
  return 0;
}
