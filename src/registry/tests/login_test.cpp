#include "registry/login.hpp"

#include <doctest/doctest.h>

#include "base/digest.hpp"

using namespace footman::registry;

namespace {

std::string stored(const std::string& file, std::string_view registry = "h.x:5000") {
  const auto found = find_stored_login(file, registry, "config.json");
  if (!found) return footman::base::describe(found.error());
  if (!*found) return "none";
  CHECK((*found)->source == "config.json");
  return (*found)->user + " " + std::string((*found)->password.expose());
}

std::string auths(const std::string& key, const std::string& entry) {
  return R"({"auths":{"other":{"auth":"eA=="},")" + key + R"(":)" + entry + "}}";
}

}  // namespace

TEST_CASE("stored logins: found by the registry's host alone") {
  const auto auth = R"({"auth":")" + footman::base::to_base64("me:pass:word") + R"("})";
  for (const auto* key :
       {"h.x:5000", "https://h.x:5000", "http://h.x:5000/", "https://h.x:5000/v1/", "h.x:5000/v2/"})
    CHECK_MESSAGE(stored(auths(key, auth)) == "me pass:word", key);
  for (const auto* key :
       {"h.x", "h.x:50001", "evil.h.x:5000", "https://h.x:5000/team", "https://h.x:5000.evil/v1/"})
    CHECK_MESSAGE(stored(auths(key, auth)) == "none", key);
  CHECK(stored(auths("h.x:5000", R"({"username":"me","password":"word"})")) == "me word");
  CHECK(stored(auths("https://index.docker.io/v1/", auth), "docker.io") == "me pass:word");
  CHECK(stored("{}") == "none");
  CHECK(stored(R"({"auths":{"h.x:5000":1}})") == "none");
}

TEST_CASE("stored logins that cannot be used say why, without what they hold") {
  const std::string hint = ". Give a user with --user and the password with --password-file.";
  CHECK(stored("no json") == "config.json is not Docker's config.json");
  CHECK(stored("[]") == "config.json is not Docker's config.json");
  CHECK(stored(auths("h.x:5000", "{}")) ==
        "config.json: the login for h.x:5000 is kept by a helper program, which is not asked" + hint);
  CHECK(stored(R"({"credHelpers":{"h.x:5000":"ecr-login"}})") ==
        "config.json: the login for h.x:5000 is kept by a helper program, which is not asked" + hint);
  CHECK(stored(auths("h.x:5000", R"({"auth":"eA==","identitytoken":"SECRET"})")) ==
        "config.json: the login for h.x:5000 is an identity token, which is not supported" + hint);
  for (const auto* auth : {"SECRET!", "U0VDUkVU"})
    CHECK(stored(auths("h.x:5000", R"({"auth":")" + std::string(auth) + R"("})")) ==
          "config.json: the login for h.x:5000 cannot be read");
}
