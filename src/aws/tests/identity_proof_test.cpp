#include "aws/identity_proof.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "aws/sigv4.hpp"

using namespace footman;
using namespace footman::aws;

namespace {

const Instant kNow = *base::parse_rfc3339("2026-01-02T03:04:05Z");
const std::string kBinding(64, 'b');

ProofPlace place() { return {*net::parse_url("https://sts.eu-central-1.amazonaws.com/"), "eu-central-1"}; }
Credentials credentials() {
  return {"ASIAEXAMPLE", Secret("secret/key"), Secret("token/of+a=session"), {}, "a test"};
}
ProofValues proof() { return make_identity_proof(place(), credentials(), kBinding, kNow); }

// As AWS does it: the signature that whoever has these credentials gives to exactly this request.
std::string signature_of(const net::HttpClientRequest& request, const std::string& region) {
  RequestToSign to_sign{request.method, request.url.authority(), request.url.path, {}, {}, request.body};
  for (const auto& [name, value] : request.headers.all())
    if (name != "Authorization" && name != "X-Amz-Date" && name != "X-Amz-Security-Token")
      to_sign.headers.add(name, value);
  return std::string(sign(to_sign, {region, "sts"}, credentials(), kNow).value_or("Authorization", ""));
}
bool is_valid(const net::HttpClientRequest& request, const std::string& region = "eu-central-1") {
  return request.headers.value_or("Authorization", "") == signature_of(request, region);
}

}  // namespace

TEST_CASE("the request that the server puts together is the one that the agent signed") {
  const auto identity = read_identity_proof(proof(), kNow);
  REQUIRE_MESSAGE(identity.has_value(), identity.error().message);
  const auto request = make_identity_request(place(), *identity, kBinding);
  CHECK(request.method == "POST");
  CHECK(request.url.str() == "https://sts.eu-central-1.amazonaws.com/");
  CHECK(request.body == "Action=GetCallerIdentity&Version=2011-06-15");
  CHECK(request.headers.value_or("X-Footman-Proof", "") == kBinding);
  CHECK(request.headers.value_or("X-Amz-Date", "") == "20260102T030405Z");
  CHECK(request.headers.value_or("Authorization", "")
            .find("content-type;host;x-amz-date;x-amz-security-token;"
                  "x-footman-proof") != std::string_view::npos);
  CHECK(request.headers.all().size() == 5);
  CHECK(is_valid(request));
  for (const auto& [name, value] : proof())
    CHECK(value.expose().find("secret/key") == std::string_view::npos);
}

TEST_CASE("a signature for anything else is none for the server's request") {
  struct Attack {
    const char* name;
    std::function<void(RequestToSign&, SigningScope&)> change;
  };
  const std::vector<Attack> attacks{
      {"another host", [](auto& r, auto&) { r.host = "sts.attacker.example"; }},
      {"another region's host", [](auto& r, auto&) { r.host = "sts.us-east-1.amazonaws.com"; }},
      {"another region", [](auto&, auto& s) { s.region = "us-east-1"; }},
      {"another service", [](auto&, auto& s) { s.service = "iam"; }},
      {"another method", [](auto& r, auto&) { r.method = "GET"; }},
      {"another path", [](auto& r, auto&) { r.path = "/other"; }},
      {"a query", [](auto& r, auto&) { r.query = {{"Action", "GetCallerIdentity"}}; }},
      {"another action", [](auto& r, auto&) { r.body = "Action=GetSessionToken&Version=2011-06-15"; }},
      {"more in the body",
       [](auto& r, auto&) { r.body = "Action=GetCallerIdentity&Version=2011-06-15&X=1"; }},
      {"another nonce", [](auto& r, auto&) { r.headers.set("X-Footman-Proof", std::string(64, 'c')); }},
      {"one more header", [](auto& r, auto&) { r.headers.add("X-Amz-Target", "x"); }},
      {"no nonce",
       [](auto& r, auto&) {
         r.headers = {};
         r.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
       }},
  };
  for (const auto& attack : attacks) {
    CAPTURE(attack.name);
    const auto honest = make_identity_request(place(), *read_identity_proof(proof(), kNow), kBinding);
    RequestToSign to_sign{"POST", place().sts.authority(), "/", {}, {}, honest.body};
    to_sign.headers.add("Content-Type", std::string(honest.headers.value_or("Content-Type", "")));
    to_sign.headers.add("X-Footman-Proof", kBinding);
    SigningScope scope{"eu-central-1", "sts"};
    const auto signature = [&] {
      const auto added = sign(to_sign, scope, credentials(), kNow);
      const auto text = added.value_or("Authorization", "");
      return std::string(text.substr(text.find("Signature=") + 10));
    };
    CHECK(signature() == proof().at("signature").expose());
    attack.change(to_sign, scope);
    auto values = proof();
    values["signature"] = Secret(signature());
    const auto identity = read_identity_proof(values, kNow);
    REQUIRE(identity.has_value());
    CHECK_FALSE(is_valid(make_identity_request(place(), *identity, kBinding)));
  }
}

TEST_CASE("a proof that was made for another place or another connection is not valid") {
  const auto identity = *read_identity_proof(proof(), kNow);
  auto elsewhere = place();
  elsewhere.sts.host = "sts-fips.us-east-1.amazonaws.com";
  CHECK_FALSE(is_valid(make_identity_request(elsewhere, identity, kBinding)));
  auto region = place();
  region.region = "us-east-1";
  CHECK_FALSE(is_valid(make_identity_request(region, identity, kBinding), "us-east-1"));
  CHECK_FALSE(is_valid(make_identity_request(place(), identity, std::string(64, 'd'))));
}

TEST_CASE("values that have not the form of a proof are refused, and never shown") {
  struct Case {
    const char* name;
    std::function<void(ProofValues&)> change;
    std::string error;
  };
  const auto put = [](const char* name, std::string value) {
    return [=](ProofValues& values) { values[name] = Secret(value); };
  };
  const auto drop = [](const char* name) { return [=](ProofValues& values) { values.erase(name); }; };
  const std::vector<Case> cases{
      {"no key", drop("access_key_id"), "the proof's access_key_id is missing"},
      {"no token", drop("session_token"), "the proof's session_token is missing"},
      {"no time", drop("time"), "the proof's time is missing"},
      {"no signature", drop("signature"), "the proof's signature is missing"},
      {"a surplus value", put("host", "sts.attacker.example"), "the proof has more values than it should"},
      {"empty key", put("access_key_id", ""), "the proof's access_key_id has another form"},
      {"long key", put("access_key_id", std::string(129, 'A')), "the proof's access_key_id has another form"},
      {"another scope", put("access_key_id", "AKIA/20260102"), "the proof's access_key_id has another form"},
      {"another field", put("access_key_id", "A, SignedHeaders=host"),
       "the proof's access_key_id has another form"},
      {"a long-term key", put("session_token", ""), "the proof's session_token has another form"},
      {"a header more", put("session_token", "t\r\nX-Evil: 1"), "the proof's session_token has another form"},
      {"a long token", put("session_token", std::string((16 << 10) + 1, 't')),
       "the proof's session_token has another form"},
      {"not ASCII", put("session_token", "\xc3\xa4"), "the proof's session_token has another form"},
      {"short signature", put("signature", std::string(63, 'a')), "the proof's signature has another form"},
      {"upper case", put("signature", std::string(64, 'A')), "the proof's signature has another form"},
      {"signature and more", put("signature", std::string(63, 'a') + ","),
       "the proof's signature has another"},
      {"a date that is none", put("time", "20261302T030405Z"), "the proof's time has another form"},
      {"another form of date", put("time", "2026-01-02T03:04"), "the proof's time has another form"},
      {"another zone", put("time", "20260102T030405+"), "the proof's time has another form"},
      {"stale", put("time", "20260102T024904Z"), "the proof's time is too far from now"},
      {"in the future", put("time", "20260102T031906Z"), "the proof's time is too far from now"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name);
    auto values = proof();
    one.change(values);
    const auto read = read_identity_proof(values, kNow);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == base::Errc::invalid_argument);
    CHECK_MESSAGE(read.error().message.starts_with(one.error), read.error().message);
    CHECK(read.error().message.find("session") == one.error.find("session"));
  }
  auto old = proof();
  old["time"] = Secret("20260102T024905Z");
  CHECK(read_identity_proof(old, kNow).has_value());
}
