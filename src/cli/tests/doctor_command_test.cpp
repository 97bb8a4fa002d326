// doctor, cloud discover, iam-policy --doctor: how what the program found is told.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <filesystem>

#include "cli/json.hpp"
#include "cli/tests/script_server.hpp"
#include "config/config.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;
using model::Finding;
using model::FindingState;

namespace {

constexpr const char* kEcsConfig = R"(
agent_url: wss://ci.example.com
clouds:
- {name: fargate, type: ecs, ecs: {region: eu-central-1, cluster: ci, credentials: {profile: ci}}, templates: []}
)";

struct Doctored {
  std::vector<Finding> findings;
  DoctorOptions seen;
  ecs::CloudOptions asked;
  Result<ecs::Landscape> landscape = ecs::Landscape();

  Ran run(const std::vector<std::string>& words, const Variables& variables = {}) {
    Programs programs;
    programs.doctor = [this](const DoctorOptions& options) -> Result<std::vector<Finding>> {
      seen = options;
      return findings;
    };
    programs.discover = [this](const ecs::CloudOptions& cloud) {
      asked = cloud;
      return landscape;
    };
    programs.find_region = [&](const std::string& profile) -> Result<std::string> {
      const auto found = variables.find("AWS_REGION");
      if (found == variables.end()) return fail(Errc::not_found, "not in the profile '" + profile + "'");
      return found->second;
    };
    TextOutput out;
    TextOutput err;
    const int code = run_words(out, err, words, variables, {}, std::move(programs));
    return {code, out.text(), err.text()};
  }
};

ecs::Landscape make_landscape() {
  ecs::Landscape out;
  out.caller = ecs::CallerFacts{"123456789012", "arn:aws:iam::123456789012:user/me"};
  out.clusters = ecs::Texts{"ci"};
  out.subnets = std::vector<ecs::SubnetFacts>{{"subnet-00000001", "builds", "vpc-1", "eu-central-1a", 42}};
  out.route_tables =
      std::vector<ecs::RouteTableFacts>{{"rtb-1", "vpc-1", true, {}, {{"0.0.0.0/0", "igw-1", true}}}};
  out.groups = std::vector<ecs::GroupFacts>{{"sg-00000001", "agents", "vpc-1", {}}};
  out.roles = std::vector<ecs::RoleFacts>{
      {"task", "arn:aws:iam::123456789012:role/task",
       R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}})"}};
  out.file_systems =
      std::unexpected(ecs::NotKnown{"elasticfilesystem:DescribeFileSystems", true, "not authorized"});
  out.log_groups = ecs::Texts{"/ci/agents"};
  return out;
}

}  // namespace

TEST_CASE("doctor tells each finding, and ends by the worst") {
  const Place place("doctor");
  const auto file = place.file("footman.yaml", kEcsConfig);
  Doctored doctored;
  doctored.findings = {
      {FindingState::ok, "ports", "listen 127.0.0.1:8080 is free", {}, {}, "server"},
      {FindingState::warning, "clock", "it is\x1b[31m late", "set it", {}, "cloud fargate"},
      {FindingState::unchecked, "task-role", "the task role x", "ask", "iam:GetRole", "cloud fargate"}};
  auto ran = doctored.run({"doctor", file, "--data", "/d"});
  CHECK(ran.code == exit_ok);
  CHECK(ran.out ==
        "server\n"
        "  ok         ports: listen 127.0.0.1:8080 is free\n"
        "cloud fargate\n"
        "  warning    clock: it is?[31m late\n"
        "             -> set it\n"
        "  unchecked  task-role: the task role x\n"
        "             it needs the permission iam:GetRole\n"
        "             -> ask\n"
        "1 ok, 1 warnings, 0 failed, 1 could not be checked\n");
  CHECK(doctored.seen.config_file == file);
  CHECK(doctored.seen.data_directory == "/d");
  CHECK(doctored.seen.config.clouds.size() == 1);
  CHECK(doctored.seen.warnings == 1);  // no templates

  CHECK(doctored.run({"doctor", "--config", file}).code == exit_ok);
  CHECK(doctored.seen.config_file == file);
  CHECK(doctored.run({"doctor", file, "--config", file}).code == exit_usage);

  doctored.findings.push_back(
      {FindingState::failed, "subnets", "there is no subnet", "name one", {}, "cloud fargate"});
  CHECK(doctored.run({"doctor", file}).code == exit_refused);
  ran = doctored.run({"doctor", file, "--json", "--cloud", "fargate"});
  CHECK(ran.code == exit_refused);
  CHECK(doctored.seen.cloud == "fargate");
  const auto told = json::parse(ran.out);
  CHECK_FALSE(flag_of(told, "ok"));
  REQUIRE(list_of(told, "findings").size() == 4);
  const auto& third = list_of(told, "findings")[2];
  CHECK(text_of(third, "of") == "cloud fargate");
  CHECK(text_of(third, "check") == "task-role");
  CHECK(text_of(third, "state") == "unchecked");
  CHECK(text_of(third, "permission") == "iam:GetRole");
  CHECK(text_of(list_of(told, "findings")[3], "advice") == "name one");
}

TEST_CASE("doctor of a wrong file, or a cloud that is not there") {
  const Place place("doctor-wrong");
  Doctored doctored;
  const auto wrong = doctored.run({"doctor", place.file("bad.yaml", "listn: x\n")});
  CHECK(wrong.code == exit_usage);
  CHECK(wrong.err.find("bad.yaml:1:1: ") != std::string::npos);
  const auto other = doctored.run({"doctor", place.file("footman.yaml", kEcsConfig), "--cloud", "aws"});
  CHECK(other.code == exit_usage);
  CHECK(other.err.find("no cloud 'aws'") != std::string::npos);
}

TEST_CASE("cloud discover lists what there is, and what could not be asked") {
  const Place place("discover");
  const auto file = place.file("footman.yaml", kEcsConfig);
  Doctored doctored;
  doctored.landscape = make_landscape();
  auto ran = doctored.run({"cloud", "discover", file});
  CHECK(ran.code == exit_ok);
  CHECK(doctored.asked.region == "eu-central-1");
  CHECK(doctored.asked.credentials.profile == "ci");
  for (const auto* part :
       {"eu-central-1 in the account 123456789012, as arn:aws:iam::123456789012:user/me", "subnet-00000001",
        "builds", "42", "igw-1 (public)", "sg-00000001", "ECS' tasks alone", "/ci/agents"})
    CHECK_MESSAGE(ran.out.find(part) != std::string::npos, ran.out);
  CHECK(ran.err ==
        "file_systems: the permission elasticfilesystem:DescribeFileSystems is needed: not authorized\n");

  ran = doctored.run({"cloud", "discover", file, "--region", "eu-west-1", "--profile", "me", "--json"});
  CHECK(doctored.asked.region == "eu-west-1");
  CHECK(doctored.asked.credentials.profile == "me");
  const auto told = json::parse(ran.out);
  CHECK(number_of(list_of(told, "subnets")[0], "free_addresses") == 42);
  CHECK(flag_of(list_of(told, "subnets")[0], "public"));
  CHECK(flag_of(list_of(told, "roles")[0], "tasks_alone"));
  CHECK(text_of(list_of(told, "clusters")[0], "name") == "ci");
  CHECK(text_of(part_of(told, "troubles"), "file_systems").find("not authorized") != std::string::npos);
}

TEST_CASE("cloud discover needs no file, but a region and credentials") {
  const Place place("discover-none");
  const auto local = place.file("local.yaml", "listen: 127.0.0.1:1\n");
  Doctored doctored;
  doctored.landscape = make_landscape();
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(place.path);  // where there is no footman.yaml
  const auto nowhere = doctored.run({"cloud", "discover"});
  const auto somewhere =
      doctored.run({"cloud", "discover"}, {{"AWS_REGION", "us-east-1"},
                                           {"AWS_ENDPOINT_URL", "https://aws.test"},
                                           {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "https://logs.test"}});
  std::filesystem::current_path(before);
  CHECK(nowhere.code == exit_usage);
  CHECK(nowhere.err.find("--region") != std::string::npos);
  CHECK(nowhere.err.find("names no region: not in the profile ''") != std::string::npos);
  CHECK(somewhere.code == exit_ok);
  CHECK(doctored.asked.region == "us-east-1");
  CHECK(doctored.asked.endpoint.url == "https://aws.test");
  CHECK(doctored.asked.endpoint.urls == ecs::TextMap{{"logs", "https://logs.test"}});
  CHECK(doctored.run({"cloud", "discover", local}).code == exit_usage);  // it was named, and has none
  CHECK(doctored.run({"cloud", "discover", "--region", "us-east-1", "--vpc", "vpc-1"}).code == exit_usage);

  doctored.landscape->caller =
      std::unexpected(ecs::NotKnown{"sts:GetCallerIdentity", false, "no credentials"});
  const auto nobody = doctored.run({"cloud", "discover", "--region", "us-east-1"});
  CHECK(nobody.code == exit_refused);
  CHECK(nobody.err.find("no credentials") != std::string::npos);
  CHECK(nobody.err.find("footman doctor") != std::string::npos);
}

TEST_CASE("the configuration that cloud discover prints is a right one, whatever there is") {
  Doctored doctored;
  const config::Sources none{
      [](const std::string&) { return std::nullopt; },
      [](const std::string&) -> Result<std::string> { return fail(Errc::io, "none"); },
      [](const std::string&) -> Result<std::string> { return fail(Errc::io, "none"); }};
  ecs::Landscape empty;
  empty.caller = ecs::CallerFacts{"123456789012", "arn"};
  for (const auto& landscape : {make_landscape(), empty}) {
    doctored.landscape = landscape;
    const auto ran = doctored.run({"cloud", "discover", "--region", "eu-central-1", "--config"});
    CHECK(ran.code == exit_ok);
    INFO(ran.out);
    const auto parsed = config::parse_config(ran.out, "snippet", none, "x86_64");
    INFO((parsed ? std::string() : config::describe(parsed.error().front())));
    CHECK(parsed.has_value());
    CHECK(ran.out.find("FILL IN") != std::string::npos);
  }
  const auto unknown =
      doctored.run({"cloud", "discover", "--region", "eu-central-1", "--config", "--vpc", "vpc-nowhere"});
  CHECK(unknown.code == exit_not_found);
}

TEST_CASE("iam-policy --doctor prints what is asked, instead of what the server does") {
  const Place place("doctor-policy");
  const auto file = place.file("footman.yaml", kEcsConfig);
  const auto server = run_footman({"iam-policy", file, "--account", "123456789012"});
  const auto doctor = run_footman({"iam-policy", file, "--account", "123456789012", "--doctor"});
  CHECK(server.code == exit_ok);
  CHECK(doctor.code == exit_ok);
  CHECK(server.out.find("ecs:StopTask") != std::string::npos);
  CHECK(server.out.find("ec2:") == std::string::npos);
  CHECK(doctor.out.find("ec2:DescribeSubnets") != std::string::npos);
  CHECK(doctor.out.find("StopTask") == std::string::npos);
}
