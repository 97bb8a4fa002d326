#include "base/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "base/time.hpp"
#include "base/utf8.hpp"

namespace footman::base {
namespace {

Instant wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

void write_line(int fd, std::string line) {
  line += '\n';
  // One write per line keeps lines whole when several threads log; a full pipe loses a line, never blocks a
  // domain.
  [[maybe_unused]] auto written = ::write(fd, line.data(), line.size());
}

class JsonLog final : public LogSink {
 public:
  JsonLog(int fd, LogLevel least) : fd_(fd), least_(least) {}
  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level < least_) return;
    std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":{})", format_rfc3339(wall_now()),
                                   to_string(level), json_quote(message));
    for (const auto& field : fields)
      line += fmt::format(",{}:{}", json_quote(field.key), json_quote(field.value));
    write_line(fd_, line + "}");
  }

 private:
  int fd_;
  LogLevel least_;
};

class ConsoleLog final : public LogSink {
 public:
  ConsoleLog(int fd, LogLevel least, bool colour) : fd_(fd), least_(least), colour_(colour) {}
  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level < least_) return;
    const char* colour = level == LogLevel::error ? "\x1b[31m" : level == LogLevel::warning ? "\x1b[33m" : "";
    std::string line =
        fmt::format("{} {}{}{} {}", format_rfc3339(wall_now()).substr(11), colour_ ? colour : "",
                    to_string(level), colour_ && *colour != 0 ? "\x1b[0m" : "", message);
    for (const auto& field : fields) line += fmt::format(" {}={}", field.key, json_quote(field.value));
    write_line(fd_, line);
  }

 private:
  int fd_;
  LogLevel least_;
  bool colour_;
};

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

Logger Logger::with(LogFields more) const {
  Logger copy = *this;
  copy.fields_.insert(copy.fields_.end(), std::make_move_iterator(more.begin()),
                      std::make_move_iterator(more.end()));
  return copy;
}

void Logger::write(LogLevel level, std::string_view message, const LogFields& fields) const {
  if (!sink_) return;
  if (fields_.empty()) return sink_->write(level, message, fields);
  LogFields all = fields_;
  all.insert(all.end(), fields.begin(), fields.end());
  sink_->write(level, message, all);
}

std::shared_ptr<LogSink> make_json_log(int fd, LogLevel least) {
  return std::make_shared<JsonLog>(fd, least);
}
std::shared_ptr<LogSink> make_console_log(int fd, LogLevel least, bool colour) {
  return std::make_shared<ConsoleLog>(fd, least, colour);
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text.front();
    const auto next = decode_utf8(text);
    if (!next.valid) {
      out += kReplacement;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return out + '"';
}

}  // namespace footman::base
