#include "sim/cloud.hpp"

#include <doctest/doctest.h>

#include "cloud/tests/provider_contract.hpp"
#include "sim/loop.hpp"

using namespace footman;
using namespace footman::sim;

namespace {

class Sky final : public cloud::contract::World {
 public:
  Sky() { restart(); }
  ports::CloudProvider& cloud() override { return *provider_; }
  base::TemplateName template_name() override { return base::TemplateName("small"); }
  bool tells_templates() override { return true; }
  runtime::Executor executor() override { return executor_; }
  bool run_until(std::function<bool()> done) override {
    const auto until = loop_.now() + 10min;
    while (!done())
      if (!loop_.step(until)) return done();
    return true;
  }
  void restart() final {
    provider_ = std::make_unique<SimProvider>(sim_cloud_, executor_, base::InstallationId("contract"));
  }
  void end_resource(const std::string& handle) override { sim_cloud_.kill(handle, "it was taken away"); }

  SimCloud& sim_cloud() { return sim_cloud_; }
  const Witness& witness() const { return witness_; }
  void wait_long() {
    loop_.after(6min, [] {});
    while (loop_.step(loop_.now() + 10min)) continue;
  }

 private:
  static CloudTraits traits() {
    CloudTraits traits;
    traits.name = "sky";
    traits.templates = {"small"};
    traits.listing_lag = Duration(0);
    traits.token_lifetime = 5min;
    return traits;
  }
  Trace trace_{Trace::Mode::hash_only};
  SimLoop loop_{3, trace_};
  Witness witness_{[this] { return loop_.now(); }};
  SimCloud sim_cloud_{loop_, Dice(3, "sky"), witness_, traits()};
  Life life_{loop_, "server"};
  runtime::Executor executor_ = life_.add_lane("control");
  std::unique_ptr<SimProvider> provider_;
};

using cloud::contract::await_result;
using cloud::contract::make_spec;

}  // namespace

TEST_CASE("the simulated cloud keeps the contract of all clouds") {
  cloud::contract::check_provider_contract([] { return std::make_unique<Sky>(); });
}

TEST_CASE("it is strict with tokens") {
  Sky sky;
  auto spec = make_spec(sky, "a");
  REQUIRE(await_result(sky, sky.cloud().launch(spec)));
  CHECK_FALSE(sky.witness().violation());
  SUBCASE("other parameters are refused and noticed") {
    spec.options += " ";
    const auto again = await_result(sky, sky.cloud().launch(spec));
    REQUIRE_FALSE(again);
    CHECK(again.error().definite);
    REQUIRE(sky.witness().violation());
    CHECK(sky.witness().violation()->invariant == "launch_is_frozen");
  }
  SUBCASE("after its lifetime a token makes a second machine") {
    sky.wait_long();
    REQUIRE(await_result(sky, sky.cloud().launch(spec)));
    CHECK(sky.sim_cloud().live_count() == 2);
  }
}

TEST_CASE("it can fail in every way") {
  Sky sky;
  const auto launch = [&] { return await_result(sky, sky.cloud().launch(make_spec(sky, "a"))); };
  SUBCASE("throttled: surely nothing was made") {
    sky.sim_cloud().trouble.throttled = 1;
    const auto failed = launch();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().failure == model::FailureClass::throttled);
    CHECK(failed.error().definite);
    CHECK(sky.sim_cloud().live_count() == 0);
  }
  SUBCASE("a bad answer after it was made: nobody can know") {
    sky.sim_cloud().trouble.bad_answer = 1;
    const auto failed = launch();
    REQUIRE_FALSE(failed);
    CHECK_FALSE(failed.error().definite);
    CHECK(sky.sim_cloud().live_count() == 1);
    sky.sim_cloud().trouble = {};
    REQUIRE(launch());
    CHECK(sky.sim_cloud().live_count() == 1);
  }
  SUBCASE("throttled, but the token has its machine: not definite") {
    REQUIRE(launch());
    sky.sim_cloud().trouble.throttled = 1;
    CHECK_FALSE(launch().error().definite);
  }
  SUBCASE("it dies at once") {
    sky.sim_cloud().trouble.dies_at_start = 1;
    REQUIRE(launch());
    CHECK(sky.run_until([&] { return sky.sim_cloud().live_count() == 0; }));
  }
  SUBCASE("it never starts") {
    sky.sim_cloud().trouble.never_starts = 1;
    bool up = false;
    sky.sim_cloud().on_up = [&up](const std::string&, const ports::LaunchSpec&) { up = true; };
    REQUIRE(launch());
    CHECK_FALSE(sky.run_until([&up] { return up; }));
    CHECK(sky.sim_cloud().live_count() == 1);
  }
}

TEST_CASE("a list may have a machine twice, and one that nobody asked for") {
  Sky sky;
  CHECK_FALSE(sky.sim_cloud().add_stray());  // whose would it be?
  const auto made = await_result(sky, sky.cloud().launch(make_spec(sky, "a")));
  REQUIRE(made);
  REQUIRE(sky.sim_cloud().add_stray());
  CHECK(sky.sim_cloud().live_count() == 2);
  sky.sim_cloud().set_repeats(1);
  const auto listed = await_result(sky, sky.cloud().observe());
  REQUIRE(listed);
  CHECK(listed->size() == 4);
  CHECK(sky.witness().happened()[static_cast<std::size_t>(Happening::list_repeated)] == 2);
}
