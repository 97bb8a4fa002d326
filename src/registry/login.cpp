#include "registry/login.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/digest.hpp"
#include "image/reference.hpp"

namespace footman::registry {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string();
}

const json::object* object_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

// Keys are hosts, or addresses of the API, as older programs wrote them: https://index.docker.io/v1/
bool is_key_of(std::string_view key, std::string_view registry) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  for (const std::string_view path : {"/", "/v1", "/v1/", "/v2", "/v2/"})
    if (key.ends_with(path) && key.find('/') == key.size() - path.size()) {
      key.remove_suffix(path.size());
      break;
    }
  if (key == registry) return true;
  return registry == image::kDockerHub && (key == "index.docker.io" || key == "registry-1.docker.io");
}

std::unexpected<Error> cannot_use(std::string_view source, std::string_view registry, std::string_view why) {
  return fail(Errc::unsupported, fmt::format("{}: the login for {} {}", source, registry, why), {},
              "Give a user with --user and the password with --password-file.");
}

Result<Login> read_login(const json::object& entry, std::string_view registry, std::string source) {
  if (!text_at(entry, "identitytoken").empty())
    return cannot_use(source, registry, "is an identity token, which is not supported");
  Login login{text_at(entry, "username"), Secret(text_at(entry, "password")), {}};
  if (auto packed = text_at(entry, "auth"); !packed.empty()) {
    auto both = from_base64(packed);
    base::wipe(packed);
    const auto colon = both ? both->find(':') : std::string::npos;
    if (colon == std::string::npos)
      return fail(Errc::invalid_argument,
                  fmt::format("{}: the login for {} cannot be read", source, registry));
    login.user = both->substr(0, colon);
    login.password = Secret(both->substr(colon + 1));
    base::wipe(*both);
  }
  if (login.user.empty() || login.password.empty())
    return cannot_use(source, registry, "is kept by a helper program, which is not asked");
  login.source = std::move(source);
  return login;
}

}  // namespace

Result<std::optional<Login>> find_stored_login(std::string_view file, std::string_view registry,
                                               std::string source) {
  boost::system::error_code failed;
  const auto document = json::parse(file, failed);
  const auto* root = failed ? nullptr : document.if_object();
  if (root == nullptr) return fail(Errc::invalid_argument, source + " is not Docker's config.json");
  if (const auto* helpers = object_at(*root, "credHelpers"))
    for (const auto& [key, value] : *helpers)
      if (is_key_of(key, registry))
        return cannot_use(source, registry, "is kept by a helper program, which is not asked");
  const auto* logins = object_at(*root, "auths");
  if (logins == nullptr) return std::nullopt;
  for (const auto& [key, value] : *logins) {
    if (!is_key_of(key, registry) || !value.is_object()) continue;
    FOOTMAN_TRY(auto login, read_login(value.get_object(), registry, std::move(source)));
    return login;
  }
  return std::nullopt;
}

}  // namespace footman::registry
