// The parser of label expressions: recursive descent over the grammar in label.hpp, with bounded depth.
#include <fmt/format.h>

#include "model/label.hpp"

namespace footman::model {

using base::Errc;
using base::fail;
using base::Result;

class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  Result<LabelExpr> parse() {
    skip_blanks();
    if (at_end()) return LabelExpr();
    FOOTMAN_TRY([[maybe_unused]] auto root, parse_equality());
    if (!at_end()) return unexpected_here("an operator (&&, ||, ->, <->) or the end");
    expression_.text_ = expression_.print();
    return std::move(expression_);
  }

 private:
  using Op = LabelExpr::Op;
  using Index = Result<std::uint32_t>;

  bool at_end() const { return position_ == text_.size(); }
  void skip_blanks() {
    while (!at_end() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(position_).starts_with(token)) return false;
    position_ += token.size();
    skip_blanks();
    return true;
  }

  std::unexpected<base::Error> unexpected_here(std::string_view expected) const {
    const unsigned byte = at_end() ? 0U : static_cast<unsigned char>(text_[position_]);
    const auto found = at_end()                   ? std::string("the end")
                       : byte > ' ' && byte < 127 ? fmt::format("'{}'", text_[position_])
                                                  : fmt::format("the byte 0x{:02x}", byte);
    return fail(
        Errc::invalid_argument,
        fmt::format("label expression, column {}: {} was expected, found {}", position_ + 1, expected, found),
        {}, "Write for example: linux && !(arm || \"with space\")");
  }

  std::uint32_t add(Op op, std::uint32_t left, std::uint32_t right, std::string atom = {}) {
    expression_.nodes_.push_back({op, left, right, std::move(atom)});
    return static_cast<std::uint32_t>(expression_.nodes_.size() - 1);
  }

  template <class Operand>
  Index parse_chain(std::string_view token, Op op, Operand operand) {
    FOOTMAN_TRY(auto left, (this->*operand)());
    while (take(token)) {
      FOOTMAN_TRY(auto right, (this->*operand)());
      left = add(op, left, right);
    }
    return left;
  }

  Index parse_equality() { return parse_chain("<->", Op::equality, &LabelParser::parse_implication); }

  Index parse_implication() {
    FOOTMAN_TRY(auto left, parse_disjunction());
    if (!take("->")) return left;
    FOOTMAN_TRY(auto right, parse_disjunction());
    if (text_.substr(position_).starts_with("->"))
      return fail(Errc::invalid_argument,
                  fmt::format("label expression, column {}: a chain of -> is ambiguous", position_ + 1), {},
                  "Use parentheses: (a -> b) -> c or a -> (b -> c)");
    return add(Op::implication, left, right);
  }

  Index parse_disjunction() { return parse_chain("||", Op::disjunction, &LabelParser::parse_conjunction); }
  Index parse_conjunction() { return parse_chain("&&", Op::conjunction, &LabelParser::parse_negation); }

  Index parse_negation() {
    if (!take("!")) return parse_primary();
    FOOTMAN_TRY(auto operand, parse_primary());
    return add(Op::negate, operand, 0);
  }

  Index parse_primary() {
    if (at_end()) return unexpected_here("a label");
    if (text_[position_] == '(') return parse_parentheses();
    if (text_[position_] == '"') return parse_quoted();
    return parse_atom();
  }

  Index parse_parentheses() {
    if (depth_ == kMaxLabelExpressionDepth)
      return fail(Errc::resource_exhausted,
                  fmt::format("label expression, column {}: more than {} parentheses inside each other",
                              position_ + 1, kMaxLabelExpressionDepth));
    ++depth_;
    take("(");
    FOOTMAN_TRY(auto inner, parse_equality());
    if (!take(")")) return unexpected_here("')'");
    --depth_;
    return inner;
  }

  bool ends_atom() const {
    if (static_cast<unsigned char>(text_[position_]) <= ' ' || text_[position_] == 127) return true;
    if (std::string_view("&|!<>()\"'").find(text_[position_]) != std::string_view::npos) return true;
    return text_.substr(position_).starts_with("->");
  }

  Index parse_atom() {
    const std::size_t start = position_;
    while (!at_end() && !ends_atom()) ++position_;
    if (position_ == start) return unexpected_here("a label");
    return finish_atom(std::string(text_.substr(start, position_ - start)), start);
  }

  Index parse_quoted() {
    const std::size_t start = position_++;
    std::string atom;
    for (;;) {
      if (at_end() || text_[position_] == '\n' || text_[position_] == '\r')
        return unexpected_here("a closing \"");
      char c = text_[position_++];
      if (c == '"') break;
      if (c == '\\') {
        if (at_end()) return unexpected_here("a character after \\");
        static constexpr std::string_view kEscapes = "btnfr\"'\\";
        static constexpr std::string_view kMeanings = "\b\t\n\f\r\"'\\";
        const std::size_t escape = kEscapes.find(text_[position_]);
        if (escape == std::string_view::npos) return unexpected_here("one of b t n f r \" ' \\ after \\");
        c = kMeanings[escape];
        ++position_;
      }
      atom += c;
    }
    if (atom.empty()) {
      position_ = start;
      return unexpected_here("a label that is not empty");
    }
    return finish_atom(std::move(atom), start);
  }

  Index finish_atom(std::string atom, std::size_t start) {
    if (atom.size() > kMaxLabelBytes)
      return fail(Errc::resource_exhausted,
                  fmt::format("label expression, column {}: a label has at most {} bytes", start + 1,
                              kMaxLabelBytes));
    if (++atoms_ > kMaxLabelExpressionAtoms)
      return fail(Errc::resource_exhausted, fmt::format("label expression, column {}: more than {} labels",
                                                        start + 1, kMaxLabelExpressionAtoms));
    skip_blanks();
    return add(Op::atom, 0, 0, std::move(atom));
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t depth_ = 0;
  std::size_t atoms_ = 0;
  LabelExpr expression_;
};

Result<LabelExpr> parse_label_expression(std::string_view text) {
  if (text.size() > kMaxLabelExpressionBytes)
    return fail(Errc::resource_exhausted,
                fmt::format("a label expression has at most {} bytes", kMaxLabelExpressionBytes));
  return LabelParser(text).parse();
}

}  // namespace footman::model
