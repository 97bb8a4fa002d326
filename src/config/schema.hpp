// Every key of footman.yaml: what the reader accepts and what docs/CONFIG.md says come from this one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace footman::config {

struct Key {
  std::string path;           // "clouds[].templates[].labels"; a section is the beginning of its keys' paths
  std::string_view type;      // for people: "duration", "list of labels"
  std::string_view fallback;  // what holds without it, as written in YAML; "" when it is required or unset
  std::string_view meaning;   // one sentence
  bool restart = false;       // a change waits for a restart of the server, else a reload is enough
  std::string_view cloud_type = "";  // of clouds of this type only
};
std::span<const Key> schema();
const Key* find_key(std::string_view path);
// The same; of a section its first key.
const Key* find_key_or_section(std::string_view path);
// The type of cloud that the key or section is for; "": for any.
std::string_view cloud_type_of(std::string_view path);

// The keys that may stand directly in the section ("" is the document): "clouds[]" → {"name", "type", …}.
std::vector<std::string> keys_of(std::string_view section);
// The reference of docs/CONFIG.md, as Markdown tables.
std::string describe_schema();

}  // namespace footman::config
