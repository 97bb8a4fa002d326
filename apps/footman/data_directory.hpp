// The server's secrets and notes in the data directory, all mode 0600:
//   server.key        32 random bytes, of the agents' bootstrap secrets
//   agent-port.pem    certificate and key of the agent port
//   token             the first API token, for the clients of this machine
//   server.json       where the running server listens (cli::kServerFile); removed at a clean end
// Files are written whole (temporary file, fsync, rename, fsync of the directory): a crash leaves the old one
// or the new one. Blocking; used at start and end only.
//
// Nothing is made or removed here before the directory is locked, which opening the store does: of several
// servers that are started at once only one has secrets.
#pragma once

#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "net/tls.hpp"
#include "runtime/rng.hpp"

namespace footman::app {

class DataDirectory {
 public:
  // Makes it (mode 0700) when it is missing, and nothing in it. One that others may look into is taken from
  // them when it is ours, with a warning in any case. io, permission_denied: says what to do.
  static base::Result<DataDirectory> open(const std::string& path, base::Logger log);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  base::Result<std::string> make_folder(const std::string& name) const;  // its path; mode 0700

  // Read, or made the first time. One that others could read is taken from them, with a warning.
  base::Result<base::Secret> server_key(runtime::Rng& rng) const;
  base::Result<base::Secret> first_token(runtime::Rng& rng) const;
  base::Result<net::TlsServerConfig> agent_port_certificate(base::Instant now) const;

  // `public_key_sha256` is what HTTPS there shows; empty: it is HTTP.
  base::Status announce(const std::string& url, const std::string& public_key_sha256);
  void withdraw() noexcept;  // what was announced: the file of another server stays

 private:
  DataDirectory(std::string path, base::Logger log) : path_(std::move(path)), log_(std::move(log)) {}
  base::Result<base::Secret> read_or_make(const std::string& name, const base::Secret& made) const;

  std::string path_;
  base::Logger log_;
  bool announced_ = false;
};

}  // namespace footman::app
