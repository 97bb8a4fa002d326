#include "agent/real/secrecy.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "protocol/limits.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/unique_fd.hpp"

extern char** environ;

namespace footman::agent::real {
namespace {

constexpr std::string_view kSecretVariable = "FOOTMAN_AGENT_SECRET=";

bool is_cookie(std::string_view variable) {
  return variable.starts_with(runtime::real::kCookieVariable) &&
         variable.substr(runtime::real::kCookieVariable.size()).starts_with('=');
}

}  // namespace

void forbid_inspection() { ::prctl(PR_SET_DUMPABLE, 0); }

TakenEnvironment take_environment() {
  TakenEnvironment taken;
  for (char** one = environ; one != nullptr && *one != nullptr; ++one) {
    const std::string_view variable = *one;
    if (variable.starts_with(kSecretVariable))
      taken.secret = base::Secret(std::string(variable.substr(kSecretVariable.size())));
    else
      taken.variables.emplace_back(variable);
    if (!is_cookie(variable)) ::explicit_bzero(*one, variable.size());
  }
  environ = nullptr;
  return taken;
}

void use_environment(std::vector<std::string>& variables) {
  static std::vector<char*> pointers;
  pointers.clear();
  for (auto& variable : variables) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  environ = pointers.data();
}

base::Status check_secret(const base::Secret& secret) {
  const auto text = secret.expose();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (!text.empty() && text.size() <= protocol::kMaxBootstrapSecretBytes &&
      std::none_of(text.begin(), text.end(), is_control))
    return {};
  return base::fail(
      base::Errc::invalid_argument, "what was given as secret is none", {},
      "Use the secret that the server made for this agent, in --secret-file or FOOTMAN_AGENT_SECRET.");
}

base::Result<base::Secret> take_secret_file(const std::string& path) {
  const runtime::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return base::fail_errno("read the secret file " + path, errno);
  std::string text(protocol::kMaxBootstrapSecretBytes + 2, '\0');
  const auto got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return base::fail_errno("read the secret file " + path, errno);
  ::unlink(path.c_str());  // also when it is of no use
  std::string_view line(text.data(), static_cast<std::size_t>(got));
  line = line.substr(0, line.find_first_of("\r\n"));
  base::Secret secret{std::string(line)};
  base::wipe(text);
  return secret;
}

}  // namespace footman::agent::real
