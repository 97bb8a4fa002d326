// The contract of ports::CloudProvider as tests. Every provider's test includes this once and calls
// check_provider_contract() from one TEST_CASE with a way to make a world for it. Include after doctest.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/cloud_provider.hpp"
#include "runtime/scope.hpp"

namespace footman::cloud::contract {

// One provider with the outside world that it talks to.
class World {
 public:
  virtual ~World() = default;
  virtual ports::CloudProvider& cloud() = 0;
  virtual base::TemplateName template_name() = 0;   // one that freeze() knows
  virtual bool tells_templates() { return false; }  // of resources, in a later life too
  // Whoever plays the cloud recognises a token that an earlier life launched with, as every cloud must.
  virtual bool keeps_tokens() { return true; }
  virtual runtime::Executor executor() = 0;
  virtual bool run_until(
      std::function<bool()> done) = 0;  // false: it did not happen within the world's patience
  virtual void restart() = 0;           // the provider's object is lost and made again
  virtual void end_resource(const std::string& handle) = 0;  // the resource dies by itself
};
using MakeWorld = std::function<std::unique_ptr<World>()>;

template <class T>
runtime::Awaitable<void> store_result(runtime::Awaitable<T> call, std::optional<T>* out) {
  out->emplace(co_await std::move(call));
}

template <class T>
T await_result(World& world, runtime::Awaitable<T> call) {
  std::optional<T> out;
  runtime::Scope scope(world.executor(), {});
  scope.spawn("call", store_result<T>(std::move(call), &out));
  REQUIRE(world.run_until([&] { return out.has_value() && scope.running() == 0; }));
  return std::move(*out);
}

inline ports::LaunchSpec make_spec(World& world, const std::string& agent, std::uint32_t attempt = 1) {
  ports::LaunchSpec spec;
  spec.installation = base::InstallationId("contract");
  spec.agent = base::AgentId(agent);
  spec.template_name = world.template_name();
  spec.attempt = attempt;
  spec.client_token = agent + "-" + std::to_string(attempt);
  spec.options = world.cloud().freeze(world.template_name()).value().front().options;
  spec.endpoint.url = "ws://127.0.0.1:1/agent";
  spec.orphan_timeout = std::chrono::minutes(30);
  spec.secret = base::Secret("top-secret");
  return spec;
}

inline std::vector<ports::Resource> list(World& world) {
  auto listed = await_result(world, world.cloud().observe());
  REQUIRE(listed.has_value());
  return *listed;
}

inline std::optional<ports::Resource> find_listed(World& world, const std::string& token) {
  for (const auto& one : list(world))
    if (one.client_token == token) return one;
  return std::nullopt;
}

inline ports::Resource terminate_until_gone(World& world, const std::string& handle,
                                            const std::string& token) {
  ports::Resource last;
  for (int i = 0; i < 1000; ++i) {
    auto answer = await_result(world, world.cloud().terminate(handle, token));
    REQUIRE(answer.has_value());
    last = *answer;
    if (last.state == ports::ResourceState::gone) return last;
    bool changed = false;
    world.cloud().set_on_change([&changed] { changed = true; });
    world.run_until([&changed] { return changed; });
    world.cloud().set_on_change({});
  }
  FAIL("terminate never answered gone");
  return last;
}

inline void check_launch_is_idempotent(World& world) {
  const auto first = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(first.has_value());
  const auto again = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(again.has_value());
  CHECK(again->value == first->value);
  CHECK(list(world).size() == 1);
  world.restart();
  if (!world.keeps_tokens()) (void)list(world);
  const auto after_restart = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(after_restart.has_value());
  CHECK(after_restart->value == first->value);
  REQUIRE(list(world).size() == 1);
  const auto told = list(world).front().template_name;
  CHECK(told == (world.tells_templates() ? world.template_name() : base::TemplateName()));
  terminate_until_gone(world, first->value, "a-1");
}

inline void check_launches_at_the_same_time(World& world) {
  std::optional<ports::LaunchResult> one;
  std::optional<ports::LaunchResult> two;
  runtime::Scope scope(world.executor(), {});
  scope.spawn("one", store_result<ports::LaunchResult>(world.cloud().launch(make_spec(world, "a")), &one));
  scope.spawn("two", store_result<ports::LaunchResult>(world.cloud().launch(make_spec(world, "a")), &two));
  REQUIRE(world.run_until([&] { return one && two && scope.running() == 0; }));
  REQUIRE(one->has_value());
  // The second may be told to ask again, but never gets another resource.
  if (two->has_value())
    CHECK((*two)->value == (*one)->value);
  else
    CHECK_FALSE(two->error().definite);
  CHECK(list(world).size() == 1);
  terminate_until_gone(world, (*one)->value, "a-1");
}

inline void check_resource_carries_its_tags(World& world) {
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a", 3)));
  REQUIRE(launched.has_value());
  const auto listed = find_listed(world, "a-3");
  REQUIRE(listed.has_value());
  CHECK(listed->installation.str() == "contract");
  CHECK(listed->agent.str() == "a");
  CHECK(listed->handle == launched->value);
  CHECK(listed->created.is_set());
  CHECK(listed->state != ports::ResourceState::gone);
  const auto found = await_result(world, world.cloud().find_by_token("a-3"));
  REQUIRE(found.has_value());
  CHECK(found->handle == launched->value);
  const auto unknown = await_result(world, world.cloud().find_by_token("b-1"));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == base::Errc::not_found);
  terminate_until_gone(world, launched->value, "a-3");
}

inline void check_terminate(World& world, bool with_handle, bool with_restart) {
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  if (with_restart) world.restart();
  const auto gone = terminate_until_gone(world, with_handle ? launched->value : "", "a-1");
  CHECK(gone.state == ports::ResourceState::gone);
  const auto again = await_result(world, world.cloud().terminate(launched->value, "a-1"));
  REQUIRE(again.has_value());
  CHECK(again->state == ports::ResourceState::gone);
}

inline void check_ended_token_is_not_launched_again(World& world, bool with_restart) {
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  world.end_resource(launched->value);
  if (with_restart) world.restart();
  // Nothing happens between the look and the wait: both are on this thread.
  std::optional<ports::Resource> listed = find_listed(world, "a-1");
  for (int i = 0; i < 100 && listed && listed->state != ports::ResourceState::gone; ++i) {
    bool changed = false;
    world.cloud().set_on_change([&changed] { changed = true; });
    world.run_until([&changed] { return changed; });
    world.cloud().set_on_change({});
    listed = find_listed(world, "a-1");
  }
  REQUIRE(listed.has_value());
  CHECK(listed->state == ports::ResourceState::gone);
  CHECK_FALSE(listed->death.text.empty());
  const auto again = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(again.has_value());
  CHECK(again->value == launched->value);
  for (const auto& one : list(world)) CHECK(one.state == ports::ResourceState::gone);
  terminate_until_gone(world, launched->value, "a-1");
}

inline void check_terminating_the_unknown(World& world) {
  const auto answer = await_result(world, world.cloud().terminate("", "never-1"));
  REQUIRE(answer.has_value());
  CHECK(answer->state == ports::ResourceState::gone);
}

inline void check_proofs_of_strangers(World& world) {
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto options = world.cloud().freeze(world.template_name())->front().options;
  const std::vector<std::map<std::string, base::Secret>> guesses{
      {}, {{"", base::Secret()}}, {{"signature", base::Secret("guess\r\n")}}};
  for (const auto& values : guesses) {
    for (const auto& handle : {launched->value, std::string("nothing"), std::string()}) {
      const auto answer = await_result(world, world.cloud().check_proof(handle, options, {"bound", values}));
      CHECK(answer.verdict == ports::ProofVerdict::wrong);
      CHECK_FALSE(answer.reason.empty());
    }
  }
  terminate_until_gone(world, launched->value, "a-1");
}

inline void check_unknown_template(World& world) {
  CHECK_FALSE(world.cloud().freeze(base::TemplateName("no-such-template")).has_value());
  CHECK(world.cloud().freeze(world.template_name()) == world.cloud().freeze(world.template_name()));
}

inline void check_provider_contract(const MakeWorld& make_world) {
  const auto world = make_world();
  SUBCASE("the same token launches once") { check_launch_is_idempotent(*world); }
  SUBCASE("also when asked twice at the same time") { check_launches_at_the_same_time(*world); }
  SUBCASE("a resource carries installation, agent and token") { check_resource_carries_its_tags(*world); }
  SUBCASE("terminate by handle") { check_terminate(*world, true, false); }
  SUBCASE("terminate by token") { check_terminate(*world, false, false); }
  SUBCASE("terminate after a restart") { check_terminate(*world, true, true); }
  SUBCASE("a token whose resource ended is not launched again") {
    check_ended_token_is_not_launched_again(*world, false);
  }
  SUBCASE("nor after a restart") { check_ended_token_is_not_launched_again(*world, true); }
  SUBCASE("terminating what never was answers gone") { check_terminating_the_unknown(*world); }
  SUBCASE("a stranger's proof is wrong") { check_proofs_of_strangers(*world); }
  SUBCASE("freeze is pure and knows its templates") { check_unknown_template(*world); }
}

}  // namespace footman::cloud::contract
