#include "model/look_again.hpp"

#include <fmt/format.h>

#include <utility>

namespace footman::model {
namespace {

constexpr std::pair<std::string_view, std::string_view> kEvents[] = {
    {"agent_ends", "when an agent ends"},
    {"day_ends", "when an agent ends or a day begins (UTC)"},
    {"cloud_is_resumed", "when a person resumes the cloud"},
    {"cloud_answers", "when the cloud answers"},
    {"pause_is_over", "when the pause is over"},
    {"probe_has_told", "when the agent that is tried has told"},
    {"launch_is_answered", "when a launch is answered"},
    {"space_is_free", "when there is space"},
    {"configuration_changes", "when the configuration changes"},
};

}  // namespace

std::string_view describe_look_again(std::string_view word) {
  for (const auto& [event, text] : kEvents)
    if (event == word) return text;
  return {};
}

std::string describe_look_again(base::Instant at, std::string_view word, base::Instant now) {
  const auto event = describe_look_again(word);
  const auto time = at > now ? fmt::format("in {}", base::format_duration(at - now)) : std::string();
  if (time.empty() && event.empty()) return {};
  // Its time is the event.
  if (!time.empty() && (event.empty() || word == "pause_is_over"))
    return fmt::format("Looked at again {}.", time);
  return fmt::format("Looked at again {}{}{}.", time, time.empty() ? "" : ", or ", event);
}

}  // namespace footman::model
