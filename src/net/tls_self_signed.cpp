#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "net/tls.hpp"
#include "net/tls_context.hpp"

namespace footman::net {
namespace {

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool is_address(const std::string& host) {
  in6_addr scratch;
  return inet_pton(AF_INET, host.c_str(), &scratch) == 1 || inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

// A comma or a colon at the wrong place would be syntax in an extension's value.
bool is_plain_name(const std::string& host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*_") ==
             std::string::npos;
}

base::Result<std::string> alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const auto& host : hosts) {
    const bool address = is_address(host);
    if (!address && !is_plain_name(host)) {
      return base::fail(base::Errc::invalid_argument, "\"" + host + "\" cannot stand in a certificate");
    }
    if (!names.empty()) names += ',';
    names += (address ? "IP:" : "DNS:") + host;
  }
  if (names.empty()) return base::fail(base::Errc::invalid_argument, "a certificate needs a host name");
  return names;
}

bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool good = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return good;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::string& common_name, const std::string& names,
          std::time_t from, std::time_t until) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_alt_name, names) &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string take_text(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  OPENSSL_cleanse(data, static_cast<std::size_t>(size));
  return text;
}

}  // namespace

base::Result<SelfSigned> create_self_signed(const std::vector<std::string>& hosts, base::Instant now,
                                            int days) {
  FOOTMAN_TRY(const auto names, alternative_names(hosts));
  ERR_clear_error();
  const EvpKeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  const auto seconds = static_cast<std::time_t>(now.us / 1'000'000);
  // A common name has at most 64 characters.
  if (!key || !certificate ||
      !fill(certificate.get(), key.get(), hosts.front().substr(0, 64), names, seconds - 3600,
            seconds + static_cast<std::time_t>(days) * 86'400)) {
    return base::fail(base::Errc::internal, "cannot make a certificate: " + last_openssl_error());
  }
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return base::fail(base::Errc::internal, "cannot write a certificate: " + last_openssl_error());
  }
  return SelfSigned{take_text(certificate_text.get()), base::Secret(take_text(key_text.get()))};
}

}  // namespace footman::net
