// The forms for jobs and for a single command.
#include <fmt/format.h>

#include "web/job_form.hpp"
#include "web/words.hpp"

namespace footman::web {
namespace {

// One labelled input. `hint` stands below it.
struct Input {
  std::string field;
  std::string_view label;
  std::string_view value;
  std::string_view hint = {};
  std::string_view placeholder = {};
  bool required = false;
};

Attributes input_attributes(const Input& input, const std::optional<Error>& trouble) {
  auto attributes = trouble_of(trouble, input.field);
  if (!input.placeholder.empty()) attributes.add("placeholder", input.placeholder);
  if (input.required) attributes.add("required", "");
  return attributes;
}

Markup hint_of(const Input& input) {
  return input.hint.empty() ? Markup() : html(R"(<p class="hint">{}</p>)", input.hint);
}

Markup line_input(const Input& input, const std::optional<Error>& trouble) {
  return html(
      R"(<div class="field"><label for="{}">{}</label><input id="{}" name="{}" value="{}" autocomplete="off" spellcheck="false"{}>{}</div>)",
      input.field, input.label, input.field, input.field, input.value, input_attributes(input, trouble),
      hint_of(input));
}

// A line break directly behind <textarea> is dropped by browsers: one is given away, so that the text's own
// stays.
Markup text_input(const Input& input, int rows, const std::optional<Error>& trouble,
                  std::string_view classes = "mono") {
  return html(
      R"(<div class="field"><label for="{}">{}</label><textarea id="{}" name="{}" rows="{}" class="{}" spellcheck="false"{}>
{}</textarea>{}</div>)",
      input.field, input.label, input.field, input.field, rows, classes, input_attributes(input, trouble),
      input.value, hint_of(input));
}

constexpr std::string_view kUnstableHint =
    "A step that exits with it does not fail: the next one runs, and the build is unstable. Empty: none.";
constexpr std::string_view kInterpreterHint = "/bin/sh -e";
constexpr std::string_view kLabelHint = "Such as linux && !arm. Empty: any agent template that is a default.";

using Trouble = std::optional<Error>;

Markup step_rows(const JobDraft& draft, const Trouble& trouble) {
  std::size_t i = 0;
  return each(draft.steps, [&](const JobDraft::Step& step) {
    const auto at = fmt::format("spec.steps[{}].", i++);
    return html(
        R"(<fieldset class="row"><legend>Step {}</legend><div class="pair">{}{}</div>{}{}</fieldset>)", i,
        line_input({at + "name", "Name", step.name, {}, fmt::format("step {}", i)}, trouble),
        line_input({at + "interpreter", "Interpreter", step.interpreter, {}, kInterpreterHint}, trouble),
        text_input({at + "script", "Script", step.script}, 6, trouble),
        line_input({at + "unstable_exit_status", "Unstable at exit status", step.unstable_exit_status,
                    kUnstableHint},
                   trouble));
  });
}

Markup parameter_rows(const JobDraft& draft, const Trouble& trouble) {
  std::size_t i = 0;
  return each(draft.parameters, [&](const JobDraft::Parameter& one) {
    const auto at = fmt::format("parameters[{}].", i++);
    return html(
        R"(<fieldset class="row"><legend>Parameter {}</legend><div class="pair">{}{}</div><div class="pair">{}{}</div></fieldset>)",
        i, line_input({at + "name", "Name", one.name, {}, "BRANCH"}, trouble),
        text_input({at + "default", "Default", one.default_value}, 1, trouble),
        text_input({at + "description", "Description", one.description}, 2, trouble, ""),
        text_input({at + "choices", "Choices, one a line", one.choices, "Empty: any text."}, 2, trouble));
  });
}

Markup variable_rows(const JobDraft& draft, const Trouble& trouble) {
  std::size_t i = 0;
  return each(draft.variables, [&](const JobDraft::Variable& one) {
    const auto at = fmt::format("spec.env[{}].", i++);
    return html(
        R"(<fieldset class="row"><legend>Variable {}</legend>{}<div class="pair">{}{}</div></fieldset>)", i,
        line_input({at + "name", "Name", one.name, {}, "CC"}, trouble),
        text_input({at + "value", "Value", one.value}, 1, trouble),
        line_input({at + "secret_ref", "Or where a secret is", one.secret_ref,
                    "Only this reference is stored.", "file:/run/secrets/key"},
                   trouble));
  });
}

Markup add_button(std::string_view what, std::string_view label) {
  return html(
      R"(<p><button type="submit" class="button" name="do" value="{}" formnovalidate>{}</button></p>)", what,
      label);
}

Markup limits(const JobDraft& draft, const Trouble& trouble) {
  return html(
      R"(<details class="card"{}><summary><h2>Limits and retention</h2></summary><div class="pair">{}{}</div><div class="pair">{}{}</div><div class="pair">{}{}</div><div class="pair">{}{}</div></details>)",
      flag("open", trouble.has_value()),
      line_input(
          {"spec.timeout", "Time-out", draft.timeout, "Of the whole build. Empty: the server's.", "30m"},
          trouble),
      line_input(
          {"spec.grace", "Grace", draft.grace, "Between the polite and the hard end of a step.", "10s"},
          trouble),
      line_input(
          {"quiet_period", "Quiet period", draft.quiet_period, "How long a new build waits at least.", "0s"},
          trouble),
      line_input({"max_concurrent", "Builds at once", draft.max_concurrent, "Empty: no limit."}, trouble),
      line_input({"keep_builds", "Builds kept", draft.keep_builds, "Empty: the server's limit."}, trouble),
      line_input({"keep_for", "Kept for", draft.keep_for, "Empty: no limit.", "30d"}, trouble),
      line_input(
          {"spec.log_limit_bytes", "Size of a log", draft.log_limit, "Empty: the server's limit.", "64 MiB"},
          trouble),
      line_input({"spec.retries", "Retries", draft.retries, "When the cloud takes the agent. Empty: none."},
                 trouble));
}

}  // namespace

Markup trouble_box(const Trouble& trouble) {
  if (!trouble) return {};
  const auto what = sentence(trouble->message);
  return html(R"(<div class="callout bad" role="alert" id="trouble"><p>{}</p>{}</div>)",
              trouble->field.empty() ? text(what) : html("<code>{}</code>: {}", trouble->field, what),
              trouble->hint.empty() ? Markup() : html("<p>{}</p>", sentence(trouble->hint)));
}

Attributes trouble_of(const Trouble& trouble, std::string_view field) {
  Attributes attributes;
  if (!trouble || trouble->field != field) return attributes;
  attributes.add("aria-invalid", "true");
  attributes.add("aria-describedby", "trouble");
  attributes.add("autofocus", "");
  return attributes;
}

Page job_form_page(const JobFormData& data, const View& view) {
  const auto& draft = data.draft;
  const auto& trouble = data.trouble;
  Page page;
  page.title = data.is_new ? "New job" : "Edit " + draft.path;
  page.section = Section::jobs;
  page.status = trouble ? 400 : 200;
  const auto action = data.is_new ? Url("/ui/new-job") : Url("/ui/edit-job/", draft.path);
  const auto who = html(
      R"(<div class="card">{}{}{}<div class="field check"><input type="checkbox" id="enabled" name="enabled"{}><label for="enabled">Enabled: builds may be started</label></div></div>)",
      data.is_new
          ? line_input({"path", "Path", draft.path, "Such as team/app. It cannot be changed later.",
                        "team/app", true},
                       trouble)
          : html(
                R"(<input type="hidden" name="path" value="{}"><input type="hidden" name="changed" value="{}">)",
                draft.path, draft.changed),
      text_input({"description", "Description", draft.description}, 2, trouble, ""),
      line_input({"spec.label", "Label expression", draft.label, kLabelHint, "linux"}, trouble),
      flag("checked", draft.enabled));
  const auto rest = html(
      R"(<section class="card" aria-labelledby="steps"><h2 id="steps">Steps</h2><p class="muted">Each is a script of its own; the first that fails ends the build. Empty ones are left out.</p>{}{}</section>
<section class="card" aria-labelledby="parameters"><h2 id="parameters">Parameters</h2>{}{}</section>
<section class="card" aria-labelledby="variables"><h2 id="variables">Environment</h2>{}{}</section>{}
<p class="actions"><button class="button primary" name="do" value="save">{}</button> <a class="button quiet" href="{}">Cancel</a></p>)",
      step_rows(draft, trouble), add_button("add-step", "Add a step"), parameter_rows(draft, trouble),
      add_button("add-parameter", "Add a parameter"), variable_rows(draft, trouble),
      add_button("add-variable", "Add a variable"), limits(draft, trouble),
      data.is_new ? "Create the job" : "Save", data.is_new ? Url("/ui/jobs") : Url("/ui/jobs/", draft.path));
  // The first button of a form is what the Enter key presses: it must be the one that saves.
  const auto first =
      html(R"(<button class="hidden" name="do" value="save" tabindex="-1" aria-hidden="true">Save</button>)");
  page.body = html(R"(<div class="form"><div class="heading"><h1><bdi>{}</bdi></h1></div>{}{}</div>)",
                   page.title, trouble_box(trouble), post_form(view, action, first + who + rest));
  return page;
}

Page run_page(const RunDraft& draft, const Trouble& trouble, const View& view) {
  Page page;
  page.title = "Run a command";
  page.section = Section::builds;
  page.status = trouble ? 400 : 200;
  page.body = html(
      R"(<div class="form"><div class="heading"><h1>Run a command</h1></div><p class="muted">A build without a job: an agent is launched for it, runs the script, and is gone.</p>{}{}</div>)",
      trouble_box(trouble),
      post_form(
          view, Url("/ui/run"),
          html(
              R"(<div class="card">{}<div class="pair">{}{}</div><input type="hidden" name="key" value="{}"></div><p class="actions"><button class="button primary">Run</button></p>)",
              text_input({"spec.steps[0].script", "Script", draft.script, {}, "echo Hello world", true}, 8,
                         trouble),
              line_input({"spec.label", "Label expression", draft.label, kLabelHint, "linux"}, trouble),
              line_input(
                  {"spec.steps[0].interpreter", "Interpreter", draft.interpreter, {}, kInterpreterHint},
                  trouble),
              draft.key)));
  return page;
}

}  // namespace footman::web
