#include "samples.hpp"

#include <utility>

#include "protocol/codec.hpp"

namespace footman::protocol::test {
namespace {

using base::Duration;
using base::Instant;
using base::Secret;

const Instant kNoon{1'795'521'600'000'000};
const base::AssignmentId kAssignment{7};
const base::StreamId kStream{9};

Hello make_hello() {
  Hello hello;
  hello.features = 0b111;  // what the first version said
  hello.agent = base::AgentId("local-k3v9q2m7");
  hello.attempt = 1;
  hello.connection = 2;
  hello.secret = Secret("5ec3e75ec3e75ec3e75ec3e75ec3e75e");
  hello.session_key = Secret("0123456789abcdef0123456789ABCDEF");
  hello.agent_version = "0.1.0";
  hello.os = "linux";
  hello.arch = "x86_64";
  hello.hostname = "box";
  hello.pid = 4711;
  hello.cpus = 2;
  hello.memory_bytes = std::uint64_t{4} << 30;
  hello.started_at = kNoon;
  return hello;
}

Welcome make_welcome() {
  Welcome welcome;
  welcome.version = 1;
  welcome.features = 0b111;
  welcome.epoch = 3;
  welcome.installation = base::InstallationId("inst-42");
  welcome.heartbeat_interval = Duration(15'000'000);
  welcome.lease = Duration(60'000'000);
  welcome.orphan_timeout = Duration(1'800'000'000);
  welcome.log_window_bytes = kDefaultLogWindowBytes;
  welcome.max_frame_bytes = kMaxFrameToServerBytes;
  welcome.server_time = kNoon;
  welcome.single_use = true;
  welcome.streams = {{kStream, 512}, {base::StreamId(10), 0}};
  return welcome;
}

Assign make_assign() {
  Assign assign;
  assign.assignment = kAssignment;
  assign.build = base::BuildId(8);
  assign.build_number = 12;
  assign.job = base::JobPath("team/app");
  assign.stream = kStream;
  assign.work.workspace_key = "team-app";
  assign.work.env = {{"BUILD_NUMBER", Secret("12"), false}, {"TOKEN", Secret("s3cr3t"), true}};
  assign.work.steps = {{"test", {}, "#!/bin/bash\nmake test\n"},
                       {"report", {"/usr/bin/python3", "-u"}, "print(1)"}};
  assign.work.timeout = Duration(3'600'000'000);
  assign.work.grace = Duration(10'000'000);
  assign.work.masks = {Secret("s3cr3t")};
  assign.work.log_limit_bytes = 100'000'000;
  assign.work.unstable_exit_statuses = {0, 3};
  return assign;
}

StepFinished make_step_finished() {
  StepFinished finished;
  finished.assignment = kAssignment;
  finished.report = 2;
  finished.step = 0;
  finished.exit_status = -1;
  finished.signal = 9;
  finished.out_of_memory = true;
  finished.peak_memory_bytes = 123'456'789;
  finished.cpu_time = Duration(1'500'000);
  finished.wall_time = Duration(2'000'000);
  finished.at = kNoon + Duration(2'000'000);
  finished.log_offset = 530;
  return finished;
}

BuildFinished make_build_finished() {
  BuildFinished finished;
  finished.assignment = kAssignment;
  finished.report = 3;
  finished.outcome = BuildOutcome::failure;
  finished.reason = "step 'test' was ended by signal 9";
  finished.failed_step = 0;
  finished.log_end = 530;
  finished.log_truncated = true;
  finished.at = kNoon + Duration(2'000'001);
  return finished;
}

LogData make_log_data() {
  return {kStream,
          512,
          {{0, kNoon}, {6, kNoon + Duration(100)}},
          std::string("hello\n\x1b[31mred\0\xff\n\0", 18)};
}

}  // namespace

std::vector<Message> sample_messages() {
  std::vector<Message> all;
  all.reserve(std::variant_size_v<Message>);
  all.emplace_back(make_hello());
  all.emplace_back(make_welcome());
  all.emplace_back(Refused{RefusalCode::expired, "too late", false});
  all.emplace_back(Challenge{Secret("fedcba9876543210FEDCBA9876543210")});
  all.emplace_back(Proof{{{"access_key_id", Secret("ASIAEXAMPLE")}, {"signature", Secret("5ca1ab1e")}}});
  all.emplace_back(Credential{Secret("0123456789abcdef0123456789abcdef")});
  all.emplace_back(
      Resume{{{kAssignment, AssignmentPhase::running, kStream, 512, 530, 1},
              {base::AssignmentId(11), AssignmentPhase::accepted, base::StreamId(10), 0, 0, 0}}});
  all.emplace_back(Heartbeat{5, kNoon});
  all.emplace_back(HeartbeatReply{5, kNoon, kNoon + Duration(250)});
  all.emplace_back(make_assign());
  all.emplace_back(Accepted{kAssignment});
  all.emplace_back(Rejected{kAssignment, "draining"});
  all.emplace_back(Start{kAssignment, 512});
  all.emplace_back(Withdraw{kAssignment, "given to another agent"});
  all.emplace_back(StepStarted{kAssignment, 1, 0, kNoon, 512});
  all.emplace_back(make_step_finished());
  all.emplace_back(make_build_finished());
  all.emplace_back(ReportAck{kAssignment, 2});
  all.emplace_back(FinishedAck{kAssignment});
  all.emplace_back(Cancel{kAssignment, "cancelled by anna", Duration(5'000'000)});
  all.emplace_back(make_log_data());
  all.emplace_back(LogAck{kStream, 530});
  all.emplace_back(Drain{"the template has changed"});
  all.emplace_back(Notice{"spot interruption", kNoon + Duration(120'000'000)});
  all.emplace_back(Goodbye{GoodbyeCode::finished, "single use", false});
  return all;
}

namespace {
std::vector<Message> session(bool of_agent) {
  std::vector<Message> chosen;
  for (auto& message : sample_messages()) {
    const auto& info = info_of(message);
    if (of_agent ? info.from_agent : info.from_server)
      if (!info.first || info.name == "Hello" || info.name == "Welcome" || info.name == "Goodbye")
        chosen.push_back(std::move(message));
  }
  return chosen;
}
}  // namespace

std::vector<Message> sample_session_of_agent() { return session(true); }
std::vector<Message> sample_session_of_server() { return session(false); }

}  // namespace footman::protocol::test
