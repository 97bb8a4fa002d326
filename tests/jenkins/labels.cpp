#include "tests/jenkins/labels.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace footman::fake_jenkins {

struct Label::Node {
  enum class Kind { atom, inverse, both, either, implies, same, paren };
  Kind kind = Kind::atom;
  std::string atom;
  std::shared_ptr<const Node> left;
  std::shared_ptr<const Node> right;
};

namespace {

using Kind = Label::Node::Kind;
using NodePtr = std::shared_ptr<const Label::Node>;

NodePtr make(Kind kind, NodePtr left, NodePtr right = nullptr) {
  return std::make_shared<Label::Node>(Label::Node{kind, {}, std::move(left), std::move(right)});
}

// Weakest first: <->, ->, ||, &&, !. Equal ones group to the left.
class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : rest_(text) {}

  base::Result<NodePtr> parse() {
    FOOTMAN_TRY(auto node, parse_level(0));
    skip_spaces();
    if (!rest_.empty()) return refuse();
    return node;
  }

 private:
  struct Level {
    std::string_view sign;
    Kind kind;
  };
  static constexpr Level kLevels[] = {
      {"<->", Kind::same}, {"->", Kind::implies}, {"||", Kind::either}, {"&&", Kind::both}};
  static constexpr std::size_t kDepth = 100;  // of parentheses and negations

  base::Result<NodePtr> parse_level(std::size_t level) {
    if (level == std::size(kLevels)) return parse_term();
    FOOTMAN_TRY(auto node, parse_level(level + 1));
    while (take(kLevels[level].sign)) {
      FOOTMAN_TRY(auto right, parse_level(level + 1));
      node = make(kLevels[level].kind, std::move(node), std::move(right));
    }
    return node;
  }

  base::Result<NodePtr> parse_term() {
    if (++depth_ > kDepth) return refuse();
    if (take("!")) {
      FOOTMAN_TRY(auto node, parse_term());
      return make(Kind::inverse, std::move(node));
    }
    if (take("(")) {
      FOOTMAN_TRY(auto node, parse_level(0));
      if (!take(")")) return refuse();
      return make(Kind::paren, std::move(node));
    }
    return parse_atom();
  }

  base::Result<NodePtr> parse_atom() {
    skip_spaces();
    Label::Node node;
    if (rest_.starts_with('"')) {
      const auto end = rest_.find('"', 1);
      if (end == std::string_view::npos) return refuse();
      node.atom = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
    } else {
      std::size_t end = 0;
      while (end < rest_.size() && !ends_atom(end)) ++end;
      node.atom = rest_.substr(0, end);
      rest_.remove_prefix(end);
    }
    if (node.atom.empty()) return refuse();
    return std::make_shared<Label::Node>(std::move(node));
  }

  bool ends_atom(std::size_t at) const {
    if (std::string_view(" \t()!&|\"<>").contains(rest_[at])) return true;
    return rest_.substr(at).starts_with("->");
  }
  void skip_spaces() {
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) rest_.remove_prefix(1);
  }
  bool take(std::string_view sign) {
    skip_spaces();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }
  std::unexpected<base::Error> refuse() const {
    return base::fail(base::Errc::invalid_argument, fmt::format("no label expression at '{}'", rest_));
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
};

std::string name_of(const Label::Node& node) {
  switch (node.kind) {
    case Kind::atom:
      return node.atom;
    case Kind::inverse:
      return "!" + name_of(*node.left);
    case Kind::paren:
      return "(" + name_of(*node.left) + ")";
    case Kind::both:
      return name_of(*node.left) + "&&" + name_of(*node.right);
    case Kind::either:
      return name_of(*node.left) + "||" + name_of(*node.right);
    case Kind::implies:
      return name_of(*node.left) + "->" + name_of(*node.right);
    case Kind::same:
      return name_of(*node.left) + "<->" + name_of(*node.right);
  }
  return {};
}

struct Carrier {
  const LabelSet& labels;
  std::string_view name;
};

bool holds(const Label::Node& node, const Carrier& labels) {
  switch (node.kind) {
    case Kind::atom:
      return labels.labels.contains(node.atom) || (!labels.name.empty() && labels.name == node.atom);
    case Kind::inverse:
      return !holds(*node.left, labels);
    case Kind::paren:
      return holds(*node.left, labels);
    case Kind::both:
      return holds(*node.left, labels) && holds(*node.right, labels);
    case Kind::either:
      return holds(*node.left, labels) || holds(*node.right, labels);
    case Kind::implies:
      return !holds(*node.left, labels) || holds(*node.right, labels);
    case Kind::same:
      return holds(*node.left, labels) == holds(*node.right, labels);
  }
  return false;
}

}  // namespace

base::Result<Label> Label::parse(std::string_view expression) {
  Label label;
  FOOTMAN_TRY(label.root_, LabelParser(expression).parse());
  label.name_ = name_of(*label.root_);
  return label;
}

bool Label::matches(const LabelSet& labels, std::string_view name) const {
  return holds(*root_, {labels, name});
}

std::string Label::class_name() const {
  switch (root_->kind) {
    case Kind::atom:
      return "hudson.model.labels.LabelAtom";
    case Kind::inverse:
      return "hudson.model.labels.LabelExpression$Not";
    case Kind::both:
      return "hudson.model.labels.LabelExpression$And";
    case Kind::either:
      return "hudson.model.labels.LabelExpression$Or";
    case Kind::implies:
      return "hudson.model.labels.LabelExpression$Implies";
    case Kind::same:
      return "hudson.model.labels.LabelExpression$Iff";
    case Kind::paren:
      return "hudson.model.labels.LabelExpression$Paren";
  }
  return {};
}

LabelSet split_labels(std::string_view words) {
  LabelSet labels;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (end > 0) labels.emplace(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return labels;
}

}  // namespace footman::fake_jenkins
