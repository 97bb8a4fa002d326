// One template of the plugin as keys of footman.yaml.
#pragma once

#include <string>
#include <vector>

#include "jcasc/draft.hpp"
#include "jcasc/plugin_template.hpp"

namespace footman::jcasc {

struct ConvertedTemplate {
  std::vector<Entry> entries;
  std::vector<Entry> ecs;
};

// `all`: with what it inherits. Nothing is checked that the configuration's own checks find.
ConvertedTemplate convert_template(const YamlNode& all);

// Comments on those of its own fields that leave nothing in footman.yaml or something else than people
// expect.
std::vector<std::string> remarks_on(const YamlNode& own);

}  // namespace footman::jcasc
