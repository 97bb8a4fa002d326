// Signatures that AWS has published: the "aws-sig-v4-test-suite" and the example of the General Reference.
// tests/botocore_test.py compares many more with those of botocore.
#include "aws/sigv4.hpp"

#include <doctest/doctest.h>

#include "base/digest.hpp"

using namespace footman;
using namespace footman::aws;

namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

Credentials example_credentials() {
  return {"AKIDEXAMPLE", base::Secret(std::string(kSecret)), {}, {}, "a test"};
}

const SigningScope kSuite{"us-east-1", "service"};

base::Instant suite_time() { return *base::parse_rfc3339("2015-08-30T12:36:00Z"); }

RequestToSign suite_request(std::string method, std::string path = "/") {
  return {std::move(method), "example.amazonaws.com", std::move(path), {}, {}, {}};
}

std::string authorization(const RequestToSign& request) {
  const auto headers = sign(request, kSuite, example_credentials(), suite_time());
  return std::string(headers.value_or("Authorization", ""));
}

std::string suite_line(const std::string& signed_headers, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
         signed_headers + ", Signature=" + signature;
}

}  // namespace

TEST_CASE("the published signatures") {
  const std::string plain = "host;x-amz-date";
  CHECK(authorization(suite_request("GET")) ==
        suite_line(plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
  CHECK(authorization(suite_request("POST")) ==
        suite_line(plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
  CHECK(
      authorization(suite_request("GET", "/\xe1\x88\xb4")) ==  // get-utf8 sends it raw, so it is encoded once
      suite_line(plain, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"));
  auto with_query = suite_request("GET");
  with_query.query = {{"Param2", "value2"}, {"Param1", "value1"}};
  CHECK(authorization(with_query) ==
        suite_line(plain, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST_CASE("paths that mean the same have the same signature") {
  const auto vanilla = authorization(suite_request("GET", "/"));
  for (const auto* path : {"//", "/./", "/example/..", "/example1/example2/../..", "/..", ""}) {
    CAPTURE(path);
    CHECK(authorization(suite_request("GET", path)) == vanilla);
  }
  CHECK(authorization(suite_request("GET", "//example//")) ==
        authorization(suite_request("GET", "/example/")));
  CHECK(authorization(suite_request("GET", "/example")) != authorization(suite_request("GET", "/example/")));
}

TEST_CASE("the example of the General Reference, step by step") {
  RequestToSign request{
      "GET", "iam.amazonaws.com", "/", {{"Version", "2010-05-08"}, {"Action", "ListUsers"}}, {}, {}};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  auto headers = request.headers;
  headers.add("Host", request.host);
  headers.add("X-Amz-Date", "20150830T123600Z");
  const auto canonical = make_canonical_request(request, headers);
  CHECK(canonical.signed_headers == "content-type;host;x-amz-date");
  CHECK(base::to_hex(base::sha256(canonical.text)) ==
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");

  const SigningScope scope{"us-east-1", "iam"};
  const auto key = derive_signing_key(base::Secret(std::string(kSecret)), "20150830", scope);
  CHECK(base::to_hex(key.expose()) == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");

  const auto added = sign(request, scope, example_credentials(), suite_time());
  CHECK(added.all().size() == 2);
  CHECK(added.value_or("X-Amz-Date", "") == "20150830T123600Z");
  CHECK(added.value_or("Authorization", "")
            .ends_with("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
}

TEST_CASE("a session token is sent and signed") {
  auto credentials = example_credentials();
  credentials.session_token = base::Secret("the-token");
  const auto headers = sign(suite_request("GET"), kSuite, credentials, suite_time());
  CHECK(headers.value_or("X-Amz-Security-Token", "") == "the-token");
  CHECK(headers.value_or("Authorization", "").find("host;x-amz-date;x-amz-security-token") !=
        std::string_view::npos);
}

TEST_CASE("headers of one name are joined, blanks do not count") {
  auto one = suite_request("GET");
  one.headers.add("My-Header", "a   b");
  one.headers.add("my-header", "\tc ");
  auto other = suite_request("GET");
  other.headers.add("MY-HEADER", "a b,c");
  CHECK(authorization(one) == authorization(other));
}

TEST_CASE("queries are encoded strictly and in order") {
  CHECK(format_query({}).empty());
  CHECK(format_query({{"b", ""}, {"a", "2"}, {"a", "1"}}) == "a=1&a=2&b=");
  CHECK(format_query({{"k y", "a+b=c&d/~-._"}}) == "k%20y=a%2Bb%3Dc%26d%2F~-._");
  // By the encoded names: "%" comes before letters.
  CHECK(format_query({{"a", "1"}, {"\xe1\x88\xb4", "2"}, {"A", "3"}}) == "%E1%88%B4=2&A=3&a=1");
}

TEST_CASE("dates") {
  CHECK(format_amz_date({0}) == "19700101T000000Z");
  CHECK(format_amz_date(*base::parse_rfc3339("2024-02-29T23:59:59.999Z")) == "20240229T235959Z");
}
