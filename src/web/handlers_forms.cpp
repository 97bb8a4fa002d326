// What people do with forms. Each answers with the page of what it changed, or with the form and what is
// wrong.
#include <fmt/format.h>

#include "web/job_form.hpp"
#include "web/visit.hpp"
#include "web/words.hpp"

namespace footman::web {
namespace {

constexpr std::size_t kMaxKeyBytes = 64;
constexpr std::string_view kParameterPrefix = "parameters.";

// People do not know each other's keys, so each has its own.
std::string idempotency_key(const Visit& visit) {
  const auto key = visit.form.text("key");
  if (key.empty() || key.size() > kMaxKeyBytes) return {};
  return fmt::format("{}:web:{}", visit.view.who.name, key);
}

std::string started_by(const Visit& visit) { return "started by " + visit.view.who.name; }

// Only what was typed can be mended in the form; everything else is a page of its own.
bool is_about_input(const Error& error) {
  return error.code == Errc::invalid_argument || error.code == Errc::already_exists ||
         error.code == Errc::conflict || error.code == Errc::resource_exhausted;
}

Reply job_form(const Context& context, const View& view, JobDraft draft, bool is_new,
               std::optional<Error> trouble) {
  if (draft.steps.empty()) draft.steps.emplace_back();
  return make_page(context.assets, job_form_page({std::move(draft), is_new, std::move(trouble)}, view),
                   &view);
}

// The buttons that add a row. False: it is the one that saves.
bool add_row(const Form& form, JobDraft& draft) {
  const auto what = form.text("do");
  if (what == "add-step")
    draft.steps.emplace_back();
  else if (what == "add-parameter")
    draft.parameters.emplace_back();
  else if (what == "add-variable")
    draft.variables.emplace_back();
  else
    return false;
  return true;
}

Awaitable<Reply> submit(Context& context, controller::SubmitRequest request) {
  FOOTMAN_CO_TRY(const auto submitted, co_await context.parts.controller.submit_build(std::move(request)));
  co_return make_redirect(build_url(submitted.build.id));
}

}  // namespace

// --- jobs

Awaitable<Reply> show_new_job(Context& context, Visit visit) {
  co_return job_form(context, visit.view, {}, true, {});
}

Awaitable<Reply> create_job(Context& context, Visit visit) {
  auto draft = read_job_draft(visit.form);
  if (add_row(visit.form, draft)) co_return job_form(context, visit.view, std::move(draft), true, {});
  auto job = parse_job_draft(draft);
  if (job) job = co_await context.parts.controller.create_job(std::move(*job));
  if (job) co_return make_redirect(job_url(job->path));
  if (!is_about_input(job.error())) co_return std::unexpected(job.error());
  co_return job_form(context, visit.view, std::move(draft), true, job.error());
}

Awaitable<Reply> show_edit_job(Context& context, Visit visit) {
  const auto job = context.parts.controller.find_job(JobPath(visit.param));
  if (!job) co_return std::unexpected(context.parts.controller.unknown_job(JobPath(visit.param)));
  co_return job_form(context, visit.view, draft_of(*job), false, {});
}

Awaitable<Reply> save_job(Context& context, Visit visit) {
  auto draft = read_job_draft(visit.form);
  draft.path = visit.param;
  if (add_row(visit.form, draft)) co_return job_form(context, visit.view, std::move(draft), false, {});
  const auto before = context.parts.controller.find_job(JobPath(visit.param));
  if (!before) co_return std::unexpected(context.parts.controller.unknown_job(JobPath(visit.param)));
  if (draft.changed != std::to_string(before->changed.us)) {
    draft.changed = std::to_string(before->changed.us);
    co_return job_form(context, visit.view, std::move(draft), false,
                       Error{Errc::conflict,
                             "The job was changed by somebody else since you opened this form.",
                             {},
                             "Save again to replace that with what is here."});
  }
  auto job = parse_job_draft(draft);
  if (job) job = co_await context.parts.controller.save_job(std::move(*job));
  if (job) co_return make_redirect(job_url(job->path));
  if (!is_about_input(job.error())) co_return std::unexpected(job.error());
  co_return job_form(context, visit.view, std::move(draft), false, job.error());
}

Awaitable<Reply> delete_job(Context& context, Visit visit) {
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.controller.delete_job(JobPath(visit.param)));
  co_return make_redirect(Url("/ui/jobs"));
}

// --- builds

Awaitable<Reply> start_build(Context& context, Visit visit) {
  controller::SubmitRequest request;
  request.job = JobPath(visit.param);
  request.cause = started_by(visit);
  request.idempotency_key = idempotency_key(visit);
  for (const auto& [name, value] : visit.form.fields())
    if (name.starts_with(kParameterPrefix))
      request.parameters[name.substr(kParameterPrefix.size())] = visit.form.lines(name);
  auto given = request.parameters;
  auto reply = co_await submit(context, std::move(request));
  if (reply || !is_about_input(reply.error())) co_return reply;
  co_return co_await reply_job(context, std::move(visit), std::move(given), reply.error());
}

Awaitable<Reply> show_run(Context& context, Visit visit) {
  co_return make_page(context.assets, run_page({{}, {}, {}, context.make_key()}, {}, visit.view),
                      &visit.view);
}

Awaitable<Reply> run_command(Context& context, Visit visit) {
  RunDraft draft{visit.form.text("spec.label"), visit.form.text("spec.steps[0].interpreter"),
                 visit.form.lines("spec.steps[0].script"), visit.form.text("key")};
  controller::SubmitRequest request;
  request.spec.label = draft.label;
  request.spec.steps.push_back({"", draft.interpreter, draft.script});
  request.cause = started_by(visit);
  request.idempotency_key = idempotency_key(visit);
  auto reply = co_await submit(context, std::move(request));
  if (reply || !is_about_input(reply.error())) co_return reply;
  draft.key = context.make_key();  // what comes next is another request
  co_return make_page(context.assets, run_page(draft, reply.error(), visit.view), &visit.view);
}

Awaitable<Reply> repeat_build(Context& context, Visit visit) {
  FOOTMAN_CO_TRY(const auto id, parse_id(visit.param));
  FOOTMAN_CO_TRY(auto build, co_await context.parts.store.get_build(BuildId(id)));
  controller::SubmitRequest request;
  request.job = build.job;
  if (build.job.empty())
    request.spec = std::move(build.spec);
  else
    request.parameters = std::move(build.parameters);
  request.cause = fmt::format("{}, as build {} again", started_by(visit), id);
  request.idempotency_key = idempotency_key(visit);
  co_return co_await submit(context, std::move(request));
}

Awaitable<Reply> cancel_build(Context& context, Visit visit) {
  FOOTMAN_CO_TRY(const auto id, parse_id(visit.param));
  FOOTMAN_CO_TRY(const auto build, co_await context.parts.controller.cancel_build(
                                       BuildId(id), "Cancelled by " + visit.view.who.name));
  co_return make_redirect(build_url(build.id));
}

// --- agents

Awaitable<Reply> drain_agent(Context& context, Visit visit) {
  const AgentId id(visit.param);
  FOOTMAN_CO_TRY_STATUS(
      co_await api::say_if_ended(context.stories(), id, co_await context.parts.fleet.drain_agent(id)));
  co_return make_redirect(agent_url(id));
}

Awaitable<Reply> terminate_agent(Context& context, Visit visit) {
  const AgentId id(visit.param);
  auto reason = fmt::format("The agent was ended by {}.", visit.view.who.name);
  FOOTMAN_CO_TRY_STATUS(co_await api::say_if_ended(
      context.stories(), id, co_await context.parts.fleet.terminate_agent(id, std::move(reason))));
  co_return make_redirect(agent_url(id));
}

// --- clouds

Awaitable<Reply> pause_cloud(Context& context, Visit visit) {
  FOOTMAN_CO_TRY_STATUS(
      co_await context.parts.fleet.pause_cloud(CloudName(visit.param), "by " + visit.view.who.name));
  co_return make_redirect(Url("/ui/clouds"));
}

Awaitable<Reply> resume_cloud(Context& context, Visit visit) {
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.fleet.resume_cloud(CloudName(visit.param)));
  co_return make_redirect(Url("/ui/clouds"));
}

Awaitable<Reply> apply_reconcile(Context& context, Visit visit) {
  const auto by = "by " + visit.view.who.name;
  FOOTMAN_CO_TRY_STATUS(co_await context.parts.controller.release_doubtful(by));
  context.parts.fleet.apply_reconcile(by);
  co_return make_redirect(Url("/ui/clouds"));
}

}  // namespace footman::web
