#include "runtime/crash_points.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>

namespace footman::runtime {

CrashPoints make_crash_points(std::string_view text) {
  if (text.empty()) return {};
  const auto hash = text.find('#');
  const std::string name(text.substr(0, hash));
  int count = 1;
  if (hash != std::string_view::npos)
    std::from_chars(text.data() + hash + 1, text.data() + text.size(), count);
  auto left = std::make_shared<std::atomic<int>>(count);
  return CrashPoints([name, left](std::string_view point) {
    if (point == name && left->fetch_sub(1) == 1) std::raise(SIGKILL);
  });
}

}  // namespace footman::runtime
