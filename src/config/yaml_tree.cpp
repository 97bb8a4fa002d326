#include "config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

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
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({Kind::null, make_position(mark), {}, {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{make_position(mark), "aliases (*name) are not supported; write the value again"};
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

  YamlNode root_;
  std::vector<YamlNode> stack_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string describe(const Diagnostic& diagnostic) {
  return fmt::format("{}:{}:{}: {}", diagnostic.file, diagnostic.at.line, diagnostic.at.column,
                     diagnostic.message);
}

std::expected<YamlNode, Diagnostic> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxDocumentBytes)
    return std::unexpected(
        Diagnostic{file, {}, fmt::format("the file has more than {} bytes", kMaxDocumentBytes)});
  std::istringstream in{std::string(text)};
  TreeBuilder builder;
  try {
    YAML::Parser parser(in);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.take();
    TreeBuilder rest;
    if (parser.HandleNextDocument(rest))
      return std::unexpected(Diagnostic{file, {}, "the file has more than one document"});
    return root;
  } catch (const Refused& refused) {
    return std::unexpected(Diagnostic{file, refused.at, refused.message});
  } catch (const YAML::Exception& error) {
    return std::unexpected(Diagnostic{file, make_position(error.mark), error.msg});
  }
}

}  // namespace footman::config
