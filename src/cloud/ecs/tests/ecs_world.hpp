// The provider with a small ECS around it, as the contract wants it and for tests of its own.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/tests/small_ecs.hpp"
#include "cloud/tests/provider_contract.hpp"
#include "ecs/stale_definitions.hpp"

namespace footman::cloud::ecs::testing {

using footman::ecs::TemplateOptions;
using ports::ResourceState;

inline TemplateOptions make_template() {
  TemplateOptions options;
  options.container.image = "node:20";
  options.agent.carrier_image = "ci/footman-agent";
  options.size = {1024, 2048};
  options.subnets = {"subnet-0a", "subnet-0b"};
  options.security_groups = {"sg-0a"};
  return options;
}

class EcsWorld final : public cloud::contract::World {
 public:
  EcsWorld() { make(); }
  ~EcsWorld() override { drop(); }

  ports::CloudProvider& cloud() override { return *provider; }
  base::TemplateName template_name() override { return base::TemplateName("small"); }
  bool tells_templates() override { return true; }
  runtime::Executor executor() override { return outside.io.get_executor(); }
  bool run_until(std::function<bool()> done) override {
    const auto limit = outside.clock.steady() + 1h;
    do {
      outside.io.restart();
      outside.io.poll();
    } while (!done() && outside.clock.step(limit));
    return done();
  }
  void restart() override {
    drop();
    outside.move(1s);
    make();
  }
  void end_resource(const std::string& handle) override {
    ecs.stop(handle, "EssentialContainerExited", "Essential container in task exited");
  }

  void make() {
    EcsCloudConfig config;
    config.name = base::CloudName("aws");
    config.installation = base::InstallationId("contract");
    config.options.region = region;
    config.options.cluster = cluster;
    config.options.tag_prefix = tag_prefix;
    config.options.log_group = "/footman";
    config.options.event_queue_url = event_queue;
    config.templates[template_name()] = {template_options, offers};
    auto made = create_ecs_cloud(std::move(config), {outside.outside, credentials, rates, executor()});
    REQUIRE(made.has_value());
    provider = std::move(*made);
    provider->set_on_change([this] { ++changes; });
    provider->start();
  }
  // Another configuration, while it runs.
  void use_image(const std::string& image) {
    template_options.container.image = image;
    provider->set_templates({{template_name(), {template_options, offers}}}, elsewhere);
  }
  // An agent with that image, which has ended; its definition's family.
  std::string run_with(const std::string& image) {
    use_image(image);
    const auto arn = launch("agent-" + std::to_string(++launched)).value().value;
    ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    outside.move(1h);
    return std::string(footman::ecs::family_of(ecs.task(arn).at("taskDefinitionArn").as_string()));
  }
  void drop() {
    if (!provider) return;
    outside.run(stop(provider.get()));
    provider.reset();
  }
  // What the fleet does with a row that it finds at its start.
  void recall(const std::string& agent, const std::string& arn) {
    ports::Resource known;
    known.agent = base::AgentId(agent);
    known.client_token = agent + "-1";
    known.handle = arn;
    known.created = outside.now();
    (void)provider->recall(known, {});
  }
  // The same of one whose launch was not answered. Whether it may be repeated.
  bool recall_launch(const ports::LaunchSpec& spec) {
    ports::Resource known;
    known.agent = spec.agent;
    known.client_token = spec.client_token;
    known.created = outside.now();
    return provider->recall(known, spec.options);
  }
  static runtime::Awaitable<bool> stop(EcsCloud* cloud) {
    co_await cloud->stop();
    co_return true;
  }

  ports::LaunchResult launch(const std::string& agent) {
    return launch(cloud::contract::make_spec(*this, agent));
  }
  ports::LaunchResult launch(const ports::LaunchSpec& spec) {
    return cloud::contract::await_result(*this, provider->launch(spec));
  }
  ports::Resource listed(const std::string& agent) {
    auto found = cloud::contract::find_listed(*this, agent + "-1");
    REQUIRE(found.has_value());
    return *found;
  }
  ports::Resource terminate(const std::string& handle, const std::string& token) {
    auto answer = cloud::contract::await_result(*this, provider->terminate(handle, token));
    REQUIRE(answer.has_value());
    return *answer;
  }

  cloud::aws::test::World outside;
  SmallEcs ecs{outside};
  std::string region = "eu-west-1";
  std::string cluster = "builds";
  std::string tag_prefix = "footman:";
  std::string event_queue;  // its URL; empty: none
  TemplateOptions template_options = make_template();
  std::vector<footman::ecs::Offer> offers;
  cloud::aws::FixedCredentials credentials{{"key", base::Secret("secret"), {}, {}, "a test"}};
  cloud::aws::RateLimits rates;
  std::unique_ptr<EcsCloud> provider;
  std::set<base::TemplateName> elsewhere;
  int changes = 0;
  int launched = 0;
};

}  // namespace footman::cloud::ecs::testing
