// What handlers get and give. For use inside api only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "api/api.hpp"
#include "api/story.hpp"

namespace footman::api {

// Shared by all requests; outlives them.
struct Context {
  explicit Context(ApiParts the_parts)
      : parts(std::move(the_parts)),
        run(parts.rng.name(8)),
        event_streams(parts.metrics.gauge("footman_event_streams", "Open event streams")),
        followed_logs(parts.metrics.gauge("footman_followed_logs", "Logs that are followed")) {}

  ApiParts parts;
  std::string run;  // of the server: event ids of another run are not of this one's sequence
  base::Gauge& event_streams;
  base::Gauge& followed_logs;

  Instant now() const { return parts.clock.now(); }
  StorySources stories() const { return {parts.controller, parts.fleet, parts.store, now()}; }
};

struct Call {
  std::shared_ptr<const net::HttpRequest> request;
  Principal principal;
  std::vector<std::string> params;  // of the pattern, in its order
};

using Reply = Result<net::HttpResponse>;
using Handler = Awaitable<Reply> (*)(Context&, Call);

// handlers_jobs.cpp
Awaitable<Reply> list_jobs(Context& context, Call call);
Awaitable<Reply> create_job(Context& context, Call call);
Awaitable<Reply> get_job(Context& context, Call call);
Awaitable<Reply> save_job(Context& context, Call call);
Awaitable<Reply> delete_job(Context& context, Call call);
// handlers_builds.cpp
Awaitable<Reply> list_builds(Context& context, Call call);
Awaitable<Reply> submit_build(Context& context, Call call);
Awaitable<Reply> get_build(Context& context, Call call);
Awaitable<Reply> cancel_build(Context& context, Call call);
Awaitable<Reply> list_attempts(Context& context, Call call);
Awaitable<Reply> list_steps(Context& context, Call call);
Awaitable<Reply> list_queue(Context& context, Call call);
Awaitable<Reply> get_queue_item(Context& context, Call call);
// handlers_explain.cpp
Awaitable<Reply> explain_build(Context& context, Call call);
Awaitable<Reply> explain_agent(Context& context, Call call);
// handlers_agents.cpp
Awaitable<Reply> list_agents(Context& context, Call call);
Awaitable<Reply> get_agent(Context& context, Call call);
Awaitable<Reply> drain_agent(Context& context, Call call);
Awaitable<Reply> terminate_agent(Context& context, Call call);
Awaitable<Reply> list_clouds(Context& context, Call call);
Awaitable<Reply> pause_cloud(Context& context, Call call);
Awaitable<Reply> resume_cloud(Context& context, Call call);
Awaitable<Reply> get_plan(Context& context, Call call);
Awaitable<Reply> get_reconcile(Context& context, Call call);
Awaitable<Reply> apply_reconcile(Context& context, Call call);
// handlers_jenkins.cpp
Awaitable<Reply> list_jenkins(Context& context, Call call);
Awaitable<Reply> get_jenkins(Context& context, Call call);
Awaitable<Reply> detach_jenkins(Context& context, Call call);
// handlers_costs.cpp
Awaitable<Reply> report_costs(Context& context, Call call);
// log_stream.cpp
Awaitable<Reply> get_log(Context& context, Call call);
// event_stream.cpp
Awaitable<Reply> stream_events(Context& context, Call call);
// handlers_server.cpp
Awaitable<Reply> list_tokens(Context& context, Call call);
Awaitable<Reply> create_token(Context& context, Call call);
Awaitable<Reply> revoke_token(Context& context, Call call);
Awaitable<Reply> create_sign_in_link(Context& context, Call call);
Awaitable<Reply> whoami(Context& context, Call call);
Awaitable<Reply> get_server(Context& context, Call call);
Awaitable<Reply> back_up(Context& context, Call call);
Awaitable<Reply> reload(Context& context, Call call);
Awaitable<Reply> get_openapi(Context& context, Call call);
Awaitable<Reply> healthz(Context& context, Call call);
Awaitable<Reply> readyz(Context& context, Call call);
Awaitable<Reply> metrics(Context& context, Call call);

}  // namespace footman::api
