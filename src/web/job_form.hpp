// The form that a job is written with: what a person typed, as texts, to and from a job. Fields are named as
// the model names them ("spec.steps[0].script"), so that the model's errors point at their input.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/work.hpp"
#include "web/form.hpp"
#include "web/page.hpp"

namespace footman::web {

struct JobDraft {
  struct Step {
    std::string name, interpreter, script, unstable_exit_status;
  };
  struct Parameter {
    std::string name, default_value, description, choices;  // one choice a line
  };
  struct Variable {
    std::string name, value, secret_ref;
  };
  std::string path, description, label;
  std::string timeout, grace, log_limit, retries, quiet_period, max_concurrent, keep_builds, keep_for;
  bool enabled = true;
  std::vector<Step> steps;
  std::vector<Parameter> parameters;
  std::vector<Variable> variables;
  std::string changed;  // of the job that is edited, when the form was made: an edit in between is noticed
};

JobDraft draft_of(const model::Job& job);
// Rows that are empty are left out.
JobDraft read_job_draft(const Form& form);
// invalid_argument with the field. What the model demands beyond that is the controller's to check.
Result<model::Job> parse_job_draft(const JobDraft& draft);

struct JobFormData {
  JobDraft draft;
  bool is_new = true;
  std::optional<Error> trouble;
};
Page job_form_page(const JobFormData& data, const View& view);

struct RunDraft {
  std::string label, interpreter, script;
  std::string key;  // of the build that the form would start
};
Page run_page(const RunDraft& draft, const std::optional<Error>& trouble, const View& view);

// At the top of a form that was not accepted: what is wrong, with a link to the input.
Markup trouble_box(const std::optional<Error>& trouble);
// aria-invalid and aria-describedby for the input that the error is about.
Attributes trouble_of(const std::optional<Error>& trouble, std::string_view field);

}  // namespace footman::web
