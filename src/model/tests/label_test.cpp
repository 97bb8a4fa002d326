#include "model/label.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace footman::model;
using Labels = std::vector<std::string>;

namespace {

LabelExpr parse(std::string_view text) {
  auto expression = parse_label_expression(text);
  REQUIRE_MESSAGE(expression.has_value(), text);
  return *expression;
}

std::string error_of(std::string_view text) {
  auto expression = parse_label_expression(text);
  REQUIRE_FALSE(expression.has_value());
  return expression.error().message;
}

}  // namespace

TEST_CASE("label expressions match") {
  struct Row {
    std::string_view expression;
    Labels labels;
    bool expected;
  };
  const std::vector<Row> rows{
      {"linux", {"linux", "amd64"}, true},
      {"linux", {"Linux"}, false},
      {"!linux", {}, true},
      {"a && b", {"a"}, false},
      {"a && b", {"b", "a"}, true},
      {"a || b", {"b"}, true},
      {"a || b && c", {"a"}, true},  // && binds tighter
      {"(a || b) && c", {"a"}, false},
      {"!a || b", {"b", "a"}, true},  // ! binds tightest
      {"!(a || b)", {"b"}, false},
      {"a -> b", {}, true},
      {"a -> b", {"a"}, false},
      {"a -> b", {"a", "b"}, true},
      {"a || b -> c", {"a"}, false},  // -> binds looser than ||
      {"a <-> b", {}, true},
      {"a <-> b", {"a"}, false},
      {"a <-> b <-> c", {"c"}, true},  // from the left
      {"a -> b <-> c", {"a"}, true},   // <-> binds loosest: (a->b) <-> c, both false
      {"\"with space\" && x", {"with space", "x"}, true},
      {"a-b", {"a-b"}, true},
      {"a->b", {"a-b"}, true},  // an implication, not a label
      {"a-b->c", {"a-b", "c"}, true},
      {"a && !(b || c)", {"a"}, true},
      {"a && !(b || c)", {"a", "c"}, false},
  };
  for (const auto& row : rows) {
    INFO(row.expression);
    CHECK(parse(row.expression).matches(row.labels) == row.expected);
  }
}

TEST_CASE("no label") {
  CHECK(parse("").empty());
  CHECK(parse(" \t ").empty());
  CHECK(parse("").text().empty());
  CHECK(parse("").matches(Labels{}));
  CHECK_FALSE(parse("a").empty());
}

TEST_CASE("normalised text") {
  CHECK(parse(" a  && b ").text() == "a&&b");
  CHECK(parse("a && !(b || c)").text() == "a&&!(b||c)");
  CHECK(parse("((a))").text() == "a");
  CHECK(parse("(a && b) || c").text() == "a&&b||c");
  CHECK(parse("a && (b || c)").text() == "a&&(b||c)");
  CHECK(parse("(a -> b) -> c").text() == "(a->b)->c");
  CHECK(parse("a -> (b -> c)").text() == "a->(b->c)");
  CHECK(parse("!(!a)").text() == "!(!a)");
  CHECK(parse("!(a)").text() == "!a");
  CHECK(parse("a <-> (b <-> c)").text() == "a<->b<->c");
  CHECK(parse("\"plain\"").text() == "plain");
  CHECK(parse("\"with space\"").text() == "\"with space\"");
  CHECK(parse(R"("q\"\\\t")").text() == R"("q\"\\\t")");
  CHECK(parse("a&&b") == parse("(a) && b"));
}

TEST_CASE("atoms, sorted and each once") {
  CHECK(parse("b && (a || b) -> \"c d\"").atoms() == Labels{"a", "b", "c d"});
  CHECK(parse("").atoms().empty());
}

TEST_CASE("errors name the column") {
  CHECK(error_of("a &&") == "label expression, column 5: a label was expected, found the end");
  CHECK(error_of("a b") ==
        "label expression, column 3: an operator (&&, ||, ->, <->) or the end was expected, found 'b'");
  CHECK(error_of("(a").find("column 3: ')' was expected") != std::string::npos);
  CHECK(error_of("a)").find("column 2") != std::string::npos);
  CHECK(error_of("a & b").find("column 3") != std::string::npos);
  CHECK(error_of("\"open").find("closing \"") != std::string::npos);
  CHECK(error_of("\"\\x\"").find("column 3") != std::string::npos);
  CHECK(error_of("a->b->c").find("column 5: a chain of -> is ambiguous") != std::string::npos);
  CHECK(error_of("!!a").find("column 2") != std::string::npos);  // as in Jenkins
  CHECK(error_of("\"\"").find("not empty") != std::string::npos);
  CHECK(error_of("a\nb").find("0x0a") != std::string::npos);
}

TEST_CASE("limits") {
  CHECK(parse_label_expression(std::string(64, '(') + "a" + std::string(64, ')')).has_value());
  const auto deep = parse_label_expression(std::string(65, '(') + "a" + std::string(65, ')'));
  CHECK(deep.error().code == footman::base::Errc::resource_exhausted);
  std::string many = "a";
  for (int i = 0; i < 255; ++i) many += "&&a";
  CHECK(parse_label_expression(many).has_value());
  CHECK(parse_label_expression(many + "||a").error().code == footman::base::Errc::resource_exhausted);
  CHECK_FALSE(parse_label_expression(std::string(5000, 'a')).has_value());
  CHECK_FALSE(parse_label_expression(std::string(257, 'a')).has_value());
}

TEST_CASE("labels of templates") {
  CHECK(validate_label("linux", "labels[0]").has_value());
  CHECK(validate_label("x86_64", "labels[0]").has_value());
  for (const char* bad : {"", "a b", "a&b", "(a)", "\"a\"", "a->b", "a-", "a\nb", "a\\b"}) {
    INFO(bad);
    const auto status = validate_label(bad, "labels[0]");
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().field == "labels[0]");
  }
}

TEST_CASE("what must all hold") {
  const auto parts = [](std::string_view text) {
    std::string all;
    for (const auto& part : parse_label_expression(text)->conjuncts()) {
      CHECK(parse_label_expression(part.text()) == part);
      all += part.text() + "; ";
    }
    return all;
  };
  CHECK(parts("").empty());
  CHECK(parts("a") == "a; ");
  CHECK(parts("a && (b || c) && !(d && e) && (f && \"g h\")") == "a; b||c; !(d&&e); f; \"g h\"; ");
  CHECK(parts("a || b && c") == "a||b&&c; ");
  CHECK(parts("a <-> b && c") == "a<->b&&c; ");
  const std::vector<std::string> has{"b"};
  CHECK(parse_label_expression("a && (b || c)")->conjuncts().at(1).matches(has));
  CHECK(parse_label_expression("a")->is_atom());
  CHECK_FALSE(parse_label_expression("!a")->is_atom());
  CHECK_FALSE(parse_label_expression("")->is_atom());
}
