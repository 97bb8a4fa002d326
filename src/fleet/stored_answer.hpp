// What is stored of the answer to a pool's goal, so that a pool keeps its size over a restart of the server.
// Inside the module.
#pragma once

#include <optional>
#include <string>

#include "fleet/views.hpp"

namespace footman::fleet {

// The setting of the store that has it.
std::string answer_key(const TemplateName& name);

std::string encode_answer(const PoolAnswer& answer);
std::optional<PoolAnswer> restore_answer(const std::string& encoded);  // nothing: empty, or cannot be read

}  // namespace footman::fleet
