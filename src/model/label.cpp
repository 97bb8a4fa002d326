#include "model/label.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"

namespace footman::model {
namespace {

bool needs_quotes(std::string_view atom) {
  if (atom.empty() || atom.find("->") != std::string_view::npos || atom.back() == '-') return true;
  return std::ranges::any_of(atom, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 127 ||
           std::string_view("&|!<>()\"'").find(c) != std::string_view::npos;
  });
}

std::string quote(std::string_view atom) {
  std::string result = "\"";
  for (char c : atom) {
    switch (c) {
      case '\b':
        result += "\\b";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\f':
        result += "\\f";
        break;
      case '\r':
        result += "\\r";
        break;
      case '"':
      case '\\':
        result += '\\';
        [[fallthrough]];
      default:
        result += c;
    }
  }
  return result + '"';
}

}  // namespace

bool LabelExpr::matches(std::span<const std::string> labels) const {
  if (nodes_.empty()) return true;
  std::vector<char> values(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const bool left = values[node.left] != 0;
    const bool right = values[node.right] != 0;
    switch (node.op) {
      case Op::atom:
        values[i] = std::ranges::find(labels, node.atom) != labels.end();
        break;
      case Op::negate:
        values[i] = !left;
        break;
      case Op::conjunction:
        values[i] = left && right;
        break;
      case Op::disjunction:
        values[i] = left || right;
        break;
      case Op::implication:
        values[i] = !left || right;
        break;
      case Op::equality:
        values[i] = left == right;
        break;
    }
  }
  return values.back() != 0;
}

std::vector<std::string> LabelExpr::atoms() const {
  std::vector<std::string> result;
  for (const auto& node : nodes_)
    if (node.op == Op::atom) result.push_back(node.atom);
  std::ranges::sort(result);
  const auto rest = std::ranges::unique(result);
  result.erase(rest.begin(), rest.end());
  return result;
}

std::uint32_t LabelExpr::copy_node(std::uint32_t index, LabelExpr& out) const {
  auto node = nodes_[index];
  if (node.op != Op::atom) node.left = copy_node(node.left, out);
  if (node.op != Op::atom && node.op != Op::negate) node.right = copy_node(node.right, out);
  out.nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(out.nodes_.size() - 1);
}

std::vector<LabelExpr> LabelExpr::conjuncts() const {
  std::vector<LabelExpr> parts;
  if (nodes_.empty()) return parts;
  std::vector<std::uint32_t> open{static_cast<std::uint32_t>(nodes_.size() - 1)};
  while (!open.empty()) {
    const auto index = open.back();
    open.pop_back();
    if (nodes_[index].op == Op::conjunction) {
      open.push_back(nodes_[index].right);
      open.push_back(nodes_[index].left);
      continue;
    }
    auto& part = parts.emplace_back();
    copy_node(index, part);
    part.text_ = part.print();
  }
  return parts;
}

// Builds the texts from the leaves up; the size of the input bounds the sum of what is kept at any time,
// because the operands' texts move into their operator's.
std::string LabelExpr::print() const {
  struct Piece {
    std::string text;
    Op op = Op::atom;
  };
  std::vector<Piece> pieces(nodes_.size());
  auto operand = [&pieces](std::uint32_t index, Op op) {
    Piece& piece = pieces[index];
    // A higher Op binds looser; an implication has no chain, and `!` takes only an atom or parentheses.
    const bool bare = piece.op < op || (piece.op == op && op != Op::implication && op != Op::negate);
    std::string text = std::move(piece.text);
    return bare ? text : '(' + text + ')';
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    pieces[i].op = node.op;
    if (node.op == Op::atom) {
      pieces[i].text = needs_quotes(node.atom) ? quote(node.atom) : node.atom;
    } else if (node.op == Op::negate) {
      pieces[i].text = '!' + operand(node.left, node.op);
    } else {
      const std::string_view sign = node.op == Op::conjunction   ? "&&"
                                    : node.op == Op::disjunction ? "||"
                                    : node.op == Op::implication ? "->"
                                                                 : "<->";
      pieces[i].text = operand(node.left, node.op);
      pieces[i].text += sign;
      pieces[i].text += operand(node.right, node.op);
    }
  }
  return pieces.empty() ? std::string() : std::move(pieces.back().text);
}

base::Status validate_label(std::string_view label, std::string field) {
  if (label.empty() || label.size() > kMaxLabelBytes)
    return base::fail(base::Errc::invalid_argument, fmt::format("a label has 1 to {} bytes", kMaxLabelBytes),
                      std::move(field));
  if (needs_quotes(label) || std::ranges::any_of(label, [](char c) { return c == '\\'; }))
    return base::fail(base::Errc::invalid_argument, fmt::format("'{}' is not a label", label),
                      std::move(field), "A label has no spaces and none of & | ! < > ( ) \" ' \\");
  return {};
}

}  // namespace footman::model
