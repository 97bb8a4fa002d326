// The pages over the API's test world, looked at by a browser that keeps its cookie.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "api/tests/world.hpp"
#include "web/tests/well_formed.hpp"
#include "web/web.hpp"

namespace footman::web::testing {

using api::testing::Answer;
using api::testing::HeaderList;

class Site {
 public:
  explicit Site(int strays = 0, ports::JenkinsDesk* desk = nullptr, int doubtful_builds = 0)
      : world(strays, doubtful_builds) {
    world.desk = desk;
    const auto mounted = [this](std::shared_ptr<const net::HttpRequest> request) {
      return web->handler()(std::move(request));
    };
    const auto gate = [this](const net::HttpRequest& head) { return web->gate()(head); };
    world.restart_api({{"/ui", mounted, false, gate}, {"/", mounted, false, gate}});
    web = std::make_unique<Web>(WebParts{*world.controller, *world.fleet, *world.store, world.logs,
                                         world.io.get_executor(), *world.auth, world.clock, base::Logger(),
                                         desk});
  }

  void sign_in(const std::string& token_name = "admin") {
    const auto answer = get(world.auth->make_sign_in_link(token_name).path);
    REQUIRE(answer.status == 200);
    const auto set = answer.header("Set-Cookie");
    cookie = set.substr(0, set.find(';'));
    REQUIRE(!cookie.empty());
  }
  // The form that takes a token, as it was shown to this browser; `body`: what is typed.
  Answer sign_in_by_form(const std::string& body, HeaderList headers = {}) {
    const auto form = get("/ui/sign-in");
    if (const auto set = form.headers.find("Set-Cookie")) cookie = set->substr(0, set->find(';'));
    return request("POST", "/ui/sign-in", "csrf_token=" + csrf_in(form.body) + "&" + body,
                   std::move(headers));
  }
  // The answer, which must be a sound page if it is a page.
  Answer request(std::string method, std::string target, std::string body = {}, HeaderList headers = {}) {
    headers.emplace_back("Authorization", "");
    headers.emplace_back("Cookie", cookie);
    if (method == "POST") headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    auto answer = world.request(std::move(method), target, std::move(body), std::move(headers));
    CAPTURE(target);
    if (answer.status == 421) return answer;  // the API's own
    CHECK(answer.header("Content-Security-Policy")
              .starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
    CHECK(answer.header("Referrer-Policy") == "same-origin");
    if (answer.header("Content-Type").starts_with("text/html")) {
      CHECK(answer.header("Cache-Control") == "no-store");
      page = read_page(answer.body);
      for (const auto& fault : page.faults) FAIL_CHECK(fault);
    }
    return answer;
  }
  Answer get(std::string target, HeaderList headers = {}) {
    return request("GET", std::move(target), {}, std::move(headers));
  }
  // A form with the session's CSRF token, as the page has it.
  Answer post(std::string target, const std::string& body = {}, HeaderList headers = {}) {
    return request("POST", std::move(target), "csrf_token=" + csrf() + (body.empty() ? "" : "&" + body),
                   std::move(headers));
  }
  std::string csrf() { return csrf_in(get("/ui/clouds").body); }
  static std::string csrf_in(const std::string& body) {
    constexpr std::string_view kBefore = R"(name="csrf_token" value=")";
    const auto at = body.find(kBefore);
    REQUIRE(at != std::string::npos);
    return body.substr(at + kBefore.size(), body.find('"', at + kBefore.size()) - at - kBefore.size());
  }
  bool shows(std::string_view text) const { return page.text.contains(text); }
  bool links_to(std::string_view url) const { return std::ranges::find(page.links, url) != page.links.end(); }

  api::testing::World world;
  std::unique_ptr<Web> web;
  std::string cookie;
  ReadPage page;  // the last one
};

}  // namespace footman::web::testing
