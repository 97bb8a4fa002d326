// The Security Token Service: temporary credentials, and who one is. Source: AWS STS API Reference,
// 2011-06-15.
#pragma once

#include <string>

#include "cloud/aws/client.hpp"
#include "cloud/aws/profiles.hpp"

namespace footman::cloud::aws {

// All of them may be repeated. `client` is one of kSts and outlives the call; `source` is for people.

// Signed with the client's credentials. An empty session name is an error of AWS'.
runtime::Awaitable<CallResult<Credentials>> assume_role(Client& client, RoleToAssume role,
                                                        std::string source);
// Not signed: the token says who one is. `role.token_file` was read by the caller.
runtime::Awaitable<CallResult<Credentials>> assume_role_with_web_identity(Client& client, WebIdentity role,
                                                                          Secret token, std::string source);

struct CallerIdentity {
  std::string account;  // "123456789012"
  std::string arn;
  std::string user_id;
  bool operator==(const CallerIdentity&) const = default;
};
runtime::Awaitable<CallResult<CallerIdentity>> get_caller_identity(Client& client);

// Who signed this request: aws::make_identity_request() of values that somebody else gave. It is sent as it
// is, with nobody's credentials but those. A definite failure: STS says that the signature is none; else it
// could not be asked. `outside` outlives the call, which ends within twice kWhoSignedTime.
inline constexpr Duration kWhoSignedTime = 4s;
runtime::Awaitable<CallResult<CallerIdentity>> ask_who_signed(const Outside& outside,
                                                              net::HttpClientRequest request);

// Of the answers of the first two; `operation` is their name. Errors: corrupt.
Result<Credentials> read_sts_credentials(const XmlDocument& answer, const std::string& operation,
                                         std::string source);

}  // namespace footman::cloud::aws
