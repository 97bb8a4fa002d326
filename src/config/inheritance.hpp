// Templates that take over keys of others with `extends`, worked out in the document before anything of it is
// read: so it is the same for every cloud, and an inherited value keeps the place where it was written.
#pragma once

#include <vector>

#include "config/yaml_tree.hpp"

namespace footman::config {

inline constexpr std::size_t kMaxAncestors = 8;  // of a template

// Each template with `extends` becomes what it inherits from the template of that name in its cloud, with its
// own keys over it: maps are merged key by key; any other value replaces; null takes the key away; and
// `{append: […]}` adds to the list that is inherited. `name`, `abstract` and `extends` are not inherited.
// Errors: names that are not there, circles, more than kMaxAncestors, a document that grows beyond
// kMaxDocumentNodes; then `root` stays as it was.
std::vector<Diagnostic> resolve_inheritance(YamlNode& root, const std::string& file);

}  // namespace footman::config
