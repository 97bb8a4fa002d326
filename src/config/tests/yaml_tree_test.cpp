#include "config/yaml_tree.hpp"

#include <doctest/doctest.h>

using namespace footman::config;

namespace {
std::string error_of(std::string_view text) {
  auto tree = parse_yaml(text, "f.yaml");
  return tree ? "ok" : describe(tree.error());
}
}  // namespace

TEST_CASE("a tree with positions") {
  const auto tree = parse_yaml("a: 1\nb:\n  - x\n  - {c: d}\n", "f.yaml");
  REQUIRE(tree.has_value());
  REQUIRE(tree->keys.size() == 2);
  CHECK(tree->keys[1].first == "b");
  CHECK(tree->keys[1].second.line == 2);
  CHECK(tree->items[1].items[0].text == "x");
  CHECK(tree->items[1].items[0].at.line == 3);
  CHECK(tree->items[1].items[0].at.column == 5);
  CHECK(tree->items[1].items[1].items[0].text == "d");
}

TEST_CASE("a scalar in quotes or a block is text, whatever it looks like") {
  const auto tree = parse_yaml("a: 1\nb: '1'\nc: \"1\"\nd: |\n  1\n", "f.yaml");
  REQUIRE(tree.has_value());
  CHECK_FALSE(tree->items[0].quoted);
  CHECK(tree->items[1].quoted);
  CHECK(tree->items[2].quoted);
  CHECK(tree->items[3].quoted);
}

TEST_CASE("wrong YAML is told in plain words") {
  const std::string tab = "a tab at the beginning of the line; YAML takes spaces only";
  CHECK(error_of("a:\n\tb: 1\n") == "f.yaml:2:1: " + tab);
  CHECK(error_of("a:\n  - x\n \ty: 1\n") == "f.yaml:3:2: " + tab);
  CHECK(error_of("a: 1\n  b: 2\n").starts_with("f.yaml:2:4: wrong indentation"));
  CHECK(error_of("a:\n  b: 1\n c: 2\n").starts_with("f.yaml:3:2: wrong indentation"));
  CHECK(error_of("a\nb: 1\n").ends_with("or the line above lacks its ':'"));
  CHECK(error_of("a: b: c\n") == "f.yaml:1:5: a value with ': ' in it must stand in quotes");
  CHECK(error_of("a: [1\n").ends_with("']' is missing after a '[' above"));
  CHECK(error_of("a: {b: 1\n").ends_with("'}' is missing after a '{' above"));
  CHECK(error_of("a: }\n") == "f.yaml:1:4: there is no '[' or '{' that ends here");
  CHECK(error_of("a: @x\n") == "f.yaml:1:4: no value can begin with this character; put the value in quotes");
  CHECK(error_of("a: \"\\q\"\n") == "f.yaml:1:7: this is not YAML: unknown escape character: q");
}

TEST_CASE("what is refused, and where") {
  CHECK(error_of("a: 1\na: 2\n") == "f.yaml:2:1: the key 'a' is there twice, first in line 1");
  CHECK(error_of("a: &x 1\nb: *x\n").starts_with("f.yaml:2:4: aliases"));
  CHECK(error_of("[a]: 1\n").find("a key must be text") != std::string::npos);
  CHECK(error_of("a: 1\n---\nb: 2\n") == "f.yaml: the file has more than one document");
  CHECK(error_of(std::string(40, '[') + std::string(40, ']')).find("more than 32 levels") !=
        std::string::npos);
  CHECK(error_of(std::string(kMaxDocumentBytes + 1, '#')).find("bytes") != std::string::npos);
  CHECK(error_of("") == "ok");
  for (const auto* open :
       {"a: 1\nb: \"x\nc: \"1\"\n", "a: 1\nb: 'x\nc: '1'\n", "a:\n- {b: \"x, c: 1}\nd: 2\n"})
    CHECK_MESSAGE(error_of(open).ends_with("perhaps a quotation mark is missing in line 2"), error_of(open));
  CHECK(error_of("a: \"it's # 'x\\\"\" # 'y\nb: 1\nb: 2\n").ends_with("first in line 2"));
}
