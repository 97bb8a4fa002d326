// Labels and Jenkins' label expressions: `linux && !(arm || "with space")`, `a -> b`, `a <-> b`.
//
// Grammar, loosest first, as in Jenkins: `<->` (any number, from the left), `->` (one; a chain needs
// parentheses),
// `||`, `&&`, `!` (before an atom or parentheses), atoms, quoted atoms, parentheses.
// An atom is one or more characters other than & | ! < > ( ) " ' space tab; a '-' before '>' ends it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::model {

inline constexpr std::size_t kMaxLabelBytes = 256;  // one label
inline constexpr std::size_t kMaxLabelsPerTemplate = 64;
inline constexpr std::size_t kMaxLabelExpressionBytes = 4096;
inline constexpr std::size_t kMaxLabelExpressionDepth = 64;  // parentheses inside each other
inline constexpr std::size_t kMaxLabelExpressionAtoms = 256;

// A parsed label expression; a value. Default-constructed: no label was asked for.
class LabelExpr {
 public:
  LabelExpr() = default;

  // True when no label was asked for. Such an item goes to templates with `default: true`; matches() says yes
  // to all.
  bool empty() const { return nodes_.empty(); }
  bool matches(std::span<const std::string> labels) const;
  // Normalised as Jenkins prints: no spaces, parentheses only where needed, atoms quoted where needed.
  // Parsing it again gives an equivalent expression with the same text. "" when empty().
  const std::string& text() const { return text_; }
  // The labels it names, sorted, each once.
  std::vector<std::string> atoms() const;
  // One label and nothing else.
  bool is_atom() const { return nodes_.size() == 1; }
  // What must all hold, from left to right: `a`, `b||c` and `!d` of `a && (b||c) && !d`; the expression
  // itself when it is no conjunction. Empty when empty().
  std::vector<LabelExpr> conjuncts() const;
  bool operator==(const LabelExpr& other) const { return text_ == other.text_; }

 private:
  friend class LabelParser;
  enum class Op : std::uint8_t { atom, negate, conjunction, disjunction, implication, equality };
  // Operands stand before their operator; the last node is the root.
  struct Node {
    Op op = Op::atom;
    std::uint32_t left = 0;  // operand of `negate` too
    std::uint32_t right = 0;
    std::string atom;
  };
  std::string print() const;
  // The node with what is below it, at the end of `out`; where it is there.
  std::uint32_t copy_node(std::uint32_t index, LabelExpr& out) const;

  std::vector<Node> nodes_;
  std::string text_;
};

// Blank text gives the empty expression. Errors: invalid_argument with the column (from 1, in bytes) in the
// message and a hint; resource_exhausted for the limits above.
base::Result<LabelExpr> parse_label_expression(std::string_view text);

inline bool matches(const LabelExpr& expression, std::span<const std::string> labels) {
  return expression.matches(labels);
}

// True when an item with this label may run on something with these labels; `is_default`: it takes items
// without a label. The one rule for the fleet's plan and the controller's queue.
inline bool fits(const LabelExpr& label, std::span<const std::string> labels, bool is_default) {
  return label.empty() ? is_default : label.matches(labels);
}

// A label that a template or an agent carries: no spaces, no operators, so that it needs no quotes.
base::Status validate_label(std::string_view label, std::string field);

}  // namespace footman::model
