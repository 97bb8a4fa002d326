#include "api/auth.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/auth_rows.hpp"
#include "api/header_values.hpp"
#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "base/log_limiter.hpp"
#include "runtime/wait.hpp"

namespace footman::api {
namespace {

constexpr std::size_t kSecretLength = 40;  // letters and digits without look-alikes: about 195 bits
constexpr std::string_view kTokensKey = "api_tokens";
constexpr std::string_view kSessionsKey = "api_sessions";

std::string hash_of(std::string_view secret) { return to_hex(sha256(secret)); }

bool is_token_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTokenNameBytes && base::is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return base::is_alnum_or("._-", c); });
}

// All are compared, so that the time tells nothing.
template <class Row>
const Row* find_by_hash(const std::vector<Row>& rows, const std::string& hash) {
  const Row* found = nullptr;
  for (const auto& row : rows)
    if (equal_constant_time(row.hash, hash)) found = &row;
  return found;
}

struct SignInCode {
  std::string hash;
  std::string token_hash;  // of the token that made it
  Instant expires;
};

Principal principal_of(const TokenRow& token) { return {token.name, token.access, false, {}}; }

}  // namespace

std::string_view to_string(Access access) { return access == Access::admin ? "admin" : "read"; }

std::optional<Access> find_access(std::string_view text) {
  if (text == "admin") return Access::admin;
  if (text == "read") return Access::read;
  return std::nullopt;
}

Secret make_token(runtime::Rng& rng) { return Secret("footman_" + rng.name(kSecretLength)); }

struct Auth::Impl {
  Impl(AuthParts the_parts, const AuthConfig& config)
      : parts(the_parts),
        admin{std::string(kAdminTokenName), hash_of(config.admin_token.expose()), Access::admin, {}},
        cookie_name("footman_session_" + hash_of(config.installation.str()).substr(0, 8)),
        form_cookie_name("footman_form_" + hash_of(config.installation.str()).substr(0, 8)),
        csrf_key(config.csrf_key),
        host_names(config.host_names) {}

  AuthParts parts;
  TokenRow admin;  // of the file
  std::string
      cookie_name;  // cookies of one host are shared by all its ports: servers must not take each other's
  std::string form_cookie_name;  // of the sign-in form
  Secret csrf_key;
  std::vector<std::string> host_names;
  std::vector<TokenRow> tokens;
  std::vector<SessionRow> sessions;
  std::vector<SignInCode> codes;
  bool saving = false;
  runtime::Event saved;
  base::LogLimiter failure_lines;

  // The right to change tokens and sessions; one at a time, because a change is made on a copy and takes
  // effect when it is durable.
  class Turn {
   public:
    explicit Turn(Impl& impl) : impl_(&impl) { impl_->saving = true; }
    Turn(Turn&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (impl_ == nullptr) return;
      impl_->saving = false;
      impl_->saved.notify();
    }

   private:
    Impl* impl_;
  };
  Awaitable<Turn> take_turn() {
    while (saving) co_await saved.wait();
    co_return Turn(*this);
  }
  Awaitable<Status> save_tokens(std::vector<TokenRow> rows) {
    FOOTMAN_CO_TRY_STATUS(co_await parts.store.save_setting(std::string(kTokensKey), format_tokens(rows)));
    tokens = std::move(rows);
    co_return Status();
  }
  Awaitable<Status> save_sessions(std::vector<SessionRow> rows) {
    FOOTMAN_CO_TRY_STATUS(
        co_await parts.store.save_setting(std::string(kSessionsKey), format_sessions(rows)));
    sessions = std::move(rows);
    co_return Status();
  }

  std::unexpected<Error> refuse(std::string_view kind, const net::HttpRequest& request, std::string message);
  const TokenRow* find_token(const std::string& hash) const;
  const TokenRow* check_token(std::string_view token) const;
  std::optional<Principal> check_cookie(std::string_view cookie) const;
  // Of a cookie of that name.
  std::string csrf_token_of(std::string_view name, std::string_view cookie) const {
    return to_hex(hmac_sha256(csrf_key.expose(), fmt::format("{}={}", name, cookie)));
  }
  std::string_view find_cookie(const net::HttpRequest& request) const;
  std::string_view find_form_cookie(const net::HttpRequest& request) const;
  std::unexpected<Error> refuse_csrf(std::string what) const;
  std::optional<std::string> take_code(std::string_view code);
  Awaitable<Result<BrowserSession>> open_session(std::string token_hash, bool tls);
};

Auth::Auth(AuthParts parts, AuthConfig config) : impl_(std::make_unique<Impl>(parts, config)) {}
Auth::~Auth() = default;

Awaitable<Status> Auth::start() {
  auto& impl = *impl_;
  FOOTMAN_CO_TRY(const auto tokens, co_await impl.parts.store.find_setting(std::string(kTokensKey)));
  FOOTMAN_CO_TRY(const auto sessions, co_await impl.parts.store.find_setting(std::string(kSessionsKey)));
  if (tokens) {
    FOOTMAN_CO_TRY(impl.tokens, parse_tokens(*tokens));
  }
  if (sessions) {
    FOOTMAN_CO_TRY(impl.sessions, parse_sessions(*sessions));
  }
  co_return Status();
}

// --- requests

bool Auth::is_own_name(std::string_view host) const {
  const auto name = parse_host(host);
  return name && !name->is_address && std::ranges::any_of(impl_->host_names, [&](const auto& known) {
           return is_same_host(known, name->text);
         });
}

Status Auth::check_host(const net::HttpRequest& request) const {
  const auto host = request.headers.value_or("Host", "");
  const auto name = parse_host(host);
  if (name && (name->is_address || name->text == "localhost" || is_own_name(host))) return {};
  impl_->parts.metrics
      .counter("footman_auth_failures_total", "Requests that were refused, by what was wrong",
               {{"kind", "host"}})
      .add();
  return fail(
      Errc::invalid_argument,
      fmt::format("this server is not known as \"{}\"", std::string_view(host).substr(0, kMaxHostBytes)),
      "Host", "Use its address, localhost or a name from its configuration.");
}

std::unexpected<Error> Auth::Impl::refuse(std::string_view kind, const net::HttpRequest& request,
                                          std::string message) {
  parts.metrics
      .counter("footman_auth_failures_total", "Requests that were refused, by what was wrong",
               {{"kind", std::string(kind)}})
      .add();
  if (kind != "missing") {
    if (const auto left_out = failure_lines.pass(parts.clock.steady()))
      parts.log.warning("a request was refused",
                        {{"peer", request.peer}, {"reason", message}, {"left_out", *left_out}});
  }
  return fail(Errc::unauthenticated, std::move(message), {},
              "Send \"Authorization: Bearer TOKEN\"; the first token is in the file token of the data "
              "directory.");
}

const TokenRow* Auth::Impl::find_token(const std::string& hash) const {
  const auto* found = find_by_hash(tokens, hash);
  return equal_constant_time(admin.hash, hash) ? &admin : found;
}

const TokenRow* Auth::Impl::check_token(std::string_view token) const {
  if (token.empty() || token.size() > kMaxCredentialBytes) return nullptr;
  return find_token(hash_of(token));
}

std::optional<Principal> Auth::Impl::check_cookie(std::string_view cookie) const {
  if (cookie.size() > kMaxCredentialBytes) return std::nullopt;
  const auto* session = find_by_hash(sessions, hash_of(cookie));
  if (session == nullptr || session->expires <= parts.clock.now()) return std::nullopt;
  const auto* token = find_token(session->token_hash);
  if (token == nullptr) return std::nullopt;
  auto principal = principal_of(*token);
  principal.browser = true;
  principal.csrf_token = csrf_token_of(cookie_name, cookie);
  return principal;
}

std::string_view Auth::Impl::find_cookie(const net::HttpRequest& request) const {
  return find_cookie_value(request.headers.value_or("Cookie", ""), cookie_name);
}

Result<Principal> Auth::authenticate(const net::HttpRequest& request) {
  auto& impl = *impl_;
  if (const auto header = request.headers.find("Authorization")) {
    const auto token = parse_authorization(*header);
    if (!token) return impl.refuse("token", request, token.error().message);
    const auto* row = impl.check_token(token->expose());
    if (row == nullptr) return impl.refuse("token", request, "the token is not one of this server's");
    return principal_of(*row);
  }
  const auto cookie = impl.find_cookie(request);
  if (cookie.empty()) return impl.refuse("missing", request, "a token is needed");
  auto principal = impl.check_cookie(cookie);
  if (!principal) return impl.refuse("session", request, "the session is over");
  return std::move(*principal);
}

Status Auth::check_csrf(const Principal& principal, const net::HttpRequest& request,
                        std::string_view form_token) const {
  if (!principal.browser || request.method == "GET" || request.method == "HEAD") return {};
  const auto token = form_token.empty() ? request.headers.value_or(kCsrfHeader, "") : form_token;
  if (equal_constant_time(token, principal.csrf_token)) return {};
  return impl_->refuse_csrf("the request does not carry this session's CSRF token");
}

std::unexpected<Error> Auth::Impl::refuse_csrf(std::string what) const {
  parts.metrics
      .counter("footman_auth_failures_total", "Requests that were refused, by what was wrong",
               {{"kind", "csrf"}})
      .add();
  return fail(Errc::permission_denied, std::move(what), {}, "Load the page again.");
}

// --- tokens

std::vector<TokenView> Auth::list_tokens() const {
  std::vector<TokenView> views{{std::string(kAdminTokenName), Access::admin, true, {}}};
  views.reserve(impl_->tokens.size() + 1);
  for (const auto& row : impl_->tokens) views.push_back({row.name, row.access, false, row.created});
  std::ranges::sort(views.begin() + 1, views.end(), {}, &TokenView::name);
  return views;
}

Awaitable<Result<NewToken>> Auth::create_token(std::string name, Access access) {
  auto& impl = *impl_;
  if (!is_token_name(name))
    co_return fail(
        Errc::invalid_argument,
        fmt::format("a name of 1 to {} letters, digits, '.', '_' and '-' was expected", kMaxTokenNameBytes),
        "name", "It begins with a letter or digit.");
  const auto turn = co_await impl.take_turn();
  if (name == kAdminTokenName || std::ranges::find(impl.tokens, name, &TokenRow::name) != impl.tokens.end())
    co_return fail(Errc::already_exists, fmt::format("there is a token \"{}\"", name), "name");
  if (impl.tokens.size() >= kMaxTokens)
    co_return fail(Errc::resource_exhausted,
                   fmt::format("there are {} tokens, which is the limit", kMaxTokens), {},
                   "Revoke those that are not used.");
  auto token = make_token(impl.parts.rng);
  const TokenRow row{name, hash_of(token.expose()), access, impl.parts.clock.now()};
  auto rows = impl.tokens;
  rows.push_back(row);
  FOOTMAN_CO_TRY_STATUS(co_await impl.save_tokens(std::move(rows)));
  impl.parts.log.info("API token created", {{"token", name}, {"access", to_string(access)}});
  co_return NewToken{{row.name, row.access, false, row.created}, std::move(token)};
}

Awaitable<Status> Auth::revoke_token(std::string name) {
  auto& impl = *impl_;
  if (name == kAdminTokenName)
    co_return fail(Errc::conflict, "this token is the file token in the data directory", {},
                   "Delete the file and restart the server: it makes a new one.");
  const auto turn = co_await impl.take_turn();
  auto rows = impl.tokens;
  if (std::erase_if(rows, [&](const TokenRow& row) { return row.name == name; }) == 0)
    co_return fail(Errc::not_found, fmt::format("no token \"{}\"", name));
  FOOTMAN_CO_TRY_STATUS(co_await impl.save_tokens(std::move(rows)));
  impl.parts.log.info("API token revoked", {{"token", name}});
  co_return Status();
}

// --- browsers

SignInLink Auth::make_sign_in_link(const std::string& token_name) {
  auto& impl = *impl_;
  const auto now = impl.parts.clock.now();
  std::erase_if(impl.codes, [&](const SignInCode& code) { return code.expires <= now; });
  if (impl.codes.size() >= kMaxSignInCodes) impl.codes.erase(impl.codes.begin());
  const auto code = impl.parts.rng.name(kSecretLength);
  const auto expires = now + kSignInCodeLifetime;
  const auto row = std::ranges::find(impl.tokens, token_name, &TokenRow::name);
  std::string token_hash;  // of nobody
  if (row != impl.tokens.end()) token_hash = row->hash;
  if (token_name == kAdminTokenName) token_hash = impl.admin.hash;
  impl.codes.push_back({hash_of(code), std::move(token_hash), expires});
  return {fmt::format("{}?code={}", kSignInPath, code), expires};
}

// The hash of the token that made it.
std::optional<std::string> Auth::Impl::take_code(std::string_view code) {
  const auto* found = code.size() <= kMaxCredentialBytes ? find_by_hash(codes, hash_of(code)) : nullptr;
  if (found == nullptr || found->expires <= parts.clock.now()) return std::nullopt;
  auto token_hash = found->token_hash;
  codes.erase(codes.begin() + (found - codes.data()));
  return token_hash;
}

Awaitable<Result<BrowserSession>> Auth::Impl::open_session(std::string token_hash, bool tls) {
  const auto turn = co_await take_turn();
  const auto* token = find_token(token_hash);
  if (token == nullptr) co_return fail(Errc::unauthenticated, "the token was revoked");
  auto principal = principal_of(*token);
  const auto now = parts.clock.now();
  const auto cookie = parts.rng.name(kSecretLength);
  auto rows = sessions;
  std::erase_if(rows, [&](const SessionRow& row) {
    return row.expires <= now || find_token(row.token_hash) == nullptr;
  });
  if (rows.size() >= kMaxSessions) rows.erase(rows.begin());
  rows.push_back({hash_of(cookie), std::move(token_hash), now + kSessionLifetime});
  FOOTMAN_CO_TRY_STATUS(co_await save_sessions(std::move(rows)));
  principal.browser = true;
  principal.csrf_token = csrf_token_of(cookie_name, cookie);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kSessionLifetime).count();
  co_return BrowserSession{std::move(principal),
                           fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name,
                                       cookie, seconds, tls ? "; Secure" : "")};
}

// One that this server made; anything else is none.
std::string_view Auth::Impl::find_form_cookie(const net::HttpRequest& request) const {
  const auto value = find_cookie_value(request.headers.value_or("Cookie", ""), form_cookie_name);
  return value.size() == kSecretLength ? value : std::string_view();
}

SignInForm Auth::make_sign_in_form(const net::HttpRequest& request) {
  const auto& name = impl_->form_cookie_name;
  if (const auto known = impl_->find_form_cookie(request); !known.empty())
    return {impl_->csrf_token_of(name, known), {}};
  const auto cookie = impl_->parts.rng.name(kSecretLength);
  return {impl_->csrf_token_of(name, cookie), fmt::format("{}={}; Path=/ui; HttpOnly; SameSite=Strict{}",
                                                          name, cookie, request.tls ? "; Secure" : "")};
}

Status Auth::check_sign_in_form(const net::HttpRequest& request, std::string_view form_token) const {
  const auto cookie = impl_->find_form_cookie(request);
  if (!cookie.empty() &&
      equal_constant_time(form_token, impl_->csrf_token_of(impl_->form_cookie_name, cookie)))
    return {};
  return impl_->refuse_csrf("the form does not carry the CSRF token of the cookie that came with it");
}

Awaitable<Result<BrowserSession>> Auth::sign_in_with_code(std::string code, bool tls) {
  auto token_hash = impl_->take_code(code);
  if (!token_hash)
    co_return fail(Errc::unauthenticated,
                   "this sign-in link was used, is too old, or was made before the server was restarted", {},
                   "Make a new one with: footman ui");
  co_return co_await impl_->open_session(std::move(*token_hash), tls);
}

Awaitable<Result<BrowserSession>> Auth::sign_in_with_token(Secret token, bool tls) {
  const auto* row = impl_->check_token(token.expose());
  if (row == nullptr) co_return fail(Errc::unauthenticated, "the token is not one of this server's");
  co_return co_await impl_->open_session(row->hash, tls);
}

Awaitable<std::string> Auth::sign_out(std::shared_ptr<const net::HttpRequest> request) {
  const auto turn = co_await impl_->take_turn();
  const auto hash = hash_of(impl_->find_cookie(*request));
  auto rows = impl_->sessions;
  if (std::erase_if(rows, [&](const SessionRow& row) { return equal_constant_time(row.hash, hash); }) > 0) {
    // In memory at once: whoever signs out is out, also when the disk is full.
    impl_->sessions = rows;
    const auto saved = co_await impl_->save_sessions(std::move(rows));
    if (!saved) impl_->parts.log.warning("a sign-out is not durable", {{"error", describe(saved.error())}});
  }
  co_return fmt::format("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", impl_->cookie_name);
}

}  // namespace footman::api
