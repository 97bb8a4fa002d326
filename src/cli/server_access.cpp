#include "cli/server_access.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>

#include "base/address.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "net/tcp.hpp"
#include "runtime/real/files.hpp"

namespace footman::cli {
namespace {

using runtime::real::Files;
using runtime::real::read_file;

constexpr std::size_t kMaxCaBytes = 1024 * 1024;

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// The option, else the variable; and which of them it was.
struct Given {
  std::string value;
  std::string origin;
};
Given given(const Arguments& arguments, const Environment& environment, const char* option,
            const char* variable) {
  if (arguments.has(option)) return {arguments.text(option), fmt::format("--{}", option)};
  if (const auto value = environment(variable); value && !value->empty()) return {*value, variable};
  return {};
}

// A file that the user named.
Result<std::string> read_named_file(const std::string& path, std::size_t limit) {
  auto text = read_file(path, limit, Files::any);
  if (!text) return fail(Errc::invalid_argument, text.error().message);
  return text;
}

Result<net::Url> parse_server_url(const std::string& text, const std::string& origin) {
  auto url = net::parse_url(text);
  if (!url) return fail(Errc::invalid_argument, fmt::format("{}: {}", origin, url.error().message));
  if (url->scheme != "http" && url->scheme != "https") {
    return fail(Errc::invalid_argument,
                fmt::format("{}: \"{}\" is not the address of a server", origin, text), {},
                "It begins with http:// or https://");
  }
  while (url->path.ends_with('/')) url->path.pop_back();
  return url;
}

// This user wrote it; for root, whoever did.
bool is_our_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && (info.st_uid == ::geteuid() || ::geteuid() == 0);
}

// Fills in url, pid and public key from server.json.
Status use_server_file(ServerAccess& access, const std::string& directory, bool named) {
  const auto path = fmt::format("{}/{}", directory, kServerFile);
  const auto text = read_file(path, kMaxServerFileBytes);
  if (!text) {
    const auto hint = fmt::format("Start one with footman up{}, or name one with --url or FOOTMAN_URL",
                                  named ? " --data " + directory : "");
    if (text.error().code == Errc::not_found) {
      if (const int pid = find_holder(directory); pid != 0) {
        return fail(
            Errc::timeout,
            fmt::format("the server on {} (process {}) does not serve: it starts or ends", directory, pid),
            {}, "Try again, or look at what it says");
      }
      return fail(Errc::unavailable, fmt::format("no server runs on {}", directory), {}, hint);
    }
    return std::unexpected(text.error());
  }
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  const auto url = error ? std::string() : text_of(value, "url");
  if (url.empty()) return fail(Errc::invalid_argument, path + " is not what a server writes");
  FOOTMAN_TRY(access.url, parse_server_url(url, path));
  access.pid = static_cast<int>(std::clamp<std::int64_t>(number_of(value, "pid").value_or(0), 0, 1 << 30));
  if (access.pid != 0 && access.pid == find_holder(directory) && is_our_file(path)) {
    access.public_key_sha256 = text_of(value, "public_key_sha256");
    access.trust_file = path;
  }
  return {};
}

Result<Secret> checked_token(std::string text, const std::string& origin) {
  auto token = trim(text);
  base::wipe(text);
  const bool printable = std::ranges::all_of(token, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (token.empty()) return fail(Errc::invalid_argument, origin + " holds no token: it is empty");
  if (!printable) {
    base::wipe(token);
    return fail(Errc::invalid_argument,
                origin + " holds no token: it has spaces or characters that no token has");
  }
  return Secret(std::move(token));
}

Status find_token(ServerAccess& access, const Arguments& arguments, const Environment& environment,
                  const std::string& directory, bool directory_is_named) {
  if (arguments.has("token-file")) {
    access.token_origin = arguments.text("token-file");
    FOOTMAN_TRY(auto text, read_named_file(access.token_origin, kMaxTokenFileBytes));
    FOOTMAN_TRY(access.token, checked_token(std::move(text), access.token_origin));
    return {};
  }
  if (auto text = environment("FOOTMAN_TOKEN"); text && !text->empty()) {
    access.token_origin = "FOOTMAN_TOKEN";
    FOOTMAN_TRY(access.token, checked_token(std::move(*text), access.token_origin));
    return {};
  }
  const bool is_ours =
      !access.data_directory.empty() || directory_is_named || base::is_loopback_host(access.url.host);
  if (!is_ours) {
    access.no_token = fmt::format("no token for {} was given", access.url.str());
    return {};
  }
  const auto path = fmt::format("{}/{}", directory, kTokenFile);
  auto text = read_file(path, kMaxTokenFileBytes);
  if (!text) {
    access.no_token = text.error().message;
    return {};
  }
  access.token_origin = path;
  FOOTMAN_TRY(access.token, checked_token(std::move(*text), path));
  return {};
}

}  // namespace

std::string default_data_directory(const Environment& environment) {
  const auto value = [&](const char* name) { return environment(name).value_or(""); };
  if (auto data = value("FOOTMAN_DATA"); !data.empty()) return data;
  if (const auto xdg = value("XDG_DATA_HOME"); xdg.starts_with('/')) return xdg + "/footman";
  return value("HOME") + "/.local/share/footman";
}

Result<ServerAccess> find_server(const Arguments& arguments, const Environment& environment) {
  ServerAccess access;
  const auto data = given(arguments, environment, "data", "FOOTMAN_DATA");
  const auto directory = data.value.empty() ? default_data_directory(environment) : data.value;
  if (const auto url = given(arguments, environment, "url", "FOOTMAN_URL"); !url.value.empty()) {
    FOOTMAN_TRY(access.url, parse_server_url(url.value, url.origin));
  } else {
    access.data_directory = directory;
    FOOTMAN_TRY_STATUS(use_server_file(access, directory, !data.value.empty()));
  }
  FOOTMAN_TRY_STATUS(find_token(access, arguments, environment, directory, !data.value.empty()));
  if (const auto ca = given(arguments, environment, "ca-file", "FOOTMAN_CA"); !ca.value.empty()) {
    FOOTMAN_TRY(access.ca_pem, read_named_file(ca.value, kMaxCaBytes));
    access.trust_file = ca.value;
    access.public_key_sha256.clear();
  }
  return access;
}

int find_holder(const std::string& directory) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto text = read_file(fmt::format("{}/{}", directory, kLockFile), kMaxServerFileBytes);
  int pid = 0;
  if (!text || std::sscanf(text->c_str(), "process %9d on", &pid) != 1) return 0;
  const bool is_ours = trim(*text) == fmt::format("process {} on {}", pid, host.data());
  return is_ours && is_alive(pid) ? pid : 0;
}

bool is_alive(int pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

}  // namespace footman::cli
