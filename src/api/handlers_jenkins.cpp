// Each Jenkins that gets agents.
#include <fmt/format.h>

#include <algorithm>

#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/respond.hpp"

namespace footman::api {
namespace {

json::object jenkins_item_to_json(const ports::JenkinsItem& item) {
  json::object out{{"title", utf8(item.title)},
                   {"verdict", item.verdict},
                   {"text", utf8(item.text)},
                   {"since_at", base::format_rfc3339(item.since)}};
  if (item.label) out["label"] = utf8(*item.label);
  if (item.reason) out["reason"] = to_json(*item.reason);
  return out;
}

json::object jenkins_node_to_json(const ports::JenkinsNode& node) {
  json::object out{{"name", utf8(node.name)},
                   {"agent", utf8(node.agent.str())},
                   {"state", node.state},
                   {"connected", node.connected},
                   {"created_at", base::format_rfc3339(node.created)}};
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) out[name] = utf8(text);
  };
  put("work", node.work);
  put("build_url", node.build);
  put("note", node.note);
  if (node.working_since.is_set()) out["working_since_at"] = base::format_rfc3339(node.working_since);
  return out;
}

json::object summary_to_json(const ports::JenkinsStatus& one) {
  json::object out{
      {"name", utf8(one.name.str())}, {"url", utf8(one.url)},      {"reach", one.reach},
      {"trouble", utf8(one.trouble)}, {"detached", one.detached},  {"tells_labels", one.tells_labels},
      {"items", one.items.size()},    {"nodes", one.nodes.size()}, {"violations", one.violations.size()}};
  if (one.since.is_set()) out["since_at"] = base::format_rfc3339(one.since);
  return out;
}

template <class Range>
json::array first_of(const Range& range, json::object (*show)(const typename Range::value_type&)) {
  json::array out;
  for (std::size_t i = 0; i < std::min(range.size(), kMaxPage); ++i) out.push_back(show(range[i]));
  return out;
}

}  // namespace

Awaitable<Reply> list_jenkins(Context& context, Call call) {
  (void)call;
  json::array all;
  if (context.parts.jenkins != nullptr)
    for (const auto& one : context.parts.jenkins->list()) all.push_back(summary_to_json(one));
  co_return json_response(200, {{"jenkins", std::move(all)}});
}

Awaitable<Reply> get_jenkins(Context& context, Call call) {
  if (context.parts.jenkins != nullptr)
    for (const auto& one : context.parts.jenkins->list())
      if (one.name.str() == call.params[0])
        co_return json_response(200, {{"jenkins", summary_to_json(one)},
                                      {"items", first_of(one.items, jenkins_item_to_json)},
                                      {"nodes", first_of(one.nodes, jenkins_node_to_json)},
                                      {"violations", texts(one.violations)}});
  co_return fail(Errc::not_found, fmt::format("There is no Jenkins {}", call.params[0]));
}

Awaitable<Reply> detach_jenkins(Context& context, Call call) {
  if (context.parts.jenkins == nullptr)
    co_return fail(Errc::not_found, fmt::format("There is no Jenkins {}", call.params[0]));
  FOOTMAN_CO_TRY(const auto removed, co_await context.parts.jenkins->detach(ControllerName(call.params[0])));
  co_return json_response(200, {{"removed", removed}});
}

}  // namespace footman::api
