#include "config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "base/utf8.hpp"

namespace footman::config {
namespace {

using Kind = YamlNode::Kind;

// yaml-cpp's parser can only be stopped by an exception; it is caught in parse_yaml.
struct Refused {
  Position at;
  std::string message;
};

Position make_position(const YAML::Mark& mark) {
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Aliases aliases) : aliases_(aliases) {}
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({Kind::null, make_position(mark), {}, {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (aliases_ == Aliases::refused) throw Refused{make_position(mark), std::string(kNoAliases)};
    add({Kind::alias, make_position(mark), {}, {}, {}});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    add({Kind::scalar, make_position(mark), value, {}, {}, tag != "?"});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open({Kind::list, make_position(mark), {}, {}, {}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open({Kind::map, make_position(mark), {}, {}, {}});
  }
  void OnMapEnd() override { close(); }

 private:
  void open(YamlNode node) {
    if (stack_.size() >= kMaxDocumentDepth)
      throw Refused{node.at, fmt::format("more than {} levels", kMaxDocumentDepth)};
    if (expects_key()) throw Refused{node.at, "a key must be text"};
    stack_.push_back(std::move(node));
  }
  void close() {
    YamlNode node = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(node));
  }
  bool expects_key() const {
    return !stack_.empty() && stack_.back().kind == Kind::map &&
           stack_.back().keys.size() == stack_.back().items.size();
  }
  void add(YamlNode node) {
    if (++nodes_ > kMaxDocumentNodes)
      throw Refused{node.at, fmt::format("more than {} values", kMaxDocumentNodes)};
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    YamlNode& parent = stack_.back();
    if (!expects_key()) {
      parent.items.push_back(std::move(node));
      return;
    }
    if (node.kind != Kind::scalar) throw Refused{node.at, "a key must be text"};
    for (const auto& [key, at] : parent.keys)
      if (key == node.text)
        throw Refused{node.at, fmt::format("the key '{}' is there twice, first in line {}", key, at.line)};
    parent.keys.emplace_back(std::move(node.text), node.at);
  }

  const Aliases aliases_;
  YamlNode root_;
  std::vector<YamlNode> stack_;
  std::size_t nodes_ = 0;
};

// yaml-cpp's words are about its parser. Empty: they say enough.
std::string_view plain_words(const std::string& words, std::string_view before) {
  using namespace YAML::ErrorMsg;  // NOLINT(google-build-using-namespace)
  constexpr std::string_view indentation =
      "wrong indentation: a line begins in the same column as the lines beside it that belong to the same "
      "thing";
  if (words == MAP_VALUE && before.contains(':')) return "a value with ': ' in it must stand in quotes";
  if (words == MAP_VALUE || words == MAP_KEY)
    return "wrong indentation (keys that belong together begin in the same column), or the line above lacks "
           "its ':'";
  if (words == END_OF_MAP || words == END_OF_SEQ || words == BLOCK_ENTRY) return indentation;
  if (words == END_OF_SEQ_FLOW) return "']' is missing after a '[' above";
  if (words == END_OF_MAP_FLOW) return "'}' is missing after a '{' above";
  if (words == FLOW_END) return "there is no '[' or '{' that ends here";
  if (words == EOF_IN_SCALAR) return "a quotation mark is missing at the end of a value";
  if (words == UNKNOWN_TOKEN) return "no value can begin with this character; put the value in quotes";
  return {};
}

// Does a quotation mark at the begin of a value lack its other half in this line?
bool has_open_quote(std::string_view line) {
  constexpr std::string_view kBeforeValue = " \t[{,";
  char open = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool begins = i == 0 || kBeforeValue.contains(line[i - 1]);
    if (open == '"' && c == '\\')
      ++i;
    else if (open != 0 && c == open)
      open = 0;
    else if (open == 0 && begins && c == '#')
      return false;
    else if (open == 0 && begins && (c == '"' || c == '\''))
      open = c;
  }
  return open != 0;
}

// What is not understood may only be the end of a value that began far above.
Diagnostic with_open_quote(Diagnostic problem, std::string_view text) {
  int last = 0;
  for (int line = 1; line <= problem.at->line; ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (has_open_quote(text.substr(0, end))) last = line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (last != 0) problem.message += fmt::format("; perhaps a quotation mark is missing in line {}", last);
  return problem;
}

// Also NUL, which is none of YAML's characters; npos: there is none.
std::size_t find_strange_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto one = base::decode_utf8(text.substr(at));
    if (!one.valid || one.code == 0) return at;
    at += one.bytes;
  }
  return std::string_view::npos;
}

Diagnostic explain(const YAML::Exception& error, std::string_view text, const std::string& file) {
  const auto at = make_position(error.mark);
  for (int line = 1; line < at.line && text.contains('\n'); ++line) text.remove_prefix(text.find('\n') + 1);
  const auto line = text.substr(0, text.find('\n'));
  const auto indentation = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (const auto tab = indentation.find('\t'); tab != std::string_view::npos)
    return {file, Position{at.line, static_cast<int>(tab) + 1},
            "a tab at the beginning of the line; YAML takes spaces only"};
  const auto words = plain_words(error.msg, line.substr(0, static_cast<std::size_t>(at.column - 1)));
  return {file, at, words.empty() ? "this is not YAML: " + error.msg : std::string(words)};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i].first == key) return &items[i];
  return nullptr;
}

Position YamlNode::place_of(std::string_view key) const {
  const auto* value = find(key);
  return value != nullptr ? value->at : at;
}

std::string describe_without_place(const Diagnostic& diagnostic) {
  if (diagnostic.within.empty()) return diagnostic.message;
  return fmt::format("{} (in {})", diagnostic.message, diagnostic.within);
}

std::string describe(const Diagnostic& diagnostic) {
  const auto words = describe_without_place(diagnostic);
  if (!diagnostic.at) return fmt::format("{}: {}", diagnostic.file, words);
  return fmt::format("{}:{}:{}: {}", diagnostic.file, diagnostic.at->line, diagnostic.at->column, words);
}

std::expected<YamlNode, Diagnostic> parse_yaml(std::string_view text, const std::string& file,
                                               Aliases aliases) {
  if (text.size() > kMaxDocumentBytes)
    return std::unexpected(
        Diagnostic{file, {}, fmt::format("the file has more than {} bytes", kMaxDocumentBytes)});
  if (const auto at = find_strange_byte(text); at != std::string_view::npos)
    return std::unexpected(
        Diagnostic{file,
                   Position{static_cast<int>(std::ranges::count(text.substr(0, at), '\n')) + 1,
                            static_cast<int>(at - (text.substr(0, at).rfind('\n') + 1)) + 1},
                   "this is no text in UTF-8 (a byte that cannot stand here); save the file as UTF-8"});
  std::istringstream in{std::string(text)};
  TreeBuilder builder(aliases);
  try {
    YAML::Parser parser(in);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.take();
    TreeBuilder rest(aliases);
    if (parser.HandleNextDocument(rest))
      return std::unexpected(Diagnostic{file, {}, "the file has more than one document"});
    return root;
  } catch (const Refused& refused) {
    return std::unexpected(with_open_quote({file, refused.at, refused.message}, text));
  } catch (const YAML::Exception& error) {
    return std::unexpected(with_open_quote(explain(error, text, file), text));
  }
}

}  // namespace footman::config
