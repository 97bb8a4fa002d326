// The server itself: tokens, backup, reload, health.
#include <algorithm>

#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/openapi_text.hpp"
#include "api/requests.hpp"
#include "api/respond.hpp"
#include "base/version.hpp"

namespace footman::api {
namespace {

constexpr std::string_view kTrialKey = "storage/trial";

// Also where nothing but what the API was asked for has failed, and nobody has tried since.
Awaitable<bool> is_storage_full(Context& context) {
  auto& store = context.parts.store;
  if (!store.is_writable())
    (void)co_await store.save_setting(std::string(kTrialKey), format_rfc3339(context.now()));
  co_return context.parts.controller.storage_full() || !store.is_writable();
}

std::vector<std::string> list_problems(const Context& context, bool storage_full) {
  auto problems = context.parts.actions.problems();
  if (storage_full)
    problems.emplace_back("No space is left, or the disk fails: nothing is acknowledged until that is over.");
  else if (const auto trouble = context.parts.fleet.storage_trouble(); !trouble.empty())
    problems.emplace_back("Nothing is launched: " + trouble);
  return problems;
}

json::object health(const std::vector<std::string>& problems) {
  return {{"ok", problems.empty()}, {"problems", texts(problems)}};
}

std::size_t count_live(const fleet::Fleet& fleet) {
  const auto views = fleet.list_agents();
  return static_cast<std::size_t>(std::ranges::count_if(
      views, [](const auto& view) { return model::may_hold_resource(view.agent.state); }));
}

// What the system says about the path is about the caller's input.
std::unexpected<Error> refuse_path(Error error) {
  if (error.code == Errc::io) {
    error.code = Errc::invalid_argument;
    error.hint = "The folder must be there and the server must be allowed to write into it.";
  }
  if (error.code == Errc::invalid_argument || error.code == Errc::already_exists) error.field = "path";
  return std::unexpected(std::move(error));
}

}  // namespace

Awaitable<Reply> list_tokens(Context& context, Call call) {
  (void)call;
  co_return json_response(200, {{"tokens", to_array(context.parts.auth.list_tokens())}});
}

Awaitable<Reply> create_token(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto wanted, parse_token(call.request->body));
  FOOTMAN_CO_TRY(const auto made,
                 co_await context.parts.auth.create_token(std::move(wanted.name), wanted.access));
  auto body = to_json(made.view);
  body["token"] = made.token.expose();
  co_return json_response(201, body);
}

Awaitable<Reply> revoke_token(Context& context, Call call) {
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.auth.revoke_token(call.params[0]));
  net::HttpResponse response;
  response.status = 204;
  co_return response;
}

Awaitable<Reply> create_sign_in_link(Context& context, Call call) {
  const auto link = context.parts.auth.make_sign_in_link(call.principal.name);
  co_return json_response(201, {{"path", link.path}, {"expires_at", format_rfc3339(link.expires)}});
}

Awaitable<Reply> whoami(Context& context, Call call) {
  (void)context;
  const auto& who = call.principal;
  json::object body{
      {"name", who.name}, {"access", to_string(who.access)}, {"via", who.browser ? "browser" : "token"}};
  if (who.browser) body["csrf_token"] = who.csrf_token;
  co_return json_response(200, body);
}

Awaitable<Reply> get_server(Context& context, Call call) {
  (void)call;
  const auto& parts = context.parts;
  json::object body{{"version", version()},
                    {"api_version", 1},
                    {"installation", parts.server.installation.str()},
                    {"controller", utf8(parts.controller.name().str())},
                    {"started_at", format_rfc3339(parts.server.started)},
                    {"now_at", format_rfc3339(context.now())},
                    {"listen", texts(parts.server.listen)},
                    {"agent_listen", texts(parts.server.agent_listen)}};
  if (!parts.server.agent_url.empty()) body["agent_url"] = utf8(parts.server.agent_url);
  if (!parts.server.data_directory.empty()) body["data_directory"] = utf8(parts.server.data_directory);
  const auto storage_full = co_await is_storage_full(context);
  const auto problems = list_problems(context, storage_full);
  body["ok"] = problems.empty();
  body["problems"] = texts(problems);
  body["storage"] = {{"full", storage_full}};
  body["counts"] = {{"queue_items", parts.controller.queue().size()},
                    {"agents", count_live(parts.fleet)},
                    {"event_streams", context.event_streams.value()}};
  co_return json_response(200, body);
}

Awaitable<Reply> back_up(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto path, parse_backup(call.request->body));
  const auto began = context.parts.clock.steady();
  auto made = co_await context.parts.actions.back_up(path);
  if (!made) co_return refuse_path(std::move(made).error());
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.parts.clock.steady() - began);
  context.parts.log.info("backup made", {{"path", path}, {"by", call.principal.name}});
  co_return json_response(200, {{"path", utf8(path)}, {"took_ms", took.count()}});
}

Awaitable<Reply> reload(Context& context, Call call) {
  (void)call;
  FOOTMAN_CO_TRY(const auto changes, co_await context.parts.actions.reload());
  co_return json_response(200, {{"changes", texts(changes)}});
}

Awaitable<Reply> get_openapi(Context& context, Call call) {
  (void)context;
  (void)call;
  co_return text_response("application/yaml", std::string(openapi_text()));
}

Awaitable<Reply> healthz(Context& context, Call call) {
  (void)context;
  (void)call;
  co_return json_response(200, health({}));
}

Awaitable<Reply> readyz(Context& context, Call call) {
  (void)call;
  const auto problems = list_problems(context, co_await is_storage_full(context));
  co_return json_response(problems.empty() ? 200 : 503, health(problems));
}

Awaitable<Reply> metrics(Context& context, Call call) {
  (void)call;
  co_return text_response("text/plain; version=0.0.4; charset=utf-8", context.parts.metrics.expose());
}

}  // namespace footman::api
