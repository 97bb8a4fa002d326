// Agents, clouds and what the fleet thinks.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/build_views.hpp"
#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/page.hpp"
#include "api/query.hpp"
#include "api/requests.hpp"
#include "api/respond.hpp"

namespace footman::api {
namespace {

// Newest first; one more than the limit, to see whether there are more.
Awaitable<Result<std::vector<fleet::AgentView>>> list_all(Context& context, std::string before,
                                                          std::uint32_t limit) {
  store::AgentFilter filter;
  filter.only_live = false;
  filter.before = std::move(before);
  filter.limit = limit + 1;
  FOOTMAN_CO_TRY(auto agents, co_await context.parts.store.list_agents(filter));
  std::vector<fleet::AgentView> views;
  views.reserve(agents.size());
  for (auto& agent : agents) views.push_back(view_of(context.stories(), std::move(agent)));
  co_return views;
}

// Newest first, those after `seen`, which may have ended since its page was made.
std::vector<fleet::AgentView> list_live(const Context& context, const std::optional<fleet::AgentView>& seen) {
  auto views = context.parts.fleet.list_agents();
  std::ranges::reverse(views);
  if (seen) {
    const auto& last = seen->agent;
    const auto found = std::ranges::find(views, last.id, [](const auto& view) { return view.agent.id; });
    if (found != views.end())
      views.erase(views.begin(), found + 1);
    else
      std::erase_if(views, [&](const auto& view) { return view.agent.planned >= last.planned; });
  }
  std::erase_if(views, [](const auto& view) { return view.agent.state == model::AgentState::terminated; });
  return views;
}

}  // namespace

json::object agent_to_json(const Context& context, const fleet::AgentView& view) {
  return to_json(view, context.parts.controller.find_node(view.agent.id));
}

namespace {

// The builds it has had, and of a Jenkins the one that it has.
Awaitable<Result<json::array>> list_work(Context& context, AgentId agent) {
  json::array all;
  FOOTMAN_CO_TRY(const auto lines, co_await context.parts.store.list_agent_work(agent));
  for (const auto& line : lines) all.push_back(line_to_json(line));
  if (context.parts.jenkins == nullptr) co_return all;
  for (const auto& one : context.parts.jenkins->list())
    for (const auto& node : one.nodes) {
      if (node.agent == agent && node.working_since.is_set()) all.push_back(work_to_json(node));
    }
  co_return all;
}

}  // namespace

Awaitable<Result<json::object>> describe_agent(Context& context, fleet::AgentView view) {
  FOOTMAN_CO_TRY(const auto shown, co_await tell_agent_cost(context.stories(), view.agent));
  auto out = agent_to_json(context, view);
  out["cost"] = to_json(shown);
  out["launch"] = launch_to_json(view.agent);
  FOOTMAN_CO_TRY(out["work"], co_await list_work(context, view.agent.id));
  co_return out;
}

json::object to_json(const ShownCost& shown) {
  auto out = to_json(shown.cost);
  out["final"] = shown.is_final;
  return out;
}

Awaitable<Reply> list_agents(Context& context, Call call) {
  Errors errors;
  Query query(*call.request, errors);
  const bool ended = query.flag("ended");
  const auto limit = query.limit();
  const auto cursor = query.text("cursor").value_or("");
  query.done();
  FOOTMAN_CO_TRY_STATUS(errors.status());
  std::vector<fleet::AgentView> views;
  if (ended) {
    FOOTMAN_CO_TRY(views, co_await list_all(context, cursor, limit));
  } else {
    std::optional<fleet::AgentView> seen;
    if (!cursor.empty()) {
      FOOTMAN_CO_TRY(seen, co_await find_agent(context.stories(), AgentId(cursor)));
    }
    views = list_live(context, seen);
  }
  Page page(limit);
  json::object body;
  std::string last;
  for (const auto& view : views) {
    if (page.full()) {
      body["next"] = utf8(last);
      break;
    }
    last = view.agent.id.str();
    page.add(agent_to_json(context, view));
  }
  body["agents"] = page.take();
  co_return json_response(200, body);
}

Awaitable<Reply> get_agent(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto view, co_await find_agent(context.stories(), AgentId(call.params[0])));
  FOOTMAN_CO_TRY(const auto body, co_await describe_agent(context, std::move(view)));
  co_return json_response(200, body);
}

Awaitable<Reply> drain_agent(Context& context, Call call) {
  const AgentId id(call.params[0]);
  FOOTMAN_CO_TRY_STATUS(
      co_await say_if_ended(context.stories(), id, co_await context.parts.fleet.drain_agent(id)));
  FOOTMAN_CO_TRY(const auto view, co_await find_agent(context.stories(), id));
  co_return json_response(200, agent_to_json(context, view));
}

Awaitable<Reply> terminate_agent(Context& context, Call call) {
  const AgentId id(call.params[0]);
  FOOTMAN_CO_TRY(const auto words, parse_reason(call.request->body));
  const auto reason = words.empty() ? fmt::format("Terminated by {}", call.principal.name)
                                    : fmt::format("Terminated by {}: {}", call.principal.name, words);
  FOOTMAN_CO_TRY_STATUS(
      co_await say_if_ended(context.stories(), id, co_await context.parts.fleet.terminate_agent(id, reason)));
  FOOTMAN_CO_TRY(const auto view, co_await find_agent(context.stories(), id));
  co_return json_response(200, agent_to_json(context, view));
}

Awaitable<Reply> list_clouds(Context& context, Call call) {
  (void)call;
  co_return json_response(200, {{"clouds", to_array(context.parts.fleet.list_clouds())}});
}

namespace {

Reply show_cloud(const Context& context, const std::string& name) {
  for (const auto& cloud : context.parts.fleet.list_clouds())
    if (cloud.name.str() == name) return json_response(200, to_json(cloud));
  return std::unexpected(context.parts.fleet.unknown_cloud(CloudName(name)));
}

}  // namespace

Awaitable<Reply> pause_cloud(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto words, parse_reason(call.request->body));
  auto text = words.empty() ? fmt::format("by {}", call.principal.name)
                            : fmt::format("by {}: {}", call.principal.name, words);
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.fleet.pause_cloud(CloudName(call.params[0]), std::move(text)));
  co_return show_cloud(context, call.params[0]);
}

Awaitable<Reply> resume_cloud(Context& context, Call call) {
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.fleet.resume_cloud(CloudName(call.params[0])));
  co_return show_cloud(context, call.params[0]);
}

Awaitable<Reply> get_plan(Context& context, Call call) {
  (void)call;
  co_return json_response(200, to_json(context.parts.fleet.last_plan()));
}

json::object reconcile_json(const Context& context) {
  auto body = to_json(context.parts.fleet.last_reconcile());
  body["held_builds"] = context.parts.controller.count_doubtful();
  return body;
}

Awaitable<Reply> get_reconcile(Context& context, Call call) {
  (void)call;
  co_return json_response(200, reconcile_json(context));
}

Awaitable<Reply> apply_reconcile(Context& context, Call call) {
  const auto by = "by " + call.principal.name;
  FOOTMAN_CO_TRY(const auto released, co_await context.parts.controller.release_doubtful(by));
  const auto count = context.parts.fleet.apply_reconcile(by);
  auto body = reconcile_json(context);
  body["applied"] = count;
  body["released_builds"] = released;
  co_return json_response(200, body);
}

}  // namespace footman::api
