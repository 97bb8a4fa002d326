#include "cloud/aws/sts.hpp"

#include <fmt/format.h>

#include <utility>

namespace footman::cloud::aws {
namespace {

using runtime::Awaitable;

CallFailure as_failure(const Error& error) {
  CallFailure failure;
  failure.message = describe(error);
  return failure;
}

Call make_call(std::string operation, Query parameters) {
  return {std::move(operation), {}, std::move(parameters), true, {}, Urgency::read};
}

Awaitable<CallResult<Credentials>> call_for_credentials(Client& client, Call call, std::string source) {
  const auto operation = call.operation;
  auto answer = co_await client.call_query(std::move(call));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  auto credentials = read_sts_credentials(*answer, operation, std::move(source));
  if (!credentials) co_return std::unexpected(as_failure(credentials.error()));
  co_return std::move(*credentials);
}

}  // namespace

Result<Credentials> read_sts_credentials(const XmlDocument& answer, const std::string& operation,
                                         std::string source) {
  const auto place = fmt::format("{0}Response/{0}Result/Credentials/", operation);
  Credentials credentials{answer.text(place + "AccessKeyId"),
                          Secret(answer.text(place + "SecretAccessKey")),
                          Secret(answer.text(place + "SessionToken")),
                          {},
                          std::move(source)};
  const auto expires = parse_rfc3339(answer.text(place + "Expiration"));
  if (!expires || credentials.session_token.empty())
    return fail(Errc::corrupt, fmt::format("the answer of STS to {} has no credentials", operation));
  credentials.expires = *expires;
  auto checked = check_credentials(std::move(credentials));
  if (!checked) return fail(Errc::corrupt, "the answer of STS: " + checked.error().message);
  return checked;
}

Awaitable<CallResult<Credentials>> assume_role(Client& client, RoleToAssume role, std::string source) {
  Query parameters{{"RoleArn", role.role_arn}, {"RoleSessionName", role.session_name}};
  if (!role.external_id.empty()) parameters.emplace_back("ExternalId", role.external_id);
  if (role.lasts.count() > 0)
    parameters.emplace_back(
        "DurationSeconds",
        fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(role.lasts).count()));
  return call_for_credentials(client, make_call("AssumeRole", std::move(parameters)), std::move(source));
}

Awaitable<CallResult<Credentials>> assume_role_with_web_identity(Client& client, WebIdentity role,
                                                                 Secret token, std::string source) {
  Query parameters{{"RoleArn", role.role_arn},
                   {"RoleSessionName", role.session_name},
                   {"WebIdentityToken", std::string(token.expose())}};
  return call_for_credentials(client, make_call("AssumeRoleWithWebIdentity", std::move(parameters)),
                              std::move(source));
}

Awaitable<CallResult<CallerIdentity>> get_caller_identity(Client& client) {
  auto answer = co_await client.call_query(make_call("GetCallerIdentity", {}));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  const std::string place = "GetCallerIdentityResponse/GetCallerIdentityResult/";
  CallerIdentity identity{answer->text(place + "Account"), answer->text(place + "Arn"),
                          answer->text(place + "UserId")};
  if (identity.account.empty() || identity.arn.empty())
    co_return std::unexpected(
        as_failure({Errc::corrupt, "the answer of STS to GetCallerIdentity names nobody", {}, {}}));
  co_return identity;
}

}  // namespace footman::cloud::aws
