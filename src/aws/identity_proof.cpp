#include "aws/identity_proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "aws/sigv4.hpp"
#include "base/ascii.hpp"

namespace footman::aws {
namespace {

constexpr std::string_view kBody = "Action=GetCallerIdentity&Version=2011-06-15";
constexpr std::string_view kContentType = "application/x-www-form-urlencoded; charset=utf-8";
constexpr std::string_view kService = "sts";
constexpr std::string_view kSignatureField = "Signature=";
constexpr std::string_view kSignedHeaders =
    "content-type;host;x-amz-date;x-amz-security-token;x-footman-proof";

constexpr std::string_view kKeyName = "access_key_id";
constexpr std::string_view kTokenName = "session_token";
constexpr std::string_view kTimeName = "time";
constexpr std::string_view kSignatureName = "signature";
constexpr std::array kNames{kKeyName, kTokenName, kTimeName, kSignatureName};

constexpr std::size_t kMaxKeyId = 128;  // AWS: 16 to 128 letters, digits and _
constexpr std::size_t kMaxToken = 16UL * 1024;
constexpr std::size_t kTimeBytes = 16;
constexpr std::size_t kSignatureBytes = 64;

bool is_hex(char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_of_key(char c) { return base::is_alnum_or("_", c); }
bool is_of_token(char c) { return c > ' ' && c <= '~'; }

std::unexpected<Error> wrong(std::string_view name, std::string_view what) {
  return fail(Errc::invalid_argument, fmt::format("the proof's {} {}", name, what));
}

Status check_value(const ProofValues& values, std::string_view name, std::size_t least, std::size_t most,
                   bool (*allowed)(char)) {
  const auto found = values.find(std::string(name));
  if (found == values.end()) return wrong(name, "is missing");
  const auto text = found->second.expose();
  if (text.size() < least || text.size() > most || !std::ranges::all_of(text, allowed))
    return wrong(name, "has another form");
  return {};
}

std::string text_of(const ProofValues& values, std::string_view name) {
  return std::string(values.at(std::string(name)).expose());
}

// "20150830T123600Z"
std::optional<Instant> parse_amz_date(std::string_view text) {
  if (text.size() != kTimeBytes) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t count) { return text.substr(at, count); };
  const auto parsed = parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2),
                                                part(9, 2), part(11, 2), part(13, 2)));
  if (!parsed || format_amz_date(*parsed) != text) return std::nullopt;  // "T" and "Z" in their places
  return *parsed;
}

std::string scope_of(const ProofPlace& place, std::string_view time) {
  return fmt::format("{}/{}/{}/aws4_request", time.substr(0, 8), place.region, kService);
}

net::Headers own_headers(std::string_view binding) {
  net::Headers headers;
  headers.add("Content-Type", std::string(kContentType));
  headers.add(std::string(kProofHeader), std::string(binding));
  return headers;
}

}  // namespace

ProofValues make_identity_proof(const ProofPlace& place, const Credentials& credentials,
                                std::string_view binding, Instant now) {
  const RequestToSign request{"POST", place.sts.authority(), place.sts.path, {}, own_headers(binding), kBody};
  const auto added = sign(request, {place.region, std::string(kService)}, credentials, now);
  const auto authorization = added.value_or("Authorization", "");
  const auto signature = authorization.substr(authorization.find(kSignatureField) + kSignatureField.size());
  ProofValues values;
  values.emplace(kKeyName, Secret(credentials.access_key_id));
  values.emplace(kTokenName, credentials.session_token);
  values.emplace(kTimeName, Secret(format_amz_date(now)));
  values.emplace(kSignatureName, Secret(std::string(signature)));
  return values;
}

Result<SignedIdentity> read_identity_proof(const ProofValues& values, Instant now) {
  FOOTMAN_TRY_STATUS(check_value(values, kKeyName, 1, kMaxKeyId, is_of_key));
  FOOTMAN_TRY_STATUS(check_value(values, kTokenName, 1, kMaxToken, is_of_token));
  FOOTMAN_TRY_STATUS(check_value(values, kTimeName, kTimeBytes, kTimeBytes, is_of_token));
  FOOTMAN_TRY_STATUS(check_value(values, kSignatureName, kSignatureBytes, kSignatureBytes, is_hex));
  if (values.size() != kNames.size())
    return fail(Errc::invalid_argument, "the proof has more values than it should");
  SignedIdentity identity{text_of(values, kKeyName), values.at(std::string(kTokenName)),
                          text_of(values, kTimeName), text_of(values, kSignatureName)};
  const auto time = parse_amz_date(identity.time);
  if (!time) return wrong(kTimeName, "has another form");
  if (std::chrono::abs(*time - now) > kProofTimeTolerance) return wrong(kTimeName, "is too far from now");
  return identity;
}

net::HttpClientRequest make_identity_request(const ProofPlace& place, const SignedIdentity& identity,
                                             std::string_view binding) {
  net::HttpClientRequest request;
  request.method = "POST";
  request.url = place.sts;
  request.headers = own_headers(binding);
  request.headers.add("X-Amz-Date", identity.time);
  request.headers.add("X-Amz-Security-Token", std::string(identity.session_token.expose()));
  request.headers.add(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", identity.access_key_id,
                  scope_of(place, identity.time), kSignedHeaders, identity.signature));
  request.body = kBody;
  return request;
}

}  // namespace footman::aws
