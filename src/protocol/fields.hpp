// The one description of every message's payload: the order here is the order on the wire. For codec.cpp and
// tests. Fields are only ever added at the end; a changed message gets a new number.
#pragma once

#include <type_traits>

#include "protocol/messages.hpp"
#include "protocol/wire.hpp"

namespace footman::protocol::wire {

// Readers fill the message, writers only look at it.
template <class C, class T>
using As = std::conditional_t<C::kReads, T, const T>;

// The elements of lists.
template <class C>
void fields(C& c, As<C, StreamPosition>& m);
template <class C>
void fields(C& c, As<C, ProofValue>& m);
template <class C>
void fields(C& c, As<C, HeldAssignment>& m);
template <class C>
void fields(C& c, As<C, EnvVar>& m);
template <class C>
void fields(C& c, As<C, WorkStep>& m);
template <class C>
void fields(C& c, As<C, TimeMark>& m);

// For list(): each element is described by its own overload.
inline constexpr auto kEach = [](auto& codec, auto& item) { fields(codec, item); };

template <class C>
void fields(C& c, As<C, Hello>& m) {
  c.number("version_min", m.version_min);
  c.number("version_max", m.version_max);
  c.number("features", m.features);
  c.text_id("agent", m.agent, kMaxIdBytes);
  c.number("attempt", m.attempt);
  c.number("connection", m.connection);
  c.secret("secret", m.secret, kMaxBootstrapSecretBytes);
  c.key("session_key", m.session_key);
  c.text("agent_version", m.agent_version, kMaxNameBytes);
  c.text("os", m.os, kMaxNameBytes);
  c.text("arch", m.arch, kMaxNameBytes);
  c.text("hostname", m.hostname, kMaxNameBytes);
  c.number("pid", m.pid);
  c.number("cpus", m.cpus);
  c.number("memory_bytes", m.memory_bytes);
  c.instant("started_at", m.started_at);
}

template <class C>
void fields(C& c, As<C, StreamPosition>& m) {
  c.number_id("stream", m.stream);
  c.offset("durable_offset", m.durable_offset);
}

template <class C>
void fields(C& c, As<C, Welcome>& m) {
  c.number("version", m.version);
  c.number("features", m.features);
  c.number("epoch", m.epoch);
  c.text_id("installation", m.installation, kMaxIdBytes);
  c.duration("heartbeat_interval", m.heartbeat_interval, kMaxHeartbeatInterval);
  c.duration("lease", m.lease);
  c.duration("orphan_timeout", m.orphan_timeout);
  c.size("log_window_bytes", m.log_window_bytes, kMaxLogWindowBytes);
  c.number("max_frame_bytes", m.max_frame_bytes);
  c.instant("server_time", m.server_time);
  c.flag("single_use", m.single_use);
  c.list("streams", m.streams, kMaxStreamsInWelcome, kEach);
}

template <class C>
void fields(C& c, As<C, Refused>& m) {
  c.open_enumeration("code", m.code, RefusalCode::superseded);
  c.text("message", m.message, kMaxReasonBytes);
  c.flag("retry", m.retry);
}

template <class C>
void fields(C& c, As<C, Challenge>& m) {
  c.key("nonce", m.nonce);
}

template <class C>
void fields(C& c, As<C, ProofValue>& m) {
  c.name("name", m.name, kMaxProofNameBytes);
  c.secret("value", m.value, kMaxProofValueBytes);
}

template <class C>
void fields(C& c, As<C, Proof>& m) {
  c.list("values", m.values, kMaxProofValues, kEach);
}

template <class C>
void fields(C& c, As<C, Credential>& m) {
  c.secret("secret", m.secret, kMaxCredentialBytes);
}

template <class C>
void fields(C& c, As<C, HeldAssignment>& m) {
  c.number_id("assignment", m.assignment);
  c.enumeration("phase", m.phase, AssignmentPhase::accepted, AssignmentPhase::finished);
  c.number_id("stream", m.stream);
  c.offset("first_unacknowledged", m.first_unacknowledged);
  c.offset("end_offset", m.end_offset);
  c.number("last_report", m.last_report);
}

template <class C>
void fields(C& c, As<C, Resume>& m) {
  c.list("assignments", m.assignments, kMaxHeldAssignments, kEach);
}

template <class C>
void fields(C& c, As<C, Heartbeat>& m) {
  c.number("sequence", m.sequence);
  c.instant("sent_at", m.sent_at);
}

template <class C>
void fields(C& c, As<C, HeartbeatReply>& m) {
  c.number("sequence", m.sequence);
  c.instant("sent_at", m.sent_at);
  c.instant("time", m.time);
}

template <class C>
void fields(C& c, As<C, EnvVar>& m) {
  c.name("name", m.name, kMaxEnvNameBytes);
  c.secret("value", m.value, kMaxEnvValueBytes);
  c.flag("secret", m.secret);
}

template <class C>
void fields(C& c, As<C, WorkStep>& m) {
  c.name("name", m.name, kMaxNameBytes);
  c.list("interpreter", m.interpreter, kMaxArguments,
         [](auto& codec, auto& argument) { codec.name("", argument, kMaxArgumentBytes); });
  c.bytes("script", m.script, kMaxScriptBytes);
}

template <class C>
void fields(C& c, As<C, WorkSpec>& m) {
  c.name("workspace_key", m.workspace_key, kMaxNameBytes);
  c.list("env", m.env, kMaxEnv, kEach);
  c.list("steps", m.steps, kMaxSteps, kEach);
  c.duration("timeout", m.timeout);
  c.duration("grace", m.grace);
  c.list("masks", m.masks, kMaxMasks, [](auto& codec, auto& mask) { codec.secret("", mask, kMaxMaskBytes); });
  c.number("log_limit_bytes", m.log_limit_bytes);
  if constexpr (C::kReads)
    if (c.at_end()) return;  // of a server that does not know what follows
  c.list("unstable_exit_statuses", m.unstable_exit_statuses, kMaxSteps,
         [](auto& codec, auto& status) { codec.number("", status); });
}

template <class C>
void fields(C& c, As<C, Assign>& m) {
  c.number_id("assignment", m.assignment);
  c.number_id("build", m.build);
  c.number("build_number", m.build_number);
  c.text_id("job", m.job, kMaxJobPathBytes);
  c.number_id("stream", m.stream);
  fields(c, m.work);
}

template <class C>
void fields(C& c, As<C, Accepted>& m) {
  c.number_id("assignment", m.assignment);
}

template <class C>
void fields(C& c, As<C, Rejected>& m) {
  c.number_id("assignment", m.assignment);
  c.text("reason", m.reason, kMaxReasonBytes);
}

template <class C>
void fields(C& c, As<C, Start>& m) {
  c.number_id("assignment", m.assignment);
  c.offset("stream_offset", m.stream_offset);
}

template <class C>
void fields(C& c, As<C, Withdraw>& m) {
  c.number_id("assignment", m.assignment);
  c.text("reason", m.reason, kMaxReasonBytes);
}

template <class C>
void fields(C& c, As<C, StepStarted>& m) {
  c.number_id("assignment", m.assignment);
  c.number("report", m.report);
  c.number("step", m.step);
  c.instant("at", m.at);
  c.offset("log_offset", m.log_offset);
}

template <class C>
void fields(C& c, As<C, StepFinished>& m) {
  c.number_id("assignment", m.assignment);
  c.number("report", m.report);
  c.number("step", m.step);
  c.number("exit_status", m.exit_status);
  c.number("signal", m.signal);
  c.flag("out_of_memory", m.out_of_memory);
  c.number("peak_memory_bytes", m.peak_memory_bytes);
  c.duration("cpu_time", m.cpu_time);
  c.duration("wall_time", m.wall_time);
  c.instant("at", m.at);
  c.offset("log_offset", m.log_offset);
}

template <class C>
void fields(C& c, As<C, BuildFinished>& m) {
  c.number_id("assignment", m.assignment);
  c.number("report", m.report);
  c.enumeration("outcome", m.outcome, BuildOutcome::success, BuildOutcome::agent_error);
  c.text("reason", m.reason, kMaxReasonBytes);
  c.number("failed_step", m.failed_step);
  c.offset("log_end", m.log_end);
  c.flag("log_truncated", m.log_truncated);
  c.instant("at", m.at);
}

template <class C>
void fields(C& c, As<C, ReportAck>& m) {
  c.number_id("assignment", m.assignment);
  c.number("report", m.report);
}

template <class C>
void fields(C& c, As<C, FinishedAck>& m) {
  c.number_id("assignment", m.assignment);
}

template <class C>
void fields(C& c, As<C, Cancel>& m) {
  c.number_id("assignment", m.assignment);
  c.text("reason", m.reason, kMaxReasonBytes);
  c.duration("grace", m.grace);
}

template <class C>
void fields(C& c, As<C, TimeMark>& m) {
  c.number("delta", m.delta);
  c.instant("at", m.at);
}

template <class C>
void fields(C& c, As<C, LogData>& m) {
  c.number_id("stream", m.stream);
  c.offset("offset", m.offset);
  c.list("marks", m.marks, kMaxTimeMarks, kEach);
  c.bytes("bytes", m.bytes, kMaxLogDataBytes);
}

template <class C>
void fields(C& c, As<C, LogAck>& m) {
  c.number_id("stream", m.stream);
  c.offset("durable_offset", m.durable_offset);
}

template <class C>
void fields(C& c, As<C, Drain>& m) {
  c.text("reason", m.reason, kMaxReasonBytes);
}

template <class C>
void fields(C& c, As<C, Notice>& m) {
  c.text("reason", m.reason, kMaxReasonBytes);
  c.instant("deadline", m.deadline);
}

template <class C>
void fields(C& c, As<C, Goodbye>& m) {
  c.open_enumeration("code", m.code, GoodbyeCode::protocol_error);
  c.text("reason", m.reason, kMaxReasonBytes);
  c.flag("reconnect", m.reconnect);
}

}  // namespace footman::protocol::wire
