#include "policy/choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "policy/look.hpp"
#include "policy/obstacles.hpp"

namespace footman::policy {
namespace {

constexpr std::size_t kMostTold = 3;  // templates, in one sentence

std::string describe_passed(const ItemClass& kind) {
  std::string text;
  if (!kind.passed) return text;
  std::size_t told = 0;
  for (const auto& one : *kind.passed) {
    if (told++ == kMostTold) break;
    text += fmt::format("; not '{}': {}", one.template_name.str(), one.text);
  }
  return text;
}

// What its items wait for: the first that may pass without a change of the configuration, the best one if
// none may. Behind the launch limit no template is asked, so that one stands last, and its passing decides.
const Tried& find_awaited(const std::vector<Tried>& tried) {
  if (tried.back().reason == HoldReason::launch_limit) return tried.back();
  const auto may_pass = std::ranges::find_if(
      tried, [](const Tried& one) { return one.look_again_on != "configuration_changes"; });
  return may_pass == tried.end() ? tried.front() : *may_pass;
}

}  // namespace

Tried answer_of(const Template& t, const Held& held) {
  return {t.cloud, t.name, held.reason, held.text, held.look_again, held.look_again_on};
}

std::string describe_choice(const Item& item, const ItemClass& kind) {
  const auto wish = item.label.empty() ? std::string("no label") : fmt::format("'{}'", item.label.text());
  const Template& t = *kind.templates[kind.template_cursor];
  const auto price = t.per_hour.is_zero() ? "" : fmt::format(", {}", model::format_hourly_price(t.per_hour));
  const auto before =
      item.before.empty() ? "" : fmt::format(", as agent {} ended before it had any work", item.before.str());
  return fmt::format("{} waits for an agent ({}){}; template '{}' is choice {} of {}{}{}",
                     item.title.empty() ? item.ref.key : item.title, wish, before, t.name.str(),
                     kind.template_cursor + 1, kind.templates.size(), price, describe_passed(kind));
}

ClassHold explain_hold(const ItemClass& kind, const ObstacleNotes& notes,
                       const std::vector<Template>& offers) {
  auto tried = std::make_shared<std::vector<Tried>>();
  Instant look;
  for (const Template* t : kind.templates) {
    const auto& obstacle = notes.told(*t, kind.limits);
    if (!obstacle) continue;
    look_no_later(look, obstacle->look_again);
    tried->push_back(answer_of(*t, *obstacle));
    if (obstacle->reason == HoldReason::launch_limit) break;  // the others are not asked
  }
  ClassHold hold;
  hold.room = kind.room;
  if (tried->empty()) {
    hold.held = describe_misfit(kind.label, offers);
  } else {
    const auto& awaited = find_awaited(*tried);
    hold.held = {awaited.reason, awaited.text, look};
    hold.held.look_again_on = awaited.look_again_on;
  }
  hold.held.text += hold.room;
  hold.tried = std::move(tried);
  return hold;
}

}  // namespace footman::policy
