#include "cli/parser.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "model/nearest.hpp"

namespace footman::cli {
namespace {

std::unexpected<Error> wrong(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), {}, std::move(hint));
}

// What is expected instead, or nullptr when the value is fine.
const char* problem_of(Value kind, const std::string& value) {
  std::int64_t number = 0;
  switch (kind) {
    case Value::number: {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      const bool good = error == std::errc() && end == value.data() + value.size() && number >= 0;
      return good ? nullptr : "a whole number";
    }
    case Value::duration:
      return parse_duration(value) ? nullptr : "a duration such as 30s, 10m or 1h30m";
    case Value::size:
      return parse_bytes(value) ? nullptr : "a size such as 512KiB or 1GiB";
    case Value::file:
    case Value::directory:
      return value.empty() ? "a path" : nullptr;
    case Value::none:
    case Value::text:
      return nullptr;
  }
  return nullptr;
}

Status check_value(const std::string& what, Value kind, const std::vector<std::string>& choices,
                   const std::string& value) {
  if (const char* expected = problem_of(kind, value)) {
    return wrong(fmt::format("{}: {} was expected, not \"{}\"", what, expected, value));
  }
  if (!choices.empty() && std::ranges::find(choices, value) == choices.end()) {
    return wrong(
        fmt::format("{}: one of {} was expected, not \"{}\"", what, fmt::join(choices, ", "), value));
  }
  return {};
}

class Parser {
 public:
  Parser(const Command& root, const std::vector<std::string>& words) : words_(words) {
    line_.path.push_back(&root);
  }

  Result<ParsedLine> parse() {
    while (at_ < words_.size() && !done_) FOOTMAN_TRY_STATUS(take());
    if (line_.help) return std::move(line_);
    FOOTMAN_TRY_STATUS(check_complete());
    return std::move(line_);
  }

 private:
  const Command& command() const { return *line_.path.back(); }
  std::string name() const { return name_of(line_.path); }
  std::string help_hint() const { return fmt::format("See {} --help", name()); }

  Status take() {
    const auto& word = words_[at_];
    if (!only_arguments_ && word == "--") {
      only_arguments_ = true;
      ++at_;
      return {};
    }
    if (!only_arguments_ && word.size() > 1 && word.starts_with("-")) return take_option();
    if (!command().commands.empty()) return take_command();
    return take_argument();
  }

  Status take_command() {
    const auto& word = words_[at_++];
    const auto* next = find_command(command(), word);
    if (next == nullptr) {
      std::vector<std::string> names;
      names.reserve(command().commands.size());
      for (const auto& one : command().commands) names.push_back(one.name);
      const auto near = model::find_nearest(word, names);
      return wrong(fmt::format("{} has no command \"{}\"", name(), word),
                   near ? fmt::format("Did you mean \"{}\"?", *near) : help_hint());
    }
    line_.path.push_back(next);
    if (!next->commands.empty()) return {};
    for (const auto* option : options_of(*next)) line_.arguments.declare(option->name);
    for (const auto& argument : next->arguments) line_.arguments.declare(argument.name);
    for (auto& [option, value] : early_) FOOTMAN_TRY_STATUS(store(option, std::move(value)));
    early_.clear();
    return {};
  }

  // Before the command is known, only the options of all commands can stand.
  std::vector<const Option*> known() const {
    if (command().commands.empty()) return options_of(command());
    std::vector<const Option*> all;
    for (const auto& option : client_options()) all.push_back(&option);
    for (const auto& option : common_options()) all.push_back(&option);
    return all;
  }

  Status take_option() {
    const auto word = words_[at_++];
    const bool is_long = word.starts_with("--");
    const auto split = is_long ? word.find('=') : std::string::npos;
    const auto written = is_long ? word.substr(0, split) : word.substr(0, 2);
    const auto options = known();
    const auto found = std::ranges::find_if(options, [&](const Option* one) {
      return is_long ? written == "--" + one->name : one->letter == word[1];
    });
    if (found == options.end()) return unknown_option(written, options);
    const Option& option = **found;
    if (option.name == "help") {
      line_.help = done_ = true;
      return {};
    }
    std::optional<std::string> value;
    if (is_long && split != std::string::npos) value = word.substr(split + 1);
    if (!is_long && word.size() > 2) value = word.substr(2);
    if (option.value == Value::none) {
      if (value) return wrong(fmt::format("{} takes no value", written), help_hint());
      return store(&option, "true");
    }
    if (!value) {
      if (at_ == words_.size()) {
        return wrong(fmt::format("{} needs a value: {} {}", written, written, option.placeholder),
                     help_hint());
      }
      value = words_[at_++];
    }
    FOOTMAN_TRY_STATUS(check_value(written, option.value, option.choices, *value));
    return store(&option, std::move(*value));
  }

  Status unknown_option(const std::string& written, const std::vector<const Option*>& options) const {
    std::vector<std::string> names;
    names.reserve(options.size());
    for (const auto* one : options) names.push_back("--" + one->name);
    const auto near = model::find_nearest(written, names);
    return wrong(fmt::format("{} has no option {}", name(), written),
                 near ? fmt::format("Did you mean {}?", *near) : help_hint());
  }

  Status store(const Option* option, std::string value) {
    if (!command().commands.empty()) {
      early_.emplace_back(option, std::move(value));
      return {};
    }
    const auto mine = options_of(command());
    const bool takes =
        std::ranges::any_of(mine, [&](const Option* one) { return one->name == option->name; });
    if (!takes) return wrong(fmt::format("{} has no option --{}", name(), option->name), help_hint());
    if (!option->repeatable && option->value != Value::none && line_.arguments.has(option->name)) {
      return wrong(fmt::format("--{} was given twice", option->name), help_hint());
    }
    line_.arguments.add(option->name, std::move(value));
    return {};
  }

  Status take_argument() {
    const auto& word = words_[at_];
    if (next_argument_ == command().arguments.size()) {
      return wrong(fmt::format("{} does not know what to do with \"{}\"", name(), word), help_hint());
    }
    const auto& argument = command().arguments[next_argument_];
    FOOTMAN_TRY_STATUS(check_value(argument.name, argument.value, argument.choices, word));
    line_.arguments.add(argument.name, word);
    ++at_;
    if (!argument.rest) {
      ++next_argument_;
      return {};
    }
    only_arguments_ = true;
    return {};
  }

  Status check_complete() const {
    if (!command().commands.empty()) {
      std::vector<std::string_view> names;
      names.reserve(command().commands.size());
      for (const auto& one : command().commands) names.push_back(one.name);
      return wrong(fmt::format("{} needs a command: {}", name(), fmt::join(names, ", ")), help_hint());
    }
    for (const auto& argument : command().arguments) {
      if (argument.required && !line_.arguments.has(argument.name)) {
        return wrong(fmt::format("{} needs {}: {}", name(), argument.name, argument.help), help_hint());
      }
    }
    return {};
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  bool only_arguments_ = false;
  bool done_ = false;
  std::size_t next_argument_ = 0;
  std::vector<std::pair<const Option*, std::string>> early_;
  ParsedLine line_;
};

}  // namespace

std::string name_of(const std::vector<const Command*>& path) {
  std::string name;
  for (const auto* command : path) name += (name.empty() ? "" : " ") + command->name;
  return name;
}

Result<ParsedLine> parse_command_line(const Command& root, const std::vector<std::string>& words) {
  return Parser(root, words).parse();
}

}  // namespace footman::cli
