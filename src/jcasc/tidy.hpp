// Values of another kind than the plugin's fields have: written by hand, or by another plugin's version. They
// are left out with a word, never silently.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/yaml_tree.hpp"
#include "jcasc/fields.hpp"

namespace footman::jcasc {

using config::YamlNode;

struct Loss {
  config::Position at;
  std::string what;  // "maxAgents (many): a whole number was expected, left out"
};

// Makes every value of the map be of its field's kind: one map becomes a list of one, what does not fit goes.
// Fields that are not known stay. What only Jenkins knows (`${NAME}`) is text.
std::vector<Loss> tidy(YamlNode& map, std::span<const Field> fields);

}  // namespace footman::jcasc
