#include "web/ansi.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <sstream>

using namespace footman::web;
namespace json = boost::json;

namespace {

json::array read_cases() {
  std::ifstream file(FOOTMAN_WEB_TESTS "/ansi_cases.json");
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str()).as_array();
}

std::string text_or(const json::object& one, const char* name, const char* otherwise) {
  const auto* value = one.if_contains(name);
  return std::string(value == nullptr ? otherwise : value->as_string().c_str());
}

}  // namespace

TEST_CASE("logs are rendered as the cases say") {
  const auto cases = read_cases();
  REQUIRE(cases.size() > 20);
  for (const auto& value : cases) {
    const auto& one = value.as_object();
    const std::string in(one.at("in").as_string());
    CAPTURE(one.at("name").as_string().c_str());
    const auto rendered = render_log(in, one.contains("end"));
    CHECK(rendered.lines.str() == std::string(one.at("out").as_string()));
    CHECK(rendered.open_line == one.contains("open"));
    const auto* rest = one.if_contains("rest");
    CHECK(in.size() - rendered.consumed == static_cast<std::size_t>(rest == nullptr ? 0 : rest->as_int64()));
    AnsiStyle style;
    if (one.contains("style")) style.apply(text_or(one, "style", ""));
    CHECK(rendered.style == style);
    AnsiStyle again;
    if (!style.str().empty()) again.apply(style.str());
    CHECK(again == style);
  }
}

TEST_CASE("bytes that are no text, and those that may become some") {
  CHECK(render_log("a\xff\n", false).lines.str() == "<div class=\"l\">a\xef\xbf\xbd</div>");
  const auto cut = render_log("a\xe2\x82", false);
  CHECK(cut.consumed == 1);
  CHECK(render_log("a\xe2\x82", true).lines.str() == "<div class=\"l\">a\xef\xbf\xbd</div>");
}

TEST_CASE("lines and sequences have a limit") {
  const auto lines = render_log(std::string(10'000, 'x') + "\n", false).lines.str();
  std::size_t count = 0;
  for (auto at = lines.find("<div"); at != std::string::npos; at = lines.find("<div", at + 1)) ++count;
  CHECK(count == 3);
  CHECK(render_log("\x1b]" + std::string(10'000, 'y'), false).consumed > 0);
  CHECK(render_log("\x1b[" + std::string(10'000, '1'), false).consumed > 0);
}

TEST_CASE("every byte value, in every place of a sequence, is harmless") {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string in{'<', '\x1b', static_cast<char>(first), static_cast<char>(second), '<', '\n'};
      const auto out = render_log(in, true).lines.str();
      std::size_t brackets = 0;
      for (auto at = out.find('<'); at != std::string::npos; at = out.find('<', at + 1))
        if (!out.substr(at).starts_with("<div class=\"l\">") && !out.substr(at).starts_with("</div>") &&
            !out.substr(at).starts_with("<span class=\"") && !out.substr(at).starts_with("</span>"))
          ++brackets;
      CHECK(brackets == 0);
    }
}
