// What is told of the choice of a template. Inside the module.
#pragma once

#include <string>

#include "policy/open_plan.hpp"

namespace footman::policy {

Tried answer_of(const Template& t, const Held& held);
// On which they are all looked at again: of the first that says one that may come by itself.
std::string_view next_event(const std::vector<Tried>& tried);  // not empty
// Of the template at the class's cursor; those before it stand in `passed`.
std::string describe_choice(const Item& item, const ItemClass& kind);

}  // namespace footman::policy
