// Any bytes as the body of any request: a value or an error with a sentence, and a job that was read is
// written and read again without a change.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/header_values.hpp"
#include "api/json_out.hpp"
#include "api/log_text.hpp"
#include "api/requests.hpp"
#include "api/router.hpp"
#include "base/check.hpp"

namespace {
using namespace footman::api;

template <class T>
void check(const footman::base::Result<T>& result) {
  if (!result) FOOTMAN_CHECK(!result.error().message.empty(), "an error says what is wrong");
}

std::string as_request(const footman::model::Job& job) {
  auto object = to_json(job);
  for (const auto* only_told : {"next_number", "created_at", "changed_at"}) object.erase(only_told);
  return to_text(object);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(parse_submit(text));
  check(parse_reason(text));
  check(parse_token(text));
  check(parse_backup(text));
  const auto job = parse_job(text, true);
  check(job);
  if (job) {
    const auto written = as_request(*job);
    const auto again = parse_job(written, true);
    FOOTMAN_CHECK(again && as_request(*again) == written, "what is written is read again");
  }
  (void)parse_host(text);
  (void)parse_authorization(text);
  (void)find_cookie_value(text, "session");
  (void)match_path("/api/v1/jobs/{path...}", text);
  (void)match_path("/api/v1/builds/{id}/log", text);
  if (const auto range = parse_range(text)) {
    const auto span = find_span(*range, size);
    FOOTMAN_CHECK(!span || (span->first < span->end && span->end <= size), "a span is a part");
  }
  return 0;
}
