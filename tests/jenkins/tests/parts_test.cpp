// Labels, selections, texts and requests by themselves.
#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>
#include <string>

#include "base/digest.hpp"
#include "tests/jenkins/exports.hpp"
#include "tests/jenkins/http.hpp"
#include "tests/jenkins/labels.hpp"
#include "tests/jenkins/texts.hpp"

using namespace footman;
using namespace footman::fake_jenkins;
using namespace std::chrono_literals;

namespace {

bool matches(std::string_view expression, std::string_view labels) {
  const auto label = Label::parse(expression);
  REQUIRE(label.has_value());
  return label->matches(split_labels(labels));
}

std::string select(const Selection& asked) {
  Export out(asked, "Thing");
  out.add("name", "x", 3).add("size", 4);
  out.add_object("owner", [](const Selection& member) {
    return Export(member).add("id", 7).add("title", "t", 2).done();
  });
  return boost::json::serialize(out.done());
}

}  // namespace

TEST_CASE("label expressions: what binds how, and what they match") {
  CHECK(matches("linux", "linux docker"));
  CHECK_FALSE(matches("linux", "docker"));
  CHECK(matches("a || b && c", "a"));
  CHECK_FALSE(matches("(a || b) && c", "a"));
  CHECK(matches("!windows", ""));
  CHECK(matches("a -> b", "c"));
  CHECK_FALSE(matches("a -> b", "a"));
  CHECK(matches("a <-> b", "a b"));
  CHECK_FALSE(matches("a <-> b", "b"));
  CHECK(Label::parse("\"with space\"")->matches({"with space"}));
  CHECK(Label::parse("n-1")->matches({}, "n-1"));  // a node's name is a label of it
  CHECK(Label::parse(" linux && ( big||gpu )")->name() == "linux&&(big||gpu)");
  CHECK(Label::parse("a->b")->name() == "a->b");
  CHECK(Label::parse("a-b")->name() == "a-b");
  for (const auto* bad : {"", "a &&", "(a", "a b", "\"a", "&& a", "a ! b"}) {
    INFO(bad);
    CHECK_FALSE(Label::parse(bad).has_value());
  }
  CHECK_FALSE(Label::parse(std::string(5000, '(')).has_value());
}

TEST_CASE("what tree= and depth= show") {
  CHECK(select(Selection::by_depth(0)) == R"({"_class":"Thing","name":"x","size":4,"owner":{"title":"t"}})");
  CHECK(select(Selection::by_depth(1)) ==
        R"({"_class":"Thing","name":"x","size":4,"owner":{"id":7,"title":"t"}})");
  CHECK(select(*Selection::by_tree("owner[id],size")) == R"({"_class":"Thing","size":4,"owner":{"id":7}})");
  CHECK(select(*Selection::by_tree("owner,nonsense")) == R"({"_class":"Thing","owner":{}})");
  for (const auto* bad : {"", "a[", "a[b", "a]", "a,,b", "[a]", "a[b]c"}) {
    INFO(bad);
    CHECK_FALSE(Selection::by_tree(bad).has_value());
  }
}

TEST_CASE("spans of time as Jenkins writes them") {
  CHECK(format_span(4950ms, Language::english) == "4.9 sec");
  CHECK(format_span(1s, Language::english) == "1 sec");
  CHECK(format_span(953ms, Language::english) == "0.95 sec");
  CHECK(format_span(44ms, Language::english) == "44 ms");
  CHECK(format_span(58900ms, Language::german) == "58 Sekunden");
  CHECK(format_span(300s, Language::english) == "5 min 0 sec");
  CHECK(parse_language("de-DE,de;q=0.9,en;q=0.8") == Language::german);
  CHECK(parse_language("xx") == Language::english);
}

TEST_CASE("requests are taken apart") {
  const auto target = parse_target("/computer/pool%20ws-1/api/json?tree=a%5Bb%5D&x=1+2&flag");
  CHECK(target.segments == std::vector<std::string>{"computer", "pool ws-1", "api", "json"});
  CHECK(find_field(target.query, "tree") == "a[b]");
  CHECK(find_field(target.query, "x") == "1 2");
  CHECK(find_field(target.query, "flag") == "");
  CHECK(parse_target("/a%2Fb/").segments == std::vector<std::string>{"a/b"});
  CHECK(parse_target("/a%2/%zz").segments == std::vector<std::string>{"a%2", "%zz"});
  const auto who = parse_basic("Basic " + base::to_base64("scaler:a:b"));
  REQUIRE(who.has_value());
  CHECK(who->user == "scaler");
  CHECK(who->secret == "a:b");
  CHECK_FALSE(parse_basic("Bearer x").has_value());
  CHECK(format_date({1'795'456'437'915'000}) == "Mon, 23 Nov 2026 17:53:57 GMT");
}
