// Who a request comes from and what it may do: API tokens, browser sessions, the Host header. Used by the API
// and by the pages, so that there is one place for it.
//
// Everything runs on the control executor. Lifecycle: construct, co_await start() once, use. Parts must
// outlive it. Tokens and sessions are kept as SHA-256 hashes, in memory and (through settings of the store)
// on disk; the first token is the server's own: the content of a file that the program makes (0600) and reads
// before it builds this; it is in no row, and replaced by deleting the file and starting again.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"
#include "store/store.hpp"

namespace footman::api {

using namespace footman::base;
using runtime::Awaitable;

inline constexpr std::size_t kMaxTokens = 1000;        // further ones: resource_exhausted
inline constexpr std::size_t kMaxTokenNameBytes = 64;  // of a token
inline constexpr std::size_t kMaxCredentialBytes =
    256;                                             // of a presented token or cookie; longer ones are wrong
inline constexpr std::size_t kMaxSessions = 1000;    // at the limit the oldest one ends
inline constexpr std::size_t kMaxSignInCodes = 100;  // at the limit the oldest one is void
inline constexpr Duration kSignInCodeLifetime = 10min;  // a link for people: used at once
inline constexpr Duration kSessionLifetime = 24h * 14;  // of a browser, from the sign-in
inline constexpr std::string_view kAdminTokenName = "admin";
inline constexpr std::string_view kCsrfHeader = "Footman-CSRF-Token";
inline constexpr std::string_view kCsrfField = "csrf_token";  // in forms
inline constexpr std::string_view kSignInPath = "/ui/sign-in";

// What a token may do; more includes less.
enum class Access { read, admin };
std::string_view to_string(Access access);
std::optional<Access> find_access(std::string_view text);

// Who a request comes from.
struct Principal {
  std::string name;  // the token's; of a browser the name of the token it signed in with
  Access access = Access::read;
  bool browser = false;    // by cookie: what changes anything needs the CSRF token
  std::string csrf_token;  // of a browser: for its forms and its Footman-CSRF-Token header
};

struct TokenView {
  std::string name;
  Access access = Access::admin;
  bool file = false;  // the server's own
  Instant created;    // not set: of the file
};
struct NewToken {
  TokenView view;
  Secret token;  // shown this once
};
struct SignInLink {
  std::string path;  // "/ui/sign-in?code=…"
  Instant expires;
};
struct BrowserSession {
  Principal principal;
  std::string set_cookie;  // the value of a Set-Cookie header
};

struct SignInForm {
  std::string csrf_token;
  std::string set_cookie;  // the value of a Set-Cookie header; empty: the browser has the cookie already
};

struct AuthConfig {
  Secret admin_token;
  Secret csrf_key;  // of this server alone, the same after a restart: without it nobody makes a CSRF token
  InstallationId installation;
  // Names (without port) that the server is known by; localhost and every address are allowed anyway.
  std::vector<std::string> host_names;
};

struct AuthParts {
  store::Store& store;
  runtime::Clock& clock;
  runtime::Rng& rng;
  base::Metrics& metrics;
  base::Logger log;
};

// A new token's text: "footman_" and 40 letters and digits, about 195 bits.
Secret make_token(runtime::Rng& rng);

class Auth {
 public:
  Auth(AuthParts parts, AuthConfig config);
  Auth(const Auth&) = delete;
  Auth& operator=(const Auth&) = delete;
  ~Auth();

  // Reads tokens and sessions. Errors: the store's; corrupt when the rows are not what this version writes.
  Awaitable<Status> start();

  // Names in Host other than those of the config could be a foreign page's that resolves to this machine.
  // unavailable never; invalid_argument (answer 421) with what is allowed in the hint.
  Status check_host(const net::HttpRequest& request) const;
  // One of the names in AuthConfig; with a port or without.
  bool is_own_name(std::string_view host) const;
  // Bearer, Basic or cookie, in this order; the first one that is there decides. unauthenticated. Failures
  // are counted and logged with the peer.
  Result<Principal> authenticate(const net::HttpRequest& request);
  // A browser's request that may change something (all but GET and HEAD) must carry its CSRF token: in the
  // header, or in `form_token` from a form. permission_denied.
  Status check_csrf(const Principal& principal, const net::HttpRequest& request,
                    std::string_view form_token = {}) const;

  // --- tokens. Durable when they return.
  std::vector<TokenView> list_tokens() const;  // the file's first, then by name
  // invalid_argument (name), already_exists, resource_exhausted.
  Awaitable<Result<NewToken>> create_token(std::string name, Access access);
  // Its browser sessions end with it. not_found; conflict for the file's.
  Awaitable<Status> revoke_token(std::string name);

  // --- browsers
  // A link that works once and gives a browser what the token may do. For the server's start
  // (kAdminTokenName) and for who holds a token. When there is no such token (any more) it opens nothing.
  SignInLink make_sign_in_link(const std::string& token_name);
  // For the form that takes a token: there is no session yet, so it carries the CSRF token of a cookie of its
  // own.
  SignInForm make_sign_in_form(const net::HttpRequest& request);
  // That the form is one that this browser was given. permission_denied.
  Status check_sign_in_form(const net::HttpRequest& request, std::string_view form_token) const;
  // unauthenticated: unknown, used or too old.
  Awaitable<Result<BrowserSession>> sign_in_with_code(std::string code, bool tls);
  Awaitable<Result<BrowserSession>> sign_in_with_token(Secret token, bool tls);
  // Ends the session of this request, if any. The Set-Cookie value that removes the cookie.
  Awaitable<std::string> sign_out(std::shared_ptr<const net::HttpRequest> request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::api
