// Agents, nodes, timelines and settings: what each move promises.
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
using model::AgentState;
using model::EndReason;

namespace {

AgentChange to_state(const std::string& id, AgentState state) {
  AgentChange change;
  change.id = AgentId(id);
  change.state = state;
  return change;
}

std::vector<std::string> ids_of(const std::vector<model::Agent>& agents) {
  std::vector<std::string> ids;
  ids.reserve(agents.size());
  for (const auto& agent : agents) ids.push_back(agent.id.str());
  return ids;
}
using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("launch times: the newest of each generation of a template, oldest first") {
  Fixture f;
  const auto launch = [&](const std::string& id, const std::string& name, std::uint64_t generation,
                          std::int64_t took) {
    auto agent = new_agent(id);
    agent.template_name = TemplateName(name);
    agent.template_generation = generation;
    f.get(f.store->record_launch_intents({agent}));
    if (took == 0) return;
    auto change = to_state(id, AgentState::launching);
    change.connected = agent.planned + std::chrono::seconds(took);
    f.get(f.store->change_agent(change));
  };
  CHECK(f.get(f.store->list_launch_times(2)).empty());
  launch("a", "t", 1, 10);
  launch("b", "t", 1, 20);
  launch("c", "u", 1, 5);
  launch("d", "t", 1, 30);
  launch("e", "t", 2, 40);
  launch("f", "t", 1, 0);   // has not connected
  launch("g", "t", 1, -7);  // the clock was set back
  const auto times = f.get(f.store->list_launch_times(2));
  REQUIRE(times.size() == 4);
  CHECK(times[0].took == std::chrono::seconds(20));
  CHECK(times[1].template_name.str() == "u");
  CHECK(times[2].took == std::chrono::seconds(30));
  CHECK(times[3].generation == 2);
}

TEST_CASE("an intent keeps the whole agent, and a known id is left alone") {
  Fixture f;
  f.get(f.store->record_launch_intents({new_agent("a"), new_agent("b")}));
  f.get(f.store->change_agent(to_state("a", AgentState::launching)));
  auto changed = new_agent("a");
  changed.frozen_request = "other";
  f.get(f.store->record_launch_intents({changed, new_agent("c")}));
  const auto agent = f.get(f.store->get_agent(AgentId("a")));
  const auto wanted = new_agent("a");
  CHECK(agent.cloud == wanted.cloud);
  CHECK(agent.template_name == wanted.template_name);
  CHECK(agent.template_generation == wanted.template_generation);
  CHECK(agent.controller == wanted.controller);
  CHECK(agent.for_item == wanted.for_item);
  CHECK(agent.labels == wanted.labels);
  CHECK(agent.size == wanted.size);
  CHECK(agent.price == wanted.price);
  CHECK(agent.state == AgentState::launching);
  CHECK(agent.attempt == 1);
  CHECK(agent.client_token == "a-1");
  CHECK(agent.frozen_request == wanted.frozen_request);
  CHECK(agent.max_builds == 1);
  CHECK(agent.idle_timeout == std::chrono::minutes(1));
  CHECK(agent.planned == at(1));
  CHECK(agent.launch_deadline == at(60));
  CHECK(agent.end_reason == EndReason::none);
  CHECK(agent.death == model::DeathCertificate());
  CHECK(f.error(f.store->get_agent(AgentId("x"))) == Errc::not_found);
  CHECK(ids_of(f.get(f.store->list_agents({}))) == Ids{"c", "b", "a"});
}

TEST_CASE("an agent changes as the states allow") {
  Fixture f;
  f.get(f.store->record_launch_intents({new_agent("a")}));
  CHECK(f.error(f.store->change_agent(to_state("a", AgentState::online))) == Errc::conflict);
  CHECK(f.get(f.store->change_agent(to_state("a", AgentState::launching))).state == AgentState::launching);
  CHECK(f.get(f.store->change_agent(to_state("a", AgentState::launching))).state == AgentState::launching);
  CHECK(f.error(f.store->change_agent(to_state("b", AgentState::launching))) == Errc::not_found);

  auto change = to_state("a", AgentState::connecting);
  change.handle = "pid:17";
  change.launched = at(3);
  change.timeline = {{at(3), "api_answered", "The cloud answered"}};
  f.get(f.store->change_agent(change));
  f.get(f.store->change_agent(change));  // repeated: the line is there once
  change = {};
  change.id = AgentId("a");
  change.connected = at(4);
  change.builds_done = 2;
  change.launch_deadline = at(70);
  const auto agent = f.get(f.store->change_agent(change));
  CHECK(agent.state == AgentState::connecting);
  CHECK(agent.handle == "pid:17");
  CHECK(agent.launched == at(3));
  CHECK(agent.connected == at(4));
  CHECK(agent.builds_done == 2);
  CHECK(agent.launch_deadline == at(70));
  CHECK(f.get(f.store->list_timeline("agent:a")).size() == 1);
}

TEST_CASE("the first reason for an agent's end stays, with what was said of it") {
  Fixture f;
  f.get(f.store->record_launch_intents({new_agent("a")}));
  f.get(f.store->change_agent(to_state("a", AgentState::launching)));
  AgentChange change;
  change.id = AgentId("a");
  change.end_detail = "a note before";
  CHECK(f.get(f.store->change_agent(change)).end_detail == "a note before");
  change = to_state("a", AgentState::lost);
  change.end_reason = EndReason::session_lost;
  change.end_detail = "silent";
  f.get(f.store->change_agent(change));
  change = to_state("a", AgentState::terminating);
  change.end_reason = EndReason::resource_gone;
  change.end_detail = "gone";
  change.death = model::DeathCertificate{std::nullopt, 9, true, "killed"};
  change.ended = at(9);
  const auto agent = f.get(f.store->change_agent(change));
  CHECK(agent.end_reason == EndReason::session_lost);
  CHECK(agent.end_detail == "silent");
  const auto stored = f.get(f.store->get_agent(AgentId("a")));
  CHECK(stored.death == change.death);
  CHECK(stored.ended == at(9));
  CHECK(stored.state == AgentState::terminating);
}

TEST_CASE("why an agent was drained gives way to how it ended") {
  Fixture f;
  f.get(f.store->record_launch_intents({new_agent("a")}));
  for (const auto state : {AgentState::launching, AgentState::connecting, AgentState::online})
    f.get(f.store->change_agent(to_state("a", state)));
  auto change = to_state("a", AgentState::draining);
  change.end_reason = EndReason::made_room;
  change.end_detail = "for another";
  CHECK(f.get(f.store->change_agent(change)).end_reason == EndReason::made_room);
  CHECK(f.get(f.store->change_agent(to_state("a", AgentState::draining))).end_detail == "for another");
  change = to_state("a", AgentState::terminating);
  change.end_reason = EndReason::notice;
  change.end_detail = "taken back";
  f.get(f.store->change_agent(change));
  change.end_reason = EndReason::resource_gone;
  change.end_detail = "gone";
  const auto agent = f.get(f.store->change_agent(change));
  CHECK(agent.end_reason == EndReason::notice);
  CHECK(agent.end_detail == "taken back");
}

TEST_CASE("agents are listed newest first, live ones or all") {
  Fixture f;
  for (const auto* id : {"d", "c", "b", "a"}) f.get(f.store->record_launch_intents({new_agent(id)}));
  f.get(f.store->change_agent(to_state("c", AgentState::terminated)));
  CHECK(ids_of(f.get(f.store->list_agents({}))) == Ids{"a", "b", "d"});
  CHECK(ids_of(f.get(f.store->list_agents({.only_live = false}))) == Ids{"a", "b", "c", "d"});
  CHECK(ids_of(f.get(f.store->list_agents({.only_live = false, .before = "b", .limit = 1}))) == Ids{"c"});
  CHECK(ids_of(f.get(f.store->list_agents({.before = "c"}))) == Ids{"d"});
  CHECK(f.error(f.store->list_agents({.before = "x"})) == Errc::not_found);
  CHECK(f.get(f.store->load_open_state()).agents.size() == 3);
}

TEST_CASE("a node is registered once per attempt; a higher one takes its place") {
  Fixture f;
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  f.get(f.store->redeem_node({AgentId("a"), 1, "key", at(2)}));
  f.get(f.store->change_node(AgentId("a"), true, false));
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  auto node = f.get(f.store->load_open_state()).nodes.at(0);
  CHECK(node.key_hash == "key");
  CHECK(node.draining);
  CHECK(node.labels == std::vector<std::string>{"linux"});
  CHECK(node.secret_deadline == at(60));
  CHECK(node.created == at(1));
  CHECK(node.max_builds == 1);
  f.get(f.store->record_launch_intents({}, {new_node("a", 2)}));
  node = f.get(f.store->load_open_state()).nodes.at(0);
  CHECK(node.attempt == 2);
  CHECK(node.key_hash.empty());
  CHECK(!node.draining);
  CHECK(node.epoch == 1);  // the old session's epoch does not come again
  CHECK(f.error(f.store->record_launch_intents({}, {new_node("a", 1)})) == Errc::conflict);
  CHECK(f.error(f.store->redeem_node({AgentId("a"), 1, "key", at(3)})) == Errc::conflict);
  CHECK(f.get(f.store->redeem_node({AgentId("a"), 2, "key 2", at(3)})).epoch == 2);
}

TEST_CASE("redemption: the same key raises the epoch, another one is refused") {
  Fixture f;
  CHECK(f.error(f.store->redeem_node({AgentId("a"), 1, "key", at(2)})) == Errc::not_found);
  f.get(f.store->record_launch_intents({}, {new_node("a")}));
  CHECK(f.get(f.store->redeem_node({AgentId("a"), 1, "key", at(2)})).epoch == 1);
  CHECK(f.get(f.store->redeem_node({AgentId("a"), 1, "key", at(3)})).epoch == 2);
  CHECK(f.error(f.store->redeem_node({AgentId("a"), 1, "other", at(4)})) == Errc::permission_denied);
  f.get(f.store->count_refused(AgentId("a")));
  f.get(f.store->count_refused(AgentId("nobody")));
  const auto node = f.get(f.store->change_node(AgentId("a"), false, true));
  CHECK(node.epoch == 2);
  CHECK(node.key_hash == "key");
  CHECK(node.refused_attempts == 1);
  CHECK(node.revoked);
  CHECK(f.error(f.store->redeem_node({AgentId("a"), 1, "key", at(5)})) == Errc::conflict);
  const auto again = f.get(f.store->change_node(AgentId("a"), true, false));
  CHECK(again.revoked);  // only ever set
  CHECK(again.draining);
  f.get(f.store->remove_node(AgentId("a")));
  f.get(f.store->remove_node(AgentId("a")));
  CHECK(f.error(f.store->change_node(AgentId("a"), true, true)) == Errc::not_found);
  CHECK(f.get(f.store->load_open_state()).nodes.empty());
}

TEST_CASE("a timeline is in order, tells nothing twice and has an end") {
  Fixture f;
  f.get(f.store->add_timeline("build:1", {{at(2), "b", "second"}, {at(1), "a", "first"}}));
  f.get(f.store->add_timeline("build:1", {{at(2), "b", "second"}, {at(2), "a", "third"}}));
  const auto lines = f.get(f.store->list_timeline("build:1"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].text == "first");
  CHECK(lines[1].text == "second");
  CHECK(lines[2].text == "third");
  CHECK(lines[2].kind == "a");
  CHECK(lines[2].at == at(2));
  CHECK(f.get(f.store->list_timeline("build:2")).empty());

  std::vector<model::TimelineEntry> many;
  many.reserve(1500);
  for (int i = 0; i < 1500; ++i) many.push_back({at(i), "k", std::to_string(i)});
  f.get(f.store->add_timeline("agent:a", many));
  const auto kept = f.get(f.store->list_timeline("agent:a"));
  REQUIRE(kept.size() == 1000);
  CHECK(kept.front().text == "0");
  CHECK(kept[99].text == "99");
  CHECK(kept[100].text == "600");
  CHECK(kept.back().text == "1499");
}

TEST_CASE("settings are kept") {
  TemporaryDirectory directory;
  Fixture f({directory.path()});
  CHECK(!f.get(f.store->find_setting("a")));
  f.get(f.store->save_setting("a", "1"));
  f.get(f.store->save_setting("a", "2"));
  f.get(f.store->save_setting("gone", "1"));
  f.get(f.store->save_setting("gone", ""));
  f.get(f.store->save_setting("gone", ""));
  for (const auto* key : {"list/1", "list/2", "list", "list0", "lis/3"})
    f.get(f.store->save_setting(key, key));
  f.reopen();
  CHECK(f.get(f.store->find_setting("a")) == "2");
  CHECK(!f.get(f.store->find_setting("gone")));
  CHECK(f.get(f.store->list_settings("list/")) ==
        std::map<std::string, std::string>{{"list/1", "list/1"}, {"list/2", "list/2"}});
  CHECK(f.get(f.store->list_settings("nothing/")).empty());
}
