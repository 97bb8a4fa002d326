// job create|save|list|show|delete
#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "cli/build_ref.hpp"
#include "cli/context.hpp"
#include "cli/document.hpp"
#include "cli/groups.hpp"
#include "cli/spec_options.hpp"

namespace footman::cli {
namespace {

// What `job show --json` shows and nobody can set: taken out, so that its output can be edited and saved.
constexpr std::array<const char*, 3> kReadOnly = {"next_number", "created_at", "changed_at"};

Result<json::object> job_from_text(const std::string& text, const std::string& file) {
  FOOTMAN_TRY(auto value, parse_document(text, file));
  if (!value.is_object())
    return fail(Errc::invalid_argument, fmt::format("{}: a job is a map of its fields", file));
  auto job = std::move(value.as_object());
  for (const auto* name : kReadOnly) job.erase(name);
  return job;
}

Result<json::object> job_from_options(const Arguments& arguments) {
  FOOTMAN_TRY(auto spec, read_spec_options(arguments));
  json::array steps;
  for (const auto& script : arguments.list("step")) steps.push_back(make_step(arguments, script));
  spec["steps"] = std::move(steps);
  json::object job{{"path", arguments.text("FILE_OR_JOB")}, {"spec", std::move(spec)}};
  json::array parameters;
  for (const auto& text : arguments.list("param")) {
    const auto split = text.find('=');
    json::object parameter{{"name", text.substr(0, split)}};
    if (split != std::string::npos) parameter["default"] = text.substr(split + 1);
    parameters.push_back(std::move(parameter));
  }
  if (!parameters.empty()) job["parameters"] = std::move(parameters);
  if (arguments.has("description")) job["description"] = arguments.text("description");
  if (arguments.has("disabled")) job["enabled"] = false;
  if (const auto number = arguments.number("max-concurrent")) job["max_concurrent"] = *number;
  if (const auto number = arguments.number("keep-builds")) job["keep_builds"] = *number;
  if (const auto quiet = arguments.duration("quiet-period")) job["quiet_period_ms"] = quiet->count() / 1000;
  return job;
}

// A file or standard input holds the whole job; with --step the options are it.
Result<json::object> read_job(const Session& session, const Arguments& arguments) {
  const auto named = arguments.text("FILE_OR_JOB");
  if (arguments.has("step")) {
    if (named.empty())
      return fail(Errc::invalid_argument, "with --step, the job's path is needed, such as team/app");
    return job_from_options(arguments);
  }
  if (named.empty() && !arguments.has("stdin")) {
    return fail(Errc::invalid_argument,
                "a file with the job, --stdin, or a job's path with --step is needed");
  }
  const bool from_input = arguments.has("stdin") || named == "-";
  std::error_code ignored;
  if (!from_input && !std::filesystem::exists(named, ignored)) {
    return fail(Errc::invalid_argument, fmt::format("{} is not there", named), {},
                "Without a file, give the job's path and its steps: --step 'make test'");
  }
  FOOTMAN_TRY(const auto text, read_document(session.context, from_input ? "-" : named));
  FOOTMAN_TRY(auto job, job_from_text(text, from_input ? "standard input" : named));
  if (arguments.has("path")) job["path"] = arguments.text("path");
  if (text_of(job, "path").empty()) {
    return fail(Errc::invalid_argument, "the job has no path", "path", "Add path: team/app, or give --path");
  }
  return job;
}

// What a file says has its own names.
template <class T>
Result<T> name_fields(Result<T> result, const Arguments& arguments) {
  return arguments.has("step") ? name_options(std::move(result), "--step") : std::move(result);
}

void show_changed(Session& session, const json::value& job, std::string_view what) {
  if (session.json) {
    session.out().write(pretty(job));
  } else {
    session.out().line(fmt::format("job {} {}; start it with: footman build start {}",
                                   clean(text_of(job, "path")), what, clean(text_of(job, "path"))));
  }
}

Awaitable<Result<int>> create(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(auto job, read_job(session, arguments));
  FOOTMAN_CO_TRY(const auto made,
                 name_fields(co_await session.client.post("/jobs", std::move(job)), arguments));
  show_changed(session, made, "created");
  co_return exit_ok;
}

Awaitable<Result<int>> save(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(auto job, read_job(session, arguments));
  const auto target = target_of_job(text_of(job, "path"));
  job.erase("path");
  FOOTMAN_CO_TRY(const auto saved,
                 name_fields(co_await session.client.put(target, std::move(job)), arguments));
  show_changed(session, saved, "saved");
  co_return exit_ok;
}

Awaitable<Result<int>> list_jobs(Session& session, const Arguments& arguments) {
  Query query;
  if (arguments.has("prefix")) query.emplace_back("prefix", arguments.text("prefix"));
  const auto limit = arguments.number("limit").value_or(kMaxPage);
  FOOTMAN_CO_TRY(const auto jobs, co_await session.client.list("/jobs", "jobs", std::move(query), limit));
  if (session.json) {
    session.out().write(pretty(jobs));
    co_return exit_ok;
  }
  Table table({"JOB", "STEPS", "LABEL", "NEXT", "CHANGED", "DESCRIPTION"});
  for (const auto& job : list_of(jobs, "jobs")) {
    const auto& spec = part_of(job, "spec");
    const bool enabled = flag_of(job, "enabled");
    table.add({text_of(job, "path"), std::to_string(list_of(spec, "steps").size()), text_of(spec, "label"),
               enabled ? number_text(job, "next_number") : "disabled", show_time(time_of(job, "changed_at")),
               text_of(job, "description")});
  }
  if (table.empty()) {
    session.err().line("no jobs; make one with: footman job create team/app --step 'make test'");
  } else {
    table.print(session.out());
  }
  if (!text_of(jobs, "next").empty()) session.err().line("there are more: --limit N");
  co_return exit_ok;
}

std::string limit_text(const json::value& job, std::string_view field, std::string_view nothing) {
  const auto number = number_of(job, field).value_or(0);
  return number == 0 ? std::string(nothing) : std::to_string(number);
}

Awaitable<Result<int>> show_job(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto job, co_await session.client.get(target_of_job(arguments.text("JOB"))));
  if (session.json) {
    session.out().write(pretty(job));
    co_return exit_ok;
  }
  const auto& spec = part_of(job, "spec");
  const auto millis = [](const json::value& object, std::string_view field) {
    const auto value = millis_of(object, field).value_or(Duration(0));
    return value.count() == 0 ? std::string() : format_duration(value);
  };
  Facts facts;
  facts.add("Job", text_of(job, "path"));
  facts.add("Description", text_of(job, "description"));
  facts.add("Enabled", flag_of(job, "enabled") ? "" : "no");
  facts.add("Label", text_of(spec, "label"));
  facts.add("Timeout", millis(spec, "timeout_ms"));
  if (number_of(spec, "retries").value_or(0) > 0) facts.add("Retries", number_text(spec, "retries"));
  facts.add("Quiet period", millis(job, "quiet_period_ms"));
  facts.add("At a time", limit_text(job, "max_concurrent", "no limit"));
  facts.add("Kept builds", limit_text(job, "keep_builds", "as the server says"));
  facts.add("Next number", number_text(job, "next_number"));
  facts.add("Created", show_time(time_of(job, "created_at")));
  facts.add("Changed", show_time(time_of(job, "changed_at")));
  for (const auto& parameter : list_of(job, "parameters")) {
    const auto about = text_of(parameter, "description");
    facts.add("Parameter", fmt::format("{}={}{}{}", text_of(parameter, "name"), text_of(parameter, "default"),
                                       about.empty() ? "" : "  ", about));
  }
  for (const auto& variable : list_of(spec, "env")) {
    const auto secret = text_of(variable, "secret_ref");
    facts.add("Environment",
              fmt::format("{}={}", text_of(variable, "name"),
                          secret.empty() ? text_of(variable, "value") : "secret of " + secret));
  }
  facts.print(session.out());
  show_steps(session.out(), spec);
  co_return exit_ok;
}

Awaitable<Result<int>> remove(Session& session, const Arguments& arguments) {
  const auto path = arguments.text("JOB");
  FOOTMAN_CO_TRY_STATUS(co_await session.client.remove(target_of_job(path)));
  if (session.json) {
    session.out().write(pretty(json::object{{"deleted", path}}));
  } else {
    session.out().line(fmt::format("job {} deleted with its builds and logs", clean(path)));
  }
  co_return exit_ok;
}

std::vector<Option> content_options() {
  return spec_options() + step_options("the steps") +
         std::vector<Option>{
             {"stdin", 0, Value::none, "", "read the job from standard input"},
             {"path", 0, Value::text, "JOB", "the job's path, instead of the one in the file"},
             {"step", 's', Value::text, "SCRIPT", "a step of the job; may be repeated", true},
             {"param", 'p', Value::text, "NAME[=DEFAULT]", "a parameter of the job; may be repeated", true},
             {"description", 0, Value::text, "TEXT", "shown with the job"},
             {"max-concurrent", 0, Value::number, "N", "builds at the same time (no limit)"},
             {"keep-builds", 0, Value::number, "N", "finished builds that are kept (as the server says)"},
             {"quiet-period", 0, Value::duration, "TIME", "wait that long before a build"},
             {"disabled", 0, Value::none, "", "take no builds yet"},
         };
}

}  // namespace

Command job_commands() {
  const Argument content{"FILE_OR_JOB", "a file with the job in YAML or JSON; with --step the job's path",
                         Value::file, false};
  const Argument job{"JOB", "the job's path such as team/app"};
  const std::string about_content =
      "The job comes from a file (YAML or JSON, the fields of the API's jobs: path, description, spec with "
      "label, env\n"
      "and steps, parameters, …), from standard input, or from options with at least one --step.";
  return {"job",
          "create, change, list, show and delete jobs",
          "",
          {{"footman job list", "all jobs"}},
          {},
          {},
          {
              {"create",
               "create a job",
               about_content,
               {{"footman job create team/app --step 'make all' --step 'make test' -l linux", "from options"},
                {"footman job create job.yaml", "from a file"},
                {"footman job create --stdin --path team/copy < job.json",
                 "from standard input, under another path"}},
               content_options(),
               {content},
               {},
               {},
               create},
              {"save",
               "create a job or replace it",
               about_content + "\nEverything but the numbers and the history of its builds is replaced.",
               {{"footman job show team/app --json > job.json; $EDITOR job.json; footman job save job.json",
                 "change a job"}},
               content_options(),
               {content},
               {},
               {},
               save},
              {"list",
               "jobs, by path",
               "",
               {{"footman job list --prefix team/", "those of a team"}},
               {{"prefix", 0, Value::text, "TEXT", "only jobs whose path begins with this"},
                {"limit", 'n', Value::number, "N", "at most this many (1000)"}},
               {},
               {},
               {},
               list_jobs},
              {"show",
               "a job with its steps",
               "",
               {{"footman job show team/app", "for people"},
                {"footman job show team/app --json", "to edit and save"}},
               {},
               {job},
               {},
               {},
               show_job},
              {"delete",
               "delete a job",
               "Its builds and their logs go with it; numbers of a later job of this name go on. Refused "
               "while builds of it "
               "wait or run.",
               {{"footman job delete team/app", ""}},
               {},
               {job},
               {},
               {},
               remove},
          }};
}

}  // namespace footman::cli
