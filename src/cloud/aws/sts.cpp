#include "cloud/aws/sts.hpp"

#include <fmt/format.h>

#include <utility>

#include "runtime/time_limit.hpp"

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

namespace {

CallResult<CallerIdentity> read_caller(const XmlDocument& answer) {
  const std::string place = "GetCallerIdentityResponse/GetCallerIdentityResult/";
  CallerIdentity identity{answer.text(place + "Account"), answer.text(place + "Arn"),
                          answer.text(place + "UserId")};
  if (identity.account.empty() || identity.arn.empty())
    return std::unexpected(
        as_failure({Errc::corrupt, "the answer of STS to GetCallerIdentity names nobody", {}, {}}));
  return identity;
}

// Only the code: the message may quote the request, which is not ours.
CallFailure judge_refusal(const net::HttpClientResponse& answer) {
  const auto error = read_error(Protocol::query, answer);
  const auto remedy = judge(error).remedy;
  CallFailure failure;
  failure.status = error.status;
  failure.code = error.code;
  failure.definite =
      error.status < 500 && !error.code.empty() && remedy != Remedy::wait && remedy != Remedy::repeat;
  failure.message = fmt::format("STS answers with {} (HTTP {})",
                                error.code.empty() ? "no word of its own" : error.code, error.status);
  return failure;
}

}  // namespace

Awaitable<CallResult<CallerIdentity>> get_caller_identity(Client& client) {
  auto answer = co_await client.call_query(make_call("GetCallerIdentity", {}));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return read_caller(*answer);
}

Awaitable<CallResult<CallerIdentity>> ask_who_signed(const Outside& outside, net::HttpClientRequest request) {
  constexpr int kTries = 2;  // a connection that was kept may be dead
  Error silence;
  for (int i = 0; i < kTries; ++i) {
    auto answer = co_await runtime::run_for(outside.clock, kWhoSignedTime, outside.services(request));
    if (!answer) {
      silence = {Errc::timeout, "STS does not answer within " + format_duration(kWhoSignedTime), {}, {}};
    } else if (!*answer) {
      silence = (*answer).error();
    } else if ((*answer)->status / 100 != 2) {
      co_return std::unexpected(judge_refusal(**answer));
    } else {
      const auto document = XmlDocument::parse((*answer)->body);
      if (!document) co_return std::unexpected(as_failure(document.error()));
      co_return read_caller(*document);
    }
  }
  co_return std::unexpected(as_failure(silence));
}

}  // namespace footman::cloud::aws
