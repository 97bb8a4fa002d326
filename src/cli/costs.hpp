// Amounts of money and costs as the server tells them, for people.
#pragma once

#include <string>

#include "cli/json.hpp"

namespace footman::cli {

// Of an amount in millionths of a dollar; "" when it is not there.
std::string money_text(const json::value& object, std::string_view field);
// "$0.0123 so far: $0.0100 in 30 s of work, $0.0023 in 5 s idle"; "" for what has no cost.
std::string cost_text(const json::value& cost);

}  // namespace footman::cli
