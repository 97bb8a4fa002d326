// What is told of the choice of a template, or that there is none. Inside the module.
#pragma once

#include <string>
#include <vector>

#include "policy/item_class.hpp"
#include "policy/obstacle_notes.hpp"

namespace footman::policy {

Tried answer_of(const Template& t, const Held& held);
// Of the template at the class's cursor; those before it stand in `passed`.
std::string describe_choice(const Item& item, const ItemClass& kind);
// Why the class is held, by what is noted. offers: all templates.
ClassHold explain_hold(const ItemClass& kind, const ObstacleNotes& notes,
                       const std::vector<Template>& offers);

}  // namespace footman::policy
