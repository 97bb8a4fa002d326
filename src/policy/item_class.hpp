// Items that wait alike: those of one controller with the same label. Inside the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "policy/obstacle_notes.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::policy {

struct QueueOrder {
  bool operator()(const Item* a, const Item* b) const {
    return std::tie(a->since, a->ref) < std::tie(b->since, b->ref);
  }
};

// Why the items of one class wait; every one of them for the same reason.
struct ClassHold {
  Held held;
  TriedList tried;   // never null
  std::string room;  // as the class had it, also in the text
};

// One class, and how far the lists for it are used up. Nothing that was full or held becomes free again
// within one plan, so that the cursors only go forward.
struct ItemClass {
  ControllerName controller;
  model::LabelExpr label;
  std::vector<const Template*> templates;  // that fit, best first
  std::shared_ptr<const ClassHold> hold;   // what was said last; null: nothing

  // --- of one plan (Planner::begin)
  std::vector<std::size_t> free_groups;  // that fit, fewest labels first
  std::size_t group_cursor = 0;          // among idle ones
  std::size_t template_cursor = 0;
  TriedList passed;                       // templates before the cursor; null: none, or not listed yet
  std::uint32_t held_items = 0;           // that are left over
  const Item* oldest_held = nullptr;      // of these
  bool is_held = false;                   // neither an agent nor a template is left for the rest of it
  ControllerObstacles* limits = nullptr;  // what those of its controller say; null: it has none
  std::string room;                       // who makes it, for the oldest one; empty: nobody
};

}  // namespace footman::policy
