// A footman.yaml in the making: keys with their comments, each on one line, so that what the configuration's
// own checks say of a line is about one of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footman::jcasc {

// Of a map or list, with its value as YAML; kNested stands before the name in a map within the map.
struct EntryMember {
  std::string name;  // "" in a list
  std::string value;
  int begin = 0;  // the columns where it was written last
  int end = 0;
  bool operator==(const EntryMember& other) const { return name == other.name && value == other.value; }
};
inline constexpr char kNested = '\x1f';
inline constexpr std::string_view kCleared = "~";  // what is inherited is not

struct Entry {
  std::string key;
  std::string value;  // as YAML
  std::vector<EntryMember>
      members;  // instead of the value: a map, which inheritance merges key by key; or a list
  std::vector<std::string_view> sources = {};  // the plugin's fields that it comes from
  std::vector<std::string> notes = {};         // comments above it
  std::string refused = {};                    // not empty: why it is a comment only
  std::string fill_in = {};                    // not empty: what is to be filled in there
  int line = 0;                                // where it was written last
  bool is_list = false;                        // the members are a list's
  bool same_value(const Entry& other) const { return value == other.value && members == other.members; }
};

// A cloud or a template. `ecs` holds the keys of its section `ecs`.
struct Block {
  std::string name;
  std::vector<std::string> remarks;  // comments at its beginning
  std::vector<Entry> entries;
  std::vector<Entry> ecs;
  int line = 0;      // of its first line
  int ecs_line = 0;  // of the first line of its section
};

struct CloudDraft {
  Block cloud;
  std::vector<Block> templates;
};

struct Draft {
  Block server;  // without name and section
  std::vector<CloudDraft> clouds;
};

// What `own` says over `parent`, so that a template which extends the other one gets all of `own` and nothing
// else: the same is left out, what is missing is cleared.
std::vector<Entry> difference(const std::vector<Entry>& own, const std::vector<Entry>& parent);

// Takes that member out: a comment of its own, which says why. Only of several.
Entry take_out(Entry& entry, std::size_t member, std::string why);

// The value or the members, as YAML.
std::string show_value(Entry entry);
// Sets the lines and columns.
std::string render(Draft& draft);

std::string quote(std::string_view text);
std::string quote(const std::vector<std::string>& list);  // "[a, b]"

}  // namespace footman::jcasc
