#include "registry/answers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace footman::registry;
namespace net = footman::net;

namespace {

const net::Url kApi{"https", "h.x", 5000, "/"};
const net::Url kPlain{"http", "127.0.0.1", 5000, "/"};

// "scheme name=value name=value|scheme"
std::string challenges(std::string_view header) {
  const auto found = parse_challenges(header);
  if (!found) return found.error().message;
  std::string out;
  for (const auto& one : *found) {
    out += (out.empty() ? "" : "|") + one.scheme;
    for (const auto& [name, value] : one.parameters) out += fmt::format(" {}={}", name, value);
  }
  return out;
}

std::string token_address(const std::string& realm, const net::Url& api = kApi) {
  const auto found = find_token_address({"bearer", {{"realm", realm}, {"service", "s t"}}}, api, "team/a");
  return found ? found->str() : found.error().message;
}

std::string upload(std::string_view location, const net::Url& api = kApi) {
  const auto found = find_upload_address(api, location, "sha256:ab");
  return found ? found->str() : found.error().message;
}

}  // namespace

TEST_CASE("challenges as registries send them") {
  CHECK(
      challenges(
          R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")") ==
      "bearer realm=https://auth.docker.io/token scope=repository:a/b:pull,push service=registry.docker.io");
  CHECK(challenges(R"(Basic realm="Registry Realm")") == "basic realm=Registry Realm");
  CHECK(challenges(R"(BASIC Realm = "a \"b\" \\" , charset=UTF-8)") ==
        R"(basic charset=UTF-8 realm=a "b" \)");
  CHECK(challenges(R"(Negotiate, Basic realm="x", Digest a=b)") == "negotiate|basic realm=x|digest a=b");
  CHECK(challenges("Negotiate YII+/==, Basic") == "negotiate|basic");
  CHECK(challenges("") == "");
  CHECK(challenges(" , ,Basic,") == "basic");
}

TEST_CASE("challenges that are none, and the limits") {
  const std::string broken = "the WWW-Authenticate header is broken: ";
  CHECK(challenges("\"x\"") == broken + "no scheme");
  CHECK(challenges("Basic realm=\"x") == broken + "a text without an end");
  CHECK(challenges("Basic realm=\"x\\") == broken + "a text without an end");
  CHECK(challenges("Basic realm=\"x\" y") == broken + "something after a value");
  CHECK(challenges("Basic a=b,c=") == broken + "a parameter without a value");
  CHECK(challenges("Basic a=1,A=2") == broken + "a parameter comes twice");
  CHECK(challenges("Basic\x01") == broken + "a scheme ends with a space");
  CHECK(challenges("A,B,C,D,E,F,G,H") == "a|b|c|d|e|f|g|h");
  CHECK(challenges("A,B,C,D,E,F,G,H,I") == broken + "too many challenges");
  std::string many = "A a=b";
  for (int i = 1; i < 17; ++i) many += ",a" + std::to_string(i) + "=b";
  CHECK(challenges(many) == broken + "too many parameters");
  CHECK(challenges(std::string(8193, ' ')) == "the WWW-Authenticate header is longer than 8.0 KiB");
}

TEST_CASE("where tokens are") {
  CHECK(token_address("https://auth.x/token") ==
        "https://auth.x/token?service=s%20t&scope=repository%3Ateam%2Fa%3Apull%2Cpush");
  CHECK(token_address("https://auth.x/token?a=b") ==
        "https://auth.x/token?a=b&service=s%20t&scope=repository%3Ateam%2Fa%3Apull%2Cpush");
  CHECK(token_address("") == "h.x does not say where its tokens are");
  CHECK(token_address("ftp://auth.x/") == "h.x does not say where its tokens are");
  // The login goes there.
  CHECK(token_address("http://auth.x/token") == "h.x wants a token from auth.x, to which there is no TLS");
  CHECK(token_address("http://127.0.0.1/token") ==
        "h.x wants a token from 127.0.0.1, to which there is no TLS");
  CHECK(token_address("http://auth.x/token", kPlain) ==
        "127.0.0.1 wants a token from auth.x, to which there is no TLS");
  CHECK(token_address("http://127.0.0.1:1/token", kPlain).starts_with("http://127.0.0.1:1/token?"));
}

TEST_CASE("tokens") {
  CHECK(read_token(R"({"token":"a.b-c","access_token":"x"})")->expose() == "a.b-c");
  CHECK(read_token(R"({"access_token":"x"})")->expose() == "x");
  for (const auto* body :
       {"", "{}", "[]", R"({"token":""})", R"({"token":1})", R"({"token":"a b"})", R"({"token":"a\r\nb"})"}) {
    const auto token = read_token(body);
    REQUIRE_MESSAGE(!token, body);
    CHECK(token.error().message == "the answer holds no token that can be used");
  }
  CHECK(read_token(R"({"token":")" + std::string(65536, 'a') + "\"}"));
  CHECK(!read_token(R"({"token":")" + std::string(65537, 'a') + "\"}"));
}

TEST_CASE("where uploads go") {
  CHECK(upload("/v2/a/blobs/uploads/1") == "https://h.x:5000/v2/a/blobs/uploads/1?digest=sha256%3Aab");
  CHECK(upload("/v2/a/blobs/uploads/1?_state=x") ==
        "https://h.x:5000/v2/a/blobs/uploads/1?_state=x&digest=sha256%3Aab");
  CHECK(upload("https://other.x/u?k=v") == "https://other.x/u?k=v&digest=sha256%3Aab");
  CHECK(upload("http://127.0.0.1:5000/u", kPlain) == "http://127.0.0.1:5000/u?digest=sha256%3Aab");
  const std::string strange = "h.x does not say where the upload goes: ";
  CHECK(upload("") == strange + "no Location header, or one that is too long");
  CHECK(upload("/" + std::string(8192, 'a')) == strange + "no Location header, or one that is too long");
  CHECK(upload("//other.x/u") == strange + "its Location header is no address");
  CHECK(upload("relative") == strange + "its Location header is no address");
  CHECK(upload("/v2/a b") == strange + "its Location header is no address");
  CHECK(upload("/v2/a#b") == strange + "its Location header is no address");
  CHECK(upload("http://h.x:5000/u") == strange + "to h.x there is no TLS");
}

TEST_CASE("refusals in words") {
  CHECK(read_refusal(R"({"errors":[{"code":"DENIED","message":"no"},{"code":"X"},{"message":"y"},{}]})") ==
        "DENIED: no; X; y");
  for (const auto* body : {"", "<html>", "[]", "{}", R"({"errors":{}})", R"({"errors":[1,{"code":2}]})"})
    CHECK_MESSAGE(read_refusal(body).empty(), body);
  std::string long_one;
  for (int i = 0; i < 300; ++i) long_one += "ä";
  const auto words = read_refusal(R"({"errors":[{"message":")" + long_one + R"("}]})");
  CHECK(words == long_one.substr(0, 400) + "…");
}
