#include "apps/footman/data_directory.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "api/auth.hpp"
#include "base/log.hpp"
#include "cli/cli.hpp"
#include "runtime/real/files.hpp"
#include "store/directory.hpp"

namespace footman::app {
namespace {

using base::Errc;
using base::Result;
using base::Secret;
using base::Status;
using runtime::real::Sync;
using runtime::real::write_private_file;

// Ours, and nobody put it there to be shared, as /tmp is: others are kept out.
void keep_others_out(const std::string& path, const struct stat& found, const base::Logger& log) {
  if ((found.st_mode & 077U) == 0) return;
  const bool ours = found.st_uid == ::geteuid() && (found.st_mode & S_ISVTX) == 0;
  if (ours && ::chmod(path.c_str(), 0700) == 0)
    log.warning("others could look into the data directory; now they cannot", {{"directory", path}});
  else
    log.warning("others may look into the data directory; take it from them (chmod 0700)",
                {{"directory", path}});
}

constexpr int kCertificateDays = 3650;
constexpr std::size_t kMaxPrivateBytes = 1 << 20;

// The marker between the two halves of agent-port.pem.
constexpr std::string_view kKeyBegin = "-----BEGIN PRIVATE";

}  // namespace

Result<DataDirectory> DataDirectory::open(const std::string& path, base::Logger log) {
  const auto hint = "Choose another one with --data, or make it writable for this user";
  std::error_code error;
  if (const auto parent = std::filesystem::path(path).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    auto failed = base::fail_errno("the data directory " + path + " cannot be made", errno);
    failed.error().hint = hint;
    return failed;
  }
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode))
    return base::fail(Errc::io, "the data directory " + path + " is not a directory", {}, hint);
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    auto failed = base::fail_errno("the data directory " + path + " cannot be used", errno);
    failed.error().hint = hint;
    return failed;
  }
  keep_others_out(path, found, log);
  const auto absolute = std::filesystem::absolute(path, error);
  return DataDirectory(absolute.lexically_normal().string(), std::move(log));
}

Result<std::string> DataDirectory::make_folder(const std::string& name) const {
  if (::mkdir(file(name).c_str(), 0700) != 0 && errno != EEXIST)
    return base::fail_errno("make " + file(name), errno);
  return file(name);
}

Result<Secret> DataDirectory::read_or_make(const std::string& name, const Secret& made) const {
  const auto was_open = store::close_to_others(file(name));
  if (was_open && *was_open)
    log_.warning(
        "others could read this secret; now they cannot. If they may have, remove it: a new one is made",
        {{"file", file(name)}});
  if (!was_open && was_open.error().code != Errc::not_found) return std::unexpected(was_open.error());
  auto found = runtime::real::read_file(file(name), kMaxPrivateBytes);
  if (found) return Secret(std::move(*found));
  if (found.error().code != Errc::not_found) return std::unexpected(found.error());
  FOOTMAN_TRY_STATUS(write_private_file(file(name), made.expose(), Sync::yes));
  return made;
}

Result<Secret> DataDirectory::server_key(runtime::Rng& rng) const {
  FOOTMAN_TRY(auto key, read_or_make("server.key", Secret(rng.bytes(32))));
  if (key.expose().size() != 32)
    return base::fail(Errc::corrupt, file("server.key") + " does not hold 32 bytes", {},
                      "Restore it from a backup; or remove it, and agents that run now will be refused");
  return key;
}

Result<Secret> DataDirectory::first_token(runtime::Rng& rng) const {
  FOOTMAN_TRY(auto line, read_or_make("token", Secret(std::string(api::make_token(rng).expose()) + "\n")));
  auto text = line.expose();
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() < 16)
    return base::fail(Errc::corrupt, file("token") + " holds no token", {},
                      "Remove it and a new one is made");
  return Secret(std::string(text));
}

Result<net::TlsServerConfig> DataDirectory::agent_port_certificate(base::Instant now) const {
  FOOTMAN_TRY(auto made, net::create_self_signed({"footman-agent-port"}, now, kCertificateDays));
  Secret both(made.certificate_pem + std::string(made.private_key_pem.expose()));
  FOOTMAN_TRY(auto pem, read_or_make("agent-port.pem", both));
  const auto key_at = std::min(pem.expose().find(kKeyBegin), pem.expose().size());
  net::TlsServerConfig config{std::string(pem.expose().substr(0, key_at)),
                              Secret(std::string(pem.expose().substr(key_at)))};
  if (const auto usable = net::create_tls_server_context(config); !usable)
    return base::fail(
        Errc::corrupt,
        fmt::format("{} holds no certificate with its key: {}", file("agent-port.pem"),
                    usable.error().message),
        {}, "Restore it from a backup; or remove it, and agents by TCP that run now will not come back");
  return config;
}

Status DataDirectory::announce(const std::string& url, const std::string& public_key_sha256) {
  announced_ = true;
  boost::json::object about{{"url", url}, {"pid", ::getpid()}};
  if (!public_key_sha256.empty()) about["public_key_sha256"] = public_key_sha256;
  return write_private_file(file(std::string(cli::kServerFile)), boost::json::serialize(about) + "\n",
                            Sync::yes);
}

void DataDirectory::withdraw() noexcept {
  if (std::exchange(announced_, false)) ::unlink(file(std::string(cli::kServerFile)).c_str());
}

}  // namespace footman::app
