// Reading the head of an answer from a stream, and answers as errors. For use inside net only.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/deadline.hpp"
#include "net/http_head.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

inline constexpr std::size_t kMaxUpgradeHeadBytes = 16 * 1024;

// `rest` holds what was read before, afterwards what came behind the head. 1xx answers except 101 are
// skipped. The stream and `rest` outlive the call. corrupt: not HTTP; io: ended before a complete head, and
// then `rest` is what came.
runtime::Awaitable<base::Result<ResponseHead>> read_response_head(runtime::ByteStream* stream,
                                                                  std::string* rest, std::size_t max_bytes);

// No header can be smuggled in through a name or a value.
bool is_clean(const Headers& headers);

// No request can be smuggled in through a target: it has no spaces and no control characters.
bool is_clean_target(std::string_view target);

// The server's own words from {"error":{"message":"…"}} or the first line of the body.
std::string words_of_body(std::string_view body);

}  // namespace footman::net
