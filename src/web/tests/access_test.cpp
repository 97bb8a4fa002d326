// Who may see and do what.
#include <fmt/format.h>

#include "web/tests/site.hpp"

using namespace footman;
using namespace footman::web::testing;

TEST_CASE("without a session there is the sign-in, with the way back") {
  Site site;
  const auto answer = site.get("/ui/builds?state=running");
  CHECK(answer.status == 401);
  CHECK(answer.body.contains(R"(name="return" value="/ui/builds?state=running")"));
  CHECK_FALSE(answer.body.contains("/ui/jobs"));
  CHECK(site.get("/ui/no-such-page").status == 401);  // what there is, is nobody's business
  CHECK(site.request("POST", "/ui/run", "x=1").status == 401);
}

TEST_CASE("the link signs in once") {
  Site site;
  const auto link = site.world.auth->make_sign_in_link("admin").path;
  CHECK_FALSE(site.request("HEAD", link).header("Set-Cookie").contains("session"));
  CHECK_FALSE(site.get(link, {{"Sec-Purpose", "prefetch"}}).header("Set-Cookie").contains("session"));
  const auto first = site.get(link);
  CHECK(first.status == 200);
  CHECK(first.header("Refresh") == "0; url=/ui/");
  CHECK(first.header("Set-Cookie").contains("HttpOnly"));
  CHECK(first.header("Set-Cookie").contains("SameSite=Strict"));
  const auto again = site.get(link);
  CHECK(again.status == 401);
  CHECK_FALSE(again.header("Set-Cookie").contains("session"));
  CHECK(site.shows("This sign-in link was used"));
  site.sign_in();
  CHECK(site.get(link).header("Location") == "/ui/");
}

TEST_CASE("a token signs in and leads back, to this server only") {
  Site site;
  const std::string token = api::testing::kAdminToken;
  auto answer = site.sign_in_by_form("token=" + token + "&return=%2Fui%2Fqueue%3Fafter%3D3");
  CHECK(answer.header("Refresh") == "0; url=/ui/queue?after=3");
  CHECK(answer.headers.find("Set-Cookie").has_value());
  for (const auto* bad : {"https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fapi%2Fv1%2Fjobs",
                          "%2Fui%0Ax", "%2Fui%2Fsign-in%3Fcode%3Dx"}) {
    answer = site.sign_in_by_form("token=" + token + "&return=" + bad);
    CHECK(answer.header("Refresh") == "0; url=/ui/");
  }
  answer = site.sign_in_by_form("token=wrong&return=%2Fui%2Fqueue");
  CHECK(answer.status == 401);
  CHECK(answer.headers.find("Set-Cookie") == std::nullopt);
  CHECK(answer.body.contains(R"(name="return" value="/ui/queue")"));
  CHECK_FALSE(answer.body.contains("wrong"));  // what was typed is not shown
  CHECK(site.sign_in_by_form("token=" + token, {{"Sec-Fetch-Site", "cross-site"}}).status == 403);
  CHECK(site.sign_in_by_form("token=" + token, {{"Origin", "https://evil.example"}}).status == 403);
}

TEST_CASE("the sign-in form is one that this browser was given") {
  Site site;
  const auto typed = std::string("token=") + api::testing::kAdminToken;
  const auto form = site.get("/ui/queue");
  CHECK(form.status == 401);
  const auto set = form.header("Set-Cookie");
  CHECK(set.contains("; HttpOnly; SameSite=Strict"));
  const auto token = Site::csrf_in(form.body);
  CHECK_FALSE(form.body.contains(set.substr(set.find('=') + 1, 40)));
  const auto send = [&](const std::string& field) {
    const auto answer = site.request("POST", "/ui/sign-in", typed + field + "&return=%2Fui%2Fqueue");
    if (answer.status == 403) CHECK(answer.body.contains(R"(name="return" value="/ui/queue")"));
    return answer.status;
  };
  CHECK(send("&csrf_token=" + token) == 403);  // without the cookie
  site.cookie = set.substr(0, set.find(';'));
  CHECK(send({}) == 403);
  CHECK(send("&csrf_token=") == 403);
  CHECK(send("&csrf_token=0123") == 403);
  const auto other = site.get("/ui/builds");  // in another tab: the same cookie
  CHECK(other.headers.find("Set-Cookie") == std::nullopt);
  CHECK(Site::csrf_in(other.body) == token);
  CHECK(send("&csrf_token=" + token) == 200);
  site.cookie = set.substr(0, set.find('=') + 1);  // emptied
  CHECK(send("&csrf_token=" + token) == 403);
  CHECK(site.get("/ui/queue").headers.find("Set-Cookie").has_value());
}

TEST_CASE("signing out ends the session") {
  Site site;
  site.sign_in();
  CHECK(site.get("/ui/").status == 200);
  CHECK(site.request("POST", "/ui/sign-out", "csrf_token=wrong").status == 403);
  CHECK(site.get("/ui/").status == 200);
  const auto answer = site.post("/ui/sign-out");
  CHECK(answer.status == 303);
  CHECK(answer.header("Set-Cookie").contains("Max-Age=0"));
  CHECK(site.get("/ui/").status == 401);
}

TEST_CASE("forms need the session's CSRF token and come from this server's pages") {
  Site site;
  site.sign_in();
  const auto id = site.world.submit();
  const auto cancel = fmt::format("/ui/builds/{}/cancel", id);
  const auto is_open = [&] {
    return site.world.run(site.world.store->get_build(base::BuildId(id)))->state !=
           model::BuildState::finished;
  };
  CHECK(site.request("POST", cancel).status == 403);
  CHECK(site.request("POST", cancel, "csrf_token=").status == 403);
  CHECK(site.request("POST", cancel, "csrf_token=0123").status == 403);
  CHECK(site.post(cancel, {}, {{"Sec-Fetch-Site", "same-site"}}).status == 403);
  CHECK(site.post(cancel, {}, {{"Origin", "null"}}).status == 403);
  CHECK(site.post(cancel, {}, {{"Origin", "http://127.0.0.1:8081"}}).status == 403);
  CHECK(site.post(cancel, {}, {{"Origin", "http://ci.example.com.evil.example"}}).status == 403);
  CHECK(is_open());
  CHECK(site.get(cancel).status == 405);
  const auto done = site.post(cancel, {}, {{"Origin", "https://127.0.0.1:8080"}});
  CHECK(done.status == 303);
  CHECK(done.header("Location") == fmt::format("/ui/builds/{}", id));
  CHECK_FALSE(is_open());
  // Behind a proxy that puts another name into Host.
  const auto again = fmt::format("/ui/builds/{}/cancel", site.world.submit());
  CHECK(site.post(again, {}, {{"Origin", "http://ci.example.com"}}).status == 303);
}

TEST_CASE("who may read sees pages and no buttons") {
  Site site;
  REQUIRE(site.world.run(site.world.auth->create_token("viewer", api::Access::read)));
  site.sign_in("viewer");
  const auto id = site.world.submit();
  for (const auto* page : {"/ui/", "/ui/jobs", "/ui/builds", "/ui/builds/1", "/ui/queue", "/ui/agents",
                           "/ui/clouds", "/ui/costs"}) {
    CHECK(site.get(page).status == 200);
    for (const auto& link : site.page.links) {
      CHECK_FALSE(link.starts_with("/ui/run"));
      CHECK_FALSE(link.starts_with("/ui/new-job"));
      CHECK_FALSE(link.ends_with("/cancel"));
    }
  }
  CHECK(site.get("/ui/run").status == 403);
  CHECK(site.get("/ui/new-job").status == 403);
  CHECK(site.post(fmt::format("/ui/builds/{}/cancel", id)).status == 403);
  CHECK(site.post("/ui/run", "spec.steps%5B0%5D.script=true").status == 403);
}

TEST_CASE("who is not signed in sends no body but that of the sign-in, a small one") {
  Site site;
  const auto gate = [&](const std::string& path, HeaderList headers = {}) {
    headers.emplace_back("Authorization", "");
    return site.world.ask_gate("POST", path, std::move(headers));
  };
  CHECK(gate("/ui/sign-in") == footman::web::kMaxStrangersFormBytes);
  CHECK(gate("/ui/sign-out") == footman::web::kMaxStrangersFormBytes);
  CHECK(gate("/") == 0);
  CHECK(gate("/ui/static/footman.css") == 0);
  for (const auto* path : {"/ui/run", "/ui/new-job", "/ui/nothing"}) {
    CHECK(gate(path).error().status == 401);
    CHECK(gate(path, {{"Host", "evil.example"}}).error().status == 421);
  }
  site.sign_in();
  CHECK(gate("/ui/run", {{"Cookie", site.cookie}}) == net::kAnyBody);
  const auto request = std::make_shared<net::HttpRequest>();
  request->method = "GET";
  request->target = request->path = "/ui/";
  CHECK_FALSE(site.world.run(site.web->handler()(request)).known_client);
  request->headers.add("Cookie", site.cookie);
  CHECK(site.world.run(site.web->handler()(request)).known_client);
}

TEST_CASE("other names for this server are refused") {
  Site site;
  site.sign_in();
  CHECK(site.get("/ui/", {{"Host", "evil.example"}}).status == 421);
  CHECK(site.get("/ui/", {{"Host", "ci.example.com"}}).status == 200);
}

TEST_CASE("a link from another site loads itself again, with the cookie") {
  Site site;
  const auto answer =
      site.get("/ui/builds/3", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}});
  CHECK(answer.status == 200);
  CHECK(answer.header("Refresh") == "0; url=/ui/builds/3");
  CHECK(
      site.get("/ui/builds/3", {{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "navigate"}}).status ==
      401);
}

TEST_CASE("addresses that lead nowhere") {
  Site site;
  CHECK(site.get("/").header("Location") == "/ui/");
  CHECK(site.get("/ui").header("Location") == "/ui/");
  CHECK(site.get("/login").status == 404);
  site.sign_in();
  for (const auto* path :
       {"/ui/nothing", "/ui/builds/0", "/ui/builds/x", "/ui/builds/99", "/ui/builds/1/x", "/ui/agents/none",
        "/ui/jobs/none", "/ui/edit-job/none", "/ui/static/x/footman.js", "/ui/builds/9223372036854775808"})
    CHECK(site.get(path).status == 404);
  CHECK(site.shows("There is nothing here"));
  CHECK(site.post("/ui/delete-job/none").status == 404);
  CHECK(site.request("DELETE", "/ui/jobs").status == 405);
}

TEST_CASE("static files are kept for ever under their hash") {
  Site site;
  site.sign_in();
  const auto page = site.get("/ui/").body;
  const auto begin = page.find("/ui/static/");
  const auto url = page.substr(begin, page.find('"', begin) - begin);
  site.cookie.clear();
  const auto file = site.get(url);
  CHECK(file.status == 200);
  CHECK(file.header("Cache-Control").contains("immutable"));
  CHECK(file.header("Content-Type") == "image/svg+xml");
  CHECK(file.body.starts_with("<svg"));
  const auto same = site.get(url, {{"If-None-Match", file.header("ETag")}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
}
