#include "aws/sigv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Without blanks at the ends, and one space for each run of blanks.
std::string squeeze(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_blank(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return parts;
}

// Dot segments resolved, doubled slashes dropped (RFC 3986, section 5.2.4), then encoded: what was encoded
// for the wire is encoded twice here.
std::string canonical_path(std::string_view path) {
  std::string out;
  for (const auto part : split_path(path)) out += "/" + net::percent_encode(part);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string credential_scope(std::string_view date, const SigningScope& scope) {
  return fmt::format("{}/{}/{}/{}", date, scope.region, scope.service, kTerminator);
}

}  // namespace

std::string format_query(const Query& query) {
  Query encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(net::percent_encode(name), net::percent_encode(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string format_amz_date(Instant instant) {
  const std::chrono::sys_time<Duration> time{Duration(instant.us)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

CanonicalRequest make_canonical_request(const RequestToSign& request, const net::Headers& headers) {
  std::map<std::string, std::string> fields;  // several of one name are joined
  for (const auto& [name, value] : headers.all()) {
    const auto [at, is_new] = fields.try_emplace(base::lower_case(name), squeeze(value));
    if (!is_new) at->second += "," + squeeze(value);
  }
  CanonicalRequest out;
  std::string lines;
  for (const auto& [name, value] : fields) {
    lines.append(name).append(":").append(value).append("\n");
    out.signed_headers += (out.signed_headers.empty() ? "" : ";") + name;
  }
  out.text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(request.path),
                  format_query(request.query), lines, out.signed_headers, to_hex(sha256(request.body)));
  return out;
}

Secret derive_signing_key(const Secret& secret_access_key, std::string_view date, const SigningScope& scope) {
  std::string seed = "AWS4";
  seed += secret_access_key.expose();
  Secret key(std::move(seed));
  for (const std::string_view step :
       {date, std::string_view(scope.region), std::string_view(scope.service), kTerminator})
    key = Secret(hmac_sha256(key.expose(), step));
  return key;
}

net::Headers sign(const RequestToSign& request, const SigningScope& scope, const Credentials& credentials,
                  Instant now) {
  const auto time = format_amz_date(now);
  const auto date = time.substr(0, 8);
  net::Headers added;
  added.add("X-Amz-Date", time);
  if (!credentials.session_token.empty())
    added.add("X-Amz-Security-Token", std::string(credentials.session_token.expose()));

  auto headers = request.headers;
  headers.set("Host", request.host);
  for (const auto& [name, value] : added.all()) headers.set(name, value);
  const auto canonical = make_canonical_request(request, headers);
  const auto to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, credential_scope(date, scope),
                                   to_hex(sha256(canonical.text)));
  const auto key = derive_signing_key(credentials.secret_access_key, date, scope);
  added.add("Authorization",
            fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                        credentials.access_key_id, credential_scope(date, scope), canonical.signed_headers,
                        to_hex(hmac_sha256(key.expose(), to_sign))));
  return added;
}

}  // namespace footman::aws
