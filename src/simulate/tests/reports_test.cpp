#include "simulate/reports.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

using namespace footman;
using namespace footman::simulate;

namespace {

Report make_one(const std::string& name, Duration wait) {
  Happenings happened;
  happened.end = 200s;
  happened.builds = {{0s, 60s, "a<b>&\"c\"", wait, wait + 60s, {}, {}, {}},
                     {0s, 60s, "", 1s, 61s, {}, {}, {}}};
  happened.agents = {{TemplateName("small"), CloudName("here"), 0s, 1s, 100s, 100s, 60s, 1}};
  happened.holds["template_cap"] = {wait, 1};
  return make_report(name, happened, {});
}

const Setting kSetting{"<trace>", Instant{1}, 2, 7, "boot 10 s"};

}  // namespace

TEST_CASE("the page needs nothing else and holds no markup of others") {
  const auto page = make_html(kSetting, {make_one("a.yaml", 10s), make_one("<script>", 80s)});
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
  CHECK(page.find("a&lt;b&gt;&amp;&quot;c&quot;") != std::string::npos);
  CHECK(page.find("<b>&") == std::string::npos);
  for (const auto* outside : {"http:", "https:", "src=", "url("})
    CHECK(page.find(outside) == std::string::npos);
  CHECK(page.find("nan") == std::string::npos);
  CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
}

TEST_CASE("a simulation in which nothing happened has a page, too") {
  const auto page = make_html(kSetting, {make_report("a", Happenings(), {})});
  CHECK(page.find("nan") == std::string::npos);
  CHECK(page.find("inf") == std::string::npos);
}

TEST_CASE("sheets: one column for each configuration, and the difference") {
  const auto one = make_sheets({make_one("a", 10s)});
  CHECK(one.front().head == std::vector<std::string>{"", "a"});
  const auto two = make_sheets({make_one("a", 10s), make_one("b", 80s)});
  CHECK(two.front().head == std::vector<std::string>{"", "a", "b", "Difference"});
  for (const auto& sheet : two)
    for (const auto& row : sheet.rows) CHECK(row.size() == sheet.head.size());
}

TEST_CASE("pools that were searched for a goal stand in the table and on the page") {
  auto report = make_one("a", 10s);
  report.pools = {{TemplateName("small"), 2, false, "The goal is <far>."}};
  const auto sheets = make_sheets({report});
  const auto found = std::ranges::find(sheets, "Pools with a goal", &Sheet::title);
  REQUIRE(found != sheets.end());
  CHECK(found->rows ==
        std::vector<std::vector<std::string>>{{"small", "2", "not met", "The goal is <far>."}});
  const auto page = make_html(kSetting, {report});
  CHECK(page.find("<td>small</td><td>2</td><td>not met</td><td>The goal is &lt;far&gt;.</td>") !=
        std::string::npos);
}

TEST_CASE("JSON has the differences of two") {
  const auto told = make_json(kSetting, {make_one("a", 10s), make_one("b", 80s)});
  CHECK(told.at("differences").at("wait_max").to_number<double>() == 70);
  CHECK(told.at("result").at("agents").at("cost_usd").is_null());
  CHECK_FALSE(make_json(kSetting, {make_one("a", 10s)}).contains("vs"));
}
