// The provider over the wire against moto's server, which moto_test.py starts: see there how moto differs.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/aws/client.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/tests/provider_contract.hpp"
#include "net/tests/world.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::ecs;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

constexpr Duration kPatience = 30s;

std::string moto_url() {
  const auto* url = std::getenv("FOOTMAN_MOTO_URL");
  REQUIRE_MESSAGE(url != nullptr, "moto_test.py starts this program");
  return url;
}

class MotoWorld final : public cloud::contract::World {
 public:
  MotoWorld() {
    static int worlds = 0;
    cluster = "world-" + std::to_string(++worlds);
    ecs = make_client(cloud::aws::kEcs);
    (void)call("CreateCluster", {{"clusterName", cluster}});
    options.container.image = "node:20";
    options.agent.carrier_image = "ci/footman-agent";
    options.size = {1024, 2048};
    options.task_definition_patch =
        R"({"containerDefinitions": {"agent": {"memory": 1024}, "footman-carrier": {"memory": 256}}})";
    options.subnets = {first_of("DescribeSubnets", "subnetSet/item/subnetId")};
    options.security_groups = {first_of("DescribeSecurityGroups", "securityGroupInfo/item/groupId")};
    make();
  }
  ~MotoWorld() override {
    drop();
    services.close_idle();
  }

  ports::CloudProvider& cloud() override { return *provider; }
  TemplateName template_name() override { return TemplateName("small"); }
  bool tells_templates() override { return true; }
  bool keeps_tokens() override { return false; }
  runtime::Executor executor() override { return around.executor(); }
  bool run_until(std::function<bool()> done) override {
    const auto until = around.clock->steady() + kPatience;
    while (!done() && around.clock->steady() < until) {
      around.io.restart();
      around.io.run_one_for(100ms);
    }
    return done();
  }
  void restart() override {
    drop();
    make();
  }
  void end_resource(const std::string& handle) override {
    (void)call("StopTask", {{"cluster", cluster}, {"task", handle}, {"reason", "somebody else ends it"}});
    provider->suspect(handle);
  }

  void make() {
    EcsCloudConfig config;
    config.name = CloudName("aws");
    config.installation = InstallationId("contract");
    config.options.region = "eu-west-1";
    config.options.cluster = cluster;
    config.options.endpoint.url = moto_url();
    config.templates[template_name()] = {options, {}};
    auto made = create_ecs_cloud(std::move(config), {outside, credentials, rates, executor()});
    REQUIRE(made.has_value());
    provider = std::move(*made);
    provider->start();
  }
  void drop() {
    around.run(provider->stop());
    provider.reset();
  }
  std::unique_ptr<cloud::aws::Client> make_client(const cloud::aws::Service& service) {
    auto made = cloud::aws::Client::create({service, "eu-west-1", {false, false, moto_url()}, {}}, outside,
                                           &credentials, nullptr);
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  json::object call(const std::string& operation, const json::object& body) {
    auto answer = cloud::contract::await_result(
        *this, ecs->call_json({operation, json::serialize(body), {}, true, {}}));
    REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
    return std::move(*answer);
  }
  // Of the network that every account of moto has.
  std::string first_of(const std::string& operation, const std::string& path) {
    auto ec2 = make_client(cloud::aws::kEc2);
    auto answer = cloud::contract::await_result(*this, ec2->call_query({operation, {}, {}, true, {}}));
    REQUIRE(answer.has_value());
    auto found = answer->text(operation + "Response/" + path);
    REQUIRE_FALSE(found.empty());
    return found;
  }
  ports::LaunchResult launch(const std::string& agent) {
    return cloud::contract::await_result(*this, provider->launch(cloud::contract::make_spec(*this, agent)));
  }

  std::string cluster;
  net::test::World around;
  net::HttpClient services{around.executor(), *around.clock, cloud::aws::service_http({})};
  cloud::aws::Outside outside{cloud::aws::make_sender(around.executor(), services),
                              {},
                              {},
                              [](const std::string&) { return std::nullopt; },
                              *around.clock,
                              *around.rng,
                              {}};
  cloud::aws::FixedCredentials credentials{{"key", Secret("secret"), {}, {}, "a test"}};
  cloud::aws::RateLimits rates;
  std::unique_ptr<cloud::aws::Client> ecs;
  footman::ecs::TemplateOptions options;
  std::unique_ptr<EcsCloud> provider;
};

}  // namespace

TEST_CASE("the contract of every provider") {
  cloud::contract::check_provider_contract([] { return std::make_unique<MotoWorld>(); });
}

TEST_CASE("what was launched is there as it was asked for, of a definition that is registered once") {
  MotoWorld world;
  const auto arn = world.launch("a").value().value;
  world.restart();
  REQUIRE(world.launch("b").has_value());
  const auto described =
      world.call("DescribeTasks",
                 {{"cluster", world.cluster}, {"tasks", json::array{arn}}, {"include", json::array{"TAGS"}}});
  const auto& task = described.at("tasks").at(0);
  CHECK(task.at("launchType") == "FARGATE");
  CHECK(json::serialize(task.at("attachments")).find(world.options.subnets.front()) != std::string::npos);
  CHECK(json::serialize(task.at("tags")).find(R"({"key":"footman:agent","value":"a"})") != std::string::npos);
  const auto definition =
      world.call("DescribeTaskDefinition", {{"taskDefinition", task.at("taskDefinitionArn")}});
  const auto& made = definition.at("taskDefinition");
  CHECK(made.at("revision") == 1);
  CHECK(made.at("cpu") == "1024");
  CHECK(made.at("networkMode") == "awsvpc");
  const auto families = world.call("ListTaskDefinitions", {{"familyPrefix", made.at("family")}});
  CHECK(families.at("taskDefinitionArns").as_array().size() == 1);
}

TEST_CASE("what is refused for good is the configuration's") {
  MotoWorld world;
  SUBCASE("a cluster that is not there") { world.cluster = "nowhere"; }
  SUBCASE("a task definition that is not there") {
    world.options = {};
    world.options.task_definition = "theirs:3";
  }
  world.restart();
  const auto refused = world.launch("a");
  REQUIRE_FALSE(refused.has_value());
  CAPTURE(refused.error().message);
  CHECK(refused.error().definite);
  CHECK(refused.error().failure == ports::FailureClass::configuration);
}
