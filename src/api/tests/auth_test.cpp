// Tokens, browsers, CSRF.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/auth_rows.hpp"
#include "api/tests/world.hpp"
#include "base/digest.hpp"
#include "net/http_head.hpp"

using namespace footman::api;
using namespace footman::api::testing;

namespace {

std::string cookie_of(const std::string& set_cookie) { return set_cookie.substr(0, set_cookie.find(';')); }

// Signs a browser in with a new link of the given token; its Cookie header.
std::string sign_in(World& world, HeaderList headers = {}) {
  const auto link = world.post("/api/v1/sign-in-links", {}, std::move(headers)).json();
  const std::string path(link.at("path").as_string());
  REQUIRE(path.starts_with("/ui/sign-in?code="));
  const auto session = world.run(world.auth->sign_in_with_code(path.substr(path.find('=') + 1), false));
  REQUIRE(session);
  return cookie_of(session->set_cookie);
}

HeaderList by_cookie(std::string cookie, std::string csrf = {}) {
  return {{"Authorization", ""}, {"Cookie", std::move(cookie)}, {"Footman-CSRF-Token", std::move(csrf)}};
}

}  // namespace

TEST_CASE("a token comes as bearer or as the password of anybody") {
  World world;
  for (const auto& credentials :
       {fmt::format("Bearer {}", kAdminToken), "Basic " + to_base64(fmt::format("me:{}", kAdminToken)),
        "basic " + to_base64(fmt::format(":{}", kAdminToken))}) {
    const auto who = world.get("/api/v1/whoami", {{"Authorization", credentials}});
    CHECK(who.status == 200);
    CHECK(who.json() == json::object{{"name", "admin"}, {"access", "admin"}, {"via", "token"}});
  }
  // A wrong token is not made good by a good cookie.
  auto headers = by_cookie(sign_in(world));
  headers[0].second = "Bearer wrong";
  CHECK(world.get("/api/v1/whoami", headers).error() == "401 unauthenticated");
}

TEST_CASE("tokens are made, listed, used and revoked, and outlive the server") {
  World world;
  const auto made = world.post("/api/v1/tokens", R"({"name":"ci"})");
  CHECK(made.status == 201);
  const std::string token(made.json().at("token").as_string());
  CHECK(token.size() > 40);
  CHECK(world.post("/api/v1/tokens", R"({"name":"ci"})").error() == "409 already_exists name");
  CHECK(world.post("/api/v1/tokens", R"({"name":"admin"})").error() == "409 already_exists name");
  for (const auto* name : {"", "-a", "a b", "a/b", "ä"})
    CHECK(world.post("/api/v1/tokens", fmt::format(R"({{"name":"{}"}})", name)).error() ==
          "400 invalid_argument name");
  CHECK(world.post("/api/v1/tokens", fmt::format(R"({{"name":"{}"}})", std::string(65, 'a'))).error() ==
        "400 invalid_argument name");

  const auto listed = world.get("/api/v1/tokens");
  CHECK(listed.body.find(token) == std::string::npos);
  CHECK(listed.json().at("tokens").as_array().size() == 2);
  CHECK(listed.json().at("tokens").as_array().at(0).at("file") == true);
  CHECK(listed.json().at("tokens").as_array().at(1).at("name") == "ci");

  const HeaderList mine{{"Authorization", "Bearer " + token}};
  CHECK(world.get("/api/v1/whoami", mine).json().at("name") == "ci");
  world.restart_api();
  CHECK(world.get("/api/v1/whoami", mine).json().at("name") == "ci");
  // No row has it.
  const auto row = world.run(world.store->find_setting("api_tokens"));
  REQUIRE((row && *row));
  CHECK((*row)->find(token) == std::string::npos);
  CHECK((*row)->find(to_hex(sha256(token))) != std::string::npos);
  CHECK((*row)->find(to_hex(sha256(kAdminToken))) == std::string::npos);

  CHECK(world.request("DELETE", "/api/v1/tokens/ci").status == 204);
  CHECK(world.get("/api/v1/whoami", mine).error() == "401 unauthenticated");
  CHECK(world.request("DELETE", "/api/v1/tokens/ci").error() == "404 not_found");
  CHECK(world.request("DELETE", "/api/v1/tokens/admin").error() == "409 conflict");
  world.restart_api();
  CHECK(world.get("/api/v1/whoami", mine).error() == "401 unauthenticated");
}

TEST_CASE("a browser signs in once with a link") {
  World world;
  const auto link = world.post("/api/v1/sign-in-links").json();
  const std::string path(link.at("path").as_string());
  const auto code = path.substr(path.find('=') + 1);
  const auto session = world.run(world.auth->sign_in_with_code(code, true));
  REQUIRE(session);
  for (const auto* part : {"; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/", "; Max-Age=1209600"}) {
    CAPTURE(part);
    CHECK(session->set_cookie.find(part) != std::string::npos);
  }
  const auto again = world.run(world.auth->sign_in_with_code(code, true));
  REQUIRE(!again);
  CHECK(again.error().code == Errc::unauthenticated);
  CHECK(!world.run(world.auth->sign_in_with_code("", true)));

  const auto cookie = cookie_of(session->set_cookie);
  const auto who = world.get("/api/v1/whoami", by_cookie("theme=dark; " + cookie)).json();
  CHECK(who.at("via") == "browser");
  CHECK(text_of(who.at("csrf_token")) == session->principal.csrf_token);
  world.restart_api();
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).json() == who);
}

TEST_CASE("links and sessions end in time") {
  World world;
  const std::string path(world.post("/api/v1/sign-in-links").json().at("path").as_string());
  const auto cookie = sign_in(world);
  world.advance(kSignInCodeLifetime);
  CHECK(!world.run(world.auth->sign_in_with_code(path.substr(path.find('=') + 1), false)));
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).status == 200);
  world.clock.set(world.clock.steady() + kSessionLifetime);
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).error() == "401 unauthenticated");
}

TEST_CASE("what a browser changes needs its CSRF token") {
  World world;
  const auto cookie = sign_in(world);
  const std::string csrf(world.get("/api/v1/whoami", by_cookie(cookie)).json().at("csrf_token").as_string());
  const std::string build = R"({"spec":{"steps":[{"script":"true"}]}})";
  CHECK(world.get("/api/v1/builds", by_cookie(cookie)).status == 200);
  CHECK(world.post("/api/v1/builds", build, by_cookie(cookie)).error() == "403 permission_denied");
  CHECK(world.post("/api/v1/builds", build, by_cookie(cookie, csrf.substr(1))).error() ==
        "403 permission_denied");
  CHECK(world.post("/api/v1/builds", build, by_cookie(cookie, csrf)).status == 201);
  // Of another session of the same person.
  const auto other = sign_in(world);
  CHECK(world.post("/api/v1/builds", build, by_cookie(other, csrf)).error() == "403 permission_denied");

  // Whoever knows a cookie does not know its token, and one server's is none of another's.
  const auto request = std::make_shared<footman::net::HttpRequest>();
  const auto token_by = [&](const char* key) {
    Auth auth(AuthParts{*world.store, world.clock, *world.rng, world.metrics, Logger()},
              AuthConfig{Secret(kAdminToken), Secret(key), InstallationId("test"), {}});
    return auth.make_sign_in_form(*request).csrf_token;
  };
  request->headers.add("Cookie", world.auth->make_sign_in_form(*request).set_cookie);
  CHECK(token_by("one") == token_by("one"));
  CHECK(token_by("one") != token_by("two"));

  request->method = "POST";
  Principal principal{"admin", Access::admin, true, "abc"};
  CHECK(world.auth->check_csrf(principal, *request, "abc"));
  CHECK(!world.auth->check_csrf(principal, *request, "abd"));
  CHECK(!world.auth->check_csrf(principal, *request));
}

TEST_CASE("a session has the access of its token and ends with it") {
  World world;
  const auto token =
      world.post("/api/v1/tokens", R"({"name":"reader","access":"read"})").json().at("token").as_string();
  const HeaderList reader{{"Authorization", "Bearer " + std::string(token)}};
  const auto cookie = sign_in(world, reader);
  const auto who = world.get("/api/v1/whoami", by_cookie(cookie)).json();
  CHECK(who.at("name") == "reader");
  CHECK(who.at("access") == "read");
  const std::string csrf(who.at("csrf_token").as_string());
  CHECK(world.post("/api/v1/reload", {}, by_cookie(cookie, csrf)).error() == "403 permission_denied");
  const std::string path(world.post("/api/v1/sign-in-links", {}, reader).json().at("path").as_string());

  REQUIRE(world.request("DELETE", "/api/v1/tokens/reader").status == 204);
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).error() == "401 unauthenticated");
  CHECK(!world.run(world.auth->sign_in_with_code(path.substr(path.find('=') + 1), false)));
}

TEST_CASE("signing in with the token itself, and out") {
  World world;
  const auto session = world.run(world.auth->sign_in_with_token(Secret(kAdminToken), false));
  REQUIRE(session);
  CHECK(session->set_cookie.find("Secure") == std::string::npos);
  CHECK(!world.run(world.auth->sign_in_with_token(Secret("wrong"), false)));
  CHECK(!world.run(world.auth->sign_in_with_token(Secret(""), false)));
  const auto cookie = cookie_of(session->set_cookie);
  REQUIRE(world.get("/api/v1/whoami", by_cookie(cookie)).status == 200);
  const auto request = std::make_shared<footman::net::HttpRequest>();
  request->headers.add("Cookie", cookie);
  const auto removed = world.run(world.auth->sign_out(request));
  CHECK(removed.find("Max-Age=0") != std::string::npos);
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).error() == "401 unauthenticated");
  world.restart_api();
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie)).error() == "401 unauthenticated");
}

TEST_CASE("two servers of one host do not take each other's cookies") {
  World world;
  const auto cookie = sign_in(world);
  const auto value = cookie.substr(cookie.find('=') + 1);
  CHECK(world.get("/api/v1/whoami", by_cookie("footman_session=" + value)).error() == "401 unauthenticated");
  CHECK(world.get("/api/v1/whoami", by_cookie(cookie + std::string(1000, 'x'))).error() ==
        "401 unauthenticated");
}

TEST_CASE("links have a limit: the oldest one ends") {
  World world;
  const auto of_nobody = world.auth->make_sign_in_link("nobody").path;
  CHECK(!world.run(world.auth->sign_in_with_code(of_nobody.substr(of_nobody.find('=') + 1), false)));
  const auto first = world.auth->make_sign_in_link("admin").path;
  for (std::size_t i = 0; i < kMaxSignInCodes; ++i) (void)world.auth->make_sign_in_link("admin");
  CHECK(!world.run(world.auth->sign_in_with_code(first.substr(first.find('=') + 1), false)));
}

TEST_CASE("rows of tokens and sessions") {
  const std::vector<TokenRow> tokens{{"a", "00ff", Access::read, Instant{5}},
                                     {"b", "01", Access::admin, Instant{}}};
  CHECK(parse_tokens(format_tokens(tokens)) == tokens);
  const std::vector<SessionRow> sessions{{"aa", "bb", Instant{9}}};
  CHECK(parse_sessions(format_sessions(sessions)) == sessions);
  for (const auto* text :
       {"", "{}", "[]", R"({"rows":[{"name":"a"}]})",
        R"({"rows":[{"name":"a","hash":"x","access":"root","created_us":1}]})", R"({"rows":[],"more":1})"}) {
    CAPTURE(text);
    const auto rows = parse_tokens(text);
    REQUIRE(!rows);
    CHECK(rows.error().code == Errc::corrupt);
  }
}
