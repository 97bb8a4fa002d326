// Routes under /job: what users do, and what a client reads of builds.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "tests/jenkins/api.hpp"
#include "tests/jenkins/consoles.hpp"

namespace footman::fake_jenkins {

// job/A/job/B/…: the longest path that is a job.
Answer Api::route_jobs(Segments rest) {
  std::string name;
  while (rest.size() >= 2 && rest[0] == "job") {
    name += (name.empty() ? "" : "/") + rest[1];
    rest = rest.subspan(2);
    const auto found = jenkins_.jobs_.find(name);
    if (found == jenkins_.jobs_.end()) continue;
    if (!has_right(caller_.rights, Right::job_read)) return not_found();
    return route_job(found->second, rest);
  }
  return not_found();
}

Answer Api::route_job(Job& job, Segments rest) {
  if (rest.empty())
    return make_page(page_, 200, job.name + " - Jenkins", "<h1>" + escape_html(job.name) + "</h1>");
  const auto& what = rest[0];
  if (rest.size() == 2 && what == "api" && rest[1] == "json" && is_get()) {
    return json([&](const Selection& asked) { return views_.show_job(job, asked); });
  }
  if (what == "config.xml" && is_get()) {
    if (auto denied = need(Right::job_configure)) return *denied;
    return make_text("application/xml", "<?xml version=\"1.1\" encoding=\"UTF-8\"?><project/>");
  }
  const auto location = "/" + Views::path_of(job.name);
  if (rest.size() == 1 && (what == "build" || what == "buildWithParameters")) {
    if (!is("POST")) return make_trigger_post_needed(page_);
    return trigger(job, what == "buildWithParameters");
  }
  if (rest.size() == 1 && (what == "enable" || what == "disable") && is("POST")) {
    if (auto denied = need(Right::job_configure)) return *denied;
    job.enabled = what == "enable";
    while (!job.enabled) {  // its items leave the queue
      const auto* open = jenkins_.find_open_item(job.name, {});
      if (open == nullptr || !jenkins_.cancel(open->id, jenkins_.now_)) break;
    }
    return make_redirect(location);
  }
  if (rest.size() == 1 && what == "doDelete" && is("POST")) {
    if (auto denied = need(Right::job_delete)) return *denied;
    const auto* run = jenkins_.last_run(job.name);
    if (run != nullptr) return oops(500);  // of this double: builds keep their job
    jenkins_.jobs_.erase(job.name);
    return make_redirect("/");
  }
  const auto* last = jenkins_.last_run(job.name);
  const auto number =
      what == "lastBuild" && last != nullptr ? last->number : base::find_number<int>(what).value_or(0);
  const auto found = jenkins_.runs_.find({job.name, number});
  if (found == jenkins_.runs_.end()) return not_found();
  return route_run(found->second, rest.subspan(1));
}

Answer Api::trigger(Job& job, bool with_parameters) {
  if (auto denied = need(Right::job_build)) return *denied;
  if (!job.enabled) return make_container_page(409, job.name + " is not buildable");
  if (with_parameters && job.parameters.empty()) {
    return make_container_page(400, job.name + " is not parameterized");
  }
  const auto form = parse_form(request_.body);
  if (!with_parameters && !job.parameters.empty() && !find_field(form, "json")) {
    return make_container_page(400, "This page expects a form submission");
  }
  auto parameters = job.parameters;
  for (auto& [name, value] : parameters) {
    if (const auto given = find_field(form, name)) value = *given;
    if (const auto given = find_field(target_.query, name)) value = *given;
  }
  std::optional<base::Duration> delay;
  if (const auto text = find_field(target_.query, "delay")) {
    const auto digits = std::min(text->find_first_not_of("0123456789"), text->size());
    delay = std::chrono::seconds(base::find_number<int>(text->substr(0, digits)).value_or(0));
  }
  const auto item = jenkins_.trigger(job.name, jenkins_.now_, delay, caller_.name, parameters);
  if (!item) return oops(500);
  return {201,
          {{"X-Content-Type-Options", "nosniff"},
           {"Location", fmt::format("{}queue/item/{}/", jenkins_.settings_.url, *item)}}};
}

Answer Api::route_run(Run& run, Segments rest) {
  const auto location = fmt::format("/{}{}/", Views::path_of(run.job), run.number);
  if (rest.size() == 2 && rest[0] == "api" && rest[1] == "json" && is_get()) {
    return json([&](const Selection& asked) { return views_.show_run(run, asked); });
  }
  if (rest.size() == 2 && rest[0] == "logText" && rest[1] == "progressiveText" && is_get()) {
    const auto start = find_field(target_.query, "start").value_or("0");
    return show_progressive(run.log, base::find_number<std::size_t>(start).value_or(0), run.building);
  }
  if (rest.size() != 1) return not_found();
  const auto& what = rest[0];
  const bool pipeline = jenkins_.jobs_.at(run.job).kind == Job::Kind::pipeline;
  if (what == "stop" || ((what == "term" || what == "kill") && pipeline)) {
    if (!is("POST")) return make_post_needed(page_, jenkins_.settings_.url + location.substr(1) + what);
    if (auto denied = need(Right::job_cancel)) return *denied;
    // A run that swallows interrupts: only the hard way ends it.
    if (run.building && what != "term") jenkins_.stop_run(run, caller_.name);
    return make_redirect(location);
  }
  if (what == "kill" && is("POST"))
    return make_redirect(location + "kill/");  // no such action: nothing is killed
  if (what == "consoleText" && is_get()) return show_console(run.log);
  if (what == "flowGraphTable" && is_get() && pipeline) {
    auto page = make_page(page_, 200, "Pipeline Steps - Jenkins", "");
    const auto table =
        show_flow_table(run, jenkins_.jobs_.at(run.job),
                        target_.raw_path.substr(0, target_.raw_path.rfind("flowGraphTable")), jenkins_.now_);
    const auto panel = page.body.find("\n⇐ end of main");
    page.body.insert(page.body.rfind("<!--", panel), table);
    return page;
  }
  return not_found();
}

}  // namespace footman::fake_jenkins
