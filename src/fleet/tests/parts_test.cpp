// The pure parts: what comes next for an agent, and the request as it stands in the row.
#include <doctest/doctest.h>

#include <cstring>

#include "fleet/frozen_request.hpp"
#include "fleet/steward.hpp"

using namespace footman;
using namespace footman::fleet;
using model::AgentState;

namespace {

struct Row {
  AgentState state;
  bool introduced, connected, drain, ending, nothing_left, removed;
  Step expected;
};

// clang-format off
constexpr Row kTable[] = {
    // state                 introduced connected drain ending nothing_left removed
    {AgentState::planned,     false,     false,    false, false, false,      false, Step::rest},
    {AgentState::planned,     false,     false,    false, true,  false,      false, Step::begin_end},
    {AgentState::launching,   false,     false,    false, false, false,      false, Step::introduce},
    {AgentState::launching,   true,      false,    false, false, false,      false, Step::launch},
    {AgentState::launching,   true,      true,     false, false, false,      false, Step::note_connected},
    {AgentState::launching,   true,      false,    true,  true,  false,      false, Step::begin_end},
    {AgentState::connecting,  true,      false,    false, false, false,      false, Step::rest},
    {AgentState::connecting,  true,      true,     false, false, false,      false, Step::note_connected},
    {AgentState::online,      true,      false,    false, false, false,      false, Step::rest},
    {AgentState::online,      true,      false,    true,  false, false,      false, Step::begin_drain},
    {AgentState::online,      true,      false,    true,  true,  false,      false, Step::begin_end},
    {AgentState::draining,    true,      false,    true,  false, false,      false, Step::tell_drain},
    {AgentState::draining,    true,      false,    true,  true,  false,      false, Step::begin_end},
    {AgentState::terminating, true,      false,    false, true,  false,      false, Step::terminate},
    {AgentState::terminating, true,      false,    false, true,  false,      true,  Step::terminate},
    {AgentState::failed,      true,      false,    false, true,  true,       false, Step::forget},
    {AgentState::lost,        true,      false,    false, true,  true,       true,  Step::conclude},
    {AgentState::terminated,  true,      false,    false, true,  true,       true,  Step::dismiss},
};
// clang-format on

}  // namespace

TEST_CASE("what comes next for an agent") {
  for (const auto& row : kTable) {
    AgentEntry entry;
    entry.row.state = row.state;
    entry.introduced = row.introduced;
    if (row.connected) entry.seen.connected_at = {1};
    if (row.drain) entry.drain = Ending{};
    if (row.ending) entry.ending = Ending{};
    entry.nothing_left = row.nothing_left;
    entry.removed = row.removed;
    CAPTURE(to_string(row.state));
    CHECK(static_cast<int>(next_step(entry)) == static_cast<int>(row.expected));
  }
}

TEST_CASE("once it is launched, of the frozen request only what is still asked for is kept in memory") {
  FrozenRequest request;
  request.spec.options = "options";
  request.spec.endpoint.ca_pem = std::string(5000, 'x');
  request.spec.endpoint.program = ports::AgentProgram::jenkins;
  request.is_default = true;
  request.max_age = std::chrono::hours(9);
  request.variant = "spot";
  request.reason = model::LaunchReason::replacement;
  request.why = "because";
  request.not_these = {{TemplateName("big"), CloudName("sky"), "template_cap", "2 of 2 agents", {}, {}}};
  auto kept = request;
  forget_launch(kept);
  CHECK(kept.spec.endpoint.ca_pem.capacity() < 100);
  request.spec.endpoint.ca_pem.clear();
  CHECK(encode_request(kept) == encode_request(request));
}

TEST_CASE("the frozen request keeps all but the secret") {
  FrozenRequest request;
  auto& spec = request.spec;
  spec.installation = InstallationId("here");
  spec.agent = AgentId("cloud-a");
  spec.attempt = 3;
  spec.client_token = "cloud-a-3";
  spec.options = R"({"size":"l\"arge"})";
  spec.endpoint = {"wss://ci/agents", "lb:443", "-----BEGIN\n", true, "abcd", true};
  spec.orphan_timeout = std::chrono::minutes(7);
  spec.one_shot = false;
  spec.secret = Secret("hush");
  spec.controller_secret = Secret("hush, too");
  request.is_default = true;
  request.max_age = std::chrono::hours(9);
  request.why = "because";
  request.not_these = {{TemplateName("big"), CloudName("sky"), "template_cap", "2 of 2 agents", {}, {}}};
  const auto text = encode_request(request);
  CHECK(text.find("hush") == std::string::npos);
  const auto back = parse_request(text);
  REQUIRE(back);
  CHECK(back->spec.installation == spec.installation);
  CHECK(back->spec.agent == spec.agent);
  CHECK(back->spec.attempt == 3);
  CHECK(back->spec.client_token == spec.client_token);
  CHECK(back->spec.options == spec.options);
  CHECK(back->spec.endpoint == spec.endpoint);
  CHECK(back->spec.orphan_timeout == spec.orphan_timeout);
  CHECK_FALSE(back->spec.one_shot);
  CHECK(back->spec.secret.empty());
  CHECK(back->spec.controller_secret.empty());
  CHECK(text.find(R"("server")") == std::string::npos);  // as older ones, which had none
  CHECK(back->spec.server == ports::AgentEndpoint());
  CHECK(back->is_default);
  CHECK(back->max_age == request.max_age);
  CHECK(back->why == "because");
  CHECK(back->not_these == request.not_these);
  CHECK(encode_request(*back) == text);

  auto older = text;  // of a Footman that knew no `only_ca`
  older.erase(older.find(R"("only_ca":true,)"), std::strlen(R"("only_ca":true,)"));
  const auto from_older = parse_request(older);
  REQUIRE(from_older);
  CHECK_FALSE(from_older->spec.endpoint.only_ca);

  spec.endpoint = {"https://ci/", "",   "",      false, "", false, ports::AgentProgram::jenkins,
                   "node-1",      true, "-Xmx1g"};
  spec.server = {"tcp://ci:50000", "lb:443", "", false, "abcd", true};
  const auto with_server = parse_request(encode_request(request));
  CHECK(with_server->spec.endpoint == spec.endpoint);
  CHECK(with_server->spec.server == spec.server);
  older = text;  // of a Footman that knew no Jenkins
  const std::string added = R"(,"program":"footman","name":"","web_socket":false,"java_options":"")";
  REQUIRE(older.find(added) != std::string::npos);
  older.erase(older.find(added), added.size());
  CHECK(parse_request(older)->spec.endpoint == back->spec.endpoint);
}

TEST_CASE("a request that cannot be read is an error, not a guess") {
  for (const auto* text : {"", "{", "[]", "{}", R"({"version":2})", R"({"version":1,"agent":5})"})
    CHECK_FALSE(parse_request(text).has_value());
}
