// Agents whose tasks have a role prove who they are: what RunTask tells them, and what becomes of a proof.
#include "cloud/ecs/identity.hpp"

#include <doctest/doctest.h>

#include "aws/identity_proof.hpp"
#include "cloud/aws/cached_credentials.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/tests/small_ecs.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;
using footman::aws::ProofValues;
using footman::ecs::TemplateOptions;
using ports::ProofVerdict;

namespace {

constexpr std::string_view kRole = "arn:aws:iam::123456789012:role/ci/agent";
constexpr std::string_view kCaller = "arn:aws:sts::123456789012:assumed-role/agent/";
const base::TemplateName kTemplate("small");
const std::string kBinding(64, 'b');

base::Result<net::HttpClientResponse> sts_says(const std::string& arn) {
  return cloud::aws::test::answer(
      200, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" + arn +
               "</Arn><UserId>AROA:x</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
               "</GetCallerIdentityResponse>");
}
base::Result<net::HttpClientResponse> sts_refuses(int status, const std::string& code) {
  return cloud::aws::test::answer(status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
                                              "</Code><Message>words with a token/of=mine</Message></Error>"
                                              "<RequestId>1</RequestId></ErrorResponse>");
}

footman::ecs::AgentOptions injected() {
  footman::ecs::AgentOptions agent;
  agent.carrier_image = "ci/footman-agent";
  return agent;
}
footman::ecs::AgentOptions of_image(const std::string& path) {
  footman::ecs::AgentOptions agent;
  agent.delivery = footman::ecs::AgentDelivery::image;
  agent.path = path;
  return agent;
}

struct World {
  explicit World(std::string role = std::string(kRole), footman::ecs::AgentOptions agent = injected()) {
    EcsCloudConfig config;
    config.name = base::CloudName("aws");
    config.installation = base::InstallationId("here");
    config.options.region = "eu-west-1";
    auto& options = config.templates[kTemplate].options;
    options.container.image = "node:20";
    options.agent = std::move(agent);
    options.size = {1024, 2048};
    options.subnets = {"subnet-0a"};
    options.task_role = std::move(role);
    auto made =
        create_ecs_cloud(std::move(config), {outside.outside, credentials, rates, outside.io.get_executor()});
    REQUIRE(made.has_value());
    cloud = std::move(*made);
  }

  std::string frozen() const { return cloud->freeze(kTemplate)->front().options; }
  std::string launch(const std::string& agent) {
    ports::LaunchSpec spec;
    spec.installation = base::InstallationId("here");
    spec.agent = base::AgentId(agent);
    spec.template_name = kTemplate;
    spec.client_token = agent + "-1";
    spec.options = frozen();
    spec.endpoint.url = "wss://ci.example.com";
    spec.secret = base::Secret("the one-time secret");
    return launch(std::move(spec));
  }
  // In front of a Jenkins' agent.
  std::string launch_for_jenkins(const std::string& server_url) {
    ports::LaunchSpec spec;
    spec.installation = base::InstallationId("here");
    spec.agent = base::AgentId("a");
    spec.template_name = kTemplate;
    spec.client_token = "a-1";
    spec.options = frozen();
    spec.endpoint.url = "https://jenkins.example.com/";
    spec.endpoint.program = ports::AgentProgram::jenkins;
    spec.endpoint.name = "footman-a";
    spec.server.url = server_url;
    spec.secret = base::Secret("the one-time secret");
    spec.controller_secret = base::Secret("what jenkins wants");
    return launch(std::move(spec));
  }
  std::string launch(ports::LaunchSpec spec) {
    const auto handle = outside.run(cloud->launch(std::move(spec)));
    REQUIRE(handle.has_value());
    return handle->value;
  }
  std::map<std::string, std::string> variables(const std::string& handle) {
    std::map<std::string, std::string> out;
    const auto& overrides = ecs.tasks.at(handle).request.at("overrides").at("containerOverrides").at(0);
    for (const auto& one : overrides.at("environment").as_array())
      out[std::string(one.at("name").as_string())] = std::string(one.at("value").as_string());
    return out;
  }
  // As the agent of a task that was launched so makes it.
  ProofValues make_proof(const std::string& handle) {
    const auto told = variables(handle);
    const footman::aws::ProofPlace place{*net::parse_url(told.at("FOOTMAN_AGENT_PROOF_URL")),
                                         told.at("FOOTMAN_AGENT_PROOF_REGION")};
    return footman::aws::make_identity_proof(
        place, {"ASIAEXAMPLE", base::Secret("s"), base::Secret("token/of=mine"), {}, "a test"}, kBinding,
        outside.now());
  }
  ports::ProofAnswer check(const std::string& handle, const ProofValues& values) {
    return outside.run(cloud->check_proof(handle, frozen(), {kBinding, values}));
  }

  cloud::aws::test::World outside;
  SmallEcs ecs{outside};
  cloud::aws::FixedCredentials credentials{{"key", base::Secret("secret"), {}, {}, "a test"}};
  cloud::aws::RateLimits rates;
  std::unique_ptr<EcsCloud> cloud;
};

std::string id_of(const std::string& handle) { return handle.substr(handle.rfind('/') + 1); }

}  // namespace

TEST_CASE("with a task role no secret is in RunTask, but which proof to give") {
  World world;
  const auto handle = world.launch("a");
  const auto text = boost::json::serialize(world.ecs.tasks.at(handle).request);
  CHECK(text.find("the one-time secret") == std::string::npos);
  CHECK(text.find("SECRET") == std::string::npos);
  const auto told = world.variables(handle);
  CHECK(told.at("FOOTMAN_AGENT_PROOF") == "aws");
  CHECK(told.at("FOOTMAN_AGENT_PROOF_URL") == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(told.at("FOOTMAN_AGENT_PROOF_REGION") == "eu-west-1");
  // The same launch again is the same request.
  CHECK(world.launch("a") == handle);
}

TEST_CASE("without a task role there is the secret, and no proof is right") {
  World world("");
  const auto handle = world.launch("a");
  const auto told = world.variables(handle);
  CHECK(told.at("FOOTMAN_AGENT_SECRET") == "the one-time secret");
  CHECK_FALSE(told.contains("FOOTMAN_AGENT_PROOF"));
  CHECK(world.check(handle, {}).verdict == ProofVerdict::wrong);
  CHECK(world.ecs.calls["GetCallerIdentity"] == 0);
}

TEST_CASE("a Jenkins' secret is in RunTask only where no footman-agent can fetch it") {
  struct Row {
    const char* what;
    std::string role;
    footman::ecs::AgentOptions agent;
    std::string server;
    const char* variable;  // null: no secret at all
    std::string secret;
  };
  const std::string role(kRole);
  const std::string server = "wss://ci.example.com/";
  const Row rows[] = {
      {"injected, with a role", role, injected(), server, nullptr, ""},
      {"injected, without", "", injected(), server, "FOOTMAN_AGENT_SECRET", "the one-time secret"},
      {"in the image, with a role", role, of_image("/opt/footman-agent"), server, nullptr, ""},
      {"Jenkins' own image", role, of_image(""), server, "JENKINS_SECRET", "what jenkins wants"},
      {"a launch of an older version", role, injected(), "", "FOOTMAN_AGENT_SECRET", "what jenkins wants"}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    World world(row.role, row.agent);
    const auto handle = world.launch_for_jenkins(row.server);
    const auto told = world.variables(handle);
    const auto text = boost::json::serialize(world.ecs.tasks.at(handle).request);
    for (const auto* one : {"the one-time secret", "what jenkins wants"})
      CHECK((text.find(one) != std::string::npos) == (one == row.secret));
    if (row.variable != nullptr) CHECK(told.at(row.variable) == row.secret);
    CHECK(told.contains("FOOTMAN_AGENT_PROOF") == (row.variable == nullptr));
    CHECK(told.contains("FOOTMAN_AGENT_SERVER_URL") == (row.secret != "what jenkins wants"));
    if (told.contains("FOOTMAN_AGENT_SERVER_URL")) {
      CHECK(told.at("FOOTMAN_AGENT_SERVER_NAME") == "a");
      CHECK(told.at("FOOTMAN_AGENT_NAME") == "footman-a");
      CHECK(told.at("FOOTMAN_AGENT_URL") == "https://jenkins.example.com/");
    }
  }
}

TEST_CASE("a proof is right when STS names the session of this task's role") {
  World world;
  const auto handle = world.launch("a");
  const auto other = world.launch("b");
  net::HttpClientRequest asked;
  std::string caller = std::string(kCaller) + id_of(handle);
  world.ecs.sts = [&](const net::HttpClientRequest& request) {
    asked = request;
    return sts_says(caller);
  };
  const auto right = world.check(handle, world.make_proof(handle));
  CHECK_MESSAGE(right.verdict == ProofVerdict::right, right.reason);
  CHECK(asked.url.str() == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(asked.headers.value_or("X-Footman-Proof", "") == kBinding);
  CHECK(asked.body == "Action=GetCallerIdentity&Version=2011-06-15");
  // It is not sent with the server's own credentials.
  CHECK(asked.headers.value_or("Authorization", "").find("Credential=ASIAEXAMPLE/") !=
        std::string_view::npos);

  const std::vector<std::string> others{
      std::string(kCaller) + id_of(other),
      "arn:aws:sts::210987654321:assumed-role/agent/" + id_of(handle),
      "arn:aws:sts::123456789012:assumed-role/admin/" + id_of(handle),
      "arn:aws-cn:sts::123456789012:assumed-role/agent/" + id_of(handle),
      "arn:aws:sts::123456789012:federated-user/" + id_of(handle),
      std::string(kCaller) + id_of(handle) + "x",
      std::string(kCaller),
      "arn:aws:iam::123456789012:user/agent",
  };
  for (const auto& one : others) {
    CAPTURE(one);
    caller = one;
    const auto answer = world.check(handle, world.make_proof(handle));
    CHECK(answer.verdict == ProofVerdict::wrong);
    CHECK(answer.reason.find(one) != std::string::npos);
  }
}

TEST_CASE("what STS says, or does not say, decides whether the agent is refused or comes again") {
  struct Case {
    std::string name;
    base::Result<net::HttpClientResponse> answer;
    ProofVerdict verdict;
  };
  const std::vector<Case> cases{
      {"wrong signature", sts_refuses(403, "SignatureDoesNotMatch"), ProofVerdict::wrong},
      {"unknown key", sts_refuses(403, "InvalidClientTokenId"), ProofVerdict::wrong},
      {"expired", sts_refuses(403, "ExpiredToken"), ProofVerdict::wrong},
      {"denied", sts_refuses(403, "AccessDenied"), ProofVerdict::wrong},
      {"incomplete", sts_refuses(400, "IncompleteSignature"), ProofVerdict::wrong},
      {"throttled", sts_refuses(400, "Throttling"), ProofVerdict::unknown},
      {"ill", sts_refuses(500, "InternalFailure"), ProofVerdict::unknown},
      {"away", sts_refuses(503, "ServiceUnavailable"), ProofVerdict::unknown},
      {"a proxy's page", cloud::aws::test::answer(403, "<html>no</html>"), ProofVerdict::unknown},
      {"not XML", cloud::aws::test::answer(200, "yes"), ProofVerdict::unknown},
      {"names nobody", sts_says(""), ProofVerdict::unknown},
      {"no connection", base::fail(base::Errc::unavailable, "no route to STS"), ProofVerdict::unknown},
  };
  World world;
  const auto handle = world.launch("a");
  const auto proof = world.make_proof(handle);
  for (const auto& one : cases) {
    CAPTURE(one.name);
    world.ecs.sts = [&](const net::HttpClientRequest&) { return one.answer; };
    const auto answer = world.check(handle, proof);
    CHECK(answer.verdict == one.verdict);
    CHECK_FALSE(answer.reason.empty());
    CHECK(answer.reason.find("token/of=mine") == std::string::npos);
  }
}

TEST_CASE("an answer that is lost once is asked for again, and one that never comes is waited for so long") {
  World world;
  const auto handle = world.launch("a");
  const auto proof = world.make_proof(handle);
  int asked = 0;
  world.ecs.sts = [&](const net::HttpClientRequest&) -> base::Result<net::HttpClientResponse> {
    if (++asked == 1) return base::fail(base::Errc::io, "the connection was closed");
    return sts_says(std::string(kCaller) + id_of(handle));
  };
  CHECK(world.check(handle, proof).verdict == ProofVerdict::right);
  CHECK(asked == 2);
  world.outside.services.delay = 1h;
  const auto begun = world.outside.clock.steady();
  CHECK(world.check(handle, proof).verdict == ProofVerdict::unknown);
  CHECK(world.outside.clock.steady() - begun <= ports::kProofCheckTime);
}

TEST_CASE("nobody is asked about a proof that has no form, or a handle that is no task") {
  World world;
  const auto handle = world.launch("a");
  auto stale = world.make_proof(handle);
  world.outside.move(16min);
  CHECK(world.check(handle, stale).verdict == ProofVerdict::wrong);
  auto proof = world.make_proof(handle);
  CHECK(world.check("arn:aws:ecs:eu-west-1:123456789012:service/x", proof).verdict == ProofVerdict::wrong);
  proof["host"] = base::Secret("sts.attacker.example");
  CHECK(world.check(handle, proof).verdict == ProofVerdict::wrong);
  CHECK(world.check(handle, {}).verdict == ProofVerdict::wrong);
  const auto options =
      world.outside.run(world.cloud->check_proof(handle, "{}", {kBinding, world.make_proof(handle)}));
  CHECK(options.verdict == ProofVerdict::wrong);
  CHECK(world.ecs.calls["GetCallerIdentity"] == 0);
}
