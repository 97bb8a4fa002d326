#include "protocol/messages.hpp"

#include <array>

namespace footman::protocol {

std::string_view to_string(RefusalCode code) {
  switch (code) {
    case RefusalCode::other:
      return "other";
    case RefusalCode::bad_secret:
      return "bad_secret";
    case RefusalCode::expired:
      return "expired";
    case RefusalCode::unknown_agent:
      return "unknown_agent";
    case RefusalCode::version:
      return "version";
    case RefusalCode::revoked:
      return "revoked";
    case RefusalCode::busy:
      return "busy";
    case RefusalCode::superseded:
      return "superseded";
  }
  return "other";
}

std::string_view to_string(AssignmentPhase phase) {
  switch (phase) {
    case AssignmentPhase::accepted:
      return "accepted";
    case AssignmentPhase::running:
      return "running";
    case AssignmentPhase::finished:
      return "finished";
  }
  return "accepted";
}

std::string_view to_string(BuildOutcome outcome) {
  switch (outcome) {
    case BuildOutcome::success:
      return "success";
    case BuildOutcome::failure:
      return "failure";
    case BuildOutcome::aborted:
      return "aborted";
    case BuildOutcome::timed_out:
      return "timed_out";
    case BuildOutcome::lost_by_notice:
      return "lost_by_notice";
    case BuildOutcome::agent_error:
      return "agent_error";
  }
  return "agent_error";
}

std::string_view to_string(GoodbyeCode code) {
  switch (code) {
    case GoodbyeCode::other:
      return "other";
    case GoodbyeCode::finished:
      return "finished";
    case GoodbyeCode::shutting_down:
      return "shutting_down";
    case GoodbyeCode::revoked:
      return "revoked";
    case GoodbyeCode::protocol_error:
      return "protocol_error";
  }
  return "other";
}

std::string_view name_of(const Message& message) {
  static constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames{
      "Hello",       "Welcome",        "Refused",       "Challenge", "Proof",       "Credential", "Resume",
      "Heartbeat",   "HeartbeatReply", "Assign",        "Accepted",  "Rejected",    "Start",      "Withdraw",
      "StepStarted", "StepFinished",   "BuildFinished", "ReportAck", "FinishedAck", "Cancel",     "LogData",
      "LogAck",      "Drain",          "Notice",        "Goodbye"};
  return kNames[message.index()];
}

}  // namespace footman::protocol
