#include "cli/spec_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/ascii.hpp"

namespace footman::cli {
namespace {

bool needs_no_quotes(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return base::is_alnum_or("_-./:,@%+", c); });
}

std::string quote(const std::string& word) {
  if (needs_no_quotes(word)) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace

std::vector<Option> spec_options() {
  return {
      {"label", 'l', Value::text, "EXPR", "which agents will do, as in Jenkins: \"linux && !arm\""},
      {"env", 'e', Value::text, "K=V", "a variable of the build; may be repeated", true},
      {"secret-env", 0, Value::text, "K=REF",
       "a variable with a secret that the server reads when the build starts: file:/path or env:NAME on the "
       "server; "
       "may be repeated",
       true},
      {"timeout", 't', Value::duration, "TIME", "the longest the build may run (10m, 1h30m)"},
      {"grace", 0, Value::duration, "TIME", "between the polite and the hard end of a step (10s)"},
      {"retries", 0, Value::number, "N",
       "run it again, up to N times, when its machine goes or falls silent (0)"},
  };
}

std::vector<Option> step_options(const std::string& of) {
  return {
      {"interpreter", 0, Value::text, "LINE",
       fmt::format("what runs {} (/bin/bash -e); else /bin/sh -e", of)},
      {"unstable-exit-status", 0, Value::number, "N",
       "a step that exits with it does not fail: the build goes on and is UNSTABLE"},
  };
}

json::object make_step(const Arguments& arguments, std::string script) {
  json::object step{{"script", std::move(script)}};
  if (arguments.has("interpreter")) step["interpreter"] = arguments.text("interpreter");
  if (const auto status = arguments.number("unstable-exit-status")) step["unstable_exit_status"] = *status;
  return step;
}

Result<Pair> parse_pair(const std::string& text, const std::string& option, const std::string& expected) {
  const auto split = text.find('=');
  if (split == std::string::npos || split == 0) {
    // The text is not repeated: what was meant as a value may be a secret.
    return fail(Errc::invalid_argument, fmt::format("{}: {} was expected", option, expected));
  }
  return Pair{text.substr(0, split), text.substr(split + 1)};
}

Result<json::object> read_spec_options(const Arguments& arguments) {
  json::object spec;
  if (arguments.has("label")) spec["label"] = arguments.text("label");
  json::array env;
  for (const auto& text : arguments.list("env")) {
    FOOTMAN_TRY(const auto pair, parse_pair(text, "--env", "NAME=VALUE"));
    env.push_back(json::object{{"name", pair.name}, {"value", pair.value}});
  }
  for (const auto& text : arguments.list("secret-env")) {
    FOOTMAN_TRY(const auto pair, parse_pair(text, "--secret-env", "NAME=file:/path or NAME=env:VARIABLE"));
    if (!pair.value.starts_with("file:") && !pair.value.starts_with("env:")) {
      return fail(Errc::invalid_argument, fmt::format("--secret-env {}: a reference was expected", pair.name),
                  {}, "Write file:/path or env:VARIABLE: secrets themselves are never given to a command");
    }
    env.push_back(json::object{{"name", pair.name}, {"secret_ref", pair.value}});
  }
  if (!env.empty()) spec["env"] = std::move(env);
  const auto millis = [](Duration duration) { return duration.count() / 1000; };
  if (const auto timeout = arguments.duration("timeout")) spec["timeout_ms"] = millis(*timeout);
  if (const auto grace = arguments.duration("grace")) spec["grace_ms"] = millis(*grace);
  if (const auto retries = arguments.number("retries")) spec["retries"] = *retries;
  return spec;
}

Error name_options(Error error, std::string_view steps) {
  struct Name {
    std::string_view field;  // the end of it, or the beginning
    std::string_view option;
  };
  static constexpr Name kLast[] = {{"label", "--label"},
                                   {"timeout_ms", "--timeout"},
                                   {"grace_ms", "--grace"},
                                   {"retries", "--retries"},
                                   {"secret_ref", "--secret-env"},
                                   {"interpreter", "--interpreter"},
                                   {"unstable_exit_status", "--unstable-exit-status"},
                                   {"quiet_period_ms", "--quiet-period"},
                                   {"max_concurrent", "--max-concurrent"},
                                   {"keep_builds", "--keep-builds"},
                                   {"cause", "--cause"},
                                   {"description", "--description"}};
  static constexpr Name kFirst[] = {{"parameters", "--param"}, {"spec.env", "--env"}};
  const std::string_view field = error.field;
  const auto last = field.substr(field.rfind('.') + 1);
  std::string_view option;
  if (field.starts_with("spec.steps")) option = steps;
  if (field == "spec.steps[0].name" && steps == "COMMAND") option = "--name";
  for (const auto& one : kFirst)
    if (field.starts_with(one.field)) option = one.option;
  for (const auto& one : kLast)
    if (last == one.field && !field.starts_with("parameters")) option = one.option;
  if (!option.empty()) error.field = option;
  return error;
}

std::string script_of(const std::vector<std::string>& words) {
  if (words.size() == 1) return words.front();
  std::string script;
  for (const auto& word : words) script += (script.empty() ? "" : " ") + quote(word);
  return script;
}

void show_steps(Output& out, const json::value& spec) {
  std::size_t index = 0;
  for (const auto& step : list_of(spec, "steps")) {
    const auto name = text_of(step, "name");
    auto title = name.empty() ? fmt::format("Step {}", ++index) : fmt::format("Step {}: {}", ++index, name);
    if (const auto status = number_of(step, "unstable_exit_status"); status && *status != 0)
      title += fmt::format(" (exit status {}: unstable)", *status);
    out.line(styled(out, Style::bold, clean(title)));
    const auto script = text_of(step, "script");
    for (std::size_t at = 0; at < script.size();) {
      const auto end = std::min(script.find('\n', at), script.size());
      out.line("    " + clean(std::string_view(script).substr(at, end - at)));
      at = end + 1;
    }
  }
}

std::vector<Option> operator+(std::vector<Option> left, const std::vector<Option>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace footman::cli
