// Log lines for tests to look at: "message key=value …", oldest first.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace footman::base::testing {

class LineSink final : public LogSink {
 public:
  explicit LineSink(std::vector<std::string>& lines) : lines_(lines) {}  // they outlive it
  void write(LogLevel, std::string_view message, const LogFields& fields) override {
    std::string line(message);
    for (const auto& [key, value] : fields) line.append(" ").append(key).append("=").append(value);
    lines_.push_back(std::move(line));
  }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace footman::base::testing
