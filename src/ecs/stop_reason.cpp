#include "ecs/stop_reason.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "base/utf8.hpp"

namespace footman::ecs {
namespace {

using model::EndReason;
using model::FailureClass;

constexpr std::size_t kMaxWordsBytes = 600;  // of AWS in a sentence
constexpr int kSignalBase = 128;             // an exit code above it is a signal's
constexpr int kKilled = kSignalBase + 9;
constexpr int kTerminated = kSignalBase + 15;

struct Meaning {
  StopCause cause;
  std::string_view word;
  FailureClass failure;
  std::string_view sentence;
};
constexpr Meaning kMeanings[] = {
    {StopCause::unknown, "unknown", FailureClass::transient,
     "it ended for a reason that Footman does not know"},
    {StopCause::ours, "ours", FailureClass::transient, "Footman ended it"},
    {StopCause::asked, "asked", FailureClass::transient, "somebody stopped it in AWS"},
    {StopCause::spot_reclaim, "spot_reclaim", FailureClass::capacity, "AWS took its Spot capacity back"},
    {StopCause::host_failure, "host_failure", FailureClass::transient, "AWS took its machine away"},
    {StopCause::throttled, "throttled", FailureClass::throttled, "AWS had too many requests"},
    {StopCause::provisioning, "provisioning", FailureClass::transient, "AWS did not get it ready in time"},
    {StopCause::capacity, "capacity", FailureClass::capacity, "AWS has no room for it now"},
    {StopCause::quota, "quota", FailureClass::capacity, "the account's limit at AWS is reached"},
    {StopCause::pull_transient, "pull_transient", FailureClass::transient,
     "the image's registry did not answer well"},
    {StopCause::image, "image", FailureClass::image, "the image does not exist or cannot run there"},
    {StopCause::permission, "permission", FailureClass::permission, "a role is not allowed what it needs"},
    {StopCause::configuration, "configuration", FailureClass::configuration,
     "AWS cannot do what the template says"},
    {StopCause::container_start, "container_start", FailureClass::configuration,
     "a container could not be started"},
    {StopCause::out_of_memory, "out_of_memory", FailureClass::boot, "it needed more memory than it has"},
    {StopCause::killed, "killed", FailureClass::boot,
     "it was killed (SIGKILL), most likely because it needed more memory than it has"},
    {StopCause::agent_exited, "agent_exited", FailureClass::boot, "the agent's container ended"},
    {StopCause::sidecar_exited, "sidecar_exited", FailureClass::boot, "an essential sidecar ended"},
    {StopCause::missing, "missing", FailureClass::transient, "ECS does not know the task"}};

const Meaning& meaning_of(StopCause cause) {
  const auto* found = std::ranges::find(kMeanings, cause, &Meaning::cause);
  FOOTMAN_CHECK(found != std::end(kMeanings), "every cause has a meaning");
  return *found;
}

// ── texts

// All of `parts` stand in the text, in lower case.
struct Rule {
  std::string_view part;
  std::string_view other;  // empty: none
  StopCause cause;
};

// The first that fits counts, so what says more stands before what says less.
constexpr Rule kRules[] = {
    {"outofmemory", "", StopCause::out_of_memory},
    // Network interfaces
    {"create network interface", "insufficientfreeaddresses", StopCause::capacity},
    {"create network interface", "rate exceeded", StopCause::throttled},
    {"create network interface", "requestlimitexceeded", StopCause::throttled},
    {"create network interface", "limitexceeded", StopCause::quota},
    {"create network interface", "unauthorized", StopCause::permission},
    {"create network interface", "not authorized", StopCause::permission},
    {"create network interface", "notfound", StopCause::configuration},
    {"insufficient free addresses", "", StopCause::capacity},
    {"insufficientfreeaddresses", "", StopCause::capacity},
    {"network interface provision", "", StopCause::provisioning},
    {"ephemeralstorage provisioning", "", StopCause::provisioning},
    {"provisioning to complete", "", StopCause::provisioning},
    // Capacity
    {"capacity is unavailable", "", StopCause::capacity},
    {"insufficient capacity", "", StopCause::capacity},
    {"no container instances were found", "", StopCause::capacity},
    {"no active instances", "", StopCause::capacity},
    {"empty capacity provider", "", StopCause::capacity},
    {"reached the limit on the number of", "", StopCause::quota},
    {"distinctinstance placement constraint", "", StopCause::capacity},
    {"memberof placement constraint", "", StopCause::configuration},
    // Pulls
    {"cannotpull", "not authorized to perform", StopCause::permission},
    {"cannotpull", "accessdenied", StopCause::permission},
    {"cannotpull", "toomanyrequests", StopCause::pull_transient},
    {"cannotpull", "too many requests", StopCause::pull_transient},
    {"cannotpull", "i/o timeout", StopCause::pull_transient},
    {"cannotpull", "tls handshake", StopCause::pull_transient},
    {"cannotpull", "context deadline", StopCause::pull_transient},
    {"cannotpull", "context canceled", StopCause::pull_transient},
    {"cannotpull", "request canceled", StopCause::pull_transient},
    {"cannotpull", "connection re", StopCause::pull_transient},  // refused, reset
    {"cannotpull", "500 internal", StopCause::pull_transient},
    {"cannotpull", "502 bad", StopCause::pull_transient},
    {"cannotpull", "503 service", StopCause::pull_transient},
    {"cannotpull", "504 gateway", StopCause::pull_transient},
    {"cannotpull", "unexpected eof", StopCause::pull_transient},
    {"cannotpull", "no space left", StopCause::provisioning},
    {"cannotpull", "matching platform", StopCause::image},
    {"cannotpull", "no matching manifest", StopCause::image},
    {"cannotpull", "manifest unknown", StopCause::image},
    {"cannotpull", "does not exist", StopCause::image},
    {"cannotpull", "not found", StopCause::image},
    {"cannotpull", "invalid reference", StopCause::image},
    {"cannotpull", "unauthorized", StopCause::permission},
    {"cannotpull", "authentication required", StopCause::permission},
    {"cannotpull", "basic auth", StopCause::permission},
    {"cannotpull", "403 forbidden", StopCause::permission},
    {"cannotpull", "denied", StopCause::permission},
    {"cannotpull", "", StopCause::pull_transient},
    // What is made ready before the first container
    {"resourceinitializationerror", "not authorized", StopCause::permission},
    {"resourceinitializationerror", "accessdenied", StopCause::permission},
    {"resourceinitializationerror", "access denied", StopCause::permission},
    {"resourceinitializationerror", "no ec2 instance role found", StopCause::permission},
    {"resourceinitializationerror", "deadline", StopCause::provisioning},
    {"resourceinitializationerror", "deadli...", StopCause::provisioning},  // as AWS cuts it
    {"resourceinitializationerror", "timeout", StopCause::provisioning},
    {"resourceinitializationerror", "connection issue", StopCause::provisioning},
    {"resourceinitializationerror", "signal: killed", StopCause::provisioning},
    {"resourceinitializationerror", "requestcanceled", StopCause::provisioning},
    {"resourceinitializationerror", "notfound", StopCause::configuration},
    {"resourceinitializationerror", "not found", StopCause::configuration},
    {"resourceinitializationerror", "does not exist", StopCause::configuration},
    {"resourceinitializationerror", "can't find", StopCause::configuration},
    {"resourceinitializationerror", "invalid", StopCause::configuration},
    {"resourceinitializationerror", "did not contain json key", StopCause::configuration},
    {"resourceinitializationerror", "efs utils", StopCause::configuration},
    {"resourceinitializationerror", "", StopCause::provisioning},
    {"cannotcreatevolumeerror", "", StopCause::configuration},
    // Starts
    {"exec format error", "", StopCause::image},
    {"cannotstartcontainererror", "executable file not found", StopCause::image},
    {"cannotstartcontainererror", "no such file or directory", StopCause::image},
    {"cannotstartcontainererror", "deadline", StopCause::provisioning},
    {"cannotstartcontainererror", "not authorized", StopCause::permission},
    {"cannotstartcontainererror", "accessdenied", StopCause::permission},
    {"cannotstartcontainererror", "", StopCause::container_start},
    {"runtimetimeouterror", "", StopCause::provisioning},
    {"dockertimeouterror", "", StopCause::provisioning},
    {"could not transition to", "", StopCause::provisioning},
    {"cannotinspectcontainererror", "", StopCause::provisioning},
    {"cannotstopcontainererror", "", StopCause::provisioning},
    // Machines
    {"spot task was interrupted", "", StopCause::spot_reclaim},
    {"spot interruption", "", StopCause::spot_reclaim},
    {"performing maintenance", "", StopCause::host_failure},
    {"host ec2", "terminated", StopCause::host_failure},
    {"container instance", "deregistered", StopCause::host_failure},
    {"container instance", "draining", StopCause::host_failure},
    {"unable to confirm task health", "", StopCause::host_failure},
    {"container health checks", "", StopCause::agent_exited},
    // Requests
    {"rate exceeded", "", StopCause::throttled},
    {"too many concurrent attempts", "", StopCause::throttled},
    {"not authorized to perform", "", StopCause::permission},
    {"unable to assume the role", "", StopCause::permission},
    {"unable to assume role", "", StopCause::permission},
    {"taskdefinition is inactive", "", StopCause::configuration},
    {"task definition does not support", "", StopCause::configuration},
};

// Reasons that are words of their own, at the begin of a failure's reason.
struct Marker {
  std::string_view word;
  StopCause cause;
};
constexpr Marker kFailureWords[] = {{"RESOURCE:", StopCause::capacity},
                                    {"AGENT", StopCause::provisioning},
                                    {"ATTRIBUTE", StopCause::configuration},
                                    {"LOCATION", StopCause::configuration},
                                    {"MISSING", StopCause::missing},
                                    {"InactiveInstance", StopCause::host_failure},
                                    {"InvalidInstance", StopCause::configuration}};

constexpr Marker kErrorCodes[] = {
    {"AccessDeniedException", StopCause::permission},
    {"BlockedException", StopCause::permission},
    {"ClusterNotFoundException", StopCause::configuration},
    {"ConflictException", StopCause::configuration},
    {"InvalidParameterException", StopCause::configuration},
    {"LimitExceededException", StopCause::quota},
    {"PlatformTaskDefinitionIncompatibilityException", StopCause::configuration},
    {"PlatformUnknownException", StopCause::configuration},
    {"UnsupportedFeatureException", StopCause::configuration},
    {"ClientException", StopCause::configuration}};

std::optional<StopCause> find_cause(std::string_view text) {
  const auto lower = base::lower_case(text);
  for (const auto& rule : kRules)
    if (lower.find(rule.part) != std::string::npos && lower.find(rule.other) != std::string::npos)
      return rule.cause;
  return std::nullopt;
}

std::optional<StopCause> find_word(std::span<const Marker> words, std::string_view reason) {
  constexpr std::string_view kBefore = "TaskFailedToStart: ";
  if (reason.starts_with(kBefore)) reason.remove_prefix(kBefore.size());
  for (const auto& one : words)
    if (reason.starts_with(one.word)) return one.cause;
  return std::nullopt;
}

// ── the sentence

std::string make_sentence(StopCause cause, std::string_view words) {
  const auto& meaning = meaning_of(cause);
  if (words.empty()) return std::string(meaning.sentence);
  return fmt::format("{}; AWS says: {}", meaning.sentence, cut_utf8(words, kMaxWordsBytes));
}

StopExplanation make_explanation(StopCause cause, std::string_view words) {
  StopExplanation out;
  out.cause = cause;
  out.failure = failure_class_of(cause);
  if (cause == StopCause::spot_reclaim || cause == StopCause::host_failure)
    out.end_reason = EndReason::notice;
  out.death.out_of_memory = cause == StopCause::out_of_memory || cause == StopCause::killed;
  if (out.death.out_of_memory) out.end_reason = EndReason::out_of_memory;
  out.sentence = make_sentence(cause, words);
  out.death.text = out.sentence;
  return out;
}

void join(std::string& text, std::string_view part) {
  if (part.empty() || text.find(part) != std::string::npos) return;
  if (!text.empty()) text += "; ";
  text += part;
}

// ── a task

std::string collect_words(const Task& task) {
  auto words = task.stopped_reason;
  for (const auto& container : task.containers) {
    if (container.reason.empty()) continue;
    join(words, task.containers.size() == 1 ? container.reason
                                            : fmt::format("{}: {}", container.name, container.reason));
  }
  return words;
}

const TaskContainer* find_container(const Task& task, std::string_view name) {
  const auto found = std::ranges::find(task.containers, name, &TaskContainer::name);
  return found == task.containers.end() ? nullptr : &*found;
}

// A container that ended with a failure of its own: SIGTERM and SIGKILL are what ECS ends the others with.
const TaskContainer* find_failed_sidecar(const Task& task, std::string_view agent) {
  for (const auto& one : task.containers) {
    const int code = one.exit_code.value_or(0);
    if (one.name != agent && code != 0 && code != kTerminated && code != kKilled) return &one;
  }
  return nullptr;
}

StopCause find_exit_cause(const Task& task, std::string_view agent_name) {
  const auto* agent = find_container(task, agent_name);
  const bool agent_failed = agent != nullptr && agent->exit_code.value_or(0) != 0;
  const bool killed = agent_failed && *agent->exit_code == kKilled;
  // When an essential sidecar ends, ECS ends the agent's container with SIGTERM, and later with SIGKILL.
  const bool ended = killed || (agent_failed && *agent->exit_code == kTerminated);
  if ((!agent_failed || ended) && find_failed_sidecar(task, agent_name) != nullptr)
    return StopCause::sidecar_exited;
  return killed ? StopCause::killed : StopCause::agent_exited;
}

StopCause find_stop_cause(const Task& task, std::string_view agent, const std::string& words) {
  const auto& code = task.stop_code;
  if (code == "UserInitiated") {
    if (task.stopped_reason.starts_with(kOurStopReason)) return StopCause::ours;
    const auto cause = find_cause(task.stopped_reason);
    return cause == StopCause::host_failure ? *cause : StopCause::asked;
  }
  if (code == "SpotInterruption") return StopCause::spot_reclaim;
  if (code == "TerminationNotice")
    return find_cause(task.stopped_reason) == StopCause::host_failure ? StopCause::host_failure
                                                                      : StopCause::spot_reclaim;
  if (code == "InfrastructureHealth") return StopCause::host_failure;
  if (const auto word = find_word(kFailureWords, task.stopped_reason)) return *word;
  if (const auto cause = find_cause(words)) return *cause;
  if (code == "EssentialContainerExited") return find_exit_cause(task, agent);
  return StopCause::unknown;
}

void set_exit(model::DeathCertificate& death, const TaskContainer* agent) {
  if (agent == nullptr || !agent->exit_code) return;
  if (*agent->exit_code > kSignalBase && *agent->exit_code < kSignalBase + 65)
    death.signal = *agent->exit_code - kSignalBase;
  else
    death.exit_status = agent->exit_code;
}

void add_exit_code(std::string& words, const TaskContainer* container) {
  if (container != nullptr && container->exit_code)
    join(words, fmt::format("exit code {} of '{}'", *container->exit_code, container->name));
}

}  // namespace

std::string_view to_string(StopCause cause) { return meaning_of(cause).word; }
model::FailureClass failure_class_of(StopCause cause) { return meaning_of(cause).failure; }

bool lacked_address(const Task& task) {
  return base::lower_case(collect_words(task)).find("insufficientfreeaddresses") != std::string::npos;
}

StopExplanation explain_stop(const Task& task, std::string_view agent_container) {
  auto words = collect_words(task);
  const auto cause = find_stop_cause(task, agent_container, words);
  const auto* agent = find_container(task, agent_container);
  using enum StopCause;
  if (cause == agent_exited || cause == out_of_memory || cause == killed) add_exit_code(words, agent);
  if (cause == StopCause::sidecar_exited) add_exit_code(words, find_failed_sidecar(task, agent_container));
  if (words.empty()) words = task.stop_code;
  auto out = make_explanation(cause, words);
  set_exit(out.death, agent);
  return out;
}

StopExplanation explain_failure(const TaskFailure& failure) {
  auto words = failure.reason;
  join(words, failure.detail);
  auto cause = find_word(kFailureWords, failure.reason);
  if (!cause) cause = find_cause(words);
  return make_explanation(cause.value_or(StopCause::unknown), words);
}

StopExplanation explain_error(std::string_view code, std::string_view message) {
  std::string words(code);
  join(words, message);
  // A code that stands for much, such as ClientException, says less than its message.
  auto cause = find_cause(message);
  if (!cause) cause = find_word(kErrorCodes, code);
  return make_explanation(cause.value_or(StopCause::unknown), words);
}

}  // namespace footman::ecs
