#include "cloud/aws/credential_chain.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "cloud/aws/sts.hpp"

namespace footman::cloud::aws {
namespace {

using runtime::Awaitable;

std::string variable(const Outside& outside, const std::string& name) {
  return outside.environment(name).value_or("");
}

std::string make_session_name(const Outside& outside) { return "footman-" + outside.rng.name(12); }

Result<std::unique_ptr<Client>> create_sts(const Outside& outside, const ChainOptions& options,
                                           CredentialsSource* credentials) {
  return Client::create({kSts, options.region, options.endpoint, {}}, outside, credentials, nullptr);
}

// Of something that was configured: that it is not there is no reason to go on with the next link.
Error as_configured(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::invalid_argument;
  return error;
}

Result<Credentials> as_result(CallResult<Credentials> answer) {
  if (answer) return std::move(*answer);
  return std::unexpected(to_error(answer.error()));
}

// --- roles

Awaitable<Result<Credentials>> assume(const Outside& outside, Client& sts, RoleToAssume role) {
  if (role.session_name.empty()) role.session_name = make_session_name(outside);
  auto source = fmt::format("the role {}", role.role_arn);
  co_return as_result(co_await assume_role(sts, std::move(role), std::move(source)));
}

Awaitable<Result<Credentials>> assume_web_identity(const Outside& outside, const ChainOptions& options,
                                                   WebIdentity role) {
  auto token = co_await outside.read_file(role.token_file);
  if (!token) {
    auto error = as_configured(std::move(token).error());
    error.message = fmt::format("the web identity token: {}", error.message);
    co_return std::unexpected(std::move(error));
  }
  while (token->ends_with('\n')) token->pop_back();
  if (token->empty() || token->size() > kMaxTokenFileBytes)
    co_return fail(Errc::invalid_argument,
                   fmt::format("the file {} holds no web identity token", role.token_file));
  FOOTMAN_CO_TRY(const auto sts, create_sts(outside, options, nullptr));
  if (role.session_name.empty()) role.session_name = make_session_name(outside);
  auto source = fmt::format("the role {} by web identity", role.role_arn);
  co_return as_result(co_await assume_role_with_web_identity(*sts, std::move(role), Secret(std::move(*token)),
                                                             std::move(source)));
}

// --- links

Awaitable<Result<Credentials>> from_environment(const Outside& outside, const ChainOptions&) {
  Credentials credentials{variable(outside, "AWS_ACCESS_KEY_ID"),
                          Secret(variable(outside, "AWS_SECRET_ACCESS_KEY")),
                          Secret(variable(outside, "AWS_SESSION_TOKEN")),
                          {},
                          "the environment"};
  if (credentials.access_key_id.empty() && credentials.secret_access_key.empty())
    co_return fail(Errc::not_found, "AWS_ACCESS_KEY_ID is not set");
  co_return check_credentials(std::move(credentials));
}

Awaitable<Result<Credentials>> from_web_identity(const Outside& outside, const ChainOptions& options) {
  WebIdentity role{variable(outside, "AWS_ROLE_ARN"), variable(outside, "AWS_WEB_IDENTITY_TOKEN_FILE"),
                   variable(outside, "AWS_ROLE_SESSION_NAME")};
  if (role.token_file.empty()) co_return fail(Errc::not_found, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  if (role.role_arn.empty())
    co_return fail(Errc::invalid_argument, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN");
  co_return co_await assume_web_identity(outside, options, std::move(role));
}

Awaitable<Result<Credentials>> from_container(const Outside& outside, const ChainOptions&) {
  FOOTMAN_CO_TRY(auto endpoint, find_container_endpoint(outside.environment));
  if (!endpoint)
    co_return fail(
        Errc::not_found,
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set");
  co_return co_await fetch_container_credentials(outside, std::move(*endpoint));
}

Awaitable<Result<Credentials>> from_instance(const Outside& outside, const ChainOptions&) {
  FOOTMAN_CO_TRY(auto endpoint, find_instance_endpoint(outside.environment));
  if (!endpoint) co_return fail(Errc::not_found, "AWS_EC2_METADATA_DISABLED is true");
  co_return co_await fetch_instance_credentials(outside, std::move(*endpoint));
}

// --- profiles

// Empty: there is no such file.
Awaitable<Result<Profiles>> read_profiles(const Outside& outside, std::string path, SharedFile kind) {
  if (path.empty()) co_return Profiles();
  auto text = co_await outside.read_file(path);
  if (!text && text.error().code == Errc::not_found) co_return Profiles();
  if (!text) co_return std::unexpected(std::move(text).error());
  auto profiles = parse_shared_file(*text, kind, path);
  wipe(*text);
  co_return profiles;
}

std::string shared_file_path(const Outside& outside, const std::string& name, const std::string& in_home) {
  if (auto path = variable(outside, name); !path.empty()) return path;
  const auto home = variable(outside, "HOME");
  return home.empty() ? std::string() : home + "/.aws/" + in_home;
}

Awaitable<Result<Profiles>> read_all_profiles(const Outside& outside) {
  auto config_path = shared_file_path(outside, "AWS_CONFIG_FILE", "config");
  auto credentials_path = shared_file_path(outside, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  if (config_path.empty() && credentials_path.empty())
    co_return fail(Errc::not_found, "HOME is not set, so there are no shared files");
  FOOTMAN_CO_TRY(auto config, co_await read_profiles(outside, std::move(config_path), SharedFile::config));
  FOOTMAN_CO_TRY(auto credentials,
                 co_await read_profiles(outside, std::move(credentials_path), SharedFile::credentials));
  co_return merge_profiles(std::move(config), credentials);
}

Awaitable<Result<Credentials>> start_profile(const Outside& outside, const ChainOptions& options,
                                             ProfilePlan plan) {
  switch (plan.start) {
    case ProfileStart::nothing:
      break;
    case ProfileStart::keys:
      co_return std::move(plan.keys);
    case ProfileStart::environment:
      co_return co_await from_environment(outside, options);
    case ProfileStart::container:
      co_return co_await from_container(outside, options);
    case ProfileStart::instance:
      co_return co_await from_instance(outside, options);
    case ProfileStart::web_identity:
      co_return co_await assume_web_identity(outside, options, std::move(plan.web_identity));
  }
  co_return fail(Errc::not_found, "it says nothing about credentials");
}

Awaitable<Result<Credentials>> follow_profile(const Outside& outside, const ChainOptions& options,
                                              ProfilePlan plan) {
  auto roles = std::move(plan.roles);
  auto credentials = co_await start_profile(outside, options, std::move(plan));
  if (!credentials && !roles.empty())
    co_return std::unexpected(as_configured(std::move(credentials).error()));
  for (auto& role : roles) {
    if (!credentials) break;
    FixedCredentials signer(std::move(*credentials));
    FOOTMAN_CO_TRY(const auto sts, create_sts(outside, options, &signer));
    credentials = co_await assume(outside, *sts, std::move(role));
  }
  co_return credentials;
}

Awaitable<Result<Credentials>> ask_profile(const Outside& outside, const ChainOptions& options,
                                           std::string name) {
  FOOTMAN_CO_TRY(const auto profiles, co_await read_all_profiles(outside));
  FOOTMAN_CO_TRY(auto plan, plan_profile(profiles, name));
  auto credentials = co_await follow_profile(outside, options, std::move(plan));
  if (credentials) co_return std::move(*credentials);
  auto error = std::move(credentials).error();
  error.message = fmt::format("the AWS profile '{}': {}", name, error.message);
  co_return std::unexpected(std::move(error));
}

Awaitable<Result<Credentials>> from_profile(const Outside& outside, const ChainOptions& options) {
  auto chosen = options.profile.empty() ? variable(outside, "AWS_PROFILE") : options.profile;
  if (chosen.empty()) co_return co_await ask_profile(outside, options, "default");
  auto credentials = co_await ask_profile(outside, options, std::move(chosen));
  if (!credentials) co_return std::unexpected(as_configured(std::move(credentials).error()));
  co_return std::move(*credentials);
}

struct Link {
  std::string_view name;
  Awaitable<Result<Credentials>> (*ask)(const Outside&, const ChainOptions&);
};
constexpr std::array<Link, 5> kLinks{{{"the environment", from_environment},
                                      {"web identity", from_web_identity},
                                      {"the shared files", from_profile},
                                      {"the container", from_container},
                                      {"the instance", from_instance}}};

}  // namespace

Awaitable<Result<Credentials>> find_credentials(const Outside& outside, const ChainOptions& options) {
  if (!options.profile.empty()) co_return co_await from_profile(outside, options);
  std::string asked;
  for (const auto& link : kLinks) {
    auto credentials = co_await link.ask(outside, options);
    if (credentials) co_return std::move(*credentials);
    auto error = std::move(credentials).error();
    const auto reason = fmt::format("{}: {}", link.name, error.message);
    if (error.code != Errc::not_found) {
      error.message = fmt::format("no AWS credentials from {}{}", reason,
                                  asked.empty() ? "" : fmt::format(" (asked before: {})", asked));
      co_return std::unexpected(std::move(error));
    }
    asked += (asked.empty() ? "" : "; ") + reason;
  }
  co_return fail(Errc::not_found, fmt::format("no AWS credentials were found: {}", asked), {},
                 "Give the server a role, or put keys into its environment.");
}

CredentialChain::CredentialChain(const Outside& outside, ChainOptions options)
    : outside_(outside),
      options_(std::move(options)),
      cache_([this] { return fetch(); }, outside.clock, outside.log) {}

Awaitable<Result<Credentials>> CredentialChain::fetch() {
  auto credentials = co_await find_credentials(outside_, options_);
  if (credentials) found_once_ = true;
  const auto is_silence = [](Errc code) { return code == Errc::not_found || code == Errc::invalid_argument; };
  if (!credentials && found_once_ && is_silence(credentials.error().code))
    credentials.error().code = Errc::unavailable;
  co_return credentials;
}

Result<std::unique_ptr<AssumedRole>> AssumedRole::create(const Outside& outside, const ChainOptions& options,
                                                         CredentialsSource& base, RoleToAssume role) {
  FOOTMAN_TRY(auto sts, create_sts(outside, options, &base));
  return std::unique_ptr<AssumedRole>(new AssumedRole(outside, std::move(sts), std::move(role)));
}

AssumedRole::AssumedRole(const Outside& outside, std::unique_ptr<Client> sts, RoleToAssume role)
    : outside_(outside),
      sts_(std::move(sts)),
      role_(std::move(role)),
      cache_([this] { return fetch(); }, outside.clock, outside.log) {}

Awaitable<Result<Credentials>> AssumedRole::fetch() { return assume(outside_, *sts_, role_); }

}  // namespace footman::cloud::aws
