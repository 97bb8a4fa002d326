#include "config/inheritance.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "config/config.hpp"

using namespace footman::config;

namespace {

// The tree in one line, for comparing.
std::string show(const YamlNode& node) {
  std::string out;
  if (node.kind == YamlNode::Kind::null) return "~";
  if (node.kind == YamlNode::Kind::scalar) return node.text;
  const bool is_map = node.kind == YamlNode::Kind::map;
  for (std::size_t i = 0; i < node.items.size(); ++i)
    out += fmt::format("{}{}{}", i == 0 ? "" : ", ", is_map ? node.keys[i].first + ": " : "",
                       show(node.items[i]));
  return is_map ? "{" + out + "}" : "[" + out + "]";
}

YamlNode resolved(const std::string& text) {
  auto root = parse_yaml(text, "f");
  REQUIRE(root.has_value());
  const auto errors = resolve_inheritance(*root, "f");
  for (const auto& error : errors) FAIL(describe(error));
  return *root;
}

const YamlNode& template_at(const YamlNode& root, std::size_t index) {
  return root.find("clouds")->items.at(0).find("templates")->items.at(index);
}

// What a child with these keys becomes over a parent with those, without its name and `extends`.
std::string child_of(const std::string& parent, const std::string& child) {
  const auto root = resolved(
      fmt::format("clouds: [{{name: c, templates: [{{name: base, abstract: true, {}}}, {{name: t, extends: "
                  "base, {}}}]}}]\n",
                  parent, child));
  auto t = template_at(root, 1);
  std::string out;
  for (std::size_t i = 0; i < t.keys.size(); ++i)
    if (t.keys[i].first != "name" && t.keys[i].first != "extends")
      out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", t.keys[i].first, show(t.items[i]));
  return out;
}

std::string errors_of(const std::string& text) {
  auto root = parse_yaml(text, "f");
  REQUIRE(root.has_value());
  const auto before = show(*root);
  std::string out;
  for (const auto& error : resolve_inheritance(*root, "f")) out += describe(error) + "\n";
  if (!out.empty()) CHECK(show(*root) == before);
  return out;
}

std::expected<Config, std::vector<Diagnostic>> parse(const std::string& text) {
  const Sources sources{[](const std::string&) { return std::nullopt; },
                        [](const std::string&) -> Result<std::string> { return "x"; }};
  return parse_config(text, "f", sources, "x86_64");
}

}  // namespace

TEST_CASE("a child sets, clears or inherits; maps are merged, lists replaced or added to") {
  struct {
    const char* what;
    const char* parent;
    const char* child;
    const char* expected;
  } const table[] = {
      {"absent: inherited", "cap: 3", "", "cap: 3"},
      {"set", "cap: 3", "cap: 4", "cap: 4"},
      {"a number becomes 0", "cap: 3", "cap: 0", "cap: 0"},
      {"a truth is switched off", "default: true", "default: false", "default: false"},
      {"a text becomes empty", "price: $1/h", "price: ''", "price: "},
      {"cleared", "cap: 3, priority: 1", "cap: ~", "priority: 1"},
      {"cleared by an empty value", "cap: 3, priority: 1", "cap: ", "priority: 1"},
      {"clearing what is not there", "priority: 1", "cap: ~", "priority: 1"},
      {"new", "cap: 3", "priority: 1", "cap: 3, priority: 1"},
      {"maps are merged", "env: {A: 1, B: 2}", "env: {B: 3, C: 4}", "env: {A: 1, B: 3, C: 4}"},
      {"in all depths", "e: {c: {x: 1, y: 2}}", "e: {c: {y: 3}}", "e: {c: {x: 1, y: 3}}"},
      {"a key of a map is cleared", "env: {A: 1, B: 2}", "env: {B: ~}", "env: {A: 1}"},
      {"and where nothing is inherited", "cap: 3", "env: {A: ~, B: 2}", "cap: 3, env: {B: 2}"},
      {"a whole map is cleared", "env: {A: 1}, cap: 3", "env: ~", "cap: 3"},
      {"a map is emptied only by clearing", "env: {A: 1}", "env: {}", "env: {A: 1}"},
      {"lists are replaced", "labels: [a, b]", "labels: [c]", "labels: [c]"},
      {"by nothing, too", "labels: [a, b]", "labels: []", "labels: []"},
      {"lists are added to", "labels: [a, b]", "labels: {append: [c, d]}", "labels: [a, b, c, d]"},
      {"in all depths", "e: {s: [a]}", "e: {s: {append: [b]}}", "e: {s: [a, b]}"},
      {"nothing to add to", "cap: 3", "labels: {append: [c]}", "cap: 3, labels: [c]"},
      {"nor below", "cap: 3", "e: {s: {append: [c]}}", "cap: 3, e: {s: [c]}"},
      {"maps in lists are values", "l: [{a: 1}]", "l: {append: [{b: ~}]}", "l: [{a: 1}, {b: ~}]"},
      {"a text that becomes a map", "retention: one-shot", "retention: {idle: 5m}", "retention: {idle: 5m}"},
      {"a map that becomes a text", "retention: {idle: 5m}", "retention: one-shot", "retention: one-shot"},
      {"a variable called append", "env: {A: 1}", "env: {append: x}", "env: {A: 1, append: x}"},
  };
  for (const auto& [what, parent, child, expected] : table) {
    CAPTURE(what);
    CHECK(child_of(parent, child) == expected);
  }
}

TEST_CASE("chains: what one in the middle clears or adds holds for those below it") {
  const auto root = resolved(R"(clouds:
- name: c
  templates:
  - {name: leaf, extends: middle, labels: {append: [z]}, env: {C: 3}}
  - {name: middle, extends: base, labels: {append: [y]}, cap: ~, env: {A: ~, B: 2}}
  - {name: base, labels: [x], cap: 3, env: {A: 1}, priority: 7, abstract: true}
)");
  CHECK(show(template_at(root, 0)) ==
        "{labels: [x, y, z], env: {B: 2, C: 3}, priority: 7, name: leaf, extends: middle}");
  CHECK(show(template_at(root, 1)) ==
        "{labels: [x, y], env: {B: 2}, priority: 7, name: middle, extends: base}");
  CHECK(show(template_at(root, 2)) ==
        "{name: base, labels: [x], cap: 3, env: {A: 1}, priority: 7, abstract: true}");
}

TEST_CASE("what is wrong with `extends` has its place") {
  const auto with = [](const std::string& templates) {
    return errors_of("clouds:\n- name: c\n  templates:\n" + templates +
                     "- name: d\n  templates: [{name: other}]\n");
  };
  CHECK(with("  - {name: base}\n  - {name: t, extends: bse}\n") ==
        "f:5:24: 'extends': the cloud 'c' has no template 'bse'; did you mean 'base'?\n");
  CHECK(with("  - {name: t, extends: other}\n")
            .starts_with("f:4:24: 'extends': the cloud 'c' has no template 'other'"));
  CHECK(with("  - {name: t, extends: t}\n") == "f:4:24: 'extends': a template cannot extend itself\n");
  CHECK(with("  - {name: t, extends: [a]}\n") ==
        "f:4:24: 'extends': the name of one template was expected\n");
  CHECK(with("  - {name: t, extends: ~}\n").empty());
  // A circle is told once, and those who lead into it say nothing of their own.
  CHECK(with("  - {name: x, extends: a}\n  - {name: a, extends: b}\n  - {name: b, extends: c}\n"
             "  - {name: c, extends: a}\n") ==
        "f:5:24: 'extends': 'a' extends 'b' extends 'c' extends 'a': a circle\n");
  CHECK(with("  - {name: a, extends: b}\n  - {name: b, extends: a}\n") ==
        "f:4:24: 'extends': 'a' extends 'b' extends 'a': a circle\n");
}

TEST_CASE("what is wrong with what is inherited names who inherits it, and from whom") {
  const auto complain = [](const std::string& templates,
                           const std::string& after = "  agent_url: wss://x\n") {
    const auto config = parse_config(
        "clouds:\n- name: c\n  type: ecs\n  ecs: {region: eu-central-1}\n  templates:\n" + templates + after,
        "f", {[](const std::string&) { return std::nullopt; }, {}}, "x86_64");
    std::string said;
    if (!config.has_value())
      for (const auto& one : config.error()) said += describe(one) + "\n";
    return said;
  };
  const auto base = [](const std::string& more) {
    return "  - name: base\n    abstract: true\n    ecs: {image: a, subnets: [subnet-0a], agent: "
           "{carrier_image: x}, capacity: EC2, container_memory: 1 GiB}\n" +
           more;
  };
  const std::string wrong = "f:8:30: 'subnets': it needs network_mode: awsvpc";
  SUBCASE("only for who inherits it") {
    CHECK(complain(base("  - {name: big, extends: base}\n")) ==
          wrong + " (in template 'big', line 9, which inherits it from 'base')\n");
  }
  SUBCASE("from further above, and told once") {
    CHECK(complain(base("    cap: 2\n  - {name: middle, abstract: true, extends: base}\n"
                        "  - {name: big, extends: middle}\n  - {name: huge, extends: middle}\n")) ==
          wrong + " (in template 'big', line 11, which inherits it from 'base')\n");
  }
  SUBCASE("its own errors are the parent's, also when who inherits them stands above it") {
    const auto said = complain("  - {name: big, extends: base}\n" + base("    priority: high\n"));
    CHECK_MESSAGE(
        said.ends_with(
            "from 'base')\nf:10:15: 'priority': a whole number such as 10 was expected, found 'high'\n"),
        said);
    CHECK_MESSAGE(said.find("'priority'") == said.rfind("'priority'"), said);
  }
  SUBCASE("what the cloud says behind its templates stands in none of them") {
    const auto said = complain(
        base("  - {name: big, extends: base, ecs: {network_mode: awsvpc, subnets: [subnet-0a000001]}}\n"),
        "  agent_url: ws://localhost:1\n");
    CHECK_MESSAGE(said.starts_with("f:10:14: agents of the cloud 'c' do not reach the server"), said);
    CHECK_MESSAGE(!said.contains("inherits"), said);
  }
}

TEST_CASE("chains are short, and what is inherited does not blow the document up") {
  const auto chain = [](std::size_t ancestors) {
    std::string text = "clouds:\n- name: c\n  templates:\n  - {name: t0}\n";
    for (std::size_t i = 1; i <= ancestors; ++i)
      text += fmt::format("  - {{name: t{}, extends: t{}}}\n", i, i - 1);
    return errors_of(text);
  };
  CHECK(chain(kMaxAncestors).empty());
  CHECK(chain(kMaxAncestors + 1) == "f:13:25: 'extends': more than 8 templates, one above the other\n");

  const auto children = [](std::size_t count, const std::string& own = "") {
    std::string text = "clouds:\n- name: c\n  templates:\n  - {name: base, env: {";
    for (int i = 0; i < 1000; ++i) text += fmt::format("V{}: 1, ", i);
    text += "}}\n";
    for (std::size_t i = 0; i < count; ++i)
      text += fmt::format("  - {{name: t{}, extends: base{}}}\n", i, own);
    return errors_of(text);
  };
  CHECK(children(90).empty());
  CHECK(children(110).ends_with(
      "'extends': with what is inherited, the document has more than 100000 values\n"));
  CHECK_FALSE(children(110, ", env: ~").empty());  // what is cleared is copied before
}

TEST_CASE(
    "templates of any cloud inherit, abstract ones launch nothing, and errors are where they were made") {
  const auto config = parse(R"(limits: {vcpus: 8}
clouds:
- name: here
  type: local
  templates:
  - {name: base, abstract: true, labels: [linux], memory: 2 GiB, env: {A: a}}
  - {name: small, extends: base, size: {cpu: 1}}
  - {name: large, extends: base, size: {cpu: 4}, memory: 8 GiB, labels: {append: [large]}, env: {A: ~}}
)");
  REQUIRE(config.has_value());
  const auto& templates = config->clouds.at(0).templates;
  REQUIRE(templates.size() == 2);
  CHECK(templates[0].name == "small");
  CHECK(templates[0].memory_bytes == 2ULL << 30);
  CHECK(templates[1].labels == std::vector<std::string>{"linux", "large"});
  CHECK(templates[1].env.empty());

  const auto wrong = parse(R"(clouds:
- name: here
  type: local
  templates:
  - name: base
    abstract: true
    memry: 2 GiB
    cap: many
  - {name: a, extends: base}
  - {name: b, extends: base, cap: 3}
  - {name: a, extends: base}
)");
  REQUIRE_FALSE(wrong.has_value());
  std::string told;
  for (const auto& error : wrong.error()) told += describe(error) + "\n";
  CHECK(told ==
        "f:7:5: unknown key 'memry'; did you mean 'memory'?\n"
        "f:8:10: 'cap': a whole number such as 10 was expected, found 'many'\n"
        "f:11:5: the template 'a' is there twice\n");
  const auto circle = parse("clouds: [{name: a, type: local, templates: [{name: t, extends: t, cap: x}]}]");
  REQUIRE_FALSE(circle.has_value());
  CHECK(circle.error().size() == 1);
}
