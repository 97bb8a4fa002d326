// Jobs.
#include <fmt/format.h>

#include <algorithm>

#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/page.hpp"
#include "api/query.hpp"
#include "api/requests.hpp"
#include "api/respond.hpp"
#include "model/validate.hpp"

namespace footman::api {
namespace {

net::HttpResponse created(const model::Job& job) {
  auto response = json_response(201, to_json(job));
  response.headers.add("Location", "/api/v1/jobs/" + net::percent_encode(job.path.str()));
  return response;
}

}  // namespace

Awaitable<Reply> list_jobs(Context& context, Call call) {
  Errors errors;
  Query query(*call.request, errors);
  const auto prefix = query.text("prefix").value_or("");
  const auto limit = query.limit();
  const auto cursor = query.text("cursor").value_or("");
  query.done();
  FOOTMAN_CO_TRY_STATUS(errors.status());
  Page page(limit);
  json::object body;
  std::string last;
  for (const auto& job : context.parts.controller.list_jobs()) {
    if (!job.path.str().starts_with(prefix) || job.path.str() <= cursor) continue;
    if (page.full()) {
      body["next"] = utf8(last);
      break;
    }
    last = job.path.str();
    page.add(to_json(job));
  }
  body["jobs"] = page.take();
  co_return json_response(200, body);
}

Awaitable<Reply> create_job(Context& context, Call call) {
  FOOTMAN_CO_TRY(auto job, parse_job(call.request->body, true));
  auto made = co_await context.parts.controller.create_job(std::move(job));
  if (!made) co_return std::unexpected(name_api_field(std::move(made).error()));
  co_return created(*made);
}

Awaitable<Reply> get_job(Context& context, Call call) {
  const JobPath path(call.params[0]);
  const auto job = context.parts.controller.find_job(path);
  if (!job) co_return std::unexpected(context.parts.controller.unknown_job(path));
  co_return json_response(200, to_json(*job));
}

Awaitable<Reply> save_job(Context& context, Call call) {
  auto& controller = context.parts.controller;
  FOOTMAN_CO_TRY(auto job, parse_job(call.request->body, false));
  job.path = JobPath(call.params[0]);
  auto saved = co_await controller.save_job(job);
  if (!saved && saved.error().code == Errc::not_found) {
    auto made = co_await controller.create_job(job);
    if (made) co_return created(*made);
    // Somebody else was quicker.
    if (made.error().code != Errc::already_exists)
      co_return std::unexpected(name_api_field(std::move(made).error()));
    saved = co_await controller.save_job(std::move(job));
  }
  if (!saved) co_return std::unexpected(name_api_field(std::move(saved).error()));
  co_return json_response(200, to_json(*saved));
}

Awaitable<Reply> delete_job(Context& context, Call call) {
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.controller.delete_job(JobPath(call.params[0])));
  net::HttpResponse response;
  response.status = 204;
  co_return response;
}

}  // namespace footman::api
