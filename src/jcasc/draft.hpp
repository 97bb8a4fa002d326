// A footman.yaml in the making: keys with their comments, each on one line, so that what the configuration's
// own checks say of a line is about one of them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace footman::jcasc {

// Of a map, with its value as YAML; kNested stands between the names of a map in it.
using Member = std::pair<std::string, std::string>;
inline constexpr char kNested = '\x1f';

struct Entry {
  std::string key;
  std::string value;            // as YAML
  std::vector<Member> members;  // instead of the value: a map, which inheritance merges key by key
  std::vector<std::string_view> sources = {};  // the plugin's fields that it comes from
  std::vector<std::string> notes = {};         // comments above it
  std::string refused = {};                    // not empty: why it is a comment only
  std::string fill_in = {};                    // not empty: what is to be filled in there
  int line = 0;                                // where it was written last
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

// Sets the lines.
std::string render(Draft& draft);

std::string quote(std::string_view text);
std::string quote(const std::vector<std::string>& list);  // "[a, b]"

}  // namespace footman::jcasc
