#include "ports/last_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.hpp"

namespace footman::ports {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }

// "http://me:pw@proxy" -> "http://…@proxy"
std::string without_logins(std::string text) {
  constexpr std::string_view kMark = "://";
  for (auto at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at)) {
    at += kMark.size();
    const auto end = std::min(text.find_first_of("/?# \"'", at), text.size());
    const auto login = std::string_view(text).substr(at, end - at).rfind('@');
    if (login != std::string_view::npos) text.replace(at, login, "…");
  }
  return text;
}

std::string clean_line(std::string_view line) {
  auto text = base::replace_invalid_utf8(line);
  std::ranges::replace_if(text, is_control, ' ');
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  text = without_logins(text.substr(first, text.find_last_not_of(' ') - first + 1));
  if (text.size() <= kLastLineBytes) return text;
  return std::string(base::cut_utf8(text, kLastLineBytes)) + "…";
}

// A record of base::make_json_log() that says nothing of a fault: {"time":"…","level":"info",…
bool is_routine(std::string_view line) {
  if (!line.starts_with(R"({"time":")")) return false;
  const auto level = line.find(R"("level":")");
  return level != std::string_view::npos && (line.substr(level).starts_with(R"("level":"info")") ||
                                             line.substr(level).starts_with(R"("level":"debug")"));
}

}  // namespace

std::string pick_last_lines(std::string_view log_end) {
  std::string shown;
  for (std::size_t count = 0; count < kLastLines && !log_end.empty();) {
    const auto begin = log_end.rfind('\n') + 1;  // 0 when there is none
    const auto line = clean_line(log_end.substr(begin));
    log_end = log_end.substr(0, begin == 0 ? 0 : begin - 1);
    if (line.empty() || is_routine(line)) continue;
    shown = shown.empty() ? line : fmt::format("{} | {}", line, shown);
    ++count;
  }
  return shown;
}

}  // namespace footman::ports
