// Who one is to a registry. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace footman::registry {

using namespace footman::base;

inline constexpr std::size_t kMaxLoginFile = 1 << 20;

struct Login {
  std::string user;
  Secret password;
  std::string source;  // for people: "ECR", "/home/me/.docker/config.json"
};

// The user and password for `registry` in Docker's config.json; nothing when there is none. Errors never
// quote the file. invalid_argument: it is no such file; unsupported: the password is with a helper program
// (credsStore, credHelpers), or it is a token that is to be exchanged first (identitytoken).
Result<std::optional<Login>> find_stored_login(std::string_view file, std::string_view registry,
                                               std::string source);

}  // namespace footman::registry
