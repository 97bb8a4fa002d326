#include "web/web.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/respond.hpp"
#include "web/visit.hpp"

namespace footman::web {
namespace {

// --- routes

struct PageRoute {
  std::string_view method;
  std::string_view path;  // "{}" is one part of the path, "{...}" the rest of it
  Handler handler;
  api::Access access = api::Access::read;
};

constexpr auto kAdmin = api::Access::admin;
constexpr PageRoute kRoutes[] = {
    {"GET", "/ui/", show_overview},
    {"GET", "/ui/jobs", show_jobs},
    {"GET", "/ui/jobs/{...}", show_job},
    {"GET", "/ui/new-job", show_new_job, kAdmin},
    {"POST", "/ui/new-job", create_job, kAdmin},
    {"GET", "/ui/edit-job/{...}", show_edit_job, kAdmin},
    {"POST", "/ui/edit-job/{...}", save_job, kAdmin},
    {"POST", "/ui/delete-job/{...}", delete_job, kAdmin},
    {"POST", "/ui/start/{...}", start_build, kAdmin},
    {"GET", "/ui/run", show_run, kAdmin},
    {"POST", "/ui/run", run_command, kAdmin},
    {"GET", "/ui/builds", show_builds},
    {"GET", "/ui/builds/{}", show_build},
    {"GET", "/ui/builds/{}/log", show_log},
    {"POST", "/ui/builds/{}/cancel", cancel_build, kAdmin},
    {"POST", "/ui/builds/{}/repeat", repeat_build, kAdmin},
    {"GET", "/ui/queue", show_queue},
    {"GET", "/ui/agents", show_agents},
    {"GET", "/ui/agents/{}", show_agent},
    {"POST", "/ui/agents/{}/drain", drain_agent, kAdmin},
    {"POST", "/ui/agents/{}/terminate", terminate_agent, kAdmin},
    {"GET", "/ui/clouds", show_clouds},
    {"GET", "/ui/costs", show_costs},
    {"GET", "/ui/jenkins", show_jenkins},
    {"POST", "/ui/clouds/{}/pause", pause_cloud, kAdmin},
    {"POST", "/ui/clouds/{}/resume", resume_cloud, kAdmin},
    {"POST", "/ui/reconcile/apply", apply_reconcile, kAdmin},
};

// What the route leaves open, when the path is one of the route's.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const auto hole = pattern.find('{');
  if (hole == std::string_view::npos) return path == pattern ? std::optional<std::string>("") : std::nullopt;
  if (!path.starts_with(pattern.substr(0, hole))) return std::nullopt;
  path.remove_prefix(hole);
  const auto after = pattern.substr(pattern.find('}') + 1);
  if (!path.ends_with(after)) return std::nullopt;
  path.remove_suffix(after.size());
  const bool whole_rest = pattern.substr(hole).starts_with("{...}");
  if (path.empty() || (!whole_rest && path.contains('/'))) return std::nullopt;
  return std::string(path);
}

// --- requests

constexpr std::string_view kStatic = "/ui/static/";
constexpr std::string_view kSignOutPath = "/ui/sign-out";

bool is_reading(const net::HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// Browsers say where a request comes from. A proxy may have put another name into Host.
bool comes_from_elsewhere(const net::HttpRequest& request, const api::Auth& auth) {
  if (const auto site = request.headers.find("Sec-Fetch-Site"))
    return *site != "same-origin" && *site != "none";
  const auto origin = request.headers.find("Origin");
  if (!origin) return false;
  // Without the scheme: in front of this server something else may speak TLS.
  const auto scheme = origin->find("://");
  if (scheme == std::string_view::npos) return true;
  const auto from = origin->substr(scheme + 3);
  return from != request.headers.value_or("Host", "") && !auth.is_own_name(from);
}

// Cookies with SameSite=Strict do not come with the first request when a link on another site was followed;
// they do when this server's own page loads the same address again.
bool may_lack_its_cookie(const net::HttpRequest& request) {
  return request.method == "GET" && request.headers.value_or("Sec-Fetch-Site", "") == "cross-site" &&
         request.headers.value_or("Sec-Fetch-Mode", "") == "navigate";
}

Url overview() { return Url("/ui/"); }

// Where to go after the sign-in: a page of this server, nothing else.
Url parse_return(std::string_view text) {
  const auto url = Url::parse(text);
  if (!url || !text.starts_with("/ui") || text.starts_with(api::kSignInPath)) return overview();
  return *url;
}

net::HttpResponse load_at_once(const Assets& assets, const Url& url) {
  Page page;
  page.title = "One moment";
  page.body = html(R"(<div class="narrow card"><h1>One moment</h1><p><a href="{}">Go on</a></p></div>)", url);
  auto response = make_page(assets, page, nullptr);
  response.headers.set("Refresh", "0; url=" + url.str());
  return response;
}

}  // namespace

struct Web::Impl {
  explicit Impl(WebParts parts) : context(std::move(parts)) {}

  static Awaitable<net::HttpResponse> serve(std::shared_ptr<Impl> impl,
                                            std::shared_ptr<const net::HttpRequest> request);
  net::GateAnswer open_gate(const net::HttpRequest& head);
  net::HttpResponse ask_to_sign_in(const net::HttpRequest& request) const;
  net::HttpResponse show_sign_in(const net::HttpRequest& request, const Url& return_to,
                                 std::string_view trouble, int status) const;
  Awaitable<Result<api::BrowserSession>> take_sign_in_form(std::shared_ptr<const net::HttpRequest> request,
                                                           Url* return_to);
  Awaitable<net::HttpResponse> serve_signed_in(std::shared_ptr<const net::HttpRequest> request);
  Awaitable<net::HttpResponse> serve_route(std::shared_ptr<const net::HttpRequest> request,
                                           api::Principal who);
  Awaitable<Reply> call(const PageRoute& route, Visit visit);
  Awaitable<net::HttpResponse> sign_in(std::shared_ptr<const net::HttpRequest> request);
  net::HttpResponse finish_sign_in(const net::HttpRequest& request,
                                   const Result<api::BrowserSession>& session, const Url& return_to) const;
  Awaitable<net::HttpResponse> sign_out(std::shared_ptr<const net::HttpRequest> request);
  Result<Form> read_form(const net::HttpRequest& request, const api::Principal& who) const;

  net::HttpResponse error(const Error& error, const View* view = nullptr, int status = 0) const {
    return make_page(context.assets,
                     error_page(status != 0 ? status : api::status_of(error), api::for_clients(error)), view);
  }
  net::HttpResponse not_found(const View* view) const {
    return error({Errc::not_found, "This address leads to no page."}, view, 404);
  }

  Context context;
};

Web::Web(WebParts parts) : impl_(std::make_shared<Impl>(std::move(parts))) {}
Web::~Web() = default;

net::HttpHandler Web::handler() {
  return [impl = impl_](std::shared_ptr<const net::HttpRequest> request) {
    return Impl::serve(impl, std::move(request));
  };
}

net::HttpGate Web::gate() {
  return [impl = impl_](const net::HttpRequest& head) { return impl->open_gate(head); };
}

// `impl` is held until the answer is there.
Awaitable<net::HttpResponse> Web::Impl::serve(std::shared_ptr<Impl> impl,
                                              std::shared_ptr<const net::HttpRequest> request) {
  const auto& path = request->path;
  if (path == "/" || path == "/ui") co_return make_redirect(overview());
  if (path.starts_with(kStatic)) {
    auto file = impl->context.assets.answer(std::string_view(path).substr(kStatic.size()), *request);
    co_return file ? std::move(*file) : impl->not_found(nullptr);
  }
  if (!path.starts_with("/ui/")) co_return impl->not_found(nullptr);
  if (path == api::kSignInPath) co_return co_await impl->sign_in(std::move(request));
  if (path == kSignOutPath) co_return co_await impl->sign_out(std::move(request));
  co_return co_await impl->serve_signed_in(std::move(request));
}

net::GateAnswer Web::Impl::open_gate(const net::HttpRequest& head) {
  if (head.path == api::kSignInPath || head.path == kSignOutPath) return kMaxStrangersFormBytes;
  if (!head.path.starts_with("/ui/") || head.path.starts_with(kStatic)) return 0;
  if (!context.parts.auth.authenticate(head)) return std::unexpected(ask_to_sign_in(head));
  return net::kAnyBody;
}

net::HttpResponse Web::Impl::ask_to_sign_in(const net::HttpRequest& request) const {
  const auto here = is_reading(request) ? parse_return(request.target) : overview();
  if (may_lack_its_cookie(request)) return load_at_once(context.assets, here);
  return show_sign_in(request, here, {}, 401);
}

net::HttpResponse Web::Impl::show_sign_in(const net::HttpRequest& request, const Url& return_to,
                                          std::string_view trouble, int status) const {
  const auto form = context.parts.auth.make_sign_in_form(request);
  auto response =
      make_page(context.assets, sign_in_page(return_to, form.csrf_token, trouble, status), nullptr);
  if (!form.set_cookie.empty()) response.headers.add("Set-Cookie", form.set_cookie);
  return response;
}

Awaitable<net::HttpResponse> Web::Impl::serve_signed_in(std::shared_ptr<const net::HttpRequest> request) {
  auto who = context.parts.auth.authenticate(*request);
  if (!who) co_return ask_to_sign_in(*request);
  auto response = co_await serve_route(std::move(request), std::move(*who));
  response.known_client = true;
  co_return response;
}

Awaitable<net::HttpResponse> Web::Impl::serve_route(std::shared_ptr<const net::HttpRequest> request,
                                                    api::Principal who) {
  Visit visit{request, {context.now(), std::move(who), context.parts.jenkins != nullptr}, {}, {}};
  const auto view = visit.view;  // the visit goes to its handler
  bool other_method = false;
  for (const auto& route : kRoutes) {
    auto param = match(route.path, request->path);
    if (!param) continue;
    if (route.method != (is_reading(*request) ? "GET" : std::string_view(request->method))) {
      other_method = true;
      continue;
    }
    visit.param = std::move(*param);
    auto reply = co_await call(route, std::move(visit));
    if (reply) co_return std::move(*reply);
    if (api::status_of(reply.error()) == 500)
      context.parts.log.error(
          "a page failed",
          {{"method", request->method}, {"path", request->path}, {"error", describe(reply.error())}});
    co_return error(reply.error(), &view);
  }
  if (other_method)
    co_return error({Errc::invalid_argument, "This address does not take such a request."}, &view, 405);
  co_return not_found(&view);
}

Awaitable<Reply> Web::Impl::call(const PageRoute& route, Visit visit) {
  if (route.access == kAdmin && !visit.view.may_change())
    co_return fail(Errc::permission_denied,
                   fmt::format("The token \"{}\" may only read.", visit.view.who.name), {},
                   "Sign in with one that may do more.");
  if (!is_reading(*visit.request)) {
    FOOTMAN_CO_TRY(visit.form, read_form(*visit.request, visit.view.who));
  }
  co_return co_await route.handler(context, std::move(visit));
}

Result<Form> Web::Impl::read_form(const net::HttpRequest& request, const api::Principal& who) const {
  if (who.browser && comes_from_elsewhere(request, context.parts.auth))
    return fail(Errc::permission_denied, "The form was sent from another site.");
  FOOTMAN_TRY(auto form, Form::parse(request));
  FOOTMAN_TRY_STATUS(context.parts.auth.check_csrf(who, request, form.text(api::kCsrfField)));
  return form;
}

// --- signing in and out

// `return_to`: where the form wants to go, also when it is refused; the caller waits.
Awaitable<Result<api::BrowserSession>> Web::Impl::take_sign_in_form(
    std::shared_ptr<const net::HttpRequest> request, Url* return_to) {
  if (comes_from_elsewhere(*request, context.parts.auth))
    co_return fail(Errc::permission_denied, "The form was sent from another site.");
  FOOTMAN_CO_TRY(const auto form, Form::parse(*request));
  *return_to = parse_return(form.text("return"));
  FOOTMAN_CO_TRY_STATUS(context.parts.auth.check_sign_in_form(*request, form.text(api::kCsrfField)));
  co_return co_await context.parts.auth.sign_in_with_token(Secret(form.text("token")), request->tls);
}

Awaitable<net::HttpResponse> Web::Impl::sign_in(std::shared_ptr<const net::HttpRequest> request) {
  const auto code = request->find_query("code");
  if (request->method == "POST") {
    auto return_to = overview();
    const auto session = co_await take_sign_in_form(request, &return_to);
    co_return finish_sign_in(*request, session, return_to);
  }
  // The link works once: a browser that only looks ahead must not use it up.
  const bool only_looks = request->method != "GET" || request->headers.find("Sec-Purpose").has_value();
  if (code && !only_looks) {
    const auto session = co_await context.parts.auth.sign_in_with_code(std::string(*code), request->tls);
    // A link that is opened again by who is signed in already does no harm.
    if (!session && context.parts.auth.authenticate(*request)) co_return make_redirect(overview());
    co_return finish_sign_in(*request, session, overview());
  }
  co_return show_sign_in(*request, parse_return(request->find_query("return").value_or("")), {}, 200);
}

net::HttpResponse Web::Impl::finish_sign_in(const net::HttpRequest& request,
                                            const Result<api::BrowserSession>& session,
                                            const Url& return_to) const {
  if (!session)
    return show_sign_in(request, return_to, api::for_clients(session.error()).message,
                        api::status_of(session.error()));
  // Not a redirect: after a link from elsewhere the new cookie would not come with it (see
  // may_lack_its_cookie).
  auto response = load_at_once(context.assets, return_to);
  response.headers.add("Set-Cookie", session->set_cookie);
  return response;
}

Awaitable<net::HttpResponse> Web::Impl::sign_out(std::shared_ptr<const net::HttpRequest> request) {
  if (request->method != "POST") co_return make_redirect(overview());
  if (const auto who = context.parts.auth.authenticate(*request)) {
    if (const auto form = read_form(*request, *who); !form) co_return error(form.error());
  }
  auto removal = co_await context.parts.auth.sign_out(std::move(request));
  auto response = make_redirect(Url("/ui/sign-in"));
  response.headers.add("Set-Cookie", std::move(removal));
  co_return response;
}

}  // namespace footman::web
