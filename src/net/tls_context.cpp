#include "net/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/digest.hpp"
#include "net/certificate.hpp"
#include "net/tls.hpp"
#include "runtime/real/files.hpp"

namespace footman::net {

std::string last_openssl_error() {
  std::string text = "unknown error";
  if (const auto code = ERR_get_error(); code != 0) {
    const char* reason = ERR_reason_error_string(code);
    char buffer[160];
    ERR_error_string_n(code, buffer, sizeof buffer);
    text = reason != nullptr ? reason : buffer;
  }
  ERR_clear_error();
  return text;
}

BioPtr make_memory_bio(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::string hash_public_key(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return {};
  const std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return base::to_hex(base::sha256(bytes));
}

namespace {

SslCtxPtr make_ctx(const SSL_METHOD* method) {
  SslCtxPtr ctx(SSL_CTX_new(method));
  if (!ctx) return ctx;
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(ctx.get(), 0);
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(ctx.get(), 1);
  return ctx;
}

base::Status use_certificates(SSL_CTX* ctx, const std::string& pem) {
  const auto bio = make_memory_bio(pem);
  const X509Ptr own(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (!own || SSL_CTX_use_certificate(ctx, own.get()) != 1) {
    return base::fail(base::Errc::invalid_argument,
                      "the certificate is not usable PEM: " + last_openssl_error(), "certificate");
  }
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(ctx, next) != 1) X509_free(next);
  }
  ERR_clear_error();  // the end of the file
  return {};
}

base::Status use_key(SSL_CTX* ctx, const base::Secret& pem) {
  const auto bio = make_memory_bio(pem.expose());
  const EvpKeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) {
    return base::fail(base::Errc::invalid_argument,
                      "the private key is not usable PEM: " + last_openssl_error(), "key",
                      "It must not be protected by a password.");
  }
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    ERR_clear_error();
    return base::fail(base::Errc::invalid_argument, "the private key does not belong to the certificate",
                      "key");
  }
  return {};
}

base::Status trust(SSL_CTX* ctx, const std::string& pem) {
  const auto bio = make_memory_bio(pem);
  int count = 0;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const X509Ptr owned(one);
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), one) == 1) ++count;
  }
  ERR_clear_error();
  // Also one that is no authority: somebody who gives a server's own certificate means that server.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
  if (count == 0) {
    return base::fail(base::Errc::invalid_argument, "the CA text holds no certificate in PEM form", "ca");
  }
  return {};
}

bool exists(const char* path) {
  struct stat info{};
  return ::stat(path, &info) == 0;
}

// A static program knows only the place of the distribution it was built on. Folders of hashed names come
// first: they are read as needed, a bundle is parsed whole.
void trust_system(SSL_CTX* ctx) {
  SSL_CTX_set_default_verify_paths(ctx);
  if (exists(X509_get_default_cert_dir()) || exists(X509_get_default_cert_file())) return;
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (exists(file) && SSL_CTX_load_verify_locations(ctx, file, nullptr) == 1) break;
  }
  ERR_clear_error();
}

// OpenSSL forgets a certificate that it refuses; people want to know whose it was.
int keep_refused(int good, X509_STORE_CTX* store) {
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* place = ssl != nullptr ? static_cast<X509Ptr*>(SSL_get_app_data(ssl)) : nullptr;
  if (good == 0 && place != nullptr && certificate != nullptr) {
    X509_up_ref(certificate);
    place->reset(certificate);
  }
  return good;
}

int check_pin(X509_STORE_CTX* store, void* pin) {
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate != nullptr && hash_public_key(certificate) == *static_cast<const std::string*>(pin)) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

base::Result<std::string> read_pem_file(const std::string& path, const char* what) {
  constexpr std::size_t kMaxPemBytes = 1024 * 1024;
  auto text = runtime::real::read_file(path, kMaxPemBytes, runtime::real::Files::any);
  if (!text) text.error().message = fmt::format("cannot read the {}: {}", what, text.error().message);
  return text;
}

}  // namespace

base::Result<TlsServerConfig> load_tls_server_config(const std::string& certificate_file,
                                                     const std::string& key_file) {
  TlsServerConfig config;
  FOOTMAN_TRY(config.certificate_pem, read_pem_file(certificate_file, "certificate file"));
  FOOTMAN_TRY(auto key, read_pem_file(key_file, "key file"));
  config.private_key_pem = base::Secret(std::move(key));
  if (const auto usable = create_tls_server_context(config); !usable)
    return base::fail(base::Errc::corrupt,
                      fmt::format("the certificate file {} and the key file {} cannot be used: {}",
                                  certificate_file, key_file, usable.error().message));
  return config;
}

base::Result<TlsServerContextPtr> create_tls_server_context(const TlsServerConfig& config) {
  ERR_clear_error();
  auto ctx = make_ctx(TLS_server_method());
  if (!ctx) return base::fail(base::Errc::internal, "TLS: " + last_openssl_error());
  FOOTMAN_TRY_STATUS(use_certificates(ctx.get(), config.certificate_pem));
  FOOTMAN_TRY_STATUS(use_key(ctx.get(), config.private_key_pem));
  SSL_CTX_set_options(ctx.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  return std::make_shared<TlsServerContext>(std::move(ctx));
}

base::Result<TlsClientContextPtr> create_tls_client_context(const TlsClientConfig& config) {
  ERR_clear_error();
  auto ctx = make_ctx(TLS_client_method());
  if (!ctx) return base::fail(base::Errc::internal, "TLS: " + last_openssl_error());
  SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, keep_refused);
  std::string pin = config.pinned_public_key_sha256;
  std::ranges::transform(pin, pin.begin(), [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  if (!pin.empty()) {
    if (pin.size() != 64 || !base::from_hex(pin)) {
      return base::fail(base::Errc::invalid_argument, "the pinned key is not 64 hexadecimal digits",
                        "pinned_public_key_sha256");
    }
  } else {
    if (!config.ca_pem.empty()) FOOTMAN_TRY_STATUS(trust(ctx.get(), config.ca_pem));
    if (config.system_store) trust_system(ctx.get());
  }
  auto context = std::make_shared<TlsClientContext>(std::move(ctx), std::move(pin));
  if (!context->pin().empty()) {
    SSL_CTX_set_cert_verify_callback(context->get(), check_pin, const_cast<std::string*>(&context->pin()));
  }
  return context;
}

namespace {

base::Result<X509Ptr> read_certificate(BIO* bio) {
  X509Ptr certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  if (certificate) return certificate;
  return base::fail(base::Errc::invalid_argument, "not a certificate in PEM form: " + last_openssl_error());
}

base::Result<std::string> write_certificate(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (PEM_write_bio_X509(bio.get(), certificate) != 1)
    return base::fail(base::Errc::internal, "the certificate cannot be written: " + last_openssl_error());
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

base::Result<std::string> public_key_sha256(std::string_view certificate_pem) {
  FOOTMAN_TRY(const auto certificate, read_certificate(make_memory_bio(certificate_pem).get()));
  return hash_public_key(certificate.get());
}

base::Result<std::string> first_certificate(std::string_view pem) {
  FOOTMAN_TRY(const auto certificate, read_certificate(make_memory_bio(pem).get()));
  return write_certificate(certificate.get());
}

base::Result<std::vector<std::string>> list_certificates(std::string_view pem) {
  const auto bio = make_memory_bio(pem);
  std::vector<std::string> list;
  auto next = read_certificate(bio.get());
  for (; next; next = read_certificate(bio.get())) {
    FOOTMAN_TRY(auto text, write_certificate(next->get()));
    list.push_back(std::move(text));
  }
  if (list.empty()) return std::unexpected(std::move(next).error());
  return list;
}

namespace {

std::string names_of(X509* certificate) {
  std::string text;
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < 5; ++i) {
    const auto* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    if (!text.empty()) text += ", ";
    text.append(data, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(names);
  return text.empty() ? "another name" : text;
}

std::string time_text(const ASN1_TIME* time) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

base::Error explain_verification(X509* certificate, long result, const std::string& who) {
  base::Error error{base::Errc::unauthenticated, {}, {}, {}};
  switch (result) {
    case X509_V_ERR_APPLICATION_VERIFICATION:
      error.message = fmt::format("the public key of {} is not the pinned one", who);
      error.hint = "Either the server got a new key, or this is another server.";
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      error.message = fmt::format("the certificate of {} has expired", who);
      if (certificate != nullptr) error.message += " (" + time_text(X509_get0_notAfter(certificate)) + ")";
      error.hint = "Renew it, or set the clock of this machine right.";
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      error.message = fmt::format("the certificate of {} is not valid yet", who);
      error.hint = "Is the clock of this machine right?";
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      error.message = fmt::format("the certificate of {} is for another host: {}", who,
                                  certificate != nullptr ? names_of(certificate) : "another name");
      error.hint = "Use a URL with a name of the certificate.";
      break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      error.message =
          fmt::format("the certificate of {} is signed by an authority that is not known here", who);
      error.hint = "Give the CA certificate that signed it.";
      break;
    default:
      error.message =
          fmt::format("the certificate of {} is refused: {}", who, X509_verify_cert_error_string(result));
  }
  return error;
}

}  // namespace

base::Error explain_handshake(SSL* ssl, X509* refused, const std::string& peer,
                              const std::string& server_name, int system_error) {
  const auto who =
      server_name.empty() || peer.starts_with(server_name) ? peer : server_name + " (" + peer + ")";
  const auto code = ERR_peek_error();
  if (!server_name.empty()) {
    if (const long result = SSL_get_verify_result(ssl); result != X509_V_OK) {
      ERR_clear_error();
      return explain_verification(refused, result, who);
    }
  }
  if (code == 0) {
    const auto why = system_error != 0 ? base::fail_errno("", system_error).error().message.substr(2)
                                       : std::string("the connection ended");
    return {base::Errc::io, fmt::format("no TLS with {}: {}", who, why), {}, {}};
  }
  const int reason = ERR_GET_REASON(code);
  const auto text = last_openssl_error();
  if (reason == SSL_R_HTTP_REQUEST) {
    return {base::Errc::corrupt, fmt::format("{} speaks plain HTTP to a TLS port", who), {}, {}};
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTPS_PROXY_REQUEST) {
    return {base::Errc::corrupt, fmt::format("{} does not speak TLS here", who), {}, {}};
  }
  return {base::Errc::unauthenticated, fmt::format("no TLS with {}: {}", who, text), {}, {}};
}

}  // namespace footman::net
