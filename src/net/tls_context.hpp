// The OpenSSL side of tls.hpp. For use inside net only.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/result.hpp"

namespace footman::net {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

class TlsServerContext {
 public:
  explicit TlsServerContext(SslCtxPtr ctx) : ctx_(std::move(ctx)) {}
  SSL_CTX* get() const { return ctx_.get(); }

 private:
  SslCtxPtr ctx_;
};

class TlsClientContext {
 public:
  TlsClientContext(SslCtxPtr ctx, std::string pin) : ctx_(std::move(ctx)), pin_(std::move(pin)) {}
  SSL_CTX* get() const { return ctx_.get(); }
  const std::string& pin() const { return pin_; }  // lower-case hex, or empty

 private:
  SslCtxPtr ctx_;
  std::string pin_;
};

std::string last_openssl_error();  // and empties the queue
std::string hash_public_key(X509* certificate);
BioPtr make_memory_bio(std::string_view bytes);
// Where the certificate that was refused is put: SSL_set_app_data(ssl, X509Ptr*). A client's only.
// Why a handshake failed, for people. `server_name` is empty on the server's side, `refused` may be null.
base::Error explain_handshake(SSL* ssl, X509* refused, const std::string& peer,
                              const std::string& server_name, int system_error);

}  // namespace footman::net
