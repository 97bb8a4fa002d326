#include "cloud/aws/profiles.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "base/number.hpp"

namespace footman::cloud::aws {
namespace {

bool has(const Profile& profile, std::string_view name) {
  const auto at = profile.find(name);
  return at != profile.end() && !at->second.empty();
}

std::string value(const Profile& profile, std::string_view name) {
  const auto at = profile.find(name);
  return at == profile.end() ? std::string() : std::string(at->second.expose());
}

std::unexpected<Error> bad(const std::string& name, std::string_view what, std::string hint = {}) {
  return fail(Errc::invalid_argument, fmt::format("the AWS profile '{}' {}", name, what), {},
              std::move(hint));
}

bool has_keys(const Profile& profile) {
  return has(profile, "aws_access_key_id") || has(profile, "aws_secret_access_key");
}

Status refuse_unsupported(const Profile& profile, const std::string& name) {
  const auto unsupported = [&](std::string_view what, std::string hint) {
    return fail(Errc::unsupported,
                fmt::format("the AWS profile '{}' {}, which Footman does not do", name, what), {},
                std::move(hint));
  };
  if (has(profile, "sso_session") || has(profile, "sso_start_url") || has(profile, "sso_account_id") ||
      has(profile, "login_session"))
    return unsupported("signs a person in",
                       "Give the server a role: of its instance, task, pod, or by role_arn.");
  if (has(profile, "mfa_serial"))
    return unsupported("asks for an MFA code", "Give the server a role that needs none.");
  if (has(profile, "credential_process") && !has_keys(profile) && !has(profile, "role_arn"))
    return unsupported("runs a program for its credentials",
                       "Let the program write the credentials file instead.");
  return {};
}

Result<RoleToAssume> read_role(const Profile& profile, const std::string& name) {
  RoleToAssume role{value(profile, "role_arn"), value(profile, "external_id"),
                    value(profile, "role_session_name"), Duration(0)};
  if (!role.session_name.empty() && !is_session_name(role.session_name))
    return bad(name, "has a role_session_name that AWS would not take",
               "Use 2 to 64 letters, digits and +=,.@-_");
  if (!has(profile, "duration_seconds")) return role;
  const auto seconds = find_number<std::uint32_t>(value(profile, "duration_seconds"));
  role.lasts = std::chrono::seconds(seconds.value_or(0));
  if (role.lasts < kShortestSession || role.lasts > kLongestSession)
    return bad(name, "has a duration_seconds that AWS would not take", "Use a number from 900 to 43200.");
  return role;
}

Result<Credentials> read_keys(const Profile& profile, const std::string& name) {
  return check_credentials(
      {value(profile, "aws_access_key_id"), Secret(value(profile, "aws_secret_access_key")),
       Secret(value(profile, "aws_session_token")), Instant{}, fmt::format("the AWS profile '{}'", name)});
}

Result<ProfileStart> read_source(const std::string& source, const std::string& name) {
  if (source == "Environment") return ProfileStart::environment;
  if (source == "EcsContainer") return ProfileStart::container;
  if (source == "Ec2InstanceMetadata") return ProfileStart::instance;
  return bad(name, "has an unknown credential_source",
             "Use Environment, Ec2InstanceMetadata or EcsContainer.");
}

class Planner {
 public:
  explicit Planner(const Profiles& profiles) : profiles_(profiles) {}

  Result<ProfilePlan> plan(std::string name) {
    bool ended = false;
    while (!ended) {
      const auto at = profiles_.find(name);
      if (at == profiles_.end()) return not_found(name);
      FOOTMAN_TRY(ended, step(at->second, name));
    }
    std::ranges::reverse(plan_.roles);
    return std::move(plan_);
  }

 private:
  std::unexpected<Error> not_found(const std::string& name) const {
    if (plan_.roles.empty()) return fail(Errc::not_found, fmt::format("there is no AWS profile '{}'", name));
    return bad(name, "is the source_profile of another one, and does not exist");
  }

  // True: the plan has its start. False: `name` is the profile to go on with.
  Result<bool> step(const Profile& profile, std::string& name) {
    FOOTMAN_TRY_STATUS(refuse_unsupported(profile, name));
    const bool is_source = !plan_.roles.empty();
    // A source's own key counts before its role: so a profile may be its own source.
    if (has(profile, "role_arn") && !(is_source && has_keys(profile))) return step_role(profile, name);
    if (has_keys(profile)) {
      FOOTMAN_TRY(plan_.keys, read_keys(profile, name));
      plan_.start = ProfileStart::keys;
    } else if (is_source) {
      return bad(name, "is the source_profile of another one, and has no credentials");
    }
    return true;
  }

  Result<bool> step_role(const Profile& profile, std::string& name) {
    FOOTMAN_TRY(auto role, read_role(profile, name));
    if (has(profile, "web_identity_token_file")) {
      plan_.web_identity = {role.role_arn, value(profile, "web_identity_token_file"), role.session_name};
      plan_.start = ProfileStart::web_identity;
      return true;
    }
    const auto source_profile = value(profile, "source_profile");
    const auto source = value(profile, "credential_source");
    if (source_profile.empty() == source.empty())
      return bad(name, "has a role_arn, which needs source_profile or credential_source, one of them");
    if (plan_.roles.size() >= kMaxRoles)
      return bad(name, fmt::format("makes more than {} roles in a row, perhaps a circle", kMaxRoles));
    plan_.roles.push_back(std::move(role));
    if (!source.empty()) {
      FOOTMAN_TRY(plan_.start, read_source(source, name));
      return true;
    }
    name = source_profile;
    return false;
  }

  const Profiles& profiles_;
  ProfilePlan plan_;
};

}  // namespace

Result<ProfilePlan> plan_profile(const Profiles& profiles, const std::string& name) {
  return Planner(profiles).plan(name);
}

bool is_session_name(std::string_view text) {
  return text.size() >= 2 && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return base::is_alnum_or("+=,.@-_", c); });
}

}  // namespace footman::cloud::aws
