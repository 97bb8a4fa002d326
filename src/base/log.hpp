// Structured log lines. A Logger is a cheap value: a sink plus fields that every line of it carries.
// Sinks are built in main and passed down; write() may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace footman::base {

enum class LogLevel { debug, info, warning, error };
std::string_view to_string(LogLevel level);

struct LogField {
  std::string key;
  std::string value;
  LogField(std::string k, std::string v) : key(std::move(k)), value(std::move(v)) {}
  LogField(std::string k, std::string_view v) : key(std::move(k)), value(v) {}
  LogField(std::string k, const char* v) : key(std::move(k)), value(v) {}
  template <class Number>
    requires std::is_arithmetic_v<Number>
  LogField(std::string k, Number v) : key(std::move(k)), value(std::to_string(v)) {}
  template <class Id>
    requires requires(const Id& id) { id.str(); }
  LogField(std::string k, const Id& v) : key(std::move(k)), value(v.str()) {}
};
using LogFields = std::vector<LogField>;

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view message, const LogFields& fields) = 0;
};

class Logger {
 public:
  Logger() = default;  // silent
  explicit Logger(std::shared_ptr<LogSink> sink, LogFields fields = {})
      : sink_(std::move(sink)), fields_(std::move(fields)) {}

  Logger with(LogFields more) const;
  void debug(std::string_view message, const LogFields& fields = {}) const {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, const LogFields& fields = {}) const {
    write(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, const LogFields& fields = {}) const {
    write(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, const LogFields& fields = {}) const {
    write(LogLevel::error, message, fields);
  }

 private:
  void write(LogLevel level, std::string_view message, const LogFields& fields) const;
  std::shared_ptr<LogSink> sink_;
  LogFields fields_;
};

// One JSON object a line on the file descriptor: time, level, message, then the fields. Lines below `least`
// are dropped.
std::shared_ptr<LogSink> make_json_log(int fd, LogLevel least);
// For people: "08:40:15.123Z warning message key=value", coloured when `colour`.
std::shared_ptr<LogSink> make_console_log(int fd, LogLevel least, bool colour);

// JSON string with quotes and escapes; invalid UTF-8 becomes U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace footman::base
