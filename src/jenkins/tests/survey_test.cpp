// The examination of a Jenkins, against the strict double.
#include "jenkins/survey.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "jenkins/examine.hpp"
#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;
using model::Finding;
using model::FindingState;
using runtime::Awaitable;

namespace {

// Agents' connections, as the double takes them.
class DoubleWays final : public AgentWays {
 public:
  explicit DoubleWays(FakeWorld& world) : world_(world) {}

  Awaitable<Status> try_port(std::string host, std::uint16_t port) override {
    tried = host + ":" + std::to_string(port);
    co_return port_is_open ? Status() : fail(Errc::unavailable, "connection refused");
  }
  Awaitable<Status> try_web_socket(std::string node, Secret secret) override {
    if (!upgrades_pass) co_return fail(Errc::unavailable, "the server answered 400");
    const auto connection =
        world_.jenkins->connect_agent({node, std::string(secret.expose()), false}, world_.now());
    if (!connection) co_return std::unexpected(connection.error());
    world_.jenkins->disconnect_agent(*connection, world_.now());
    co_return Status();
  }

  bool port_is_open = true;
  bool upgrades_pass = true;
  std::string tried;

 private:
  FakeWorld& world_;
};

struct Examination {
  FakeWorld world;
  DoubleWays ways{world};

  Examination() { world.add_freestyle("app", "linux"); }

  std::vector<Finding> run() {
    auto& transport = *world.transport;
    const auto found =
        world.wait(survey({transport, transport, ways, world.clock}, world.settings, "footman-doctor-1"));
    return examine(world.settings, found);
  }
  // Exactly the nodes that were there before, and nothing that a correct client does not do.
  void check_traces() const {
    CHECK(world.jenkins->computers().empty());
    CHECK(world.jenkins->violations().empty());
  }
};

const Finding* find(const std::vector<Finding>& all, const std::string& check, FindingState state) {
  const auto at =
      std::ranges::find_if(all, [&](const auto& one) { return one.check == check && one.state == state; });
  return at == all.end() ? nullptr : &*at;
}

std::size_t count(const std::vector<Finding>& all, FindingState state) {
  return static_cast<std::size_t>(std::ranges::count(all, state, &Finding::state));
}

}  // namespace

TEST_CASE("a Jenkins in order has nothing to tell, and keeps no trace") {
  Examination examination;
  const auto found = examination.run();
  for (const auto& one : found) {
    CAPTURE(one.check);
    CAPTURE(one.text);
    CHECK(one.state == FindingState::ok);
  }
  for (const auto* check : {"address", "version", "session", "clock", "right", "web-socket", "label"})
    CHECK(find(found, check, FindingState::ok) != nullptr);
  CHECK(std::ranges::count(found, std::string("right"), &Finding::check) == 6);
  REQUIRE(find(found, "version", FindingState::ok) != nullptr);
  CHECK(find(found, "version", FindingState::ok)->text == "Jenkins 2.532");
  examination.check_traces();
}

TEST_CASE("no build gets to the node of an examination") {
  Examination examination;
  examination.world.add_freestyle("any", "");
  (void)examination.world.trigger("any");
  (void)examination.world.trigger("app");
  (void)examination.run();
  CHECK(examination.world.jenkins->starts().empty());
  examination.check_traces();
}

TEST_CASE("each right that is missing is named") {
  struct Row {
    Right right;
    const char* text;
    std::size_t left;  // nodes that cannot be removed again
  };
  const Row rows[] = {{Right::agent_create, "Agent/Create", 0},
                      {Right::agent_delete, "Agent/Delete", 1},
                      {Right::agent_disconnect, "Agent/Disconnect", 0}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    Examination examination;
    auto rights = FakeJenkins::least_rights();
    rights.erase(row.right);
    examination.world.jenkins->set_rights("scaler", rights);
    const auto found = examination.run();
    const auto* failed = find(found, "right", FindingState::failed);
    REQUIRE(failed != nullptr);
    CHECK(failed->text.starts_with(row.text));
    CHECK(failed->advice.contains("Overall/Read"));
    CHECK(count(found, FindingState::failed) == 1);
    CHECK(examination.world.jenkins->computers().size() == row.left);
    CHECK(examination.world.jenkins->violations().empty());
    if (row.left > 0) {
      const auto* warned = find(found, "right", FindingState::warning);
      REQUIRE(warned != nullptr);
      CHECK(warned->text.contains("footman-doctor-1"));
    }
  }
}

TEST_CASE("Agent/Connect is missed where the secret is read") {
  Examination examination;
  auto rights = FakeJenkins::least_rights();
  rights.erase(Right::agent_connect);
  rights.erase(Right::agent_disconnect);  // which implies it
  examination.world.jenkins->set_rights("scaler", rights);
  const auto found = examination.run();
  CHECK(std::ranges::any_of(found, [](const auto& one) {
    return one.state == FindingState::failed && one.text.starts_with("Agent/Connect is missing");
  }));
  CHECK(find(found, "web-socket", FindingState::unchecked) != nullptr);
  examination.check_traces();
}

TEST_CASE("jobs that are not shown") {
  Examination examination;
  auto rights = FakeJenkins::least_rights();
  rights.erase(Right::job_read);
  examination.world.jenkins->set_rights("scaler", rights);
  auto found = examination.run();
  const auto* unchecked = find(found, "right", FindingState::unchecked);
  REQUIRE(unchecked != nullptr);
  CHECK(unchecked->text.starts_with("Job/Read"));
}

TEST_CASE("a cautious administrator gives no right too many") {
  struct Row {
    Right right;
    std::vector<std::string> told;  // parts of the warnings
  };
  const Row rows[] = {{Right::agent_configure, {"the configuration of agents (Agent/Configure or"}},
                      {Right::job_configure, {"the configuration of jobs (Job/Configure or"}},
                      {Right::administer, {"(Agent/Configure or", "(Job/Configure or"}}};
  for (const auto& row : rows) {
    Examination examination;
    auto rights = FakeJenkins::least_rights();
    rights.insert(row.right);
    examination.world.jenkins->set_rights("scaler", rights);
    const auto found = examination.run();
    CHECK(count(found, FindingState::warning) == row.told.size());
    for (const auto& part : row.told)
      CHECK(std::ranges::any_of(found, [&](const Finding& one) {
        return one.state == FindingState::warning && one.check == "right" && one.text.contains(part);
      }));
    examination.check_traces();
  }
}

TEST_CASE("a token that is not taken is the only finding") {
  Examination examination;
  examination.world.settings.token = Secret("other");
  const auto found = examination.run();
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == FindingState::failed);
  CHECK(found[0].check == "address");
  CHECK(found[0].text.contains("401"));
  CHECK(!found[0].advice.empty());
}

TEST_CASE("an agent port is asked for as agents do") {
  Examination examination;
  examination.world.settings.connection = AgentConnection::tcp;
  auto found = examination.run();
  CHECK(find(found, "agent-port", FindingState::ok) != nullptr);
  CHECK(examination.ways.tried == "jenkins.example.test:50000");
  CHECK(count(found, FindingState::ok) == found.size());

  Examination tunnelled;
  tunnelled.world.settings.connection = AgentConnection::tcp;
  tunnelled.world.settings.tunnel = "nlb.example.test:50001";
  tunnelled.ways.port_is_open = false;
  found = tunnelled.run();
  CHECK(tunnelled.ways.tried == "nlb.example.test:50001");
  const auto* failed = find(found, "agent-port", FindingState::failed);
  REQUIRE(failed != nullptr);
  CHECK(failed->text == "nlb.example.test:50001 cannot be reached from here: connection refused");
}

TEST_CASE("a proxy that takes upgrades away is found") {
  Examination examination;
  examination.ways.upgrades_pass = false;
  const auto found = examination.run();
  const auto* failed = find(found, "web-socket", FindingState::failed);
  REQUIRE(failed != nullptr);
  CHECK(failed->text.contains("the server answered 400"));
  examination.check_traces();
}

TEST_CASE("a cloud in Jenkins with the same label is told, and so are clocks and a shutdown") {
  Examination examination;
  examination.world.jenkins->add_cloud("com.cloudbees.jenkins.plugins.amazonecs.ECSCloud", "linux docker");
  examination.world.jenkins->set_clock_offset(90s);
  examination.world.jenkins->set_quieting_down(true, examination.world.now());
  const auto found = examination.run();
  const auto* label = find(found, "label", FindingState::warning);
  REQUIRE(label != nullptr);
  CHECK(label->text == "'linux': a cloud in Jenkins launches for it, too: ECSCloud; builds get two agents");
  REQUIRE(find(found, "label", FindingState::ok) != nullptr);
  CHECK(find(found, "label", FindingState::ok)->text == "'big': Footman's alone");
  const auto* clock = find(found, "clock", FindingState::warning);
  REQUIRE(clock != nullptr);
  CHECK(clock->text.contains("ahead of"));
  CHECK(find(found, "address", FindingState::warning) != nullptr);
}

TEST_CASE("clouds for builds without a label cannot be asked for, and that is said") {
  Examination examination;
  examination.world.settings.demand.served = {{{"linux"}, true}};
  const auto found = examination.run();
  const auto* unchecked = find(found, "label", FindingState::unchecked);
  REQUIRE(unchecked != nullptr);
  CHECK(unchecked->text.starts_with("builds without a label"));
}

TEST_CASE("an old Jenkins is told") {
  JenkinsSettings settings;
  settings.url = "https://ci.example/";
  Survey survey;
  survey.root = Root{};
  const std::pair<const char*, FindingState> rows[] = {
      {"2.426.3", FindingState::warning}, {"1.999", FindingState::warning}, {"2.440", FindingState::ok},
      {"3.0", FindingState::ok},          {"next", FindingState::warning},  {"", FindingState::unchecked}};
  for (const auto& [version, state] : rows) {
    CAPTURE(version);
    survey.version = version;
    CHECK(find(examine(settings, survey), "version", state) != nullptr);
  }
}

TEST_CASE("an answer that is lost leaves no node behind") {
  Examination examination;
  examination.world.jenkins->add_fault({.kind = Fault::Kind::lost_answer, .path = "doCreateItem"});
  const auto found = examination.run();
  CHECK(find(found, "right", FindingState::unchecked) != nullptr);
  examination.check_traces();
}

TEST_CASE("a proxy that takes the session away is told") {
  Examination examination;
  examination.world.transport->edit = [](const std::string&, Answer& answer) {
    answer.headers.set("X-Jenkins-Session", "");
  };
  const auto found = examination.run();
  const auto* warned = find(found, "session", FindingState::warning);
  REQUIRE(warned != nullptr);
  CHECK(warned->text.contains("X-Jenkins-Session"));
}
