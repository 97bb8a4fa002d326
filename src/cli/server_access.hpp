// Which server a client talks to, and who it says it is. Blocking reads of small files, once.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "cli/command.hpp"
#include "net/http.hpp"

namespace footman::cli {

inline constexpr std::size_t kMaxTokenFileBytes = 4096;
inline constexpr std::size_t kMaxServerFileBytes = 64 * 1024;

struct ServerAccess {
  net::Url url;
  Secret token;              // may be empty: then the server will say so
  std::string token_origin;  // "FOOTMAN_TOKEN", "/data/token"; empty: none was found
  std::string no_token;      // why there is none, for people
  std::string ca_pem;
  std::string public_key_sha256;  // the only key that the server may show; empty: as authorities say
  std::string trust_file;         // where the one or the other came from
  std::string data_directory;     // "" when the server was named otherwise
  int pid = 0;                    // of the server on this machine, when server.json named it; else 0
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

std::string default_data_directory(const Environment& environment);

// --url, FOOTMAN_URL, server.json in the data directory (--data, FOOTMAN_DATA, default), in this order. The
// token:
// --token-file, FOOTMAN_TOKEN, the data directory's: the last one only for a server of this machine or when
// the data directory was named, so that a token never goes to a server it is not of. unavailable: no server
// is known; timeout: one holds the data directory and does not serve yet, or no longer; invalid_argument:
// what was given cannot be used.
//
// A server of this machine that server.json names is known by the public key in there, whatever name or
// authority its certificate has; a URL or an authority that somebody gave is taken at its word instead.
Result<ServerAccess> find_server(const Arguments& arguments, const Environment& environment);

// The process that wrote the lock file of a data directory, when it is one of this machine that still lives;
// else 0. The lock itself is not asked: a client that held it for a moment could keep a server from starting.
int find_holder(const std::string& directory);

// Whether such a process exists.
bool is_alive(int pid);

}  // namespace footman::cli
