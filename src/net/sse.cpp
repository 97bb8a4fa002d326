#include "net/sse.hpp"

#include <algorithm>
#include <utility>

#include "base/number.hpp"
#include "net/text.hpp"

namespace footman::net {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) {
    if (c != '\r' && c != '\n') out += c;
  }
  out += '\n';
}

void append_data(std::string& out, std::string_view data) {
  while (true) {
    const auto end = data.find_first_of("\r\n");
    out += "data: ";
    out += data.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) return;
    const bool pair = data[end] == '\r' && end + 1 < data.size() && data[end + 1] == '\n';
    data.remove_prefix(end + (pair ? 2 : 1));
  }
}

}  // namespace

std::string format_sse(const SseEvent& event) {
  std::string out;
  if (!event.id.empty()) append_field(out, "id", event.id);
  if (!event.event.empty()) append_field(out, "event", event.event);
  if (event.retry_ms) append_field(out, "retry", std::to_string(*event.retry_ms));
  append_data(out, event.data);
  out += '\n';
  return out;
}

std::string format_sse_comment(std::string_view text) {
  std::string out = ": ";
  for (const char c : text) out += c == '\r' || c == '\n' ? ' ' : c;
  return out + "\n\n";
}

void SseParser::take_line(std::string_view line, std::vector<SseEvent>& out) {
  if (line.empty()) {
    SseEvent event = std::exchange(event_, {});
    if (!std::exchange(has_data_, false)) return;
    event.data.pop_back();  // the last line's break
    out.push_back(std::move(event));
    return;
  }
  const auto colon = std::min(line.find(':'), line.size());
  const auto name = line.substr(0, colon);
  auto value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    event_.data += value;
    event_.data += '\n';
    has_data_ = true;
  } else if (name == "event") {
    event_.event = std::string(value);
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = std::string(value);
    last_id_ = event_.id;
  } else if (name == "retry") {
    const auto ms = base::find_number<int>(value);
    if (ms && *ms >= 0) event_.retry_ms = ms;
  }
}

base::Result<std::vector<SseEvent>> SseParser::feed(std::string_view bytes) {
  std::vector<SseEvent> out;
  for (const char c : bytes) {
    if (failed_) break;
    if (std::exchange(after_cr_, false) && c == '\n') continue;
    if (c != '\r' && c != '\n') {
      line_ += c;
      if (line_.size() + event_.data.size() > max_) failed_ = true;
      continue;
    }
    after_cr_ = c == '\r';
    std::string line = std::exchange(line_, {});
    std::string_view view = line;
    if (std::exchange(first_, false) && view.starts_with("\xef\xbb\xbf")) view.remove_prefix(3);
    take_line(view, out);
  }
  if (failed_) return base::fail(base::Errc::resource_exhausted, "a server-sent event is too large");
  return out;
}

}  // namespace footman::net
