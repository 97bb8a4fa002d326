// TLS 1.2 and 1.3 over TCP streams. Contexts are made once and shared; an idle TLS stream holds no buffers.
// Errors are in words: expired, wrong host, unknown authority, pin mismatch.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

struct TlsServerConfig {
  std::string certificate_pem;  // the server's certificate, then the chain
  base::Secret private_key_pem;
};
// Reads both files; errors name the file.
base::Result<TlsServerConfig> load_tls_server_config(const std::string& certificate_file,
                                                     const std::string& key_file);

struct TlsClientConfig {
  bool system_store = true;  // trust the system's authorities
  std::string ca_pem;        // trust these as well: authorities, or the server's certificate itself
  // 64 hex digits, SHA-256 of the server's public key (see public_key_sha256). When set, only the key counts:
  // neither authority nor host name nor dates are checked.
  std::string pinned_public_key_sha256;
};

class Stranger;
class TlsServerContext;
class TlsClientContext;
using TlsServerContextPtr = std::shared_ptr<TlsServerContext>;
using TlsClientContextPtr = std::shared_ptr<TlsClientContext>;

base::Result<TlsServerContextPtr> create_tls_server_context(const TlsServerConfig& config);
base::Result<TlsClientContextPtr> create_tls_client_context(const TlsClientConfig& config);

// The handshake. `lower` must be a TCP stream of this module, possibly with bytes given back (net/sniff.hpp).
// Executor: the stream's. Errors: timeout, unauthenticated (the other side is not who it must be), io.
//
// As a server: OpenSSL's memory is taken once the other side's first message is here. `stranger` (or null)
// waits for its place among the handshakes then; it outlives the call.
runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> accept_tls(runtime::ByteStreamPtr lower,
                                                                    TlsServerContextPtr context,
                                                                    runtime::Clock& clock,
                                                                    base::Duration timeout,
                                                                    Stranger* stranger = nullptr);
runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_tls(runtime::ByteStreamPtr lower,
                                                                     TlsClientContextPtr context,
                                                                     std::string server_name,
                                                                     runtime::Clock& clock,
                                                                     base::Duration timeout);

struct SelfSigned {
  std::string certificate_pem;
  base::Secret private_key_pem;
};
// ECDSA P-256, valid from an hour before `now` for `days`. `hosts`: names and addresses for subjectAltName;
// the first one is the common name.
base::Result<SelfSigned> create_self_signed(const std::vector<std::string>& hosts, base::Instant now,
                                            int days);

// SHA-256 of the public key (SubjectPublicKeyInfo) of the first certificate, 64 hex digits.
base::Result<std::string> public_key_sha256(std::string_view certificate_pem);

}  // namespace footman::net
