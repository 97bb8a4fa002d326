// One request for a page, and the handlers that answer it. For use inside web only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/story.hpp"
#include "web/form.hpp"
#include "web/page.hpp"
#include "web/web.hpp"

namespace footman::web {

using runtime::Awaitable;

// Sent by the script when it looks at its page again.
inline constexpr std::string_view kLiveHeader = "Footman-Live";

// Shared by all requests; outlives them.
struct Context {
  explicit Context(WebParts the_parts) : parts(std::move(the_parts)) {}
  Instant now() const { return parts.clock.now(); }
  api::StorySources stories() const { return {parts.controller, parts.fleet, parts.store, now()}; }
  // Goes into a form, so that sending it twice starts one build.
  std::string make_key() { return std::to_string(now().us) + "-" + std::to_string(++keys_made); }

  WebParts parts;
  Assets assets;
  std::uint64_t keys_made = 0;
};

struct Visit {
  std::shared_ptr<const net::HttpRequest> request;
  View view;
  std::string param;  // the part of the path that the route leaves open
  Form form;          // of a POST
};

using Reply = Result<net::HttpResponse>;
using Handler = Awaitable<Reply> (*)(Context&, Visit);

// handlers_views.cpp
Awaitable<Reply> show_overview(Context& context, Visit visit);
Awaitable<Reply> show_jobs(Context& context, Visit visit);
Awaitable<Reply> show_job(Context& context, Visit visit);
Awaitable<Reply> show_builds(Context& context, Visit visit);
Awaitable<Reply> show_build(Context& context, Visit visit);
Awaitable<Reply> show_log(Context& context, Visit visit);
Awaitable<Reply> show_queue(Context& context, Visit visit);
Awaitable<Reply> show_agents(Context& context, Visit visit);
Awaitable<Reply> show_agent(Context& context, Visit visit);
Awaitable<Reply> show_clouds(Context& context, Visit visit);
Awaitable<Reply> show_costs(Context& context, Visit visit);
Awaitable<Reply> show_jenkins(Context& context, Visit visit);
// handlers_forms.cpp
Awaitable<Reply> show_new_job(Context& context, Visit visit);
Awaitable<Reply> create_job(Context& context, Visit visit);
Awaitable<Reply> show_edit_job(Context& context, Visit visit);
Awaitable<Reply> save_job(Context& context, Visit visit);
Awaitable<Reply> delete_job(Context& context, Visit visit);
Awaitable<Reply> start_build(Context& context, Visit visit);
Awaitable<Reply> show_run(Context& context, Visit visit);
Awaitable<Reply> run_command(Context& context, Visit visit);
Awaitable<Reply> repeat_build(Context& context, Visit visit);
Awaitable<Reply> cancel_build(Context& context, Visit visit);
Awaitable<Reply> drain_agent(Context& context, Visit visit);
Awaitable<Reply> terminate_agent(Context& context, Visit visit);
Awaitable<Reply> pause_cloud(Context& context, Visit visit);
Awaitable<Reply> resume_cloud(Context& context, Visit visit);
Awaitable<Reply> apply_reconcile(Context& context, Visit visit);

// The page of a job, also again when its form was not accepted.
Awaitable<Reply> reply_job(Context& context, Visit visit, std::map<std::string, std::string> given,
                           std::optional<Error> trouble);
// A number from 1; not_found for anything else, since nothing has such an address.
Result<std::int64_t> parse_id(std::string_view text);

}  // namespace footman::web
