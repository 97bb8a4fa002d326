#include "policy/tests/random_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "policy/open_plan.hpp"

namespace footman::policy::testing {
namespace {

using model::AgentActivity;
using model::AgentState;

constexpr std::size_t kItemKeys = 12;
constexpr std::size_t kAgentsMost = 14;
constexpr std::size_t kTemplates = 5;
constexpr std::size_t kClouds = 2;
constexpr std::array kLabels{"linux", "arm", "linux||arm", "!arm", "linux&&big", "", "nowhere"};
const std::vector<std::vector<std::string>> kOffers{{"linux"},        {"arm"},          {"linux", "big"},
                                                    {"linux", "arm"}, {"big", "linux"}, {"linux", "linux"}};

// A plan as lines of text, so that a difference can be read.
std::vector<std::string> lines_of(const Plan& plan) {
  std::vector<std::string> lines;
  lines.reserve(plan.matches.size() + plan.launches.size() + plan.holds.size());
  const auto name = [](const ItemRef& ref) { return ref.controller.str() + "/" + ref.key; };
  const auto time = [](Instant at) { return at.is_set() ? format_rfc3339(at) : std::string("-"); };
  const auto match = [&](const Match& one) { return "match " + name(one.item) + " " + one.agent.str(); };
  std::ranges::transform(plan.matches, std::back_inserter(lines), match);
  const auto list = [&](const TriedList& all) {
    for (const auto& tried : *all)
      lines.push_back("  " + tried.cloud.str() + " " + tried.template_name.str() + " " +
                      std::string(to_string(tried.reason)) + " " + tried.text + " " + time(tried.look_again));
  };
  for (const auto& one : plan.launches) {
    lines.push_back("launch " + name(one.item) + " " + one.cloud.str() + " " + one.template_name.str() + " " +
                    std::string(to_string(one.reason)) + " " + one.text);
    if (one.not_these) list(one.not_these);
  }
  for (const auto& one : plan.holds) {
    lines.push_back("hold " + name(one.item) + " " + std::string(to_string(one.reason)) + " " + one.text +
                    " " + time(one.look_again));
    list(one.tried);
  }
  const auto end = [&](const char* word, const auto& one) {
    lines.push_back(word + one.agent.str() + " " + std::string(to_string(one.reason)) + " " + one.text);
  };
  for (const auto& one : plan.terminations) end("end ", one);
  for (const auto& one : plan.drains) end("drain ", one);
  for (const auto& one : plan.pools)
    lines.push_back(fmt::format("pool {} wants {}, {} at work, {} idle, {} on their way, {} kept {}",
                                one.template_name.str(), one.target, one.at_work, one.idle, one.on_way,
                                one.wanted.size(), one.hold ? one.hold->text : ""));
  lines.push_back("next look " + time(plan.next_look));
  return lines;
}

bool is_same(const Plan& a, const Plan& b) {
  const auto match = [](const Match& x, const Match& y) { return x.item == y.item && x.agent == y.agent; };
  const auto launch = [](const Launch& x, const Launch& y) {
    const bool both = x.not_these && y.not_these;
    return x.item == y.item && x.template_name == y.template_name && x.cloud == y.cloud &&
           x.reason == y.reason && x.text == y.text &&
           (both ? *x.not_these == *y.not_these : x.not_these == y.not_these);
  };
  const auto hold = [](const Hold& x, const Hold& y) {
    return x.item == y.item && x.reason == y.reason && x.text == y.text && x.look_again == y.look_again &&
           *x.tried == *y.tried;
  };
  const auto end = [](const auto& x, const auto& y) {
    return x.agent == y.agent && x.reason == y.reason && x.text == y.text;
  };
  return std::ranges::equal(a.matches, b.matches, match) &&
         std::ranges::equal(a.launches, b.launches, launch) && std::ranges::equal(a.holds, b.holds, hold) &&
         std::ranges::equal(a.terminations, b.terminations, end) &&
         std::ranges::equal(a.drains, b.drains, end) && a.pools == b.pools && a.next_look == b.next_look;
}

CloudName cloud_name(std::size_t number) { return CloudName("cloud-" + std::to_string(number)); }

}  // namespace

std::string find_difference(const Plan& a, const Plan& b) {
  if (is_same(a, b)) return {};
  const auto left = lines_of(a);
  const auto right = lines_of(b);
  const auto [x, y] = std::ranges::mismatch(left, right);
  if (x == left.end() && y == right.end()) return "other agents are kept by a pool";
  return (x == left.end() ? "-" : *x) + "  |  " + (y == right.end() ? "-" : *y);
}

RandomWorld::RandomWorld(std::uint64_t seed) : random_(seed) {
  for (std::size_t i = 0; i < kClouds; ++i) clouds_.push_back({cloud_name(i), {}, {}, {}, {}});
  for (std::size_t i = 0; i < kTemplates; ++i) {
    Template t;
    t.name = TemplateName("t" + std::to_string(i));
    t.cloud = cloud_name(pick(kClouds + 1));  // one of them may be of no cloud
    t.labels = kOffers[pick(kOffers.size())];
    t.is_default = chance(2);
    if (chance(2)) t.most = some_limits(5);
    t.priority = static_cast<int>(pick(2));
    t.size = {1000 * pick(3), (1ULL << 30) * pick(2)};
    t.per_hour = model::Money(static_cast<std::int64_t>(pick(2)));
    t.pool_controller = ControllerName("main");
    if (chance(6)) t.controllers = {ControllerName(chance(2) ? "other" : "main")};
    if (chance(2)) t.pool = {static_cast<std::uint32_t>(pick(3)), static_cast<std::uint32_t>(pick(2)) * 500};
    templates_.push_back(std::move(t));
  }
  change_limits();
}

void RandomWorld::change() {
  switch (pick(13)) {
    case 0:
    case 1:
    case 2:
      return put_item();
    case 3:
      return drop_item();
    case 4:
      return put_agent();
    case 5:
    case 6:
      return change_agent();
    case 7:
      return drop_agent();
    case 8:
      return chance(8) ? change_template() : change_breaker();
    case 9:
      return chance(4) ? change_cloud() : change_breaker();
    case 10:
      return change_limits();
    case 11:
      return change_offer();
    default:
      now = now + std::chrono::seconds(pick(40));
      pay_up(limits.all.spent);
      for (auto& [name, spent] : limits.templates_spent) pay_up(spent);
      for (auto& [name, quota] : limits.labels) pay_up(quota.spent);
      for (auto& [name, quota] : limits.controllers) pay_up(quota.spent);
      for (auto& t : templates_)
        if (t.offered_until <= now) t.offered_until = {};
      listener_->offers_changed(snapshot());
  }
}

void RandomWorld::pay_up(Spent& spent) const {
  if (spent.rate_falls <= now) spent = {};
}

// --- items

void RandomWorld::put(Item item) {
  listener_->item_put(item);
  const auto ref = item.ref;
  items_.insert_or_assign(ref, std::move(item));
}

Item RandomWorld::make_item() {
  const ControllerName controller(chance(4) ? "other" : "main");
  return {{controller, std::to_string(pick(kItemKeys))},
          *model::parse_label_expression(kLabels[pick(kLabels.size())]),
          Instant{1'000'000 + static_cast<std::int64_t>(pick(4))},
          "job",
          AgentId(chance(4) ? "before" : "")};
}

void RandomWorld::put_item() { put(make_item()); }

void RandomWorld::add_item() {
  auto item = make_item();
  item.ref.key = "last";
  item.since = now;
  put(std::move(item));
}

void RandomWorld::drop_item() {
  if (items_.empty()) return;
  const auto it = std::next(items_.begin(), static_cast<std::ptrdiff_t>(pick(items_.size())));
  const auto ref = it->first;
  items_.erase(it);
  listener_->item_dropped(ref);
}

// --- agents

void RandomWorld::put(Agent agent) {
  listener_->agent_put(agent);
  const auto id = agent.id;
  agents_.insert_or_assign(id, std::move(agent));
}

std::vector<Template>::iterator RandomWorld::any_template() {
  return templates_.begin() + static_cast<std::ptrdiff_t>(pick(templates_.size()));
}

std::map<AgentId, Agent>::iterator RandomWorld::any_agent() {
  return std::next(agents_.begin(), static_cast<std::ptrdiff_t>(pick(agents_.size())));
}

Agent RandomWorld::make_agent(const Template& t) {
  Agent agent;
  agent.id =
      AgentId(fmt::format("a{:04}", ++agents_made_));  // of those planned at once the first is the first
  agent.cloud = t.cloud;
  agent.template_name = t.name;
  agent.generation = t.generation;
  agent.labels = t.labels;
  agent.is_default = t.is_default;
  agent.size = t.size;
  agent.per_hour = t.per_hour;
  return agent;
}

Agent RandomWorld::make_agent() {
  auto agent = make_agent(*any_template());
  agent.controller = ControllerName(chance(4) ? "other" : "main");
  if (!chance(4)) agent.for_item = std::to_string(pick(kItemKeys));
  agent.max_builds = static_cast<std::uint32_t>(pick(3));
  agent.idle_timeout = 1min;
  if (chance(3)) agent.max_age = 3min;
  agent.planned = now - std::chrono::seconds(pick(3));
  if (chance(2)) agent.launch_deadline = agent.planned + 2min;
  return agent;
}

void RandomWorld::put_agent() {
  if (agents_.size() < kAgentsMost) put(make_agent());
}

void RandomWorld::change_agent() {
  if (agents_.empty()) return;
  auto agent = any_agent()->second;
  agent.activity = static_cast<AgentActivity>(pick(7));
  agent.state = chance(3) ? static_cast<AgentState>(pick(9)) : AgentState::online;
  agent.builds_done = static_cast<std::uint32_t>(chance(4) ? 1 : 0);
  agent.working = chance(4);
  agent.awaited = chance(6);
  agent.is_leaving = chance(8);
  agent.is_barred = chance(3);
  agent.is_unheard = chance(8);
  if (chance(6)) ++agent.generation;
  if (!agent.connected.is_set()) agent.connected = now;
  agent.idle_since = now - std::chrono::seconds(pick(60));
  if (chance(3)) agent.paid_until = now + std::chrono::seconds(pick(60));
  put(std::move(agent));
}

void RandomWorld::drop_agent() {
  if (agents_.empty()) return;
  const auto it = any_agent();
  const auto id = it->first;
  agents_.erase(it);
  listener_->agent_dropped(id);
}

// --- what they are launched from

void RandomWorld::change_template() {
  auto& t = *any_template();
  t.labels = kOffers[pick(kOffers.size())];
  t.is_default = chance(2);
  t.priority = static_cast<int>(pick(2));
  if (chance(2)) t.most = some_limits(5);
  t.size = {1000 * pick(3), (1ULL << 30) * pick(2)};
  t.pool = {static_cast<std::uint32_t>(pick(3)), static_cast<std::uint32_t>(pick(2)) * 500};
  if (chance(2)) ++t.generation;
  listener_->offers_changed(snapshot());
}

// Another variant is launched, or another priority was configured.
void RandomWorld::change_offer() {
  auto& t = *any_template();
  t.priority = static_cast<int>(pick(2));
  t.size = {1000 * pick(3), (1ULL << 30) * pick(2)};
  t.per_hour = model::Money(static_cast<std::int64_t>(pick(3)));
  t.offered_until = chance(2) ? now + 30s : Instant();
  listener_->offers_changed(snapshot());
}

void RandomWorld::change_breaker() {
  auto& breaker = any_template()->breaker;
  breaker = {};
  breaker.state = static_cast<BreakerState>(pick(4));
  breaker.since = now;
  breaker.until = now + std::chrono::seconds(pick(20));
  breaker.reason = "no capacity";
  if (chance(3)) breaker = {};
  listener_->offers_changed(snapshot());
}

model::AgentLimits RandomWorld::some_limits(std::uint32_t agents) {
  model::AgentLimits most;
  const auto money = [this] { return model::Money{static_cast<std::int64_t>(1 + pick(8))}; };
  most.agents = static_cast<std::uint32_t>(pick(agents));
  if (chance(3)) most.milli_cpus = 1000 * pick(20);
  if (chance(3)) most.memory_bytes = (1ULL << 30) * pick(12);
  if (chance(6)) most.budget.per_day = money();
  if (chance(4)) most.budget.per_hour = money();
  if (chance(8)) most.budget.beyond = model::Money{static_cast<std::int64_t>(pick(2))};
  return most;
}

Spent RandomWorld::some_spending() {
  if (!chance(4)) return {};
  return {model::Money{3}, model::Money{1}, now + 30s, now + 10min};
}

// Some of an own template, others of which nothing but a size is known.
std::vector<Strays> RandomWorld::some_strays() {
  std::vector<Strays> strays;
  if (chance(2))
    strays.push_back({static_cast<std::uint32_t>(pick(3)), {1000 * pick(3), (1ULL << 30) * pick(2)}});
  if (!chance(3)) return strays;
  const auto& t = *any_template();
  strays.push_back({static_cast<std::uint32_t>(1 + pick(2)), t.size, t.per_hour, t.least_billed, t.name,
                    t.labels, ControllerName(chance(4) ? "other" : "main")});
  return strays;
}

void RandomWorld::change_cloud() {
  auto& cloud = clouds_[pick(clouds_.size())];
  cloud.pause_text = chance(3) ? "by admin" : "";
  cloud.hold_until = chance(3) ? now + 10s : Instant();
  cloud.hold_text = "throttled";
  cloud.quota.most = some_limits(8);
  if (chance(2)) cloud.strays = some_strays();
  listener_->offers_changed(snapshot());
}

void RandomWorld::change_limits() {
  limits = {};
  if (chance(10)) limits.storage_trouble = "no space is left";
  limits.all.most = some_limits(16);
  limits.all.spent = some_spending();
  if (chance(3)) limits.labels["arm"] = {some_limits(5), some_spending()};
  if (chance(3)) limits.controllers[ControllerName("other")] = {some_limits(5), some_spending()};
  for (const auto& t : templates_)
    if (chance(4)) limits.templates_spent[t.name] = some_spending();
  if (chance(3)) limits.launches_at_once = static_cast<std::uint32_t>(1 + pick(4));
}

// --- plans

void RandomWorld::carry_out(const Plan& plan) {
  for (const auto& match : plan.matches) {  // from now on the agent stands for this item
    auto agent = agents_.at(match.agent);
    if (agent.for_item == match.item.key) continue;
    agent.for_item = match.item.key;
    put(std::move(agent));
  }
  for (const auto& end : plan.terminations) {
    auto agent = agents_.at(end.agent);
    agent.state = AgentState::terminating;
    put(std::move(agent));
  }
  for (const auto& drain : plan.drains) {
    auto agent = agents_.at(drain.agent);
    agent.state = AgentState::draining;
    put(std::move(agent));
  }
  for (const auto& launch : plan.launches) {
    auto& t = *std::ranges::find(templates_, launch.template_name, &Template::name);
    auto agent = make_agent(t);
    agent.controller = launch.item.controller;
    agent.for_item = launch.item.key;
    agent.planned = now + 1ms;  // after all others
    agent.launch_deadline = now + 2min;
    t.breaker = on_probe_launched(t.breaker, agent.id, agent.launch_deadline, now);
    put(std::move(agent));
  }
  if (!plan.launches.empty()) listener_->offers_changed(snapshot());
}

void RandomWorld::let_arrive(const Plan& plan) {
  std::map<AgentId, ItemRef> items;
  for (const auto& match : plan.matches) items.emplace(match.agent, match.item);
  const auto before = agents_;
  for (auto [id, agent] : before) {
    if (is_ending(agent)) {
      agents_.erase(id);
      listener_->agent_dropped(id);
      continue;
    }
    if (!model::is_serving(agent.state)) continue;
    ItemRef ref{agent.controller, agent.for_item};
    if (const auto match = items.find(id); match != items.end()) ref = match->second;
    const bool is_new = agent.state == AgentState::planned;
    if (!is_new && !items.contains(id)) continue;
    agent.state = AgentState::online;
    agent.activity = items_.erase(ref) > 0 ? AgentActivity::busy : AgentActivity::idle;
    if (agent.activity == AgentActivity::busy) listener_->item_dropped(ref);
    if (!agent.connected.is_set()) agent.connected = now;
    agent.idle_since = now;
    put(std::move(agent));
  }
}

Snapshot RandomWorld::snapshot() const {
  Snapshot result;
  for (const auto& [ref, item] : items_) result.items.push_back(item);
  for (const auto& [id, agent] : agents_) result.agents.push_back(agent);
  result.templates = templates_;
  result.clouds = clouds_;
  std::ranges::shuffle(result.items, random_);
  std::ranges::shuffle(result.agents, random_);
  std::ranges::shuffle(result.templates, random_);
  std::ranges::shuffle(result.clouds, random_);
  return result;
}

}  // namespace footman::policy::testing
