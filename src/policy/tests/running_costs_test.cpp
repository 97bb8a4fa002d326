#include "policy/running_costs.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

using namespace footman::policy;
using footman::model::BilledFrom;
using footman::model::BilledUntil;
using footman::model::Money;
using footman::model::Price;

namespace {

struct Running {
  Payer payer;
  Price price;
  AgentLife life;
};

// All of them, one by one.
RunningCosts::ByPayer add_up(const std::map<AgentId, Running>& agents, Instant now) {
  RunningCosts::ByPayer sums;
  for (const auto& [id, one] : agents) {
    const auto billed = find_billed_time(one.price.billing, one.life, now);
    if (!billed.from.is_set()) continue;
    const auto cost =
        footman::model::charge(one.price.per_hour, billed.until - std::max(billed.from, begin_of_day(now)));
    if (!cost.is_zero()) sums[one.payer] += cost;
  }
  return sums;
}

}  // namespace

TEST_CASE("random lives: the sums are those of all agents, whenever they are asked for") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
    RunningCosts costs;
    std::map<AgentId, Running> agents;
    Instant now{1'000'000'000'000};
    for (int step = 0; step < 400; ++step) {
      INFO("seed ", seed, " step ", step);
      now = now + Duration(static_cast<std::int64_t>(pick(pick(10) == 0 ? 30'000'000'000 : 700'000)));
      const AgentId id(fmt::format("a{}", pick(12)));
      const auto known = agents.find(id);
      if (known == agents.end()) {
        Running one;
        one.payer.template_name = TemplateName(fmt::format("t{}", pick(3)));
        one.price.per_hour = Money{static_cast<std::int64_t>(pick(3)) * 1'234'567};
        one.price.billing.from = static_cast<BilledFrom>(pick(3));
        one.price.billing.until = static_cast<BilledUntil>(pick(2));
        one.price.billing.step = pick(2) == 0 ? Duration(1s) : Duration(1h);
        one.price.billing.minimum = pick(2) == 0 ? Duration(0) : Duration(1min);
        one.life.asked = now;
        agents.emplace(id, one);
      } else if (pick(6) == 0) {
        agents.erase(known);
        costs.drop(id);
      } else {
        auto& life = known->second.life;
        auto* const moment =
            std::array{&life.answered, &life.connected, &life.stop_asked, &life.gone}[pick(4)];
        if (!moment->is_set()) *moment = now;
      }
      if (const auto it = agents.find(id); it != agents.end())
        costs.put(id, it->second.payer, it->second.price, it->second.life);
      if (pick(3) > 0) REQUIRE(costs.today(now) == add_up(agents, now));
    }
  }
}
