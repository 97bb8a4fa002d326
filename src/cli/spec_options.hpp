// What is run, from the command line: label, environment, limits, steps.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"

namespace footman::cli {

// --label, --env, --secret-env, --timeout, --grace.
std::vector<Option> spec_options();
// --interpreter and --unstable-exit-status, and a step with them; `of` says in the help what runs.
std::vector<Option> step_options(const std::string& of);
json::object make_step(const Arguments& arguments, std::string script);
// A BuildSpec without steps.
Result<json::object> read_spec_options(const Arguments& arguments);

// An error of the server about what these options (and those of `run`, `build start` and `job create`)
// became: its field is the option, as it was written. `steps`: what the script was given by.
Error name_options(Error error, std::string_view steps);
template <class T>
Result<T> name_options(Result<T> result, std::string_view steps) {
  if (result) return result;
  return std::unexpected(name_options(std::move(result).error(), steps));
}

struct Pair {
  std::string name;
  std::string value;
};
// "K=V"; the error names the option.
Result<Pair> parse_pair(const std::string& text, const std::string& option, const std::string& expected);

// One word is a shell script as it stands; several are a command with its arguments, quoted so that they
// arrive unchanged.
std::string script_of(const std::vector<std::string>& words);

// The steps of a BuildSpec with their scripts, for people.
void show_steps(Output& out, const json::value& spec);

std::vector<Option> operator+(std::vector<Option> left, const std::vector<Option>& right);

}  // namespace footman::cli
