#include <fmt/format.h>

#include "web/job_form.hpp"
#include "web/pages.hpp"

namespace footman::web {
namespace {

Markup choice(const model::ParameterSpec& one, std::string_view value, const FormTrouble& trouble) {
  const auto id = "parameters." + one.name;
  return html(R"(<select id="{}" name="{}"{}>{}</select>)", id, id, trouble_of(trouble, id),
              each(one.choices, [&](const std::string& option) {
                return html(R"(<option value="{}"{}>{}</option>)", option, flag("selected", option == value),
                            option);
              }));
}

Markup free_text(const model::ParameterSpec& one, std::string_view value, const FormTrouble& trouble) {
  const auto id = "parameters." + one.name;
  if (value.contains('\n'))
    return html(R"(<textarea id="{}" name="{}" rows="3" class="mono" spellcheck="false"{}>
{}</textarea>)",
                id, id, trouble_of(trouble, id), value);
  return html(R"(<input id="{}" name="{}" value="{}" class="mono" autocomplete="off" spellcheck="false"{}>)",
              id, id, value, trouble_of(trouble, id));
}

Markup parameter_field(const model::ParameterSpec& one, const JobData& data) {
  const auto given = data.given.find(one.name);
  const auto& value = given == data.given.end() ? one.default_value : given->second;
  return html(R"(<div class="field"><label for="{}" class="mono"><bdi>{}</bdi></label>{}{}</div>)",
              "parameters." + one.name, one.name,
              one.choices.empty() ? free_text(one, value, data.trouble) : choice(one, value, data.trouble),
              one.description.empty() ? Markup() : html(R"(<p class="hint">{}</p>)", one.description));
}

Markup start_form(const JobData& data, const View& view) {
  if (!view.may_change()) return {};
  if (!data.job.enabled)
    return html(R"(<p class="callout warning">The job is disabled: no build of it can be started.</p>)");
  return html(
      R"(<section class="card" aria-labelledby="start"><h2 id="start">Start a build</h2>{}{}</section>)",
      trouble_box(data.trouble),
      post_form(
          view, Url("/ui/start/", data.job.path.str()),
          html(
              R"(<input type="hidden" name="key" value="{}">{}<p class="actions"><button class="button primary">Start build</button></p>)",
              data.key,
              each(data.job.parameters, [&](const auto& one) { return parameter_field(one, data); }))));
}

Markup steps_of(const model::BuildSpec& spec) {
  std::size_t number = 0;
  return each(spec.steps, [&](const model::StepSpec& step) {
    ++number;
    return html(
        R"(<details{}><summary><bdi>{}</bdi>{}{}</summary><pre class="script"><code>{}</code></pre></details>)",
        flag("open", spec.steps.size() == 1), step.name.empty() ? fmt::format("step {}", number) : step.name,
        step.interpreter.empty() ? Markup() : html(R"( <code class="muted">{}</code>)", step.interpreter),
        unstable_note(step), step.script);
  });
}

Markup duration_or(Duration duration, std::string_view otherwise) {
  return text(duration.count() > 0 ? format_duration(duration) : std::string(otherwise));
}
Markup number_or(std::uint32_t number, std::string_view otherwise) {
  return text(number > 0 ? std::to_string(number) : std::string(otherwise));
}

Markup variable(const model::EnvVar& one) {
  return html(R"(<div><dt class="mono"><bdi>{}</bdi></dt><dd class="mono"><bdi>{}</bdi></dd></div>)",
              one.name, one.secret_ref.empty() ? one.value : "secret, from " + one.secret_ref);
}

Markup configuration(const model::Job& job, const View& view) {
  return html(
      R"(<section class="card" aria-labelledby="configuration"><h2 id="configuration">Configuration</h2>{}{}<h3>Steps</h3>{}</section>)",
      facts({{"Label", label_of(job.spec.label)},
             {"Time-out", duration_or(job.spec.timeout, "the server's")},
             {"Retries", number_or(job.spec.retries, "none")},
             {"Quiet period", duration_or(job.quiet_period, "none")},
             {"Builds at once", number_or(job.max_concurrent, "no limit")},
             {"Builds kept", number_or(job.keep_builds, "the server's limit")},
             {"Kept for", duration_or(job.keep_for, "no limit")},
             {"Created", when_exactly(job.created, view.now)},
             {"Changed", when_exactly(job.changed, view.now)}}),
      job.spec.env.empty()
          ? Markup()
          : html(R"(<h3>Environment</h3><dl class="facts">{}</dl>)", each(job.spec.env, variable)),
      steps_of(job.spec));
}

Markup delete_form(const model::Job& job, const View& view) {
  return html(
      R"(<details class="menu"><summary class="button">Delete</summary><div class="card"><p>The job goes with its builds and their logs. While builds of it wait or run it stays.</p>{}</div></details>)",
      post_button(view, Url("/ui/delete-job/", job.path.str()), "Delete the job", "button danger"));
}

}  // namespace

Page jobs_page(const JobsData& data, const View& view) {
  Page page;
  page.title = "Jobs";
  page.section = Section::jobs;
  page.events = "kinds=job,build";
  const auto rows = each(data.rows, [&](const JobRow& row) {
    return html(
        R"(<tr><td data-label="Job">{}{}</td><td data-label="Last build">{}</td><td data-label="Submitted">{}</td><td data-label="Took">{}</td><td data-label="Label">{}</td></tr>)",
        job_link(row.job.path), row.job.enabled ? Markup() : html(R"( <span class="muted">disabled</span>)"),
        row.last ? badge_of(*row.last) +
                       html(R"( <a href="{}">#{}</a>)", build_url(row.last->id), row.last->number)
                 : html(R"(<span class="muted">never</span>)"),
        row.last ? when(row.last->submitted, view.now) : Markup(),
        row.last ? how_long(row.last->started, row.last->finished, view.now) : Markup(),
        label_of(row.job.spec.label));
  });
  const auto table = html(
      R"(<table class="rows"><thead><tr><th scope="col">Job</th><th scope="col">Last build</th><th scope="col">Submitted</th><th scope="col">Took</th><th scope="col">Label</th></tr></thead><tbody>{}</tbody></table>)",
      rows);
  page.body = html(
      R"(<div class="heading"><h1>Jobs</h1>{}</div><div class="card">{}</div>{})",
      view.may_change()
          ? html(R"(<div class="actions"><a class="button" href="/ui/new-job">New job</a></div>)")
          : Markup(),
      data.rows.empty()
          ? nothing("There are no jobs. A job is what is built again and again; a single command needs none.")
          : table,
      pager(data.newest, data.older));
  return page;
}

Page job_page(const JobData& data, const View& view) {
  const auto& job = data.job;
  Page page;
  page.title = job.path.str();
  page.section = Section::jobs;
  page.status = data.trouble ? 400 : 200;
  page.events = "kinds=job,build";
  page.body = html(
      R"(<div class="heading"><h1><bdi>{}</bdi></h1>{}</div>{}{}<section class="card" aria-labelledby="builds"><h2 id="builds">Builds</h2>{}</section>{}{})",
      job.path,
      view.may_change() ? html(R"(<div class="actions"><a class="button" href="{}">Edit</a>{}</div>)",
                               Url("/ui/edit-job/", job.path.str()), delete_form(job, view))
                        : Markup(),
      job.description.empty() ? Markup() : html(R"(<p class="description">{}</p>)", job.description),
      start_form(data, view),
      data.builds.empty() ? nothing("It has not been built yet.") : build_table(data.builds, view),
      pager(data.newest, data.older), configuration(job, view));
  return page;
}

Markup unstable_note(const model::StepSpec& step) {
  if (step.unstable_exit_status == 0) return {};
  return html(R"( <span class="muted">unstable at exit status {}</span>)",
              std::to_string(step.unstable_exit_status));
}

}  // namespace footman::web
