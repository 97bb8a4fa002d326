#include "cli/parser.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ranges>

#include "base/number.hpp"
#include "model/nearest.hpp"

namespace footman::cli {
namespace {

// More words than a command line can hold.
constexpr int kAnyNumber = 1 << 24;

// CLI11 takes `--name=` for an option whose value is the next word, and "++" for the end of a command. A NUL,
// which no word of a command line holds, hides both from it; plain() takes it away again.
std::string guarded(std::string word) {
  if (word.ends_with('=') || word == "++") word += '\0';
  return word;
}

std::string plain(std::string word) {
  if (word.ends_with('\0')) word.pop_back();
  return word;
}

std::unexpected<Error> wrong(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), {}, std::move(hint));
}

// What is expected instead, or nullptr when the value is fine.
const char* expected_by(Value kind, const std::string& value) {
  switch (kind) {
    case Value::number:
      return base::find_number<std::int64_t>(value).value_or(-1) >= 0 ? nullptr : "a whole number";
    case Value::duration:
      return parse_duration(value) ? nullptr : "a duration such as 30s, 10m or 1h30m";
    case Value::size:
      return parse_bytes(value) ? nullptr : "a size such as 512KiB or 1GiB";
    case Value::file:
    case Value::directory:
      return value.empty() ? "a path" : nullptr;
    case Value::none:
      return value == "true" ? nullptr : "no value";  // what CLI11 gives to a switch without a value
    case Value::text:
      return nullptr;
  }
  return nullptr;
}

// CLI11 puts the option's name and a colon before what this says.
CLI::Validator check_of(Value kind, const std::vector<std::string>& choices) {
  const auto problem = [kind, &choices](std::string& value) -> std::string {
    value = plain(std::move(value));
    if (const char* expected = expected_by(kind, value)) {
      return fmt::format("{} was expected, not \"{}\"", expected, value);
    }
    if (!choices.empty() && std::ranges::find(choices, value) == choices.end()) {
      return fmt::format("one of {} was expected, not \"{}\"", fmt::join(choices, ", "), value);
    }
    return {};
  };
  return {problem, ""};
}

// The options that may stand here: before the command is known, those of all commands.
std::vector<const Option*> options_at(const Command& command) {
  if (command.commands.empty()) return options_of(command);
  std::vector<const Option*> all;
  for (const auto& option : client_options()) all.push_back(&option);
  for (const auto& option : common_options()) all.push_back(&option);
  return all;
}

// Takes the words that a command has no use for. As it never has enough, what follows `--` stays in the
// command.
const Argument& surplus() {
  static const Argument argument = {"surplus", "", Value::text, false, true};
  return argument;
}

void add_option(CLI::App& app, const Option& option) {
  const auto names =
      option.letter == 0 ? "--" + option.name : fmt::format("-{},--{}", option.letter, option.name);
  if (option.name == "help") {  // at once, so that help comes before any complaint about values
    app.add_flag_callback(names, [] { throw CLI::CallForHelp(); })->trigger_on_parse();
    return;
  }
  auto* const added = option.value == Value::none ? app.add_flag(names)
                                                  : app.add_option(names)->type_name(option.placeholder);
  added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->transform(check_of(option.value, option.choices));
}

void add_argument(CLI::App& app, const Argument& argument) {
  app.add_option(argument.name)
      ->required(argument.required)
      ->expected(argument.rest ? kAnyNumber : 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->transform(check_of(argument.value, argument.choices));
}

// A command is filled when the line comes to it.
void build(CLI::App& app, const Command& command) {
  for (const auto* option : options_at(command)) add_option(app, *option);
  for (const auto& argument : command.arguments) add_argument(app, argument);
  if (command.commands.empty()) {
    const bool takes_rest = !command.arguments.empty() && command.arguments.back().rest;
    if (takes_rest) {
      app.positionals_at_end();
    } else {
      add_argument(app, surplus());
    }
    return;
  }
  app.require_subcommand(1);
  for (const auto& one : command.commands) {
    auto* const chosen = app.add_subcommand(one.name);
    chosen->preparse_callback([chosen, &one](std::size_t) { build(*chosen, one); });
  }
}

// A command on the way that the line takes, and CLI11's view of it.
struct Place {
  const CLI::App* app;
  std::vector<const Command*> path;

  const Command& command() const { return *path.back(); }
  bool is_group() const { return !command().commands.empty(); }
  std::string name() const { return name_of(path); }
  std::string hint() const { return fmt::format("See {} --help", name()); }
};

std::vector<Place> places_of(const CLI::App& app, const Command& root) {
  std::vector<Place> places = {{&app, {&root}}};
  while (true) {
    const auto chosen = places.back().app->get_subcommands();
    if (chosen.empty()) return places;
    auto path = places.back().path;
    path.push_back(find_command(*path.back(), chosen.front()->get_name()));
    places.push_back({chosen.front(), std::move(path)});
  }
}

std::vector<std::string> names_of_commands(const Command& group) {
  std::vector<std::string> names;
  names.reserve(group.commands.size());
  for (const auto& one : group.commands) names.push_back(one.name);
  return names;
}

std::unexpected<Error> unknown_option(const Place& place, const std::string& word) {
  const auto written = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
  const auto options = options_at(place.command());
  std::vector<std::string> names;
  names.reserve(options.size());
  for (const auto* option : options) names.push_back("--" + option->name);
  const auto near = model::find_nearest(written, names);
  return wrong(fmt::format("{} has no option {}", place.name(), written),
               near ? fmt::format("Did you mean {}?", *near) : place.hint());
}

std::unexpected<Error> unknown_command(const Place& group, const std::string& word) {
  const auto near = model::find_nearest(word, names_of_commands(group.command()));
  return wrong(fmt::format("{} has no command \"{}\"", group.name(), word),
               near ? fmt::format("Did you mean \"{}\"?", *near) : group.hint());
}

// CLI11 goes on after a word that it does not know, and keeps it.
Status check_known(const Place& place) {
  for (const auto& kept : place.app->remaining()) {
    const auto word = plain(kept);
    const bool is_mark = word == "--";
    if (is_mark && !place.is_group()) continue;  // it may end the options of a command
    const bool is_option = word.size() > 1 && word.starts_with('-') && !is_mark;
    if (is_option) return unknown_option(place, word);
    return unknown_command(place, word);
  }
  const auto* const extra = place.app->get_option_no_throw(surplus().name);
  if (extra == nullptr || extra->empty()) return {};
  return wrong(
      fmt::format("{} does not know what to do with \"{}\"", place.name(), plain(extra->results().front())),
      place.hint());
}

// What the command still needs; `otherwise` when that cannot be told.
Status word_missing(const Place& place, const char* otherwise) {
  if (place.is_group()) {
    const auto names = names_of_commands(place.command());
    return wrong(fmt::format("{} needs a command: {}", place.name(), fmt::join(names, ", ")), place.hint());
  }
  for (const auto& argument : place.command().arguments) {
    if (!argument.required || !place.app->get_option(argument.name)->empty()) continue;
    return wrong(fmt::format("{} needs {}: {}", place.name(), argument.name, argument.help), place.hint());
  }
  return wrong(otherwise, place.hint());
}

// A value can be missing only where the line ends.
Status value_missing(const Place& place, const std::string& last, const char* otherwise) {
  const auto written = last.starts_with("--") ? last : fmt::format("-{}", last.back());
  const auto* const option = place.app->get_option_no_throw(written);
  if (option == nullptr) return wrong(otherwise, place.hint());
  return wrong(fmt::format("{} needs a value: {} {}", written, written, option->get_type_name()),
               place.hint());
}

Status store(ParsedLine& line, const Option& option, const std::vector<std::string>& values) {
  if (values.empty()) return {};
  const auto complaint = [&](std::string message) {
    return wrong(std::move(message), fmt::format("See {} --help", name_of(line.path)));
  };
  const auto takes = options_of(line.command());
  if (std::ranges::find(takes, option.name, &Option::name) == takes.end()) {
    return complaint(fmt::format("{} has no option --{}", name_of(line.path), option.name));
  }
  for (const auto& value : values) {
    if (!option.repeatable && option.value != Value::none && line.arguments.has(option.name)) {
      return complaint(fmt::format("--{} was given twice", option.name));
    }
    line.arguments.add(option.name, value);
  }
  return {};
}

Result<ParsedLine> collect(const std::vector<Place>& places) {
  const auto& last = places.back();
  ParsedLine line{last.path, {}};
  for (const auto* option : options_of(last.command())) line.arguments.declare(option->name);
  for (const auto& argument : last.command().arguments) line.arguments.declare(argument.name);
  for (const auto& place : places) {
    for (const auto* option : options_at(place.command())) {
      FOOTMAN_TRY_STATUS(store(line, *option, place.app->get_option("--" + option->name)->results()));
    }
  }
  for (const auto& argument : last.command().arguments) {
    for (const auto& word : last.app->get_option(argument.name)->results())
      line.arguments.add(argument.name, word);
  }
  return line;
}

}  // namespace

std::string name_of(const std::vector<const Command*>& path) {
  std::string name;
  for (const auto* command : path) name += (name.empty() ? "" : " ") + command->name;
  return name;
}

Result<ParsedLine> parse_command_line(const Command& root, const std::vector<std::string>& words) {
  CLI::App app("", root.name);
  app.set_help_flag();  // CLI11's own goes: ours is in the table
  build(app, root);
  std::vector<std::string> backwards;  // as CLI11 wants it
  backwards.reserve(words.size());
  for (const auto& word : words | std::views::reverse) backwards.push_back(guarded(word));

  Status parsed;
  const auto reached = [&] { return places_of(app, root).back(); };
  try {
    app.parse(std::move(backwards));
  } catch (const CLI::CallForHelp&) {
    return ParsedLine{reached().path, {}, true};
  } catch (const CLI::ArgumentMismatch& error) {
    parsed = value_missing(reached(), words.back(), error.what());
  } catch (const CLI::RequiredError& error) {
    parsed = word_missing(reached(), error.what());
  } catch (const CLI::ParseError& error) {
    parsed = wrong(error.what());  // the sentence of check_of
  }
  const auto places = places_of(app, root);
  // An unknown word is often why the rest looks wrong, so it is told first.
  for (const auto& place : places) FOOTMAN_TRY_STATUS(check_known(place));
  FOOTMAN_TRY_STATUS(parsed);
  return collect(places);
}

}  // namespace footman::cli
