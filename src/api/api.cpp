#include "api/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/context.hpp"
#include "api/respond.hpp"
#include "api/router.hpp"
#include "base/check.hpp"

namespace footman::api {
namespace {

struct Endpoint {
  Route route;
  Handler handler;
};

constexpr auto kRead = RouteAccess::read;
constexpr auto kAdmin = RouteAccess::admin;
constexpr auto kOpen = RouteAccess::open;

constexpr Endpoint kEndpoints[] = {
    {{"GET", "/api/v1/jobs", kRead, "Jobs, by path"}, list_jobs},
    {{"POST", "/api/v1/jobs", kAdmin, "Create a job"}, create_job},
    {{"GET", "/api/v1/jobs/{path...}", kRead, "A job"}, get_job},
    {{"PUT", "/api/v1/jobs/{path...}", kAdmin, "Create a job or replace it"}, save_job},
    {{"DELETE", "/api/v1/jobs/{path...}", kAdmin, "Delete a job"}, delete_job},
    {{"GET", "/api/v1/builds", kRead, "Builds, newest first"}, list_builds},
    {{"POST", "/api/v1/builds", kAdmin, "Submit a build of a job, or an ad-hoc build"}, submit_build},
    {{"GET", "/api/v1/builds/{id}", kRead, "A build"}, get_build},
    {{"POST", "/api/v1/builds/{id}/cancel", kAdmin, "Cancel a build in any state"}, cancel_build},
    {{"GET", "/api/v1/builds/{id}/explain", kRead, "Why a build waits, or what happened to it"},
     explain_build},
    {{"GET", "/api/v1/builds/{id}/attempts", kRead, "The agents a build was given to, oldest first"},
     list_attempts},
    {{"GET", "/api/v1/builds/{id}/steps", kRead, "The steps of an attempt that have begun"}, list_steps},
    {{"GET", "/api/v1/builds/{id}/log", kRead, "The log, as bytes"}, get_log},
    {{"GET", "/api/v1/queue", kRead, "What waits, and why, in the order of submission"}, list_queue},
    {{"GET", "/api/v1/queue/{id}", kRead, "A queue item, also one that has left the queue"}, get_queue_item},
    {{"GET", "/api/v1/agents", kRead, "Agents, newest first"}, list_agents},
    {{"GET", "/api/v1/agents/{id}", kRead, "An agent, also one that has ended"}, get_agent},
    {{"GET", "/api/v1/agents/{id}/explain", kRead, "What happened to an agent, with its timeline"},
     explain_agent},
    {{"POST", "/api/v1/agents/{id}/drain", kAdmin,
      "Give an agent no more work and end it when its build is over"},
     drain_agent},
    {{"POST", "/api/v1/agents/{id}/terminate", kAdmin, "End an agent now"}, terminate_agent},
    {{"GET", "/api/v1/clouds", kRead, "Clouds and their agent templates"}, list_clouds},
    {{"POST", "/api/v1/clouds/{name}/pause", kAdmin, "Launch no agents in a cloud until it is resumed"},
     pause_cloud},
    {{"POST", "/api/v1/clouds/{name}/resume", kAdmin, "Launch agents in a cloud again"}, resume_cloud},
    {{"GET", "/api/v1/plan", kRead, "The fleet's last plan and what it thinks of everything that waits"},
     get_plan},
    {{"GET", "/api/v1/reconcile", kRead, "What the last comparison of the records with the clouds found"},
     get_reconcile},
    {{"POST", "/api/v1/reconcile/apply", kAdmin, "End what waits for a person after a start"},
     apply_reconcile},
    {{"GET", "/api/v1/jenkins", kRead, "Each Jenkins that gets agents"}, list_jenkins},
    {{"GET", "/api/v1/jenkins/{name}", kRead, "What waits in a Jenkins, and the nodes of its agents"},
     get_jenkins},
    {{"POST", "/api/v1/jenkins/{name}/detach", kAdmin, "Remove the placeholders and launch no more agents"},
     detach_jenkins},
    {{"GET", "/api/v1/costs", kRead, "What builds and agents have cost"}, report_costs},
    {{"GET", "/api/v1/events", kRead, "Server-sent events, one for every change of state"}, stream_events},
    {{"GET", "/api/v1/tokens", kAdmin, "API tokens, without their values"}, list_tokens},
    {{"POST", "/api/v1/tokens", kAdmin, "Create an API token"}, create_token},
    {{"DELETE", "/api/v1/tokens/{name}", kAdmin, "Revoke an API token"}, revoke_token},
    {{"POST", "/api/v1/sign-in-links", kRead, "Create a one-time link that signs a browser in"},
     create_sign_in_link},
    {{"GET", "/api/v1/whoami", kRead, "Who the request comes from"}, whoami},
    {{"GET", "/api/v1/server", kRead, "Which server this is and how it is"}, get_server},
    {{"POST", "/api/v1/backup", kAdmin, "Copy the database to a file while it is in use"}, back_up},
    {{"POST", "/api/v1/reload", kAdmin, "Read the configuration file again"}, reload},
    {{"GET", "/api/v1/openapi.yaml", kRead, "This file"}, get_openapi},
    {{"GET", "/healthz", kOpen, "Whether the server runs"}, healthz},
    {{"GET", "/readyz", kOpen, "Whether the server takes work"}, readyz},
    {{"GET", "/metrics", kRead, "Metrics for Prometheus"}, metrics},
};
constexpr auto kRoutes = [] {
  std::array<Route, std::size(kEndpoints)> routes{};
  for (std::size_t i = 0; i < routes.size(); ++i) routes[i] = kEndpoints[i].route;
  return routes;
}();

struct Match {
  const Endpoint* endpoint = nullptr;  // null: the path is somebody's, the method is not
  std::vector<std::string> params;
  std::string allowed;  // methods of the path
};

std::optional<Match> find_endpoint(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  Match match;
  for (const auto& endpoint : kEndpoints) {
    auto params = match_path(endpoint.route.pattern, path);
    if (!params) continue;
    match.allowed += fmt::format("{}{}", match.allowed.empty() ? "" : ", ", endpoint.route.method);
    if (endpoint.route.method != method) continue;
    match.endpoint = &endpoint;
    match.params = std::move(*params);
    return match;
  }
  if (match.allowed.empty()) return std::nullopt;
  return match;
}

net::HttpResponse not_allowed(const std::string& method, const std::string& allowed) {
  auto response = error_response(405, "method_not_allowed",
                                 Error{Errc::unsupported,
                                       fmt::format("{} cannot be done here", method.substr(0, 32)),
                                       {},
                                       fmt::format("What can: {}.", allowed)});
  response.headers.add("Allow", allowed);
  return response;
}

net::HttpResponse nothing_there() {
  return error_response(
      Error{Errc::not_found, "there is nothing at this path", {}, "See /api/v1/openapi.yaml."});
}

// A body that is not JSON is refused before anything reads it. Forms of foreign pages cannot send this type.
Status check_content_type(const net::HttpRequest& request) {
  if (request.body.empty()) return {};
  auto type = request.headers.value_or("Content-Type", "");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (std::ranges::equal(type, std::string_view("application/json"), {},
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }))
    return {};
  return fail(Errc::unsupported, "the body must be JSON", "Content-Type",
              "Send \"Content-Type: application/json\".");
}

}  // namespace

struct Api::Impl {
  explicit Impl(ApiParts parts) : context(std::move(parts)) {}

  Context context;
  std::vector<Mount> mounts;  // longest prefix first

  // A mount that takes everything takes nothing of the API: its clients want an error that they can read.
  const Mount* find_mount(std::string_view path) const {
    const auto found =
        std::ranges::find_if(mounts, [&](const Mount& mount) { return is_below(path, mount.prefix); });
    if (found == mounts.end() || (is_below(path, "/api") && !is_below(found->prefix, "/api"))) return nullptr;
    return &*found;
  }
  std::optional<net::HttpResponse> refuse_host(const net::HttpRequest& request) const {
    const auto status = context.parts.auth.check_host(request);
    if (status) return std::nullopt;
    return error_response(421, "misdirected_request", status.error());
  }
  std::expected<Principal, net::HttpResponse> admit(const Route& route,
                                                    const net::HttpRequest& request) const;
  Awaitable<net::HttpResponse> serve(std::shared_ptr<const net::HttpRequest> request);
  void count(const Route& route, const net::HttpRequest& request, int status);
  net::GateAnswer open_gate(const net::HttpRequest& head);
  Awaitable<net::HttpResponse> serve_endpoint(Match match, std::shared_ptr<const net::HttpRequest> request);
};

std::expected<Principal, net::HttpResponse> Api::Impl::admit(const Route& route,
                                                             const net::HttpRequest& request) const {
  if (route.access == RouteAccess::open) return Principal{};
  if (auto refusal = refuse_host(request)) return std::unexpected(std::move(*refusal));
  auto principal = context.parts.auth.authenticate(request);
  if (!principal) return std::unexpected(error_response(principal.error()));
  if (const auto csrf = context.parts.auth.check_csrf(*principal, request); !csrf)
    return std::unexpected(error_response(csrf.error()));
  if (route.access == RouteAccess::admin && principal->access != Access::admin)
    return std::unexpected(error_response(Error{
        Errc::permission_denied, fmt::format("the token \"{}\" may only read", principal->name), {}, {}}));
  if (const auto type = check_content_type(request); !type)
    return std::unexpected(error_response(415, "unsupported_media_type", type.error()));
  return std::move(*principal);
}

Awaitable<net::HttpResponse> Api::Impl::serve_endpoint(Match match,
                                                       std::shared_ptr<const net::HttpRequest> request) {
  auto principal = admit(match.endpoint->route, *request);
  if (!principal) co_return std::move(principal).error();
  const bool known = match.endpoint->route.access != RouteAccess::open;
  auto reply = co_await match.endpoint->handler(
      context, Call{request, std::move(*principal), std::move(match.params)});
  if (!reply && status_of(reply.error()) == 500)
    context.parts.log.error(
        "a request failed",
        {{"method", request->method}, {"path", request->path}, {"error", describe(reply.error())}});
  auto response = reply ? std::move(*reply) : error_response(reply.error());
  response.known_client = known;
  co_return response;
}

void Api::Impl::count(const Route& route, const net::HttpRequest& request, int status) {
  const auto method = request.method == "HEAD" ? "GET" : request.method;
  context.parts.metrics
      .counter("footman_http_requests_total", "Answered requests of the API",
               {{"route", fmt::format("{} {}", method, route.pattern)}, {"status", std::to_string(status)}})
      .add();
}

net::GateAnswer Api::Impl::open_gate(const net::HttpRequest& head) {
  if (const auto match = find_endpoint(head.method, head.path)) {
    if (match->endpoint == nullptr) return std::unexpected(not_allowed(head.method, match->allowed));
    const auto& route = match->endpoint->route;
    if (route.access == RouteAccess::open) return 0;
    auto principal = admit(route, head);
    if (principal) return net::kAnyBody;
    count(route, head, principal.error().status);
    return std::unexpected(std::move(principal.error()));
  }
  const auto* mount = find_mount(head.path);
  if (mount == nullptr) return std::unexpected(nothing_there());
  if (!mount->any_host) {
    if (auto refusal = refuse_host(head)) return std::unexpected(std::move(*refusal));
  }
  return mount->gate ? mount->gate(head) : 0;
}

Awaitable<net::HttpResponse> Api::Impl::serve(std::shared_ptr<const net::HttpRequest> request) {
  if (auto match = find_endpoint(request->method, request->path)) {
    if (match->endpoint == nullptr) co_return not_allowed(request->method, match->allowed);
    const auto& route = match->endpoint->route;
    auto response = co_await serve_endpoint(std::move(*match), request);
    count(route, *request, response.status);
    co_return response;
  }
  const auto* mount = find_mount(request->path);
  if (mount == nullptr) co_return nothing_there();
  if (!mount->any_host) {
    if (auto refusal = refuse_host(*request)) co_return std::move(*refusal);
  }
  co_return co_await mount->handler(std::move(request));
}

Api::Api(ApiParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {
  const auto& actions = impl_->context.parts.actions;
  FOOTMAN_CHECK(actions.back_up && actions.reload && actions.problems, "all actions are set");
}
Api::~Api() = default;

std::span<const Route> Api::routes() { return kRoutes; }

net::HttpHandler Api::handler(std::vector<Mount> mounts) {
  FOOTMAN_CHECK(impl_->mounts.empty(), "one handler");
  impl_->mounts = std::move(mounts);
  std::ranges::stable_sort(impl_->mounts, std::ranges::greater(),
                           [](const Mount& mount) { return mount.prefix.size(); });
  return [impl = impl_.get()](std::shared_ptr<const net::HttpRequest> request) {
    return impl->serve(std::move(request));
  };
}

net::HttpGate Api::gate() {
  return [impl = impl_.get()](const net::HttpRequest& head) { return impl->open_gate(head); };
}

std::size_t Api::event_streams() const {
  return static_cast<std::size_t>(impl_->context.event_streams.value());
}

}  // namespace footman::api
