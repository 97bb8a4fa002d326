// Server-sent events, sans-IO: what the server writes and an incremental parser for clients.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::net {

struct SseEvent {
  std::string id;                    // empty: none given with this event
  std::string event;                 // empty: "message"
  std::string data;                  // lines joined by \n
  std::optional<int> retry_ms = {};  // asks the client to wait that long before it connects again
  bool operator==(const SseEvent&) const = default;
};

// Line breaks in `id` and `event` are dropped; every line of `data` becomes a data field.
std::string format_sse(const SseEvent& event);
// ": text", which keeps proxies from closing a quiet stream.
std::string format_sse_comment(std::string_view text);

class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = 1024 * 1024) : max_(max_event_bytes) {}
  // Events completed by these bytes, in any split. resource_exhausted when one event exceeds the limit
  // (final).
  base::Result<std::vector<SseEvent>> feed(std::string_view bytes);
  // Of the last event that had one: for Last-Event-ID.
  const std::string& last_id() const { return last_id_; }

 private:
  void take_line(std::string_view line, std::vector<SseEvent>& out);
  std::size_t max_;
  bool failed_ = false;
  bool first_ = true;      // a byte order mark may come
  bool after_cr_ = false;  // the next \n belongs to the line before
  bool has_data_ = false;
  std::string line_;
  SseEvent event_;
  std::string last_id_;
};

}  // namespace footman::net
