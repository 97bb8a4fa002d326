#include "model/agent.hpp"

#include "model/words.hpp"

namespace footman::model {
namespace {

constexpr Word<AgentState> kAgentStates[] = {{AgentState::planned, "planned"},
                                             {AgentState::launching, "launching"},
                                             {AgentState::connecting, "connecting"},
                                             {AgentState::online, "online"},
                                             {AgentState::draining, "draining"},
                                             {AgentState::terminating, "terminating"},
                                             {AgentState::terminated, "terminated"},
                                             {AgentState::failed, "failed"},
                                             {AgentState::lost, "lost"}};

constexpr Word<AgentActivity> kAgentActivities[] = {{AgentActivity::unknown, "unknown"},
                                                    {AgentActivity::expected, "expected"},
                                                    {AgentActivity::idle, "idle"},
                                                    {AgentActivity::busy, "busy"},
                                                    {AgentActivity::disconnected, "disconnected"},
                                                    {AgentActivity::lost, "lost"},
                                                    {AgentActivity::done, "done"}};

constexpr Word<FailureClass> kFailureClasses[] = {{FailureClass::throttled, "throttled"},
                                                  {FailureClass::transient, "transient"},
                                                  {FailureClass::capacity, "capacity"},
                                                  {FailureClass::configuration, "configuration"},
                                                  {FailureClass::permission, "permission"},
                                                  {FailureClass::image, "image"},
                                                  {FailureClass::boot, "boot"},
                                                  {FailureClass::connect, "connect"}};

constexpr Word<LaunchReason> kLaunchReasons[] = {{LaunchReason::waiting_item, "waiting_item"},
                                                 {LaunchReason::replacement, "replacement"},
                                                 {LaunchReason::pool_minimum, "pool_minimum"},
                                                 {LaunchReason::pool_load, "pool_load"},
                                                 {LaunchReason::breaker_probe, "breaker_probe"}};

struct EndWord {
  EndReason value;
  std::string_view text;
  std::string_view sentence;
};

constexpr EndWord kEndReasons[] = {
    {EndReason::none, "none", "It has not ended."},
    {EndReason::build_finished, "build_finished", "It was launched for one build, and that build is over."},
    {EndReason::max_builds, "max_builds", "It has had as many builds as its template allows."},
    {EndReason::idle_too_long, "idle_too_long", "It was idle for longer than its template allows."},
    {EndReason::surplus, "surplus", "Nothing waits for it any more."},
    {EndReason::made_room, "made_room", "A build waited for the place that it took."},
    {EndReason::budget_spent, "budget_spent", "The budget of the day pays for no more of its time."},
    {EndReason::max_age, "max_age", "It reached the maximum age of its template."},
    {EndReason::drained, "drained", "A person asked for its end."},
    {EndReason::template_changed, "template_changed", "Its template was changed or removed."},
    {EndReason::launch_refused, "launch_refused", "The cloud refused to launch it."},
    {EndReason::launch_deadline, "launch_deadline", "It did not connect before its launch deadline."},
    {EndReason::session_lost, "session_lost", "It was connected and then silent for longer than its lease."},
    {EndReason::resource_gone, "resource_gone", "The cloud has it no more."},
    {EndReason::agent_exited, "agent_exited", "Its process ended or was killed inside its machine."},
    {EndReason::out_of_memory, "out_of_memory", "Its work needed more memory than it has."},
    {EndReason::notice, "notice", "It was told that its machine, or its container, goes away."},
    {EndReason::goodbye, "goodbye", "It said goodbye and left in order."},
    {EndReason::orphan, "orphan", "It was found in the cloud, but this server has no record of it."}};

const EndWord& get_end_word(EndReason reason) {
  for (const auto& word : kEndReasons)
    if (word.value == reason) return word;
  base::check_failed(__FILE__, __LINE__, "reason in table", "an end reason without a word");
}

}  // namespace

std::string_view to_string(AgentState state) { return get_word(kAgentStates, state); }
std::string_view to_string(AgentActivity activity) { return get_word(kAgentActivities, activity); }
std::optional<AgentState> find_agent_state(std::string_view text) { return find_value(kAgentStates, text); }

std::string_view to_string(LaunchReason reason) { return get_word(kLaunchReasons, reason); }
std::optional<LaunchReason> find_launch_reason(std::string_view text) {
  return find_value(kLaunchReasons, text);
}

std::string_view to_string(FailureClass failure) { return get_word(kFailureClasses, failure); }
std::optional<FailureClass> find_failure_class(std::string_view text) {
  return find_value(kFailureClasses, text);
}

bool is_serving(AgentState state) {
  return state == AgentState::planned || state == AgentState::launching || state == AgentState::connecting ||
         state == AgentState::online;
}

bool may_hold_resource(AgentState state) { return state != AgentState::terminated; }

std::string_view to_string(EndReason reason) { return get_end_word(reason).text; }
std::string_view sentence(EndReason reason) { return get_end_word(reason).sentence; }

std::string describe_end(EndReason reason, std::string_view detail) {
  const auto why = sentence(reason);
  if (detail.empty()) return std::string(why);
  if (detail.starts_with(why.substr(0, why.size() - 1))) return std::string(detail);
  return std::string(why) + ' ' + std::string(detail);
}

std::optional<EndReason> find_end_reason(std::string_view text) {
  for (const auto& word : kEndReasons)
    if (word.text == text) return word.value;
  return std::nullopt;
}

}  // namespace footman::model
