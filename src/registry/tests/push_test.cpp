#include "registry/push.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/digest.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::registry;
using net::HttpClientRequest;
using net::HttpClientResponse;
using runtime::Awaitable;

namespace {

enum class Asks { nothing, basic, token };

std::string digest_of(std::string_view bytes) { return "sha256:" + to_hex(sha256(bytes)); }

// A registry in memory. It refuses what the specification does not allow.
struct FakeRegistry {
  Asks asks = Asks::nothing;
  std::string login = "Basic " + to_base64("me:pa55");
  std::string upload_host;  // empty: uploads go to the registry itself
  std::set<std::string> blobs;
  std::map<std::string, std::pair<std::string, std::string>> manifests;  // media type and bytes
  std::vector<std::string> lines;                                        // "PUT /v2/…"
  std::vector<HttpClientRequest> requests;
  // By number of the request (from 1): what happens instead.
  std::map<std::size_t, Result<HttpClientResponse>> instead;
  // By number: done, and the answer lost.
  std::set<std::size_t> lost;
  int uploads = 0;

  static HttpClientResponse answer(int status, std::string body = {}, std::string name = {},
                                   std::string value = {}) {
    HttpClientResponse out{status, {}, std::move(body)};
    if (!name.empty()) out.headers.add(std::move(name), std::move(value));
    return out;
  }

  Result<HttpClientResponse> handle(const HttpClientRequest& request) {
    requests.push_back(request);
    lines.push_back(request.method + " " + request.url.host + request.url.path);
    const auto number = requests.size();
    if (const auto found = instead.find(number); found != instead.end()) return found->second;
    auto done = act(request);
    if (lost.contains(number)) return fail(Errc::io, "the connection broke");
    return done;
  }

  HttpClientResponse act(const HttpClientRequest& request) {
    const auto who = request.headers.value_or("Authorization", "");
    if (request.url.host == "auth.x") return who == login ? answer(200, R"({"token":"T"})") : answer(401);
    if (request.url.host == upload_host) {
      CHECK(who.empty());
      return finish_upload(request);
    }
    REQUIRE(request.url.host == "h.x");
    if (asks == Asks::basic && who != login) return answer(401, {}, "Www-Authenticate", "Basic realm=\"r\"");
    if (asks == Asks::token && who != "Bearer T")
      return answer(401, {}, "www-authenticate",
                    R"(Bearer realm="https://auth.x/token",service="s",scope="repository:team/a:pull")");
    const std::string prefix = "/v2/team/a/";
    REQUIRE(request.url.path.starts_with(prefix));
    const auto rest = request.url.path.substr(prefix.size());
    if (request.method == "HEAD") return answer(blobs.contains(rest.substr(6)) ? 200 : 404);
    if (request.method == "POST") {
      REQUIRE(rest == "blobs/uploads/");
      const auto place = prefix + "blobs/uploads/" + std::to_string(++uploads) + "?state=1";
      return answer(202, {}, "Location", upload_host.empty() ? place : "https://" + upload_host + place);
    }
    REQUIRE(request.method == "PUT");
    return rest.starts_with("manifests/") ? store_manifest(rest.substr(10), request) : finish_upload(request);
  }

  HttpClientResponse finish_upload(const HttpClientRequest& request) {
    const auto digest = digest_of(request.body);
    CHECK(request.url.path.ends_with("&digest=sha256%3A" + digest.substr(7)));
    CHECK(request.headers.value_or("Content-Type", "") == "application/octet-stream");
    blobs.insert(digest);
    return answer(201);
  }

  // What it names must be there.
  HttpClientResponse store_manifest(const std::string& reference, const HttpClientRequest& request) {
    const auto& body = request.body;
    for (std::size_t at = 0; (at = body.find("sha256:", at)) != std::string::npos; ++at) {
      const auto named = body.substr(at, 7 + 64);
      if (!blobs.contains(named) && !manifests.contains(named))
        return answer(400, R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]})");
    }
    const auto digest = digest_of(body);
    CHECK((reference == digest || reference == "1"));
    manifests[reference] = {std::string(request.headers.value_or("Content-Type", "")), body};
    return answer(201, {}, "Docker-Content-Digest", digest);
  }
};

image::Blob blob(std::string_view type, std::string bytes) {
  return {std::string(type), digest_of(bytes), std::move(bytes)};
}

image::CarrierImage make_image() {
  image::CarrierImage image;
  std::string manifests;
  for (const std::string architecture : {"amd64", "arm64"}) {
    image::PlatformImage one;
    one.architecture = architecture;
    one.layer = blob("layer", "layer of " + architecture);
    one.config = blob("config", "config of " + architecture);
    one.manifest = blob(image::kManifestType, one.layer.digest + " " + one.config.digest);
    manifests += one.manifest.digest + " ";
    image.platforms.push_back(std::move(one));
  }
  image.index = blob(image::kIndexType, manifests);
  return image;
}

struct World {
  boost::asio::io_context io;
  runtime::ManualClock clock;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(7);
  FakeRegistry registry;
  image::CarrierImage image = make_image();
  std::vector<std::string> said;
  Outside outside{[this](HttpClientRequest request) { return answer(this, std::move(request)); }, clock, *rng,
                  [this](std::string text) { said.push_back(std::move(text)); }};

  static Awaitable<Result<HttpClientResponse>> answer(World* world, HttpClientRequest request) {
    co_return world->registry.handle(request);
  }
  static Awaitable<void> keep(Awaitable<Result<Pushed>> coroutine, std::optional<Result<Pushed>>* place) {
    place->emplace(co_await std::move(coroutine));
  }

  Result<Pushed> push(bool with_login) {
    Target target{{"h.x", "team/a", "1"}, {"https", "h.x", 443, "/"}, std::nullopt};
    if (with_login) target.login = Login{"me", Secret("pa55"), "the test"};
    std::optional<Result<Pushed>> result;
    runtime::Scope scope(io.get_executor(), {});
    scope.spawn("push", keep(registry::push(outside, std::move(target), image), &result));
    do {
      io.restart();
      io.poll();
    } while (!result && clock.step(clock.steady() + 1h));
    if (!result) throw std::runtime_error("the push does not return");
    return std::move(*result);
  }

  void check_all_there() {
    for (const auto& platform : image.platforms) {
      CHECK(registry.blobs.contains(platform.layer.digest));
      CHECK(registry.blobs.contains(platform.config.digest));
      CHECK(registry.manifests[platform.manifest.digest] ==
            std::pair(std::string(image::kManifestType), platform.manifest.bytes));
    }
    CHECK(registry.manifests["1"] == std::pair(std::string(image::kIndexType), image.index.bytes));
  }
};

std::string described(const Result<Pushed>& pushed) {
  REQUIRE(!pushed);
  return describe(pushed.error());
}

}  // namespace

TEST_CASE("a push sends what is missing, and the tag at last") {
  World world;
  const auto pushed = world.push(false);
  REQUIRE(pushed);
  CHECK(pushed->sent == 4);
  CHECK(pushed->there == 0);
  CHECK(pushed->sent_bytes == 2 * (14 + 15));
  world.check_all_there();
  CHECK(world.registry.lines.size() == 4 * 3 + 3);
  CHECK(world.registry.lines.back() == "PUT h.x/v2/team/a/manifests/1");

  const auto again = world.push(false);
  REQUIRE(again);
  CHECK(again->sent == 0);
  CHECK(again->there == 4);
  CHECK(again->sent_bytes == 0);
}

TEST_CASE("a registry that asks for user and password gets them once it asked") {
  World world;
  world.registry.asks = Asks::basic;
  REQUIRE(world.push(true));
  world.check_all_there();
  CHECK(!world.registry.requests[0].headers.find("Authorization"));
  CHECK(world.registry.lines.size() == 4 * 3 + 3 + 1);
}

TEST_CASE("a registry that asks for a token: for pushing, whatever it says, and again when it has expired") {
  World world;
  world.registry.asks = Asks::token;
  world.registry.instead.emplace(
      8, FakeRegistry::answer(401, {}, "WWW-Authenticate", R"(Bearer realm="https://auth.x/token")"));
  REQUIRE(world.push(true));
  world.check_all_there();
  CHECK(world.registry.lines[1] == "GET auth.x/token?service=s&scope=repository%3Ateam%2Fa%3Apull%2Cpush");
  CHECK(std::ranges::count_if(world.registry.lines,
                              [](const auto& line) { return line.starts_with("GET auth.x"); }) == 2);
}

TEST_CASE("uploads that go elsewhere are sent there without the login") {
  World world;
  world.registry.asks = Asks::basic;
  world.registry.upload_host = "storage.x";
  REQUIRE(world.push(true));
  world.check_all_there();
}

TEST_CASE("who does not get in is told why, and nothing is tried in a loop") {
  World world;
  world.registry.asks = Asks::basic;
  CHECK(described(world.push(false)) ==
        "h.x wants to know who you are. Give a user with --user and the password with --password-file, or "
        "sign in with docker login.");
  CHECK(world.registry.requests.size() == 1);
  world.registry.login = "Basic other";
  auto pushed = world.push(true);
  CHECK(described(pushed).starts_with("h.x does not take this user and password ('me', from the test)."));
  CHECK(pushed.error().code == Errc::unauthenticated);
  CHECK(world.registry.requests.size() == 3);
  world.registry.asks = Asks::token;
  pushed = world.push(true);
  CHECK(described(pushed).starts_with("h.x does not take this user and password ('me', from the test)."));
  CHECK(pushed.error().code == Errc::unauthenticated);
  CHECK(described(world.push(false)).starts_with("h.x gives no token to somebody unknown."));
  CHECK(described(pushed).find("pa55") == std::string::npos);
  world.registry.instead.emplace(world.registry.requests.size() + 1,
                                 FakeRegistry::answer(401, {}, "WWW-Authenticate", "Negotiate"));
  CHECK(described(world.push(true)) ==
        "h.x wants another way of signing in than by password or token: negotiate");
}

TEST_CASE("somebody known who may not push is told so") {
  World world;
  world.registry.asks = Asks::token;
  for (const std::size_t i : {3, 6})  // the token is for reading only
    world.registry.instead.emplace(
        i, FakeRegistry::answer(
               401, R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]})",
               "WWW-Authenticate", R"(Bearer realm="https://auth.x/token",error="insufficient_scope")"));
  world.registry.instead.emplace(9, FakeRegistry::answer(403, R"({"errors":[{"code":"DENIED"}]})"));
  for (const auto* words : {"UNAUTHORIZED: authentication required, HTTP 401",
                            "UNAUTHORIZED: authentication required, HTTP 401", "DENIED, HTTP 403"}) {
    const auto pushed = world.push(true);
    CHECK(described(pushed) ==
          fmt::format("h.x refuses to look for a layer in team/a: {}. Who signed in may not push there.",
                      words));
    CHECK(pushed.error().code == Errc::permission_denied);
  }
}

TEST_CASE("what passes is tried again, and a lost answer does no harm") {
  World world;
  world.registry.instead.emplace(1, fail(Errc::unavailable, "cannot reach h.x"));
  world.registry.instead.emplace(2, FakeRegistry::answer(429, {}, "Retry-After", "7"));
  world.registry.instead.emplace(4, FakeRegistry::answer(503));
  world.registry.lost = {7, 11};  // a blob and its configuration, stored
  world.registry.instead.emplace(15,
                                 FakeRegistry::answer(404, R"({"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]})"));
  const auto begin = world.clock.steady();
  REQUIRE(world.push(false));
  world.check_all_there();
  CHECK(world.clock.steady() - begin >= 7s);
}

TEST_CASE("it gives up after some attempts, and at once when trying again is of no use") {
  World world;
  for (std::size_t i = 1; i <= 5; ++i) world.registry.instead.emplace(i, FakeRegistry::answer(500));
  auto pushed = world.push(false);
  CHECK(described(pushed) == "h.x refuses to look for a layer in team/a: HTTP 500");
  CHECK(pushed.error().code == Errc::unavailable);
  CHECK(world.registry.requests.size() == kAttempts);

  world.registry.instead.emplace(
      7, FakeRegistry::answer(404, R"({"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]})"));
  pushed = world.push(false);
  CHECK(described(pushed) ==
        "h.x refuses to begin an upload in team/a: NAME_UNKNOWN: no such repository, HTTP 404. Make the "
        "repository first, or is "
        "this the address of a registry?");
  CHECK(pushed.error().code == Errc::not_found);
  CHECK(world.registry.requests.size() == 7);

  world.registry.instead.emplace(8, fail(Errc::unauthenticated, "the certificate has expired"));
  pushed = world.push(false);
  CHECK(described(pushed) == "h.x: the certificate has expired");
  CHECK(world.registry.requests.size() == 8);
}

TEST_CASE("a registry that stores something else, or sends uploads somewhere without TLS, is not believed") {
  World world;
  world.registry.instead.emplace(13, FakeRegistry::answer(201, {}, "Docker-Content-Digest", "sha256:0"));
  CHECK(described(world.push(false)) == "h.x stored another manifest than was sent");
  World other;
  other.registry.instead.emplace(2, FakeRegistry::answer(202, {}, "Location", "http://h.x/u"));
  CHECK(described(other.push(false)) == "h.x does not say where the upload goes: to h.x there is no TLS");
}

TEST_CASE("where a registry answers") {
  const auto api = [](const std::string& host, bool plain) {
    const auto url = find_api({host, "a", "1"}, plain);
    return url ? url->str() : describe(url.error());
  };
  CHECK(api("h.x", false) == "https://h.x/");
  CHECK(api("docker.io", false) == "https://registry-1.docker.io/");
  CHECK(api("localhost:5000", true) == "http://localhost:5000/");
  CHECK(api("[::1]:5000", true) == "http://[::1]:5000/");
  CHECK(api("h.x", true) ==
        "h.x would get a password without TLS (at --plain-http). It is for a registry of this machine only.");
  CHECK(!find_api({"h.x:port", "a", "1"}, false));
}
