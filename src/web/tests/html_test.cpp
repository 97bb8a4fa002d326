#include "web/html.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::web;

TEST_CASE("text from outside means itself") {
  const std::string evil = "<script>alert(\"1\" & '2')</script>";
  CHECK(html("<p>{}</p>", evil).str() ==
        "<p>&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;</p>");
  CHECK(html(R"(<p class="{}">x</p>)", "\" onclick=\"x").str() ==
        R"(<p class="&quot; onclick=&quot;x">x</p>)");
  CHECK(html("<p>{}{}</p>", 7, base::BuildId(3)).str() == "<p>73</p>");
  CHECK(html("<p>{}</p>", base::AgentId("a<b")).str() == "<p>a&lt;b</p>");
  CHECK(html("<p>{}</p>", text("{}")).str() == "<p>{}</p>");  // arguments are no templates
}

TEST_CASE("bytes that are no text become replacement characters") {
  CHECK(text("a\xff\xc3(").str() == "a\xef\xbf\xbd\xef\xbf\xbd(");
  CHECK(text(std::string_view("a\0b\x1b[31m\x7f", 9)).str() ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd[31m\xef\xbf\xbd");
  CHECK(text("\xc2\x85x").str() == "\xef\xbf\xbdx");
  CHECK(text("tab\tline\n").str() == "tab\tline\n");
  CHECK(text("\xed\xa0\x80").str() == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
  CHECK(text("é€😀").str() == "é€😀");
}

TEST_CASE("addresses stay on this server") {
  CHECK(Url("/ui/jobs/", "team/ä p?p").str() == "/ui/jobs/team/%C3%A4%20p%3Fp");
  CHECK(Url("/ui/builds").add("job", "a&b=c").add("n", "1").str() == "/ui/builds?job=a%26b%3Dc&n=1");
  CHECK(html(R"(<a href="{}">x</a>)", Url("/ui/jobs/", "\"><b>")).str() ==
        R"(<a href="/ui/jobs/%22%3E%3Cb%3E">x</a>)");
  CHECK(Url::parse("/ui/builds/3?a=b"));
  for (const auto* bad : {"", "//evil.example/", "https://evil.example/", "javascript:alert(1)",
                          "/\\evil.example", "/ui/\nSet-Cookie: x", "/ui/\"", "/ui/é"})
    CHECK_FALSE(Url::parse(bad));
}

TEST_CASE("attributes that are there or not") {
  CHECK(html(R"(<input{}>)", flag("checked", true)).str() == R"(<input checked="">)");
  CHECK(html(R"(<input{}>)", flag("checked", false)).str() == "<input>");
  CHECK(html(R"(<input{}>)", attribute_if(true, "title", "\">")).str() == R"(<input title="&quot;&gt;">)");
}
