#include "ports/last_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.hpp"

namespace footman::ports {
namespace {

constexpr std::string_view kRecord = R"({"time":")";  // how one of base::make_json_log() begins

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

// A record of base::make_json_log() as people say it: "refused (code: bad_secret)". Anything else as it is.
std::string in_words(std::string_view line) {
  if (!line.starts_with(kRecord)) return std::string(line);
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  const auto* record = error ? nullptr : value.if_object();
  if (record == nullptr) return std::string(line);
  std::string message;
  std::string fields;
  for (const auto& [key, field] : *record) {
    const auto text = field.is_string() ? std::string(field.get_string()) : boost::json::serialize(field);
    if (key == "message")
      message = text;
    else if (key != "time" && key != "level")
      fields += fmt::format("{}{}: {}", fields.empty() ? "" : ", ", std::string_view(key), text);
  }
  return fields.empty() ? message : fmt::format("{} ({})", message, fields);
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

// A record that says nothing of a fault: {"time":"…","level":"info",…
bool is_routine(std::string_view line) {
  if (!line.starts_with(kRecord)) return false;
  const auto level = line.find(R"("level":")");
  return level != std::string_view::npos && (line.substr(level).starts_with(R"("level":"info")") ||
                                             line.substr(level).starts_with(R"("level":"debug")"));
}

}  // namespace

std::string pick_last_lines(std::string_view log_end) {
  std::string shown;
  for (std::size_t count = 0; count < kLastLines && !log_end.empty();) {
    const auto begin = log_end.rfind('\n') + 1;  // 0 when there is none
    const auto raw = log_end.substr(begin);
    const auto line = is_routine(raw) ? std::string() : clean_line(in_words(raw));
    log_end = log_end.substr(0, begin == 0 ? 0 : begin - 1);
    if (line.empty()) continue;
    shown = shown.empty() ? line : fmt::format("{} | {}", line, shown);
    ++count;
  }
  return shown;
}

}  // namespace footman::ports
