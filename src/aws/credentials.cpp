#include "aws/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "aws/json_fields.hpp"

namespace footman::aws {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPart = 16UL * 1024;  // session tokens have no fixed size, and AWS lets them grow

Status check_part(const std::string& source, std::string_view what, std::string_view value) {
  if (value.empty()) return fail(Errc::invalid_argument, fmt::format("{} has no {}", source, what));
  if (value.size() > kMaxPart)
    return fail(Errc::invalid_argument, fmt::format("{}: the {} is too long", source, what));
  if (std::ranges::any_of(value, [](char c) { return c <= ' ' || c > '~'; }))
    return fail(Errc::invalid_argument,
                fmt::format("{}: the {} has a blank or a character that cannot be in one", source, what));
  return {};
}

}  // namespace

Result<Credentials> check_credentials(Credentials credentials) {
  const auto& source = credentials.source;
  FOOTMAN_TRY_STATUS(check_part(source, "access key id", credentials.access_key_id));
  FOOTMAN_TRY_STATUS(check_part(source, "secret access key", credentials.secret_access_key.expose()));
  if (!credentials.session_token.empty())
    FOOTMAN_TRY_STATUS(check_part(source, "session token", credentials.session_token.expose()));
  return credentials;
}

Result<Credentials> parse_credentials_answer(std::string_view text, std::string source) {
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  const auto* object = failed ? nullptr : value.if_object();
  if (object == nullptr)
    return fail(Errc::corrupt, fmt::format("the answer of {} is not a JSON object", source));
  const auto code = text_of(*object, "Code");
  if (!code.empty() && code != "Success")
    return fail(Errc::permission_denied, fmt::format("{} says {}", source, code.substr(0, 100)));
  Credentials credentials{text_of(*object, "AccessKeyId"),
                          Secret(text_of(*object, "SecretAccessKey")),
                          Secret(text_of(*object, "Token")),
                          {},
                          std::move(source)};
  const auto expires = parse_rfc3339(text_of(*object, "Expiration"));
  if (!expires)
    return fail(Errc::corrupt, fmt::format("the answer of {} has no Expiration", credentials.source));
  credentials.expires = *expires;
  auto checked = check_credentials(std::move(credentials));
  if (!checked) return fail(Errc::corrupt, "the answer of " + checked.error().message);
  return checked;
}

}  // namespace footman::aws
