// Named places at which a crash test ends the process: around every intent, effect and confirmation.
// In production nothing is armed and hit() costs one comparison.
#pragma once

#include <array>
#include <functional>
#include <string_view>

namespace footman::runtime {

// The one list. Store moves add "before-commit:<move>" and "after-commit:<move>" for each move of
// store::Store that writes (store/crash_points.hpp lists them).
inline constexpr std::array<std::string_view, 13> kCrashPoints = {
    "launch:before-call",         // intent is durable, the cloud has not been asked
    "launch:after-call",          // the cloud has answered, the handle is not durable
    "launch:before-fork",         // local cloud: token file made, no process yet
    "launch:after-fork",          // local cloud: process runs, the caller does not know
    "terminate:before-call",      // state is durable, the cloud has not been asked
    "terminate:after-call",       // the cloud has answered, Terminated is not durable
    "session:before-welcome",     // redemption is durable, the agent does not know
    "session:before-credential",  // the same of one that wants a secret only
    "assign:before-send",         // offer is durable, the agent does not know
    "start:before-send",          // start is durable, the agent does not know
    "log:before-ack",             // log bytes are durable, the agent does not know
    "finish:before-ack",          // the result is durable, the agent does not know
    "cancel:before-send",         // the request is durable, the agent does not know
};

class CrashPoints {
 public:
  CrashPoints() = default;  // nothing armed
  explicit CrashPoints(std::function<void(std::string_view)> on_hit) : on_hit_(std::move(on_hit)) {}
  bool armed() const { return static_cast<bool>(on_hit_); }
  void hit(std::string_view name) const {
    if (on_hit_) on_hit_(name);
  }

 private:
  std::function<void(std::string_view)> on_hit_;
};

// From the text "NAME" or "NAME#N", such as "launch:after-call#2": SIGKILL at the second hit. Empty: nothing
// armed.
CrashPoints make_crash_points(std::string_view text);

}  // namespace footman::runtime
