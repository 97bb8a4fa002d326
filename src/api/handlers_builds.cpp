// Builds and the queue.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "api/build_views.hpp"
#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/page.hpp"
#include "api/query.hpp"
#include "api/requests.hpp"
#include "api/respond.hpp"
#include "model/validate.hpp"

namespace footman::api {
namespace {

constexpr std::size_t kMaxClientKeyBytes = 128;  // of an Idempotency-Key

// Clients do not know each other's keys, so each has its own.
Result<std::string> read_idempotency_key(const Call& call) {
  const auto key = call.request->headers.find("Idempotency-Key");
  if (!key) return std::string();
  if (key->empty() || key->size() > kMaxClientKeyBytes)
    return fail(Errc::invalid_argument, fmt::format("1 to {} bytes were expected", kMaxClientKeyBytes),
                "Idempotency-Key");
  return fmt::format("{}:{}", call.principal.name, *key);
}

std::string in_words(std::string_view what, const std::string& name, const std::string& words) {
  return words.empty() ? fmt::format("{} by {}", what, name) : fmt::format("{} by {}: {}", what, name, words);
}

// Read in small parts: a build has its steps with it, and may be big.
constexpr std::uint32_t kBuildsAtOnce = 100;

Awaitable<Result<json::object>> page_of_builds(Context& context, store::BuildFilter filter,
                                               std::uint32_t limit) {
  Page page(limit);
  json::object body;
  filter.limit = std::min(limit + 1, kBuildsAtOnce);
  while (!body.contains("next")) {
    FOOTMAN_CO_TRY(auto builds, co_await context.parts.store.list_builds(filter));
    context.parts.controller.add_wait_reasons(builds);
    for (const auto& build : builds) {
      if (page.full()) {
        body["next"] = filter.before.str();
        break;
      }
      filter.before = build.id;
      page.add(to_json(build, context.now()));
    }
    if (builds.size() < filter.limit) break;
  }
  body["builds"] = page.take();
  co_return body;
}

// A list of one, or of none.
Awaitable<Result<json::object>> find_by_number(Context& context, std::string job, std::int64_t number) {
  auto build = co_await context.parts.store.get_build_by_number(JobPath(std::move(job)), number);
  if (!build && build.error().code != Errc::not_found) co_return std::unexpected(build.error());
  std::vector<model::Build> found;
  if (build) found.push_back(std::move(*build));
  context.parts.controller.add_wait_reasons(found);
  json::array builds;
  for (const auto& one : found) builds.push_back(to_json(one, context.now()));
  co_return json::object{{"builds", std::move(builds)}};
}

}  // namespace

Awaitable<Result<json::object>> describe_build(Context& context, model::Build build) {
  AgentId agent;
  if (build.attempts > 0) {
    FOOTMAN_CO_TRY(const auto assignments, co_await context.parts.store.list_assignments(build.id));
    if (!assignments.empty()) agent = assignments.back().agent;
  }
  const auto queue = context.parts.controller.find_queue_entry(build.id);
  if (queue && build.state == model::BuildState::queued) build.reason = queue->reason.text;
  auto out = to_json(build, queue, agent, context.now());
  FOOTMAN_CO_TRY(const auto shown, co_await tell_build_cost(context.stories(), std::move(build)));
  out["cost"] = to_json(shown);
  co_return out;
}

Awaitable<Reply> list_builds(Context& context, Call call) {
  Errors errors;
  Query query(*call.request, errors);
  const auto job = query.text("job");
  const auto number = query.number("number", 1, std::numeric_limits<std::int64_t>::max());
  store::BuildFilter filter;
  filter.state = query.word("state", model::find_build_state, "queued, running or finished");
  filter.result =
      query.word("result", model::find_build_result, "SUCCESS, UNSTABLE, FAILURE, NOT_BUILT or ABORTED");
  const auto limit = query.limit();
  const auto cursor = query.text("cursor");
  query.done();
  if (number && !job) errors.add("it is the number of a build of a job: \"job\" is missing", "number");
  FOOTMAN_CO_TRY_STATUS(errors.status());
  if (number) {
    FOOTMAN_CO_TRY(const auto body, co_await find_by_number(context, *job, *number));
    co_return json_response(200, body);
  }
  if (job) filter.job = JobPath(*job);
  if (cursor) {
    FOOTMAN_CO_TRY(const auto before, parse_id(*cursor, "cursor"));
    filter.before = BuildId(before);
  }
  FOOTMAN_CO_TRY(const auto body, co_await page_of_builds(context, std::move(filter), limit));
  co_return json_response(200, body);
}

Awaitable<Reply> submit_build(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto request, parse_submit(call.request->body));
  FOOTMAN_CO_TRY(request.idempotency_key, read_idempotency_key(call));
  request.cause = in_words("started", call.principal.name, request.cause);
  auto submitted = co_await context.parts.controller.submit_build(std::move(request));
  if (!submitted) co_return std::unexpected(name_api_field(std::move(submitted).error()));
  const auto id = submitted->build.id;
  const int status = submitted->existed ? 200 : 201;
  FOOTMAN_CO_TRY(const auto body, co_await describe_build(context, std::move(submitted->build)));
  auto response = json_response(status, body);
  if (status == 201) response.headers.add("Location", "/api/v1/builds/" + id.str());
  co_return response;
}

Awaitable<Reply> get_build(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  FOOTMAN_CO_TRY(auto build, co_await context.parts.store.get_build(BuildId(id)));
  FOOTMAN_CO_TRY(const auto body, co_await describe_build(context, std::move(build)));
  co_return json_response(200, body);
}

Awaitable<Reply> cancel_build(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  FOOTMAN_CO_TRY(const auto words, parse_reason(call.request->body));
  FOOTMAN_CO_TRY(const auto build, co_await context.parts.controller.cancel_build(
                                       BuildId(id), in_words("Cancelled", call.principal.name, words)));
  co_return json_response(200, to_json(build, context.now()));
}

Awaitable<Reply> list_attempts(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto number, parse_id(call.params[0], "id"));
  const BuildId id(number);
  auto& store = context.parts.store;
  FOOTMAN_CO_TRY(const auto build, co_await store.get_build(id));
  FOOTMAN_CO_TRY(const auto assignments, co_await store.list_assignments(build.id));
  FOOTMAN_CO_TRY(const auto streams, co_await store.list_streams(build.id));
  json::array attempts;
  for (const auto& one : assignments) attempts.push_back(to_json(one, attempts.size() + 1, streams));
  co_return json_response(200, {{"attempts", std::move(attempts)}});
}

Awaitable<Reply> list_steps(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  Errors errors;
  Query query(*call.request, errors);
  const auto wanted = query.number("attempt", 1, std::numeric_limits<std::int64_t>::max());
  query.done();
  FOOTMAN_CO_TRY_STATUS(errors.status());
  auto& store = context.parts.store;
  FOOTMAN_CO_TRY(const auto build, co_await store.get_build(BuildId(id)));
  FOOTMAN_CO_TRY(const auto assignments, co_await store.list_assignments(build.id));
  const auto count = static_cast<std::int64_t>(assignments.size());
  if (wanted.value_or(0) > count)
    co_return fail(Errc::not_found, fmt::format("the build has {} attempt{}", count, count == 1 ? "" : "s"),
                   "attempt");
  if (count == 0) co_return json_response(200, {{"steps", json::array()}});
  const auto attempt = wanted.value_or(count);
  FOOTMAN_CO_TRY(const auto steps,
                 co_await store.list_steps(assignments[static_cast<std::size_t>(attempt - 1)].id));
  co_return json_response(200, {{"attempt", attempt}, {"steps", to_array(steps)}});
}

// --- queue

Awaitable<Reply> list_queue(Context& context, Call call) {
  Errors errors;
  Query query(*call.request, errors);
  const auto limit = query.limit();
  const auto after = query.number("cursor", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  query.done();
  FOOTMAN_CO_TRY_STATUS(errors.status());
  const auto queue = context.parts.controller.queue();
  Page items(limit);
  json::object body{{"total", queue.size()}};
  QueueItemId last;
  for (const auto& entry : queue) {
    if (entry.item.id <= QueueItemId(after)) continue;
    if (items.full()) {
      body["next"] = last.str();
      break;
    }
    last = entry.item.id;
    items.add(to_json(entry));
  }
  body["items"] = items.take();
  co_return json_response(200, body);
}

Awaitable<Reply> get_queue_item(Context& context, Call call) {
  FOOTMAN_CO_TRY(const auto id, parse_id(call.params[0], "id"));
  FOOTMAN_CO_TRY(const auto item, co_await context.parts.store.get_item(QueueItemId(id)));
  const auto entry = context.parts.controller.find_queue_entry(item.build);
  if (entry && entry->item.id == item.id) co_return json_response(200, to_json(*entry));
  FOOTMAN_CO_TRY(const auto build, co_await context.parts.store.get_build(item.build));
  co_return json_response(200, to_json(item, build));
}

}  // namespace footman::api
