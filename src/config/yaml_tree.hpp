// A YAML document as a small tree with positions; bounded in size, depth and nodes. Aliases are never
// followed, so that no document grows when it is read.
#pragma once

#include <compare>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace footman::config {

inline constexpr std::size_t kMaxDocumentBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDocumentDepth = 32;
inline constexpr std::size_t kMaxDocumentNodes = 100'000;

struct Position {
  int line = 1;
  int column = 1;
  auto operator<=>(const Position&) const = default;
};

struct Diagnostic {
  std::string file;
  std::optional<Position> at;  // nothing: it is about the file as a whole
  std::string message;
  std::string key = {};  // "sidecars[1].log.driver", when it is about one of a section `ecs`
  // "template 'big', line 14, which inherits it from 'base'", when that is whose error it is.
  std::string within = {};
};
// "message (in template 'big', line 14, which inherits it from 'base')", "message"
std::string describe_without_place(const Diagnostic& diagnostic);
// The same with its place: "file:line:column: message", "file: message"
std::string describe(const Diagnostic& diagnostic);

struct YamlNode {
  enum class Kind { null, scalar, list, map, alias };
  Kind kind = Kind::null;
  Position at;
  std::string text;                                    // scalar
  std::vector<YamlNode> items;                         // list and map: the values
  std::vector<std::pair<std::string, Position>> keys;  // map: one for each item
  bool quoted = false;                                 // scalar: in quotes or a block, so that it is text

  // The value of a key of a map; it may be null.
  const YamlNode* find(std::string_view key) const;
  Position place_of(std::string_view key) const;  // of the value of the key, else of the map itself
};

// Error: the first thing that is wrong. More than one document, duplicate keys and keys that are not text are
// refused.
enum class Aliases { refused, kept };  // kept: as nodes of that kind
inline constexpr std::string_view kNoAliases = "aliases (*name) are not supported; write the value again";
std::expected<YamlNode, Diagnostic> parse_yaml(std::string_view text, const std::string& file,
                                               Aliases aliases = Aliases::refused);

}  // namespace footman::config
