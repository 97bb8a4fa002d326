#include "ecs/task.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace footman::ecs;

namespace {

// As DescribeTasks answers, a little shortened.
constexpr auto kStopped = R"({"tasks":[{
  "taskArn":"arn:aws:ecs:eu-central-1:123456789012:task/ci/0123456789abcdef0123456789abcdef",
  "clusterArn":"arn:aws:ecs:eu-central-1:123456789012:cluster/ci",
  "taskDefinitionArn":"arn:aws:ecs:eu-central-1:123456789012:task-definition/footman-node-1:1",
  "lastStatus":"STOPPED","desiredStatus":"STOPPED","version":6,"startedBy":"inst-1","group":"family:footman-node-1",
  "availabilityZone":"eu-central-1a","launchType":"FARGATE","capacityProviderName":"FARGATE_SPOT",
  "platformVersion":"1.4.0","cpu":"1024","memory":"2048","connectivity":"CONNECTED",
  "createdAt":1795000000.123,"connectivityAt":1795000005,"pullStartedAt":1795000010.5,"pullStoppedAt":1795000030.25,
  "startedAt":1795000031.0,"stoppingAt":1795000100.0,"executionStoppedAt":1795000110.0,"stoppedAt":1795000115.5,
  "stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited",
  "attachments":[{"type":"ElasticNetworkInterface","status":"DELETED","details":[
     {"name":"subnetId","value":"subnet-0a1b2c3d"},{"name":"networkInterfaceId","value":"eni-1"},
     {"name":"privateIPv4Address","value":"10.0.0.17"}]}],
  "containers":[
    {"name":"agent","lastStatus":"STOPPED","exitCode":0,"image":"node:20","imageDigest":"sha256:aa","healthStatus":"UNKNOWN"},
    {"name":"footman-carrier","lastStatus":"STOPPED","exitCode":null,"reason":"x"}],
  "tags":[{"key":"footman:agent","value":"ecs-1"},{"key":"empty"}],
  "overrides":{"containerOverrides":[]},"somethingNew":{"a":[1]}}],
  "failures":[{"arn":"arn:x","reason":"MISSING","detail":"gone"}]})";

std::string refusal(std::string_view text) {
  const auto answer = parse_task_answer(text);
  return answer ? "taken" : describe(answer.error());
}
std::string with(std::string_view members) {
  return fmt::format(R"({{"tasks":[{{"taskArn":"arn:aws:ecs:x:1:task/ci/1",{}}}]}})", members);
}
Task one(std::string_view members) { return parse_task_answer(with(members)).value().tasks.at(0); }

}  // namespace

TEST_CASE("task: everything of an answer") {
  const auto answer = parse_task_answer(kStopped).value();
  REQUIRE(answer.tasks.size() == 1);
  const auto& task = answer.tasks[0];
  CHECK(task.id == "0123456789abcdef0123456789abcdef");
  CHECK(task.cluster_arn.ends_with("cluster/ci"));
  CHECK(task.definition_arn.ends_with("footman-node-1:1"));
  CHECK(task.last_status == TaskStatus::stopped);
  CHECK(task.desired_status == TaskStatus::stopped);
  CHECK(task.version == 6);
  CHECK(task.started_by == "inst-1");
  CHECK(task.group == "family:footman-node-1");
  CHECK(task.availability_zone == "eu-central-1a");
  CHECK(task.launch_type == "FARGATE");
  CHECK(task.capacity_provider == "FARGATE_SPOT");
  CHECK(task.platform_version == "1.4.0");
  CHECK(task.cpu_units == 1024);
  CHECK(task.memory_mib == 2048);
  CHECK(task.subnet == "subnet-0a1b2c3d");
  CHECK(task.private_address == "10.0.0.17");
  CHECK(task.created_at.us == 1'795'000'000'123'000);
  CHECK(task.pull_stopped_at.us == 1'795'000'030'250'000);
  CHECK(task.stop_code == "EssentialContainerExited");
  CHECK(task.stopped_reason == "Essential container in task exited");
  REQUIRE(task.containers.size() == 2);
  CHECK(task.containers[0].exit_code == 0);
  CHECK(task.containers[0].image_digest == "sha256:aa");
  CHECK_FALSE(task.containers[1].exit_code.has_value());
  CHECK(task.containers[1].reason == "x");
  CHECK(task.tags == TextMap{{"footman:agent", "ecs-1"}, {"empty", ""}});
  REQUIRE(answer.failures.size() == 1);
  CHECK(answer.failures[0] == TaskFailure{"arn:x", "MISSING", "gone"});
  CHECK(find_phase(task) == TaskPhase::gone);
  std::string steps;
  for (const auto& step : list_steps(task)) steps += fmt::format("{};", step.what);
  CHECK(steps ==
        "created;network connected;image pull started;image pulled;started;stopping;execution "
        "stopped;stopped;");
}

TEST_CASE("task: an event has the same members, its times are texts") {
  const std::string event =
      R"({"version":"0","id":"e-1","detail-type":"ECS Task State Change","source":"aws.ecs",
    "account":"123456789012","time":"2026-11-18T16:26:41Z","region":"eu-central-1","resources":["arn"],
    "detail":{"taskArn":"arn:aws:ecs:eu-central-1:123456789012:task/ci/77","desiredStatus":"STOPPED",
      "lastStatus":"RUNNING","stopCode":"TerminationNotice","stoppedReason":"Your Spot Task was interrupted.",
      "createdAt":"2026-11-18T16:26:40.123Z","version":4,
      "attachments":[{"id":"a","type":"eni","details":[{"name":"subnetId","value":"subnet-0a1b2c3d"}]}],
      "containers":[{"name":"agent","lastStatus":"RUNNING"}],"updatedAt":"2026-11-18T16:26:41Z"}})";
  const auto parsed = parse_task_event(event).value();
  CHECK(parsed.id == "e-1");
  CHECK(parsed.account == "123456789012");
  CHECK(parsed.region == "eu-central-1");
  CHECK(parsed.time == footman::base::parse_rfc3339("2026-11-18T16:26:41Z").value());
  CHECK(parsed.task.id == "77");
  CHECK(parsed.task.version == 4);
  CHECK(parsed.task.subnet == "subnet-0a1b2c3d");
  CHECK(parsed.task.created_at == footman::base::parse_rfc3339("2026-11-18T16:26:40.123Z").value());
  CHECK(find_phase(parsed.task) == TaskPhase::stopping);
  const auto other = parse_task_event(
      R"({"detail-type":"ECS Container Instance State Change","source":"aws.ecs","detail":{}})");
  CHECK(other.error().code == Errc::unsupported);
  CHECK(
      parse_task_event(R"({"detail-type":"ECS Task State Change","source":"me","detail":{}})").error().code ==
      Errc::unsupported);
  CHECK(parse_task_event(R"({"detail-type":"ECS Task State Change","source":"aws.ecs"})").error().field ==
        "detail");
  CHECK(parse_task_event(R"({"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{}})")
            .error()
            .field == "detail.taskArn");
}

TEST_CASE("task: what is to stop is stopping, whatever it does still") {
  CHECK(find_phase(one(R"("lastStatus":"PROVISIONING","desiredStatus":"RUNNING")")) == TaskPhase::starting);
  CHECK(find_phase(one(R"("lastStatus":"PENDING","desiredStatus":"RUNNING")")) == TaskPhase::starting);
  CHECK(find_phase(one(R"("lastStatus":"ACTIVATING","desiredStatus":"RUNNING")")) == TaskPhase::starting);
  CHECK(find_phase(one(R"("lastStatus":"RUNNING","desiredStatus":"RUNNING")")) == TaskPhase::running);
  CHECK(find_phase(one(R"("lastStatus":"PENDING","desiredStatus":"STOPPED")")) == TaskPhase::stopping);
  CHECK(find_phase(one(R"("lastStatus":"DEACTIVATING","desiredStatus":"STOPPED")")) == TaskPhase::stopping);
  CHECK(find_phase(one(R"("lastStatus":"DEPROVISIONING","desiredStatus":"RUNNING")")) == TaskPhase::stopping);
  CHECK(find_phase(one(R"("lastStatus":"STOPPED","desiredStatus":"STOPPED")")) == TaskPhase::gone);
  CHECK(find_phase(one(R"("lastStatus":"DELETED")")) == TaskPhase::gone);
  CHECK(find_phase(one(R"("lastStatus":"RESTING")")) == TaskPhase::starting);
  CHECK(find_phase(one(R"("lastStatus":"RESTING","startedAt":1)")) == TaskPhase::running);
}

TEST_CASE("task: a known member of another type is corrupt, and says where") {
  CHECK(refusal("").starts_with("ECS' answer: this is not JSON"));
  CHECK(refusal("[]") == "ECS' answer: an object was expected");
  CHECK(refusal("{}") == "taken");
  CHECK(refusal(R"({"tasks":{}})") == "ECS' answer: a list of at most 100 was expected (at tasks)");
  CHECK(refusal(R"({"tasks":[1]})") == "ECS' answer: an object was expected (at tasks[0])");
  CHECK(refusal(R"({"tasks":[{}]})") == "ECS' answer: a task's ARN was expected (at tasks[0].taskArn)");
  CHECK(refusal(R"({"tasks":[{"taskArn":"x/"}]})") ==
        "ECS' answer: a task's ARN was expected (at tasks[0].taskArn)");
  CHECK(refusal(with(R"("version":"4")")).ends_with("(at tasks[0].version)"));
  CHECK(refusal(with(R"("version":-1)")).ends_with("(at tasks[0].version)"));
  CHECK(refusal(with(R"("cpu":1024)")).ends_with("(at tasks[0].cpu)"));
  CHECK(refusal(with(R"("cpu":"1 vCPU")")).ends_with("a number was expected (at tasks[0].cpu)"));
  CHECK(refusal(with(R"("createdAt":"soon")")).ends_with("a time was expected (at tasks[0].createdAt)"));
  CHECK(refusal(with(R"("createdAt":-1)")).ends_with("(at tasks[0].createdAt)"));
  CHECK(refusal(with(R"("createdAt":1e300)")).ends_with("(at tasks[0].createdAt)"));
  CHECK(
      refusal(with(R"("containers":[{"exitCode":"0"}])")).ends_with("(at tasks[0].containers[0].exitCode)"));
  CHECK(refusal(with(R"("containers":[{"exitCode":99999999999}])"))
            .ends_with("(at tasks[0].containers[0].exitCode)"));
  CHECK(refusal(with(R"("lastStatus":1)")).ends_with("(at tasks[0].lastStatus)"));
  CHECK(refusal(with(R"("tags":[{"key":1}])")).ends_with("(at tasks[0].tags[0].key)"));
  CHECK(refusal(with(R"("attachments":[{"details":[{"name":1}]}])"))
            .ends_with("(at tasks[0].attachments[0].details[0].name)"));
  CHECK(refusal(R"({"failures":[{"reason":1}]})").ends_with("(at failures[0].reason)"));
}

TEST_CASE("task: everything has a limit") {
  std::string many = R"({"tasks":[)";
  for (int i = 0; i < 101; ++i) many += R"({"taskArn":"a/1"},)";
  many.back() = ']';
  CHECK(refusal(many + "}") == "ECS' answer: a list of at most 100 was expected (at tasks)");
  std::string containers = "\"containers\":[";
  for (int i = 0; i < 201; ++i) containers += "{},";
  containers.back() = ']';
  CHECK(refusal(with(containers)).ends_with("(at tasks[0].containers)"));
  CHECK(refusal(with(fmt::format(R"("group":"{}")", std::string(kMaxTaskTextBytes + 1, 'x'))))
            .ends_with("(at tasks[0].group)"));
  CHECK(one(fmt::format(R"("stoppedReason":"{}")", std::string(9999, 'x'))).stopped_reason.size() ==
        kMaxReasonBytes);
  CHECK(refusal(std::string(kMaxTasksBytes + 1, ' ')) ==
        "ECS' answer: 8388609 bytes are more than the limit of 8388608");
  CHECK(parse_task_event(std::string(kMaxEventBytes + 1, ' ')).error().code == Errc::corrupt);
  CHECK(refusal(std::string(1000, '[')).starts_with("ECS' answer: this is not JSON"));
}
