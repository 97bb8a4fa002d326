#include "ecs/stop_reason.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace footman::ecs;
using footman::model::EndReason;
using footman::model::FailureClass;

namespace {

struct Row {
  std::string stop_code;
  std::string stopped_reason;
  std::string container_reason;  // of the agent's container
  std::string found;             // cause, failure class
};

std::string describe(const StopExplanation& explanation) {
  return fmt::format("{} {}", to_string(explanation.cause), footman::model::to_string(explanation.failure));
}

Task make_task(const std::string& code, const std::string& reason) {
  Task task;
  task.arn = "arn:aws:ecs:eu-central-1:123456789012:task/ci/0123456789abcdef0123456789abcdef";
  task.stop_code = code;
  task.stopped_reason = reason;
  task.containers.resize(2);
  task.containers[0].name = "agent";
  task.containers[1].name = "db";
  return task;
}

void check_rows(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    auto task = make_task(row.stop_code, row.stopped_reason);
    task.containers[0].reason = row.container_reason;
    const auto explanation = explain_stop(task, "agent");
    CHECK_MESSAGE(describe(explanation) == row.found, (row.stopped_reason + row.container_reason));
    CHECK_FALSE(explanation.sentence.empty());
    CHECK(explanation.death.text == explanation.sentence);
  }
}

constexpr auto kFailed = "TaskFailedToStart";

}  // namespace

TEST_CASE("stop reason: what AWS could not get ready") {
  check_rows({
      {kFailed, "Timeout waiting for network interface provisioning to complete.", "",
       "provisioning transient"},
      {kFailed, "Network interface provision complete error timeout wait for network interface provision.",
       "", "provisioning transient"},
      {kFailed, "Timeout waiting for EphemeralStorage provisioning to complete.", "",
       "provisioning transient"},
      {kFailed,
       "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: x", "",
       "provisioning transient"},
      {kFailed, "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", "",
       "provisioning transient"},
      {kFailed, "Task failed to start", "CannotInspectContainerError: Could not transition to inspecting",
       "provisioning transient"},
      {kFailed,
       "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
       "failed: "
       "unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: "
       "request "
       "context canceled caused by: context deadli...",
       "", "provisioning transient"},
      {kFailed,
       "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from "
       "asm: "
       "There is a connection issue between the task and AWS Secrets Manager.",
       "", "provisioning transient"},
      {kFailed, "ResourceInitializationError: failed to validate logger args: : signal: killed", "",
       "provisioning transient"},
      {kFailed, "ResourceInitializationError: failed to configure ENI: failed to setup regular eni", "",
       "provisioning transient"},
      {kFailed, "TaskFailedToStart: AGENT", "", "provisioning transient"},
      {kFailed,
       "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled "
       "in subnet "
       "'subnet-1': InsufficientFreeAddressesInSubnet",
       "", "capacity capacity"},
      {kFailed,
       "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': "
       "InvalidSubnetID.NotFound",
       "", "configuration configuration"},
      {kFailed,
       "Unexpected EC2 error while attempting to Create Network Interface: RequestLimitExceeded: Rate "
       "exceeded",
       "", "throttled throttled"},
      {kFailed,
       "Unexpected EC2 error while attempting to Create Network Interface: NetworkInterfaceLimitExceeded", "",
       "quota capacity"},
  });
}

TEST_CASE("stop reason: no room") {
  check_rows({
      {kFailed,
       "Capacity is unavailable at this time. Please try again later or in a different availability zone", "",
       "capacity capacity"},
      {kFailed, "TaskFailedToStart: RESOURCE:CPU", "", "capacity capacity"},
      {kFailed, "RESOURCE:ENI", "", "capacity capacity"},
      {kFailed, "TaskFailedToStart: EMPTY CAPACITY PROVIDER", "", "capacity capacity"},
      {kFailed, "TaskFailedToStart: NO ACTIVE INSTANCES", "", "capacity capacity"},
      {kFailed, "TaskFailedToStart: MemberOf placement constraint unsatisfied.", "",
       "configuration configuration"},
      {kFailed, "You've reached the limit on the number of vCPUs you can run concurrently", "",
       "quota capacity"},
      {kFailed, "TaskFailedToStart: ATTRIBUTE", "", "configuration configuration"},
  });
}

TEST_CASE("stop reason: images") {
  const auto pull = [](std::string text, std::string found) {
    return Row{kFailed, "Task failed to start", "CannotPullContainerError: " + text, std::move(found)};
  };
  check_rows({
      pull(
          "pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/x/y:1: failed to "
          "do request: "
          "Head \"https://registry-1.docker.io/v2/x/y/manifests/1\": dial tcp 34.205.13.154:443: i/o timeout",
          "pull_transient transient"),
      pull("toomanyrequests: You have reached your pull rate limit.", "pull_transient transient"),
      pull("inspect image has been retried 1 time(s): httpReadSeeker: failed open: unexpected status code "
           "https://registry/v2/x: 429 Too Many Requests",
           "pull_transient transient"),
      pull("Error response from daemon: Get https://registry/v2/: net/http: TLS handshake timeout",
           "pull_transient transient"),
      pull("Error response from daemon: received unexpected HTTP status: 503 Service Unavailable",
           "pull_transient transient"),
      pull("failed to copy: httpReadSeeker: failed open: unexpected EOF", "pull_transient transient"),
      pull("net/http: request canceled while waiting for connection", "pull_transient transient"),
      pull("context canceled", "pull_transient transient"),
      pull("something new", "pull_transient transient"),
      pull("Error response from daemon: manifest for node:99 not found: manifest unknown: manifest unknown",
           "image image"),
      pull("pull image manifest has been retried 1 time(s): failed to resolve ref x: not found",
           "image image"),
      pull("inspect image has been retried 1 time(s): failed to resolve ref x: unexpected status from HEAD: "
           "403 "
           "Forbidden",
           "permission permission"),
      pull("image Manifest does not contain descriptor matching platform 'linux/amd64'", "image image"),
      pull("Error response from daemon: pull access denied for x, repository does not exist or may require "
           "'docker "
           "login'",
           "image image"),
      pull("Error response from daemon: pull access denied for 123.dkr.ecr.us-east-1.amazonaws.com/x, "
           "repository does "
           "not exist or may require 'docker login': denied: User: arn:aws:sts::1:assumed-role/x is not "
           "authorized to "
           "perform: ecr:BatchGetImage",
           "permission permission"),
      pull("AccessDeniedException: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: "
           "ecr:GetAuthorizationToken",
           "permission permission"),
      pull("no basic auth credentials", "permission permission"),
      pull("failed to register layer: write /x: no space left on device", "provisioning transient"),
      {"EssentialContainerExited", "Essential container in task exited",
       "exec /footman/footman-agent: exec format error", "image image"},
  });
}

TEST_CASE("stop reason: roles and settings") {
  check_rows({
      {kFailed,
       "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from "
       "asm: "
       "AccessDeniedException: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: "
       "secretsmanager:GetSecretValue",
       "", "permission permission"},
      {kFailed,
       "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: "
       "Secrets "
       "Manager can't find the specified secret value for staging label: AWSCURRENT.",
       "", "configuration configuration"},
      {kFailed,
       "ResourceInitializationError: failed to create Cloudwatch log stream: ResourceNotFoundException: The "
       "specified "
       "log group does not exist",
       "", "configuration configuration"},
      {kFailed,
       "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: b'x'",
       "", "configuration configuration"},
      {kFailed,
       "ResourceInitializationError: failed to invoke EFS utils commands: mount.nfs4: access denied by "
       "server",
       "", "permission permission"},
      {kFailed, "CannotCreateVolumeError: EBS volume could not be attached", "",
       "configuration configuration"},
      {kFailed, "Task failed to start",
       "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed "
       "to create "
       "Cloudwatch log stream: ResourceNotFoundException",
       "container_start configuration"},
      {kFailed, "Task failed to start",
       "CannotStartContainerError: OCI runtime create failed: exec: \"/sbin/tini\": executable file not "
       "found in $PATH",
       "image image"},
      {kFailed, "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.",
       "", "permission permission"},
  });
}

TEST_CASE("stop reason: who took it away") {
  check_rows({
      {"SpotInterruption", "Your Spot Task was interrupted.", "", "spot_reclaim capacity"},
      {"TerminationNotice", "Your Spot Task was interrupted.", "", "spot_reclaim capacity"},
      {"TerminationNotice", "Host EC2 (instance i-03dba81187d65ce7e) terminated.", "",
       "host_failure transient"},
      {"", "Host EC2 (instance i-03dba81187d65ce7e) terminated.", "", "host_failure transient"},
      {"InfrastructureHealth", "", "", "host_failure transient"},
      {"ServiceSchedulerInitiated",
       "ECS is performing maintenance on the underlying infrastructure hosting the task", "",
       "host_failure transient"},
      {"UserInitiated", "Container instance deregistered by user", "", "host_failure transient"},
      {"UserInitiated", "Task stopped by user", "", "asked transient"},
      {"UserInitiated", "Footman: surplus", "", "ours transient"},
      {"UserInitiated", "Footman: surplus", "OutOfMemoryError: Container killed due to memory usage",
       "ours transient"},
      {"", "", "", "unknown transient"},
      {kFailed, "something that was never seen", "", "unknown transient"},
  });
}

TEST_CASE("stop reason: exits") {
  auto task = make_task("EssentialContainerExited", "Essential container in task exited");
  task.containers[0].exit_code = 3;
  auto explanation = explain_stop(task, "agent");
  CHECK(describe(explanation) == "agent_exited boot");
  CHECK(explanation.death.exit_status == 3);
  CHECK(explanation.death.signal == 0);
  CHECK(explanation.sentence ==
        "the agent's container ended; AWS says: Essential container in task exited; exit code 3 of 'agent'");

  task.containers[0].exit_code = 137;
  explanation = explain_stop(task, "agent");
  CHECK(describe(explanation) == "killed boot");
  CHECK(explanation.sentence.starts_with("it was killed (SIGKILL), most likely because"));
  CHECK(explanation.end_reason == EndReason::out_of_memory);
  CHECK(explanation.death.out_of_memory);
  CHECK(explanation.death.signal == 9);
  CHECK_FALSE(explanation.death.exit_status.has_value());

  task.containers[0].exit_code = 1;
  task.containers[0].reason = "OutOfMemoryError: Container killed due to memory usage";
  CHECK(explain_stop(task, "agent").death.out_of_memory);

  task.containers[0] = {};
  task.containers[0].name = "agent";
  task.containers[0].exit_code = 143;
  task.containers[1].exit_code = 1;
  explanation = explain_stop(task, "agent");
  CHECK(describe(explanation) == "sidecar_exited boot");
  CHECK(explanation.sentence.ends_with("exit code 1 of 'db'"));
  CHECK(explanation.death.signal == 15);
  task.containers[0].exit_code = 137;  // it did not go at SIGTERM
  explanation = explain_stop(task, "agent");
  CHECK(describe(explanation) == "sidecar_exited boot");
  CHECK_FALSE(explanation.death.out_of_memory);

  // The agent ends, and ECS ends the sidecar.
  for (const int code : {143, 137}) {
    task.containers[0].exit_code = 0;
    task.containers[1].exit_code = code;
    CHECK(describe(explain_stop(task, "agent")) == "agent_exited boot");
  }
}

TEST_CASE("stop reason: SIGKILL after somebody asked for the end is no lack of memory") {
  for (const auto* code : {"UserInitiated", "SpotInterruption"}) {
    auto task = make_task(code, "Footman: drained");
    task.containers[0].exit_code = 137;
    const auto explanation = explain_stop(task, "agent");
    CHECK_FALSE(explanation.death.out_of_memory);
    CHECK(explanation.death.signal == 9);
  }
}

TEST_CASE("stop reason: an agent that was at work ends with a notice when AWS takes its machine") {
  CHECK(explain_stop(make_task("SpotInterruption", ""), "agent").end_reason == EndReason::notice);
  CHECK(explain_stop(make_task("InfrastructureHealth", ""), "agent").end_reason == EndReason::notice);
  CHECK(explain_stop(make_task("UserInitiated", "x"), "agent").end_reason == EndReason::resource_gone);
  CHECK(explain_stop(make_task("SpotInterruption", ""), "agent").sentence ==
        "AWS took its Spot capacity back; AWS says: SpotInterruption");
}

TEST_CASE("stop reason: what AWS says is cut between characters") {
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "ä";
  const auto sentence = explain_stop(make_task("", umlauts), "agent").sentence;
  CHECK(sentence.size() < 700);
  CHECK(sentence.ends_with("ä"));
}

TEST_CASE("stop reason: the failures of RunTask and DescribeTasks") {
  const auto of = [](std::string reason, std::string detail = {}) {
    return describe(explain_failure({"arn", std::move(reason), std::move(detail)}));
  };
  CHECK(of("RESOURCE:MEMORY") == "capacity capacity");
  CHECK(of("RESOURCE:PORTS") == "capacity capacity");
  CHECK(of("AGENT") == "provisioning transient");
  CHECK(of("ATTRIBUTE") == "configuration configuration");
  CHECK(of("LOCATION") == "configuration configuration");
  CHECK(of("MISSING") == "missing transient");
  CHECK(of("Capacity is unavailable at this time.") == "capacity capacity");
  CHECK(of("MemberOf placement constraint unsatisfied.") == "configuration configuration");
  CHECK(of("DistinctInstance placement constraint unsatisfied.") == "capacity capacity");
  CHECK(of("", "No Container Instances were found in your cluster.") == "capacity capacity");
  CHECK(of("NEW:THING") == "unknown transient");
  CHECK(explain_failure({"arn", "RESOURCE:CPU", "the detail"}).sentence ==
        "AWS has no room for it now; AWS says: RESOURCE:CPU; the detail");
}

TEST_CASE("stop reason: the errors of ECS") {
  const auto of = [](std::string_view code, std::string_view message) {
    return describe(explain_error(code, message));
  };
  CHECK(of("InvalidParameterException", "No Container Instances were found in your cluster.") ==
        "capacity capacity");
  CHECK(of("InvalidParameterException", "TaskDefinition is inactive") == "configuration configuration");
  CHECK(of("InvalidParameterException", "Subnet is invalid") == "configuration configuration");
  CHECK(of("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently") ==
        "quota capacity");
  CHECK(of("ClientException",
           "Too many concurrent attempts to create a new revision of the specified family.") ==
        "throttled throttled");
  CHECK(of("ClientException", "ECS was unable to assume the role 'x' that was provided for this task.") ==
        "permission permission");
  CHECK(of("ClusterNotFoundException", "Cluster not found.") == "configuration configuration");
  CHECK(of("AccessDeniedException", "User x is not authorized to perform: ecs:RunTask") ==
        "permission permission");
  CHECK(of("PlatformUnknownException", "") == "configuration configuration");
  CHECK(of("BlockedException", "Your account is currently blocked.") == "permission permission");
  CHECK(of("ServerException", "Service Unavailable. Please try again later.") == "unknown transient");
}

TEST_CASE("stop reason: every cause has a word and a class") {
  for (int i = 0; i <= static_cast<int>(StopCause::missing); ++i)
    CHECK_FALSE(to_string(static_cast<StopCause>(i)).empty());
}
